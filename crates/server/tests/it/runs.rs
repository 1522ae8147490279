//! Workflow runs, from the request to the event, on a whole node with its engine.

use crate::support::{SUBSCRIPTIONS, error, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use testkit::{
    pdf,
    platform::{Client, Part, Platform, send},
    receiver::{Answer, Behavior, Receiver},
};

on_both_databases!(
    a_run_computes_calls_and_tells,
    a_body_may_be_multipart_and_is_kept_to_its_schema,
    a_failed_call_is_tried_again_with_the_same_key_and_then_fails_the_run,
    a_failed_run_is_taken_up_where_it_failed,
    nested_runs_are_runs_and_are_paged,
    people_signals_and_workers_are_waited_for,
    a_closed_run_takes_its_nested_runs_along_and_has_no_event,
    runs_of_one_group_take_turns,
    a_document_is_read_by_a_real_job,
    runs_are_found_by_their_own_organization_alone,
    another_node_makes_the_call_again_with_the_same_key,
    a_call_that_may_be_made_once_is_not_made_again,
    a_run_that_nodes_die_over_is_given_up,
    a_fan_out_survives_a_crash_with_one_end_and_one_event_per_run,
    a_file_that_an_open_run_names_is_not_deleted,
    large_outputs_are_files_one_by_one_and_together,
    a_workflow_may_begin_runs_of_itself,
    a_table_in_an_old_encoding_is_read_in_it,
);

const RUNS: &str = "/workflow-runs";

pub(crate) async fn publish(platform: &Platform, id: &str, source: &str) {
    let (client, path) = (platform.client(), format!("//api/studio/v1/workflows/{id}"));
    let put = client.request(Method::PUT, &path).header("Content-Type", "application/yaml");
    let put = send(put.body(source.to_owned())).await;
    assert_eq!((put.status, &put.json()["draft"]["diagnostics"]), (200, &json!([])), "{put:?}");
    let published = client.post(&format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, 200, "{published:?}");
}

pub(crate) async fn begin(client: &Client, workflow: &str, body: Value) -> String {
    let answer = client.post(&format!("/workflows/{workflow}/runs"), body).await;
    assert_eq!((answer.status, answer.text("status")), (202, "PROCESSING".into()), "{answer:?}");
    answer.text("id")
}

async fn ended(platform: &Platform, id: &str) -> Value {
    let (client, path) = (platform.client(), format!("{RUNS}/{id}"));
    let ask = || async {
        let run = client.get(&path).await.json();
        run["completedAt"].is_string().then_some(run)
    };
    platform.until(ask).await
}

async fn subscribed(platform: &Platform, receiver: &Receiver) {
    let body = json!({"endpointUrl": receiver.url("/hook"), "signingSecret": "s",
        "eventTypes": ["workflow.run.completed", "workflow.run.failed"]});
    assert_eq!(platform.client().post(SUBSCRIPTIONS, body).await.status, 201);
}

async fn engine(platform: &mut Platform) -> Receiver {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    Receiver::start().await.expect("a receiver")
}

fn answer(status: u16, body: Value) -> Behavior {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Behavior::Answer(Answer {
        status,
        headers,
        body: body.to_string().into(),
        delay: std::time::Duration::ZERO,
    })
}

fn statuses(run: &Value) -> Vec<(&str, &str)> {
    let steps = run["steps"].as_array().expect("steps");
    steps.iter().map(|step| (step["id"].as_str().unwrap(), step["status"].as_str().unwrap())).collect()
}

async fn a_run_computes_calls_and_tells(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    let ledger = Receiver::start().await.expect("a receiver");
    ledger.always(answer(201, json!({"entry": 7})));
    subscribed(&platform, &receiver).await;
    let secret = json!({"value": "t0ken"});
    let set =
        send(platform.client().request(Method::PUT, "//api/studio/v1/secrets/TOKEN").json(&secret)).await;
    assert!(set.status < 300, "{set:?}");
    let source = format!(
        r#"
version: 1
name: Book it
secrets: [TOKEN]
steps:
  - id: total
    uses: transform
    with:
      sum: ${{{{ [body.lines[] | .qty * .price] | add }}}}
      claim: ${{{{ body.claim }}}}
  - id: skipped
    if: ${{{{ steps.total.output.sum > 1000 }}}}
    uses: transform
    with: 1
  - id: book
    name: Book the claim
    uses: web_function
    with:
      method: POST
      url: {}
      headers: {{ Authorization: "Bearer ${{{{ secrets.TOKEN }}}}" }}
      body: ${{{{ steps.total.output }}}}
outputs:
  entry: ${{{{ steps.book.output.body.entry }}}}
"#,
        ledger.url("/claims")
    );
    publish(&platform, "book-it", &source).await;
    let client = platform.client();
    let body = json!({"claim": "A1", "lines": [{"qty": 2, "price": 3}, {"qty": 1, "price": 4}]});
    let first = client.post_once("/workflows/book-it/runs", "k1", body.clone()).await;
    assert_eq!(first.status, 202, "{first:?}");
    let again = client.post_once("/workflows/book-it/runs", "k1", body).await;
    assert_eq!((again.header("idempotency-replayed"), again.body.clone()), ("true", first.body.clone()));
    let other = client.post_once("/workflows/book-it/runs", "k1", json!({})).await;
    assert_eq!(other.error(), error(409, "CONFLICT"));
    let id = first.text("id");
    assert_eq!(id.len(), 24);

    let run = ended(&platform, &id).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(statuses(&run), [("total", "COMPLETED"), ("skipped", "SKIPPED"), ("book", "COMPLETED")]);
    assert_eq!(run["steps"][0]["output"], json!({"sum": 10, "claim": "A1"}));
    assert_eq!(run["steps"][2]["name"], "Book the claim");
    assert_eq!(run["steps"][2]["type"], "web_function");
    assert_eq!(run["steps"][2]["nestedRuns"], json!({"count": 0, "data": []}));
    assert_eq!(run["output"], json!({"entry": 7}));
    assert_eq!(run["workflow"], json!({"id": "book-it", "name": "Book it"}));
    assert_eq!(run["progress"], json!({"stepsCompleted": 3, "stepsTotal": 3}));
    for key in ["startedAt", "createdAt", "updatedAt", "durationMs", "computedDurationMs"] {
        assert!(!run[key].is_null(), "{key}: {run}");
    }
    assert!(!run.to_string().contains("t0ken"));

    let called = ledger.request(1).await;
    assert_eq!(called.json(), json!({"sum": 10, "claim": "A1"}));
    assert_eq!(called.header("authorization"), "Bearer t0ken");
    assert_eq!(called.header("idempotency-key"), format!("{id}/book/0"));
    assert_eq!(ledger.received().len(), 1);

    let told = platform.wait(receiver.request(1)).await.json();
    assert_eq!(told["eventType"], "workflow.run.completed");
    assert_eq!(told["occurredAt"], run["completedAt"]);
    let mut data = run.clone();
    data["runId"] = json!(id);
    data["workflowId"] = json!("book-it");
    assert_eq!(told["data"], data, "the event is the run as GET shows it");
    assert_eq!(client.get(&format!("/events?runId={id}")).await.counts(), (1, 1));

    let listed = client.get(&format!("{RUNS}?status=COMPLETED&workflowId=book-it")).await;
    assert_eq!(listed.counts(), (1, 1));
    let summary = &listed.json()["data"][0];
    assert!(
        summary["id"] == id.as_str() && summary.get("steps").is_none() && summary.get("output").is_none()
    );
    assert_eq!(client.get(&format!("{RUNS}?status=FAILED")).await.counts(), (0, 0));
    assert_eq!(client.post("/workflows/nothing/runs", json!({})).await.error(), error(404, "NOT_FOUND"));
}

async fn a_body_may_be_multipart_and_is_kept_to_its_schema(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    subscribed(&platform, &receiver).await;
    let source = r#"
version: 1
name: Parts
input: { type: object, required: [doc] }
steps:
  - { id: seen, uses: transform, with: "${{ body }}" }
  - { id: text, uses: file, with: { operation: read, file: "${{ body.doc[0] }}", as: text } }
"#;
    publish(&platform, "parts", source).await;
    let client = platform.client();
    let parts = [
        Part::Text { name: "claim", text: "A1" },
        Part::File { name: "doc", file_name: "a.txt", bytes: b"hello" },
    ];
    let answer = client.upload("/workflows/parts/runs", &parts).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let run = ended(&platform, &answer.text("id")).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let seen = &run["steps"][0]["output"];
    assert_eq!(seen["claim"], "A1");
    let node = &seen["doc"][0];
    assert_eq!(
        (&node["name"], &node["mimeType"], &node["sizeBytes"]),
        (&json!("a.txt"), &json!("text/plain"), &json!(5))
    );
    let file = client.get(&format!("/files/{}", node["fileId"].as_str().unwrap())).await;
    assert_eq!(file.status, 200);
    assert_eq!(run["steps"][1]["output"], json!({"content": "hello"}));

    let run = ended(&platform, &begin(&client, "parts", json!({"x": 1})).await).await;
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("FAILED"), &json!("WORKFLOW_INPUT_INVALID")));
    assert_eq!(run["steps"], json!([]));
    platform.wait(receiver.request(2)).await;
    let types: Vec<_> = receiver.received().iter().map(|told| told.json()["eventType"].clone()).collect();
    assert!(types.contains(&json!("workflow.run.failed")), "{types:?}");
}

