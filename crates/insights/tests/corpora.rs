//! What the fuzzers start from, and what they found, as ordinary tests.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

#[path = "../../../fuzz/documents/checks.rs"]
mod targets;

/// Runs a target over its corpus.
fn run(corpus: &str, target: fn(&[u8])) {
    let folder = format!("{}/../../fuzz/documents/corpus/{corpus}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        target(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 3, "{corpus}");
}

#[test]
fn readers() {
    run("readers", targets::readers);
}

#[test]
fn candidates() {
    run("candidates", targets::candidates);
}

#[test]
fn tables() {
    run("tables", targets::tables);
}
