//! A crash before and after every commit of a run.
//!
//! A power cut between two commits leaves the database as the first of them made it. SQLite's log has these states one
//! after another, so each is taken out of it, as if the server had died there: a new server starts on it, has to bring
//! the run to the same end, tell of it once, and repeat no step whose end was committed.

use crate::VARIABLES;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
};

const POLL: Duration = Duration::from_millis(25);
const END_TIME_MAX: Duration = Duration::from_secs(60);
const DATABASE: &str = "plextera.db";
const LOG: &str = "plextera.db-wal";
/// <https://sqlite.org/fileformat2.html#the_write_ahead_log>
const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_comes_to_the_same_end_whichever_commit_was_the_last() {
    let effects = Receiver::start().await.expect("a receiver");
    effects.always(Behavior::status(200));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let mut first = Program::start(binary, &VARIABLES).await.expect("the server starts");
    define(&first, &effects).await;
    let database = read(&first, DATABASE);
    let from = read(&first, LOG).len();
    let request = first.client().post(format!("{}/api/public/v1/workflows/whole/runs", first.url()));
    let run: Value =
        request.json(&json!({"n": 1})).send().await.expect("it answers").json().await.expect("JSON");
    let id = run["id"].as_str().expect("an id").to_owned();
    let right = end(&first, &id).await;
    assert_eq!(right["status"], "COMPLETED", "{right}");
    first.kill().expect("it is killed");
    assert_eq!(read(&first, DATABASE), database, "all commits are still in the log");
    let log = read(&first, LOG);
    let mut left = called(&effects, 0);
    assert_eq!(left.len(), 5);
    let commits: Vec<usize> = commits(&log).into_iter().filter(|end| *end > from).collect();
    assert!(commits.len() >= 8, "{} commits", commits.len());
    for (number, commit) in commits.iter().enumerate() {
        let made = effects.received().len();
        let mut node = Program::new(binary, &VARIABLES).expect("a directory");
        copy(&first.data_dir(), &node.data_dir());
        fs::write(node.data_dir().join(LOG), &log[..*commit]).expect("its log");
        node.launch().expect("it starts");
        node.ready().await.expect("it answers");
        let found = node.get(&format!("/workflow-runs/{id}")).await;
        if number == 0 && found.as_ref().is_err_and(|error| error.status() == Some(StatusCode::NOT_FOUND)) {
            // A commit between the beginning and the request: nothing was promised yet.
            continue;
        }
        found.expect("the run is there");
        let run = end(&node, &id).await;
        assert_eq!(outcome(&run), outcome(&right), "after commit {number}");
        audit(&node, &run).await;
        // What is done after a later commit is what was still to do after an earlier one, or less.
        let again = called(&effects, made);
        assert!(again.is_subset(&left), "after commit {number}: {again:?} of {left:?}");
        left = again;
    }
    assert!(left.is_empty(), "after the last commit: {left:?}");
}

async fn define(node: &Program, effects: &Receiver) {
    let url = effects.url("/effect");
    let call = |id: &str| {
        format!(
            "  - {{ id: {id}, uses: web_function, with: {{ method: POST, url: \"{url}\", body: {{ a: 1 }} }} }}\n"
        )
    };
    let part = format!("version: 1\nname: Part\nsteps:\n{}", call("effect"));
    let whole = format!(
        "version: 1\nname: Whole\nsteps:\n  - {{ id: first, uses: transform, with: \"${{{{ body.n + 1 }}}}\" }}\n{}  \
         - {{ id: parts, uses: workflow, for_each: [1, 2, 3], max_parallel: 2, with: {{ workflow: part, \
         body: \"${{{{ item }}}}\" }} }}\n  - {{ id: answer, uses: wait, with: {{ signal: go }} }}\n{}outputs: \
         {{ n: \"${{{{ steps.first.output }}}}\", answer: \"${{{{ steps.answer.output }}}}\" }}\n",
        call("before"),
        call("after")
    );
    for (id, source) in [("part", part), ("whole", whole)] {
        let path = format!("{}/api/studio/v1/workflows/{id}", node.url());
        let put = node.client().put(&path).header("Content-Type", "application/yaml").body(source);
        put.send().await.expect("it answers").error_for_status().expect("it is saved");
        let publish = node.client().post(format!("{path}/publish")).json(&json!({}));
        publish.send().await.expect("it answers").error_for_status().expect("it is published");
    }
}

/// The end of the run, which is sent its signal until then.
async fn end(node: &Program, id: &str) -> Value {
    let ended = async {
        let mut sent = false;
        loop {
            let run = node.get(&format!("/workflow-runs/{id}")).await.expect("it answers");
            if run["status"] != "PROCESSING" {
                return run;
            }
            let waits = run["steps"].as_array().is_some_and(|steps| {
                steps.iter().any(|step| step["id"] == "answer" && step["status"] == "PROCESSING")
            });
            if waits && !sent {
                let path = format!("{}/api/public/v1/workflow-runs/{id}/signals/go", node.url());
                let answer = node.client().post(path).json(&json!("yes")).send().await.expect("it answers");
                sent = answer.status() == StatusCode::ACCEPTED;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let ended = tokio::time::timeout(END_TIME_MAX, ended).await;
    ended.unwrap_or_else(|_| panic!("the run does not end\n{}", node.log()))
}

/// What of a run does not depend on when it happened.
fn outcome(run: &Value) -> Value {
    let steps = run["steps"].as_array().expect("steps").iter().map(|step| {
        let nested = step["nestedRuns"]["data"].as_array().expect("runs").iter();
        let nested: Vec<&Value> = nested.map(|run| &run["status"]).collect();
        let status = step["output"].get("status");
        json!({"id": step["id"], "status": step["status"], "answered": status, "nested": nested})
    });
    json!({"status": run["status"], "output": run["output"], "steps": steps.collect::<Vec<_>>()})
}

/// Every run has one event.
async fn audit(node: &Program, run: &Value) {
    let listed = node.get("/events?size=100").await.expect("it answers");
    let mut told: BTreeMap<&str, u32> = BTreeMap::new();
    for event in listed["data"].as_array().expect("a list") {
        *told.entry(event["runId"].as_str().expect("a run")).or_default() += 1;
    }
    assert_eq!(told.len(), 4, "the run and its nested runs: {told:?}");
    assert!(told.values().all(|count| *count == 1), "{told:?}");
    assert!(told.contains_key(run["id"].as_str().expect("an id")));
}

/// The keys of all calls but the first so many.
fn called(effects: &Receiver, but: usize) -> BTreeSet<String> {
    effects.received().iter().skip(but).map(|call| call.header("idempotency-key").to_owned()).collect()
}

/// Where each transaction in the log ends.
fn commits(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| {
        let bytes = log.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes)
    };
    let page = number(8).expect("a log has a header") as usize;
    let mut found = Vec::new();
    let mut at = LOG_HEADER_BYTES;
    while at + FRAME_HEADER_BYTES + page <= log.len() {
        // A frame that ends a transaction says how large the database is then.
        let is_commit = number(at + 4).is_some_and(|pages| pages > 0);
        at += FRAME_HEADER_BYTES + page;
        found.extend(is_commit.then_some(at));
    }
    found
}

fn read(node: &Program, name: &str) -> Vec<u8> {
    fs::read(node.data_dir().join(name)).expect("a file")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