fn calling(receiver: &Receiver, retry: &str) -> String {
    format!(
        "
version: 1
name: Calling
steps:
  - {{ id: before, uses: transform, with: {{ at: before }} }}
  - id: call
    uses: web_function
    {retry}
    with: {{ method: POST, url: {}, body: {{ a: 1 }} }}
",
        receiver.url("/call")
    )
}

async fn a_failed_call_is_tried_again_with_the_same_key_and_then_fails_the_run(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.script([Behavior::status(503), Behavior::Reset, Behavior::status(429)]);
    receiver.always(Behavior::status(400));
    let retry = "retry: { max_attempts: 9, initial: 2s, on: [connection, rate_limited, server_error] }";
    publish(&platform, "calling", &calling(&receiver, retry)).await;
    let id = begin(&platform.client(), "calling", json!({})).await;
    let run = ended(&platform, &id).await;
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("FAILED"), &json!("CALL_STATUS")), "{run}");
    assert_eq!(statuses(&run), [("before", "COMPLETED"), ("call", "FAILED")]);
    assert!(run["steps"][1]["message"].as_str().is_some_and(|message| message.contains("400")), "{run}");
    let keys: Vec<_> =
        receiver.received().iter().map(|call| call.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, vec![format!("{id}/call/0"); 4]);
}

