//! Runs while the clock stands still: nobody's period ever ends, so whatever has to be looked at is looked at because of
//! a hint, or never. In life a lost hint costs a period and no test sees it; here it costs the test.

use crate::{
    runs::{INVOICE, begin, publish},
    support::on_both_databases,
};
use domain::limits;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use testkit::{
    pdf,
    platform::{Client, Part, Platform},
    receiver::Receiver,
};

on_both_databases!(
    steps_calls_and_nested_runs_need_no_period,
    nested_runs_of_one_group_need_no_period,
    a_signal_an_approval_and_a_close_need_no_period,
    the_end_of_a_job_needs_no_period,
    a_run_that_was_given_back_is_looked_at_when_its_time_has_come,
);

/// A hint that is lost is waited for so long. Real time.
const PATIENCE: Duration = Duration::from_secs(60);

async fn ready(mut platform: Platform) -> (Platform, Client) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let client = platform.client();
    (platform, client)
}

/// Asks until the answer is `Some`; the platform's time does not go by.
async fn soon<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(value) = ask().await {
                return value;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| panic!("nobody looked: {what}"))
}

async fn ended(client: &Client, id: &str) -> Value {
    let ask = || async {
        let run = client.get(&format!("/workflow-runs/{id}")).await.json();
        run["completedAt"].is_string().then_some(run)
    };
    soon(&format!("the end of {id}"), ask).await
}

async fn completed(client: &Client, id: &str) {
    let run = ended(client, id).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
}

async fn steps_calls_and_nested_runs_need_no_period(platform: Platform) {
    let (platform, client) = ready(platform).await;
    let receiver = Receiver::start().await.unwrap();
    let url = receiver.url("/");
    let calls: String = (0..5)
        .map(|n| {
            format!("  - {{ id: s{n}, uses: web_function, with: {{ method: POST, url: \"{url}\" }} }}\n")
        })
        .collect();
    publish(&platform, "calling", &format!("version: 1\nname: Calling\nsteps:\n{calls}")).await;
    let outer = "version: 1\nname: Outer\nsteps:\n  - { id: each, uses: workflow, for_each: \"${{ body }}\", \
                 max_parallel: 7, with: { workflow: calling } }\n";
    publish(&platform, "outer", outer).await;
    let items: Vec<u32> = (0..20).collect();
    let mut ids = vec![begin(&client, "outer", json!(items)).await];
    for _ in 0..20 {
        ids.push(begin(&client, "calling", json!({})).await);
    }
    for id in ids {
        completed(&client, &id).await;
    }
    assert_eq!(receiver.received().len(), (20 + 20) * 5);
}

async fn nested_runs_of_one_group_need_no_period(platform: Platform) {
    let (platform, client) = ready(platform).await;
    let turn = "version: 1\nname: Turn\nconcurrency: { key: one, limit: 1 }\n\
                steps: [{ id: a, uses: transform, with: 1 }]\n";
    publish(&platform, "turn", turn).await;
    let outer = "version: 1\nname: Outer\nsteps:\n  - { id: each, uses: workflow, for_each: \"${{ body }}\", \
                 max_parallel: 5, with: { workflow: turn } }\n";
    publish(&platform, "outer", outer).await;
    let id = begin(&client, "outer", json!([1, 2, 3, 4, 5, 6, 7, 8])).await;
    completed(&client, &id).await;
}

async fn a_signal_an_approval_and_a_close_need_no_period(platform: Platform) {
    let (platform, client) = ready(platform).await;
    let source = r#"
version: 1
name: Waiting
steps:
  - { id: answer, uses: wait, with: { signal: callback } }
  - { id: review, uses: approval, with: { title: Review } }
"#;
    publish(&platform, "waiting", source).await;
    let outer =
        "version: 1\nname: Outer\nsteps:\n  - { id: inner, uses: workflow, with: { workflow: waiting } }\n";
    publish(&platform, "outer", outer).await;
    let id = begin(&client, "waiting", json!({})).await;
    client.post(&format!("/workflow-runs/{id}/signals/callback"), json!({})).await;
    let pending = || async {
        let list = client.get("//api/studio/v1/approvals?status=PENDING").await.json();
        list["data"].get(0).cloned()
    };
    let approval = soon("the approval", pending).await;
    let path = format!("//api/studio/v1/approvals/{}", approval["id"].as_str().unwrap());
    client.post(&path, json!({"decision": "approve"})).await;
    completed(&client, &id).await;

    let id = begin(&client, "outer", json!({})).await;
    let nested = |status: &str| format!("/workflow-runs?workflowId=waiting&status={status}");
    let open = nested("PROCESSING");
    soon("the nested run", || async { (client.get(&open).await.counts().0 == 1).then_some(()) }).await;
    assert_eq!(client.post(&format!("/workflow-runs/{id}/close"), json!({})).await.status, 200);
    assert_eq!(ended(&client, &id).await["status"], "CLOSED");
    let closed = nested("CLOSED");
    soon("the nested run's end", || async { (client.get(&closed).await.counts().0 == 1).then_some(()) })
        .await;
}

async fn the_end_of_a_job_needs_no_period(platform: Platform) {
    let (platform, client) = ready(platform).await;
    let source = "version: 1\nname: Read\nsteps:\n  - { id: read, uses: document_insights, \
                  with: { document: \"${{ body.invoice[0] }}\", hub: invoices } }\n";
    publish(&platform, "read", source).await;
    let bytes = pdf::text_pages(&[INVOICE]);
    let parts = [Part::File { name: "invoice", file_name: "invoice.pdf", bytes: &bytes }];
    let answer = client.upload("/workflows/read/runs", &parts).await;
    completed(&client, &answer.text("id")).await;
}

async fn a_run_that_was_given_back_is_looked_at_when_its_time_has_come(platform: Platform) {
    let (platform, client) = ready(platform).await;
    // Longer than a node keeps a run that only waits, by less than a period.
    let ms = limits::RUN_IDLE.as_millis() + 500;
    let source =
        format!("version: 1\nname: W\nsteps: [{{ id: w, uses: wait, with: {{ duration: {ms}ms }} }}]\n");
    publish(&platform, "w", &source).await;
    let id = begin(&client, "w", json!({})).await;
    let path = format!("/workflow-runs/{id}");
    let waits =
        || async { (client.get(&path).await.json()["steps"][0]["status"] == "PROCESSING").then_some(()) };
    soon("the wait", waits).await;
    // The claim loop looks a moment before the run is given back, and then not until the run's time is over.
    platform.clock.advance(limits::RUN_IDLE - Duration::from_millis(100));
    settle(&platform).await;
    platform.clock.advance(Duration::from_millis(100));
    settle(&platform).await;
    platform.clock.advance(Duration::from_millis(500));
    completed(&client, &id).await;
}

/// Lets everybody who was woken get to where they wait again. Too short, it makes the test easier, and never wrong.
async fn settle(platform: &Platform) {
    for _ in 0..50 {
        platform.store.runs().backlog().await.unwrap();
    }
}
