//! `plextera serve` and `plextera demo`: the first start, the second owner, the end.

use crate::{plextera, run};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

/// A server on a free port: the process, its address, and what it said until it listened.
fn serve(directory: &Path) -> (Child, String, String) {
    let mut command = plextera(directory);
    command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let begin = said.len();
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        if let Some((_, rest)) = said[begin..].split_once("listening address=") {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
    };
    // It goes on logging: nobody may close the pipe under it.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    (child, address, said)
}

/// Asks it to stop, as an init system does.
fn terminate(child: &mut Child) -> Option<i32> {
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    child.wait().unwrap().code()
}

#[test]
fn the_first_start_shows_a_key_once_and_the_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, address, said) = serve(directory.path());
    let key = said.split_whitespace().find(|word| word.starts_with("sk_live_")).expect("a key").to_owned();

    let second = run(plextera(directory.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains(&format!("in use by process {}", child.id())), "{}", second.stderr);
    let same = run(plextera(directory.path()).args(["serve", "--data-dir", "other", "--listen", &address]));
    assert_eq!(same.code, 1);
    assert!(same.stderr.contains("--listen"), "{}", same.stderr);

    let url = format!("http://{address}");
    let through = ["--api-url", url.as_str(), "--api-key", key.as_str()];
    let made = run(plextera(directory.path()).args(["keys", "create", "--name", "importer"]).args(through));
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.starts_with("sk_live_") && made.stdout.trim_end().len() == 51, "{}", made.stdout);
    let locked = run(plextera(directory.path()).args(["keys", "list"]));
    assert!(locked.stderr.contains("--api-url"), "{}", locked.stderr);

    assert_eq!(terminate(&mut child), Some(0));
    let listed = run(plextera(directory.path()).args(["keys", "list"]));
    assert!(listed.stdout.contains("importer") && !listed.stdout.contains("sk_live_"), "{}", listed.stdout);

    let (mut child, _, said) = serve(directory.path());
    assert!(!said.contains("sk_live_"), "{said}");
    assert_eq!(terminate(&mut child), Some(0));
}

#[test]
fn the_demo_ends_with_a_verified_webhook() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(plextera(directory.path()).arg("demo"));
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    for part in ["NL-2026-0417", "2654.53 EUR", "x-plextera-sequence: 1", "Where to go next"] {
        assert!(ended.stdout.contains(part), "{part} is not in\n{}", ended.stdout);
    }
    assert_eq!(ended.stdout.matches("signature verified").count(), 2, "{}", ended.stdout);
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none(), "nothing is kept");
}

#[test]
fn a_document_is_read_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample-invoice.pdf");
    let ended = run(plextera(directory.path()).args(["extract", "--json", "--hub", "invoices", sample]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let output: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let total = output["fields"].as_array().unwrap().iter().find(|field| field["id"] == "total").unwrap();
    assert_eq!(total["value"], serde_json::json!({"amount": "2654.53", "currency": "EUR"}));
    std::fs::write(directory.path().join("notes.pdf"), "no PDF").unwrap();
    let ended = run(plextera(directory.path()).args(["extract", "notes.pdf"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
}

#[test]
fn doctor_finds_an_address_that_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(plextera(directory.path()).args(["doctor", "--listen", &address]));
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("broken   address"), "{}", ended.stdout);
    drop(taken);
    let ended = run(plextera(directory.path()).args(["doctor", "--listen", &address]));
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}
