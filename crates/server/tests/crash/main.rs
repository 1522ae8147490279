//! kill -9 of the real program at random moments under load, on both engines.
//!
//! Clients submit documents and repeat whatever was not answered; an endpoint receives and sometimes refuses; the server
//! is killed again and again, also while it starts. In the end the ledger of what was accepted and what was received
//! must add up: each accepted job in exactly one terminal state, with exactly one event; nothing lost, nothing made up;
//! repeats only with the same event id and the same bytes.
//!
//! `make crash` is the long form. `PLEXTERA_CRASH_KILLS` and `PLEXTERA_CRASH_SEED` set how often and which moments.
#![allow(clippy::print_stderr)]

mod ledger;
mod load;

use ledger::Ledger;
use load::Load;
use std::{path::Path, sync::Arc, time::Duration};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
};

/// After the last kill: a lease of the killed process has to run out on PostgreSQL, and then everything once more.
const DRAIN_MAX: Duration = Duration::from_secs(300);
/// The longest life of a server, unless it is killed sooner.
const LIFE_MAX_MS: u64 = 900;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_told_twice_on_sqlite() {
    trial(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_told_twice_on_postgres() {
    trial(Some(testkit::postgres::empty_database().await)).await;
}

async fn trial(database_url: Option<String>) {
    let kills = variable("PLEXTERA_CRASH_KILLS", 2);
    let mut dice = Dice(variable("PLEXTERA_CRASH_SEED", 1));
    let receiver = Receiver::start().await.expect("a receiver");
    receiver.script((0..kills * 50).map(|_| moody(&mut dice)));
    let mut variables = vec![
        ("PLEXTERA_WORKERS", "2"),
        ("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "100ms,200ms,500ms,1s,1s,1s,2s,2s,2s,2s"),
    ];
    variables.extend(database_url.as_deref().map(|url| ("PLEXTERA_DATABASE_URL", url)));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let mut node = Program::start(binary, &variables).await.expect("the server starts");
    let ledger = Arc::new(Ledger::default());
    node.subscribe(&receiver.url("/hook"), ledger::SECRET).await.expect("it subscribes");

    let load = Load::start(&node, Arc::clone(&ledger));
    for kill in 0..kills {
        // Some die while they start, most under load.
        if !dice.below(6).eq(&0) {
            node.ready().await.expect("it answers");
        }
        tokio::time::sleep(Duration::from_millis(dice.below(LIFE_MAX_MS))).await;
        node.kill().expect("it is killed");
        node.launch().expect("it starts again");
        if kill % 50 == 49 {
            eprintln!("{} kills, {} jobs accepted", kill + 1, ledger.accepted());
        }
    }
    node.ready().await.expect("it answers");
    load.stop().await;

    let drained = tokio::time::timeout(DRAIN_MAX, ledger.drain(&receiver)).await;
    if drained.is_err() {
        panic!("not told within {DRAIN_MAX:?}: {:?}\n{}", ledger.missing(&receiver), node.log());
    }
    ledger.audit(&receiver, &node).await;
    eprintln!(
        "{kills} kills, {} jobs, {} requests to the endpoint",
        ledger.accepted(),
        receiver.received().len()
    );
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
