//! Two nodes on one PostgreSQL: one is killed, one stands still until long after its lease has run out and then goes on
//! as if nothing had happened, the database crashes and comes back.

use crate::{Dice, VARIABLES, Witness, dice, kills_wanted, load::Load};
use std::{path::Path, sync::Arc, time::Duration};
use testkit::{
    postgres::{Durability, Server},
    program::Program,
};

/// Longer than the lease of [`VARIABLES`], whichever of its renewals was the last.
const FROZEN_FOR: Duration = Duration::from_millis(4200);
/// Of undisturbed work between two faults, at most.
const CALM_MAX_MS: u64 = 700;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_between_two_nodes_and_a_database_that_crashes() {
    let mut dice = dice();
    // Each fault once in the short form.
    let faults = (kills_wanted() / 4).max(3);
    let mut postgres = Server::start(Durability::On);
    let url = format!("{}/postgres", postgres.url());
    let mut variables = VARIABLES.to_vec();
    variables.push(("PLEXTERA_DATABASE_URL", &url));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let first = Program::start(binary, &variables).await.expect("the server starts");
    let mut second = Program::beside(&first, &variables).expect("a second node");
    second.launch().expect("it starts");
    second.ready().await.expect("it answers");
    let witness = Witness::start(&first, faults * 100, &mut dice).await;
    let load = Load::start(&[&first, &second], Arc::clone(&witness.ledger));
    let mut nodes = [first, second];
    for fault in 0..faults {
        calm(&mut dice).await;
        let victim = usize::try_from(dice.below(2)).unwrap_or(0);
        match fault % 3 {
            0 => freeze(&nodes[victim]).await,
            1 => postgres.restart(),
            _ => {
                nodes[victim].kill().expect("it is killed");
                calm(&mut dice).await;
                nodes[victim].launch().expect("it starts again");
            }
        }
        if fault % 50 == 49 {
            eprintln!("{} faults, {} jobs accepted", fault + 1, witness.ledger.accepted());
        }
    }
    for node in &mut nodes {
        node.ready().await.expect("it answers");
    }
    load.stop().await;
    witness.conclude(&nodes[0], &format!("{faults} faults of two nodes and their PostgreSQL")).await;
}

/// Its leases run out meanwhile and the other node takes them; what it does when it wakes must change nothing.
pub async fn freeze(node: &Program) {
    node.freeze().expect("it stands still");
    tokio::time::sleep(FROZEN_FOR).await;
    node.thaw().expect("it goes on");
}

pub async fn calm(dice: &mut Dice) {
    tokio::time::sleep(Duration::from_millis(dice.below(CALM_MAX_MS))).await;
}