async fn a_failed_run_is_taken_up_where_it_failed(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.script([Behavior::status(400)]);
    receiver.always(answer(200, json!({"ok": true})));
    publish(&platform, "calling", &calling(&receiver, "")).await;
    let client = platform.client();
    let id = begin(&client, "calling", json!({})).await;
    assert_eq!(ended(&platform, &id).await["status"], "FAILED");
    let again = client.post_once(&format!("{RUNS}/{id}/retry"), "r", json!({})).await;
    assert_eq!((again.status, again.text("retryOf")), (202, id.clone()), "{again:?}");
    let replay = client.post_once(&format!("{RUNS}/{id}/retry"), "r", json!({})).await;
    assert_eq!(replay.body, again.body);
    let run = ended(&platform, &again.text("id")).await;
    assert_eq!((&run["status"], &run["retryOf"]), (&json!("COMPLETED"), &json!(id)), "{run}");
    assert_eq!(run["steps"][0]["output"], json!({"at": "before"}));
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(client.get(&format!("{RUNS}/{id}")).await.text("status"), "FAILED", "the first stays");
    let completed = client.post(&format!("{RUNS}/{}/retry", again.text("id")), json!({})).await;
    assert_eq!(completed.error(), error(409, "CONFLICT"));
}

const CHILD: &str = r#"
version: 1
name: Child
steps:
  - id: check
    uses: validate
    with: [{ assert: "${{ body.n != 3 }}", message: "three is bad" }]
  - { id: double, uses: transform, with: "${{ body.n * 2 }}" }
outputs: { double: "${{ steps.double.output }}" }
"#;

