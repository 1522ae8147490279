//! This test program as the child that reads documents or evaluates expressions.
//!
//! The engine starts `program worker` or `program worker expressions`. Here that is a script which runs one test of this very program, with the pipe to
//! the engine moved to descriptor 3, because the test harness writes to standard output.

use domain::{extraction::ExtractionOutput, hub::Hub};
use insights::{
    learn::{Model, Sheet},
    page::Page,
    worker::Work,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, path::PathBuf};

const MARK: &str = "PLEXTERA_TEST_WORKER";

/// Writes the script into `folder`; its path.
pub fn program(folder: &Path) -> PathBuf {
    let path = folder.join("program");
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n{MARK}=\"${{2:-documents}}\" exec '{}' worker::child --exact --test-threads=1 3>&1 >/dev/null\n",
        own.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Not a test: what the script runs. Does nothing in an ordinary run.
#[test]
fn child() {
    let Some(asked) = std::env::var_os(MARK) else { return };
    let parent = fs::OpenOptions::new().write(true).open("/proc/self/fd/3").unwrap();
    if asked == "expressions" {
        engine::expressions::worker::run(std::io::stdin(), parent).unwrap();
    } else {
        let work = Work { choose_hub: |_, _, _| None, extract };
        insights::worker::run(std::io::stdin(), parent, work).unwrap();
    }
}

/// Extraction, but for documents that ask for trouble.
fn extract(pages: &[Page], hub: &Hub, model: Option<&Model>) -> (ExtractionOutput, Sheet) {
    let says = |word: &str| pages.iter().flat_map(|page| &page.words).any(|given| given.text == word);
    if says("ABORT") {
        std::process::abort();
    }
    if says("PANIC") {
        panic!("as asked");
    }
    insights::extract::extract_learned(pages, hub, model)
}
