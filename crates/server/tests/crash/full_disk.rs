//! A disk that is full for a while.
//!
//! What stands in for it is a limit on the size of every file of the running server, which is far below what its
//! database needs: each write past it fails, as on a full disk, and nothing else of the machine is touched.

use crate::{VARIABLES, Witness, dice, load::Load};
use reqwest::{Method, StatusCode};
use std::{path::Path, sync::Arc, time::Duration};
use testkit::program::Program;

/// Below the size that the write-ahead log has had since the schema was made.
const FULL_BYTES: u64 = 50_000;
const POLL: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_loses_nothing() {
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let node = Program::start(binary, &VARIABLES).await.expect("the server starts");
    let witness = Witness::start(&node, 50, &mut dice()).await;
    let load = Load::start(&[&node], Arc::clone(&witness.ledger));
    accepted(&witness, 20).await;

    node.limit_files(Some(FULL_BYTES)).expect("a limit");
    let refusal = refusal(&node, &witness.subscriptions[0]).await;
    assert_eq!(refusal["error"]["code"], "UNAVAILABLE", "{refusal}");
    assert_eq!(refusal["error"]["retryable"], true, "{refusal}");
    // What only reads goes on, and so does the process.
    node.get("/document-insights/jobs?size=1").await.expect("lists are there");
    assert!(node.is_alive().await);

    node.limit_files(None).expect("no limit");
    let so_far = witness.ledger.accepted();
    accepted(&witness, so_far + 20).await;
    load.stop().await;
    witness.conclude(&node, "a full disk").await;
}

/// Waits until so many jobs were accepted.
async fn accepted(witness: &Witness, count: usize) {
    while witness.ledger.accepted() < count {
        tokio::time::sleep(POLL).await;
    }
}

/// What a change is answered with, once it is refused.
async fn refusal(node: &Program, subscription: &str) -> serde_json::Value {
    loop {
        let body = serde_json::json!({"description": "is there room?"});
        let request =
            node.request(Method::PATCH, &format!("/event-subscriptions/{subscription}")).json(&body);
        let answer = request.send().await.expect("an answer");
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            return answer.json().await.expect("a body");
        }
        assert!(answer.status().is_success(), "{answer:?}");
        tokio::time::sleep(POLL).await;
    }
}
