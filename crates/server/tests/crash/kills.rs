//! kill -9 of one server at random moments, on both engines.

use crate::{Dice, VARIABLES, Witness, dice, kills_wanted, load::Load};
use std::{path::Path, sync::Arc, time::Duration};
use testkit::program::Program;

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
    let (kills, mut dice) = (kills_wanted(), dice());
    let mut variables = VARIABLES.to_vec();
    variables.extend(database_url.as_deref().map(|url| ("PLEXTERA_DATABASE_URL", url)));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let mut node = Program::start(binary, &variables).await.expect("the server starts");
    let witness = Witness::start(&node, kills * 100, &mut dice).await;
    let load = Load::start(&[&node], Arc::clone(&witness.ledger));
    for kill in 0..kills {
        kill_once(&mut node, &mut dice).await;
        if kill % 50 == 49 {
            eprintln!("{} kills, {} jobs accepted", kill + 1, witness.ledger.accepted());
        }
    }
    node.ready().await.expect("it answers");
    load.stop().await;
    let engine = if database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    witness.conclude(&node, &format!("{kills} kills on {engine}")).await;
}

async fn kill_once(node: &mut Program, dice: &mut Dice) {
    // Some die while they start, most under load.
    if !dice.below(6).eq(&0) {
        node.ready().await.expect("it answers");
    }
    tokio::time::sleep(Duration::from_millis(dice.below(LIFE_MAX_MS))).await;
    node.kill().expect("it is killed");
    node.launch().expect("it starts again");
}
