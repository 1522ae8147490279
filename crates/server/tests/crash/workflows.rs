//! Runs with fan-out on two nodes and one PostgreSQL, while nodes are killed or stand still past their lease and the
//! database crashes: each run ends once, with one event; each effect is known by one key, and none is missing.

use crate::{Dice, VARIABLES, dice, kills_wanted, two_nodes, variable};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};
use testkit::{
    postgres::{Durability, Server},
    program::Program,
    receiver::{Behavior, Receiver},
};

/// Nested runs of each run.
pub const ITEMS: u64 = 4;
const PUBLIC: &str = "/api/public/v1";
const STUDIO: &str = "/api/studio/v1";
/// While the rest is waited for.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// After the last fault.
const DRAIN_MAX: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_once_between_two_nodes_and_a_database_that_crashes() {
    let mut dice = dice();
    let faults = (kills_wanted() / 4).max(3);
    let parents = variable("PLEXTERA_CHAOS_RUNS", 100) / (ITEMS + 1);
    let mut postgres = Server::start(Durability::On);
    let url = format!("{}/postgres", postgres.url());
    let mut variables = VARIABLES.to_vec();
    variables.push(("PLEXTERA_DATABASE_URL", &url));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let first = Program::start(binary, &variables).await.expect("the server starts");
    let mut second = Program::beside(&first, &variables).expect("a second node");
    second.launch().expect("it starts");
    second.ready().await.expect("it answers");
    let effects = Receiver::start().await.expect("a receiver");
    effects.script((0..faults * 50).map(|_| moody(&mut dice)));
    define(&first, &effects).await;
    let mut nodes = [first, second];
    let per_fault = parents.div_ceil(faults);
    let all = parents * (ITEMS + 1);
    let mut begun = 0;
    let started = Instant::now();
    let said = |what: &str| eprintln!("{:>5} s  {what}", started.elapsed().as_secs());
    for fault in 0..faults {
        while begun < parents.min((fault + 1) * per_fault) {
            begin(&nodes, begun).await;
            begun += 1;
        }
        let victim = usize::try_from(dice.below(2)).unwrap_or(0);
        let kind = ["a node is killed", "a node stands still", "the database crashes"][(fault % 3) as usize];
        said(&format!(
            "fault {} of {faults}: {kind}; {} of {all} runs begun",
            fault + 1,
            begun * (ITEMS + 1)
        ));
        match fault % 3 {
            0 => {
                nodes[victim].kill().expect("it is killed");
                two_nodes::calm(&mut dice).await;
                nodes[victim].launch().expect("it starts again");
            }
            1 => two_nodes::freeze(&nodes[victim]).await,
            _ => postgres.restart(),
        }
        two_nodes::calm(&mut dice).await;
    }
    for node in &mut nodes {
        node.ready().await.expect("it answers");
    }
    said("no more faults; the rest is waited for");
    let drained = tokio::time::timeout(DRAIN_MAX, drain(&nodes[0], all, &said)).await;
    assert!(drained.is_ok(), "not all of {all} runs ended within {DRAIN_MAX:?}\n{}", nodes[0].log());
    audit(&nodes[0], &effects, parents).await;
    eprintln!(
        "{faults} faults: {all} runs, each ended once and told once, {} calls",
        effects.received().len()
    );
}

/// How the called server meets a request: mostly well.
fn moody(dice: &mut Dice) -> Behavior {
    match dice.below(10) {
        0 => Behavior::status(503),
        1 => Behavior::Reset,
        2 => Behavior::status(200).after(Duration::from_millis(200)),
        _ => Behavior::status(200),
    }
}

pub async fn define(node: &Program, effects: &Receiver) {
    let child = format!(
        "version: 1\nname: Child\nsteps:\n  - id: effect\n    uses: web_function\n    \
         retry: {{ max_attempts: 20, backoff: constant, initial: 200ms, on: [connection, timeout, server_error] }}\n    \
         with: {{ method: POST, url: {}, body: {{ n: \"${{{{ body.n }}}}\" }} }}\n",
        effects.url("/effect")
    );
    let parent = format!(
        "version: 1\nname: Parent\nsteps:\n  - id: items\n    uses: workflow\n    for_each: {:?}\n    \
         max_parallel: 3\n    with: {{ workflow: child, body: {{ n: \"${{{{ item }}}}\" }} }}\n",
        (0..ITEMS).collect::<Vec<_>>()
    );
    for (id, source) in [("child", child), ("parent", parent)] {
        let path = format!("{}{STUDIO}/workflows/{id}", node.url());
        let client = node.client();
        let put = client.put(&path).header("Content-Type", "application/yaml").body(source);
        let put: Value = put.send().await.expect("it answers").json().await.expect("JSON");
        assert_eq!(put["draft"]["valid"], true, "{put}");
        let published =
            client.post(format!("{path}/publish")).json(&json!({})).send().await.expect("it answers");
        assert!(published.status().is_success(), "{}", published.status());
    }
}

/// One run under one idempotency key, until a node says that it has begun.
pub async fn begin(nodes: &[Program], number: u64) {
    let mut tries = usize::try_from(number).unwrap_or(0);
    loop {
        let node = &nodes[tries % nodes.len()];
        tries += 1;
        let url = format!("{}{PUBLIC}/workflows/parent/runs", node.url());
        let request = node.client().post(url).header("Idempotency-Key", format!("run-{number}"));
        if let Ok(answer) = request.json(&json!({"number": number})).send().await
            && answer.status() == reqwest::StatusCode::ACCEPTED
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn drain(node: &Program, all: u64, said: &impl Fn(&str)) {
    let mut told = Instant::now();
    loop {
        let done = node.get("/workflow-runs?status=COMPLETED&size=1").await;
        let done = done.ok().and_then(|done| done["pageInfo"]["totalItems"].as_u64());
        if done == Some(all) {
            return;
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            said(&format!("{} of {all} runs have ended", done.unwrap_or_default()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every run has its one event, and every nested run its one effect, by key.
pub async fn audit(node: &Program, effects: &Receiver, parents: u64) {
    let all = parents * (ITEMS + 1);
    let runs = node.get("/workflow-runs?size=1").await.expect("it answers");
    assert_eq!(runs["pageInfo"]["totalItems"], all, "a run was begun twice, or one did not complete");
    let mut events: BTreeMap<String, u64> = BTreeMap::new();
    let mut children = BTreeSet::new();
    for page in 0..all.div_ceil(100) {
        let listed = node.get(&format!("/events?size=100&page={page}")).await.expect("it answers");
        for event in listed["data"].as_array().expect("a list") {
            assert_eq!(event["eventType"], "workflow.run.completed", "{event}");
            *events.entry(event["runId"].as_str().expect("a run").to_owned()).or_default() += 1;
        }
        let listed = node
            .get(&format!("/workflow-runs?workflowId=child&size=100&page={page}"))
            .await
            .expect("it answers");
        let ids = listed["data"].as_array().expect("a list").iter();
        children.extend(ids.map(|run| format!("{}/effect/0", run["id"].as_str().expect("an id"))));
    }
    assert_eq!(events.len() as u64, all, "runs without an event");
    assert!(events.values().all(|count| *count == 1), "a run has two events");
    let keys: BTreeSet<String> =
        effects.received().iter().map(|call| call.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, children, "the ledger of effects");
    let request = node.request(Method::GET, "/workflow-runs?status=PROCESSING");
    let open: Value = request.send().await.expect("it answers").json().await.expect("JSON");
    assert_eq!(open["pageInfo"]["totalItems"], 0);
}