async fn nested_runs_are_runs_and_are_paged(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    subscribed(&platform, &receiver).await;
    publish(&platform, "child", CHILD).await;
    let source = r#"
version: 1
name: Parent
steps:
  - id: each
    uses: workflow
    for_each: ${{ body.items }}
    max_parallel: 4
    tolerate_failures: 1
    with: { workflow: child, body: { n: "${{ item }}" } }
outputs: "${{ [steps.each.output[] | select(.status == \"COMPLETED\") | .output.double] }}"
"#;
    publish(&platform, "parent", source).await;
    let client = platform.client();
    let items: Vec<u32> = (0..25).collect();
    let run = ended(&platform, &begin(&client, "parent", json!({"items": items})).await).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let doubled: Vec<u32> = (0..25).filter(|n| *n != 3).map(|n| n * 2).collect();
    assert_eq!(run["output"], json!(doubled));
    let step = &run["steps"][0];
    assert_eq!(step["output"].as_array().map(Vec::len), Some(25));
    assert_eq!(step["output"][3]["status"], "FAILED");
    assert_eq!(step["nestedRuns"]["count"], 25);
    let nested = &step["nestedRuns"]["data"];
    assert_eq!(nested.as_array().map(Vec::len), Some(25));
    assert_eq!(
        (&nested[3]["status"], &nested[3]["error"]["message"]),
        (&json!("FAILED"), &json!("three is bad"))
    );
    assert_eq!((&nested[10]["output"], &nested[10]["parentRunId"]), (&json!({"double": 20}), &run["id"]));
    assert_eq!(statuses(&nested[10]), [("check", "COMPLETED"), ("double", "COMPLETED")]);
    let path = format!("{RUNS}/{}?nestedPage=2&nestedSize=10", run["id"].as_str().unwrap());
    let page = client.get(&path).await.json();
    let page = &page["steps"][0]["nestedRuns"];
    assert_eq!((page["count"].as_u64(), page["data"].as_array().map(Vec::len)), (Some(25), Some(5)));
    assert_eq!(page["data"][0]["output"], json!({"double": 40}));

    platform.wait(receiver.request(26)).await;
    let told: Vec<Value> = receiver.received().iter().map(|told| told.json()["data"].clone()).collect();
    assert_eq!(told.len(), 26, "one event per run");
    let parent = told.iter().find(|told| told["workflowId"] == "parent").expect("the parent's event");
    let nested = &parent["steps"][0]["nestedRuns"]["data"][0];
    assert!(nested["id"].is_string() && nested.get("steps").is_none() && nested.get("output").is_none());
}

