//! What the real program loses when everything around it breaks: nothing.
//!
//! Clients submit documents and repeat whatever was not answered; two endpoints receive and sometimes refuse. Meanwhile
//! the server is killed with SIGKILL at random moments, also while it starts ([`kills`]); one of two nodes is killed or
//! stopped past its lease, or their PostgreSQL crashes and comes back ([`two_nodes`]); the disk is full for a while
//! ([`full_disk`]). Workflow runs go through the same ([`workflows`]), and one run is cut off at each
//! of its commits ([`commits`]). Answers of PostgreSQL to commits are lost ([`acknowledgements`]). In the end the [`ledger`]
//! must add up.
//!
//! `make crash` and `make crash-deliveries` are the long forms. `PLEXTERA_CRASH_KILLS` and `PLEXTERA_CRASH_SEED` set how
//! often and which moments.
#![allow(clippy::print_stderr)]

mod acknowledgements;
mod commits;
mod full_disk;
mod kills;
mod ledger;
mod load;
mod two_nodes;
mod workflows;

use ledger::Ledger;
use std::{sync::Arc, time::Duration};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
};

/// What every server here runs with. The lease is short, so that taking over does not make the tests long.
const VARIABLES: [(&str, &str); 4] = [
    ("PLEXTERA_WORKERS", "2"),
    ("PLEXTERA_LEASE", "3s"),
    ("PLEXTERA_DELIVERY__TIMEOUT", "1s"),
    ("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "100ms,200ms,500ms,1s,1s,1s,2s,2s,2s,2s"),
];
/// After the last fault: leases run out, everything is tried once more.
const DRAIN_MAX: Duration = Duration::from_secs(300);

/// The endpoints that are told, and the ledger of what they should be told.
struct Witness {
    receiver: Arc<Receiver>,
    ledger: Arc<Ledger>,
    /// Their ids, in the order of the ledger's paths.
    subscriptions: Vec<String>,
}

impl Witness {
    /// Two subscriptions to all that happens at a node; `refusals`: how many requests may be met badly.
    async fn start(node: &Program, refusals: u64, dice: &mut Dice) -> Self {
        let receiver = Arc::new(Receiver::start().await.expect("a receiver"));
        receiver.script((0..refusals).map(|_| moody(dice)));
        let paths = vec!["/one", "/two"];
        let mut subscriptions = Vec::new();
        for path in &paths {
            let id = node.subscribe(&receiver.url(path), ledger::SECRET).await.expect("it subscribes");
            subscriptions.push(id);
        }
        let ledger = Arc::new(Ledger::new(Arc::clone(&receiver), paths));
        Self { receiver, ledger, subscriptions }
    }

    /// Waits until both endpoints were told of everything, and compares what everybody says.
    async fn conclude(&self, node: &Program, what: &str) {
        let drained = tokio::time::timeout(DRAIN_MAX, self.ledger.drain()).await;
        if drained.is_err() {
            let (open, missing) = (self.ledger.open(), self.ledger.missing());
            panic!("{open} jobs not told within {DRAIN_MAX:?}, such as {missing:?}\n{}", node.log());
        }
        self.ledger.audit(node, &self.subscriptions).await;
        eprintln!(
            "{what}: {} jobs, {} requests to the endpoints for {} events, nothing lost, nothing told as two",
            self.ledger.accepted(),
            self.receiver.received().len(),
            self.ledger.accepted() * self.subscriptions.len(),
        );
    }
}

/// How an endpoint meets a request: mostly well.
fn moody(dice: &mut Dice) -> Behavior {
    match dice.below(20) {
        0 => Behavior::status(503),
        1 => Behavior::Reset,
        2 => Behavior::status(200).after(Duration::from_millis(300)),
        _ => Behavior::status(204),
    }
}

/// How many kills are asked for.
fn kills_wanted() -> u64 {
    variable("PLEXTERA_CRASH_KILLS", 2)
}

fn dice() -> Dice {
    Dice(variable("PLEXTERA_CRASH_SEED", 1))
}

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

/// Numbers that repeat with their seed (SplitMix64; Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
