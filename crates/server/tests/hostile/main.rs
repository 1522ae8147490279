//! Documents made to do harm, submitted to the real binary.
//!
//! Each ends in a terminal state with one of the codes that are right for it; the server answers all the while and its
//! own memory stays below the promised bound, whatever its readers go through. The mutated files have no right end: of
//! them it is asked that they end.

mod expressions;

use std::{path::Path, time::Duration};
use testkit::{hostile, program::Program};

/// The longest a job may take here, those before it included.
const JOB_TIME_MAX: Duration = Duration::from_secs(180);
const SERVER_MEMORY_BYTES_MAX: u64 = 1_000_000_000;
/// Enough to reach each parser; longer runs are the fuzzers'.
const MUTATED: usize = 40;

#[tokio::test]
async fn hostile_documents_end_within_their_limits() {
    let mut documents = hostile::set();
    documents.extend(hostile::mutated(&hostile::invoice(), MUTATED, 2031));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let server = Program::start(binary, &[]).await.expect("the server starts");
    let mut submitted = Vec::new();
    for document in &documents {
        let id = server.submit(document.file_name, document.bytes.clone()).await.expect("it is accepted");
        submitted.push((id, document));
    }
    let mut wrong = Vec::new();
    for (id, document) in submitted {
        let job = server.ended(&id, JOB_TIME_MAX).await.expect("the server answers");
        let job = job.unwrap_or_else(|| panic!("{} does not end", document.name));
        let end = job["error"]["code"].as_str().or(job["status"].as_str()).expect("a status is a text");
        if !document.ends.is_empty() && !document.ends.contains(&end) {
            wrong.push(format!("{}: {end} instead of {:?}", document.name, document.ends));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(server.is_alive().await);
    let memory = server.peak_memory().expect("proc is there");
    assert!(memory < SERVER_MEMORY_BYTES_MAX, "{memory} bytes");
}