async fn people_signals_and_workers_are_waited_for(mut platform: Platform) {
    engine(&mut platform).await;
    let source = r#"
version: 1
name: Waiting
steps:
  - { id: pause, uses: wait, with: { duration: 2m } }
  - { id: answer, uses: wait, with: { signal: callback } }
  - { id: review, uses: approval, with: { title: "Review ${{ body.claim }}", data: { a: 1 } }, timeout: 72h }
  - { id: work, uses: custom, with: { task: weigh, input: { claim: "${{ body.claim }}" } } }
"#;
    publish(&platform, "waiting", source).await;
    let client = platform.client();
    let id = begin(&client, "waiting", json!({"claim": "A1"})).await;
    // Before the step waits for it: it is kept.
    let signal = client.post(&format!("{RUNS}/{id}/signals/callback"), json!({"n": 1})).await;
    assert_eq!(signal.status, 202, "{signal:?}");
    let pending = || async {
        let list = client.get("//api/studio/v1/approvals?status=PENDING").await.json();
        list["data"].get(0).cloned()
    };
    let approval = platform.until(pending).await;
    assert_eq!((&approval["title"], &approval["data"]), (&json!("Review A1"), &json!({"a": 1})));
    assert_eq!(approval["runId"], id.as_str());
    let shown = client.get(&format!("{RUNS}/{id}")).await.json();
    assert_eq!(statuses(&shown), [("pause", "COMPLETED"), ("answer", "COMPLETED"), ("review", "PROCESSING")]);
    assert_eq!(shown["progress"], json!({"stepsCompleted": 2, "stepsTotal": 4}));
    let path = format!("//api/studio/v1/approvals/{}", approval["id"].as_str().unwrap());
    let decision = json!({"decision": "approve", "by": "ann", "data": {"note": "fine"}});
    assert_eq!(client.post(&path, decision.clone()).await.text("status"), "APPROVED");
    assert_eq!(client.post(&path, decision).await.error(), error(409, "CONFLICT"));

    let claim = json!({"task": "weigh", "leaseSeconds": 30});
    let claimed = || async {
        let tasks = client.post("//api/studio/v1/tasks/claim", claim.clone()).await.json();
        tasks["data"].get(0).cloned()
    };
    let late = platform.until(claimed).await;
    assert_eq!((&late["input"], &late["step"]), (&json!({"claim": "A1"}), &json!("work/0")));
    // Its lease runs out, another worker takes it, and the first one is told.
    let task = platform.until(claimed).await;
    assert_eq!(late["id"], task["id"]);
    let path = format!("//api/studio/v1/tasks/{}", task["id"].as_str().unwrap());
    let with = |task: &Value, more: Value| {
        let mut body = more;
        body["fence"] = task["fence"].clone();
        body
    };
    let refused = client.post(&format!("{path}/complete"), with(&late, json!({"output": "late"}))).await;
    assert_eq!(refused.error(), error(409, "CONFLICT"));
    assert_eq!(client.post(&format!("{path}/renew"), with(&task, json!({}))).await.status, 200);
    let done = client.post(&format!("{path}/complete"), with(&task, json!({"output": {"kg": 3}}))).await;
    assert_eq!(done.status, 204, "{done:?}");

    let run = ended(&platform, &id).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(run["steps"][1]["output"], json!({"n": 1}));
    assert_eq!(run["steps"][2]["output"], json!({"approved": true, "by": "ann", "data": {"note": "fine"}}));
    assert_eq!(run["steps"][3]["output"], json!({"kg": 3}));
    assert!(run["durationMs"].as_u64() >= Some(120_000), "{run}");
    let signal = client.post(&format!("{RUNS}/{id}/signals/callback"), json!({})).await;
    assert_eq!(signal.error(), error(409, "CONFLICT"));
}

async fn a_closed_run_takes_its_nested_runs_along_and_has_no_event(mut platform: Platform) {
    engine(&mut platform).await;
    let waits = "version: 1\nname: Waits\nsteps: [{ id: w, uses: wait, with: { signal: never } }]\n";
    publish(&platform, "waits", waits).await;
    let source = r#"
version: 1
name: Outer
steps:
  - { id: inner, uses: workflow, for_each: "${{ body }}", with: { workflow: waits } }
"#;
    publish(&platform, "outer", source).await;
    let client = platform.client();
    let id = begin(&client, "outer", json!([1, 2, 3])).await;
    let nested = format!("{RUNS}?workflowId=waits");
    platform.until(|| async { (client.get(&nested).await.counts().0 == 3).then_some(()) }).await;
    let closed = client.post(&format!("{RUNS}/{id}/close"), json!({})).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(ended(&platform, &id).await["status"], "CLOSED");
    let nested = format!("{RUNS}?workflowId=waits&status=CLOSED");
    platform.until(|| async { (client.get(&nested).await.counts().0 == 3).then_some(()) }).await;
    assert_eq!(client.get("/events").await.counts(), (0, 0));
}

async fn runs_of_one_group_take_turns(mut platform: Platform) {
    engine(&mut platform).await;
    let source = r#"
version: 1
name: Turns
concurrency: { key: "${{ body.key }}", limit: 1 }
steps: [{ id: w, uses: wait, with: { signal: go } }]
"#;
    publish(&platform, "turns", source).await;
    let client = platform.client();
    let first = begin(&client, "turns", json!({"key": "a"})).await;
    let under_way = |id: &str| {
        let (client, path) = (client.clone(), format!("{RUNS}/{id}"));
        async move { (client.get(&path).await.json()["steps"][0]["status"] == "PROCESSING").then_some(()) }
    };
    platform.until(|| under_way(&first)).await;
    let second = begin(&client, "turns", json!({"key": "a"})).await;
    let other = begin(&client, "turns", json!({"key": "b"})).await;
    platform.until(|| under_way(&other)).await;
    assert_eq!(under_way(&second).await, None, "it waits for its turn");
    client.post(&format!("{RUNS}/{first}/signals/go"), json!({})).await;
    assert_eq!(ended(&platform, &first).await["status"], "COMPLETED");
    platform.until(|| under_way(&second)).await;
}

pub(crate) const INVOICE: &str = "INVOICE\nACME Ltd\nInvoice number: INV-0042\nInvoice date: 2026-02-28\nDue date: 2026-03-14\n\
    Bill to: Example Inc\nNet total: 100.00 EUR\nTax total: 19.00 EUR\nTotal: 119.00 EUR\n\
    Please pay the total amount within two weeks of the date of this invoice. Thank you for your business.\n";

async fn a_document_is_read_by_a_real_job(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    let body = json!({"endpointUrl": receiver.url("/"), "signingSecret": "s",
        "eventTypes": ["workflow.run.completed", "document-insights.job.completed"]});
    assert_eq!(platform.client().post(SUBSCRIPTIONS, body).await.status, 201);
    let source = r#"
version: 1
name: Read
steps:
  - { id: read, uses: document_insights, with: { document: "${{ body.invoice[0] }}", hub: invoices } }
outputs:
  number: ${{ steps.read.output.fields.invoiceNumber.value }}
  total: ${{ steps.read.output.output.fields.total.value.amount | tonumber }}
"#;
    publish(&platform, "read", source).await;
    let bytes = pdf::text_pages(&[INVOICE]);
    let parts = [Part::File { name: "invoice", file_name: "invoice.pdf", bytes: &bytes }];
    let answer = platform.client().upload("/workflows/read/runs", &parts).await;
    let run = ended(&platform, &answer.text("id")).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(run["output"], json!({"number": "INV-0042", "total": 119.0}));
    let job = &run["steps"][0]["output"];
    assert_eq!(
        (&job["status"], job["output"]["fields"].is_array()),
        (&json!("COMPLETED"), true),
        "as the API has it"
    );
    platform.wait(receiver.request(2)).await;
    let types: Vec<_> = receiver.received().iter().map(|told| told.json()["eventType"].clone()).collect();
    assert!(types.contains(&json!("document-insights.job.completed")), "{types:?}");
}

async fn runs_are_found_by_their_own_organization_alone(platform: Platform) {
    publish(&platform, "child", CHILD).await;
    let client = platform.client();
    let id = begin(&client, "child", json!({"n": 1})).await;
    let stranger = platform.stranger().await;
    let missing = error(404, "NOT_FOUND");
    assert_eq!(stranger.get(&format!("{RUNS}/{id}")).await.error(), missing);
    for action in ["close", "retry", "signals/x"] {
        assert_eq!(
            stranger.post(&format!("{RUNS}/{id}/{action}"), json!({})).await.error(),
            missing,
            "{action}"
        );
    }
    assert_eq!(stranger.get(RUNS).await.counts(), (0, 0));
    assert_eq!(stranger.post("/workflows/child/runs", json!({})).await.error(), missing);
    assert_eq!(client.get(&format!("{RUNS}?status=NOPE")).await.error(), error(400, "INVALID_REQUEST"));
    assert_eq!(client.get(&format!("{RUNS}/{}", "0".repeat(24))).await.error(), missing);
    assert_eq!(client.post(&format!("{RUNS}/{id}/close"), json!({"x": 1})).await.fields(), ["x"]);
}

/// The node dies at once, and another one begins.
fn crash(platform: &mut Platform) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
}

async fn another_node_makes_the_call_again_with_the_same_key(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.script([Behavior::Hang]);
    receiver.always(answer(200, json!({"ok": true})));
    publish(&platform, "calling", &calling(&receiver, "")).await;
    let id = begin(&platform.client(), "calling", json!({})).await;
    platform.wait(receiver.request(1)).await;
    crash(&mut platform);
    let run = ended(&platform, &id).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(statuses(&run), [("before", "COMPLETED"), ("call", "COMPLETED")]);
    let calls = receiver.received();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.header("idempotency-key") == format!("{id}/call/0")));
    assert_eq!(platform.client().get("/events").await.counts(), (1, 1));
}

async fn a_call_that_may_be_made_once_is_not_made_again(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.always(Behavior::Hang);
    let source = calling(&receiver, "delivery: at_most_once");
    publish(&platform, "calling", &source).await;
    let id = begin(&platform.client(), "calling", json!({})).await;
    platform.wait(receiver.request(1)).await;
    crash(&mut platform);
    let run = ended(&platform, &id).await;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("FAILED"), &json!("STEP_INTERRUPTED")),
        "{run}"
    );
    assert_eq!(receiver.received().len(), 1);
}

async fn a_run_that_nodes_die_over_is_given_up(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.always(Behavior::Hang);
    publish(&platform, "calling", &calling(&receiver, "timeout: 5h")).await;
    let id = begin(&platform.client(), "calling", json!({})).await;
    let deaths = domain::limits::RUN_CRASHES_MAX as usize;
    for death in 1..=deaths {
        platform.wait(receiver.request(death)).await;
        crash(&mut platform);
    }
    let run = ended(&platform, &id).await;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("FAILED"), &json!("RUN_CRASH_LOOP")),
        "{run}"
    );
    assert_eq!(receiver.received().len(), deaths);
}

async fn a_fan_out_survives_a_crash_with_one_end_and_one_event_per_run(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    receiver.always(answer(200, json!({})));
    publish(&platform, "calling", &calling(&receiver, "")).await;
    let source = r#"
version: 1
name: Many
steps:
  - { id: each, uses: workflow, for_each: "${{ body }}", max_parallel: 5, with: { workflow: calling } }
"#;
    publish(&platform, "many", source).await;
    let client = platform.client();
    let id = begin(&client, "many", json!((0..20).collect::<Vec<u32>>())).await;
    for calls in [3, 9, 15] {
        platform.wait(receiver.request(calls)).await;
        crash(&mut platform);
    }
    let run = ended(&platform, &id).await;
    assert_eq!(
        (&run["status"], &run["steps"][0]["nestedRuns"]["count"]),
        (&json!("COMPLETED"), &json!(20)),
        "{run}"
    );
    assert_eq!(client.get(&format!("{RUNS}?status=COMPLETED")).await.counts().1, 21);
    assert_eq!(client.get("/events?eventType=workflow.run.completed").await.counts().1, 21);
    let keys = receiver.received().into_iter().map(|call| call.header("idempotency-key").to_owned());
    let keys: std::collections::BTreeSet<String> = keys.collect();
    assert_eq!(keys.len(), 20, "each effect is known by one key");
}

async fn a_file_that_an_open_run_names_is_not_deleted(mut platform: Platform) {
    engine(&mut platform).await;
    let source = r#"
version: 1
name: Waiting
steps:
  - { id: made, uses: file, with: { operation: write, name: a.txt, content: hello } }
  - { id: go, uses: wait, with: { signal: go } }
"#;
    publish(&platform, "waiting", source).await;
    let client = platform.client();
    let named = client.store_file("a.pdf", crate::support::PDF).await;
    let parts = [
        Part::Text { name: "other", text: &named },
        Part::File { name: "doc", file_name: "b.txt", bytes: b"hello" },
    ];
    let id = client.upload("/workflows/waiting/runs", &parts).await.text("id");
    let path = format!("{RUNS}/{id}");
    let waits = || async {
        let run = client.get(&path).await.json();
        (statuses(&run) == [("made", "COMPLETED"), ("go", "PROCESSING")]).then_some(run)
    };
    let run = platform.until(waits).await;
    let made = run["steps"][0]["output"]["fileId"].as_str().expect("a file").to_owned();
    let listed = client.get("/files").await.json();
    let files: Vec<&str> =
        listed["data"].as_array().expect("files").iter().filter_map(|file| file["id"].as_str()).collect();
    assert_eq!(files.len(), 3, "{listed}");
    assert!(files.contains(&made.as_str()) && files.contains(&named.as_str()));
    for file in &files {
        let answer = client.delete(&format!("/files/{file}")).await;
        assert_eq!(answer.error(), error(409, "CONFLICT"), "{file}");
        assert_eq!(answer.json()["error"]["retryable"], true);
    }
    client.post(&format!("{path}/signals/go"), json!({})).await;
    ended(&platform, &id).await;
    for file in &files {
        assert_eq!(client.delete(&format!("/files/{file}")).await.status, 204);
    }
}

async fn large_outputs_are_files_one_by_one_and_together(mut platform: Platform) {
    let receiver = engine(&mut platform).await;
    subscribed(&platform, &receiver).await;
    let mut source = "version: 1\nname: Large\nsteps:\n".to_owned();
    for number in 0..8 {
        source += &format!("  - {{ id: s{number}, uses: transform, with: \"${{{{ body.text }}}}\" }}\n");
    }
    source += r#"
  - id: chosen
    switch:
      - when: ${{ true }}
        steps:
          - { id: twice, uses: transform, with: "${{ [body.text, body.text] }}" }
  - { id: items, uses: transform, for_each: [1, 2, 3], with: "${{ body.text }}" }
"#;
    publish(&platform, "large", &source).await;
    let text = "x".repeat(200_000);
    let id = begin(&platform.client(), "large", json!({"text": text})).await;
    let run = ended(&platform, &id).await;
    assert_eq!(run["status"], "COMPLETED", "{}", run["error"]);
    let told = platform.wait(receiver.request(1)).await;
    assert!(told.body.len() < 1_200_000, "{} bytes", told.body.len());
    let told = told.json();
    let steps = told["data"]["steps"].as_array().expect("steps").clone();
    let mut shown = 0;
    for step in &steps {
        let (output, file) = (&step["output"], &step["outputFile"]);
        assert!(output.is_null() != file.is_null(), "{}: one of both", step["id"]);
        shown += usize::from(file.is_null());
        let size = file["sizeBytes"].as_u64().unwrap_or_default();
        match step["id"].as_str() {
            // A switch's output is its last step's.
            Some("chosen" | "twice") => assert!(size > 400_000, "{step}"),
            Some("items") => assert!(size > 600_000, "three of them together"),
            _ => assert!(file.is_null() || size == 200_002, "{size}"),
        }
    }
    assert_eq!(shown, 5, "as many as fit");
    assert_eq!(run["steps"], told["data"]["steps"], "GET says the same");
    let file = steps.iter().find_map(|step| step["outputFile"]["fileId"].as_str()).expect("a file");
    let download = platform.client().get(&format!("/files/{file}/download")).await;
    assert_eq!(download.json(), json!(text));
}

async fn a_table_in_an_old_encoding_is_read_in_it(mut platform: Platform) {
    engine(&mut platform).await;
    let source = r#"
version: 1
name: Tables
steps:
  - { id: table, uses: file, with: { operation: convert, file: "${{ body.table[0] }}", to: json, encoding: windows-1252 } }
  - { id: rows, uses: file, with: { operation: read, file: "${{ steps.table.output }}", as: json } }
  - { id: text, uses: file, continue_on_error: true, with: { operation: read, file: "${{ body.table[0] }}" } }
"#;
    publish(&platform, "tables", source).await;
    let client = platform.client();
    let part = Part::File { name: "table", file_name: "orte.csv", bytes: b"ort,preis\nK\xf6ln,5 \x80\n" };
    let answer = client.upload("/workflows/tables/runs", &[part]).await;
    let run = ended(&platform, &answer.text("id")).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(run["steps"][1]["output"]["content"], json!([{"ort": "Köln", "preis": "5 €"}]));
    let message = run["steps"][2]["message"].as_str().unwrap();
    assert!(message.contains("byte 11") && message.contains("encoding: windows-1252"), "{message}");
}

async fn a_workflow_may_begin_runs_of_itself(mut platform: Platform) {
    engine(&mut platform).await;
    let source = r#"
version: 1
name: Countdown
steps:
  - id: next
    if: ${{ body.n > 0 }}
    uses: workflow
    with: { workflow: countdown, body: { n: "${{ body.n - 1 }}" } }
outputs: { n: "${{ body.n }}" }
"#;
    publish(&platform, "countdown", source).await;
    let run = ended(&platform, &begin(&platform.client(), "countdown", json!({"n": 2})).await).await;
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let nested = &run["steps"][0]["nestedRuns"]["data"][0];
    assert_eq!(nested["steps"][0]["nestedRuns"]["data"][0]["output"], json!({"n": 0}), "{run}");
    let endless = source.replace("body.n > 0", "true").replace("countdown", "endless");
    publish(&platform, "endless", &endless).await;
    let run = ended(&platform, &begin(&platform.client(), "endless", json!({"n": 2})).await).await;
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("FAILED"), &json!("RUNS_TOO_DEEP")));
}
