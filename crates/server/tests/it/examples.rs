//! The five workflows that come with the program, from their YAML to their end: published over the Studio API, started
//! over the public one, on real documents, calling real endpoints.

use crate::support::on_both_databases;
use domain::hub::{Field, FieldType, Hub};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use testkit::{
    pdf,
    platform::{Part, Platform, send},
    receiver::{Behavior, Receiver},
};

on_both_databases!(
    a_claim_is_taken_in,
    an_invoice_goes_to_the_ledger_once_somebody_agreed,
    a_refused_invoice_is_sent_back,
    a_folder_is_read_and_one_broken_document_is_told,
    a_night_is_reconciled_by_the_clock,
    a_partner_answers_by_a_signal,
);

const STUDIO: &str = "//api/studio/v1";
const INVOICE: &[u8] = include_bytes!("../../assets/sample-invoice.pdf");

/// Other systems: what stands as `https://<name>.example` in the definitions.
struct World {
    systems: Vec<(&'static str, Receiver)>,
}

impl World {
    async fn of(names: &[&'static str]) -> Self {
        let mut systems = Vec::new();
        for name in names {
            systems.push((*name, Receiver::start().await.expect("a free port")));
        }
        Self { systems }
    }

    fn system(&self, name: &str) -> &Receiver {
        &self.systems.iter().find(|(known, _)| *known == name).expect("a system of the test").1
    }

    /// Publishes an example that calls these systems.
    async fn publish(&self, platform: &Platform, id: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../examples/workflows/{id}.yaml"));
        let mut source = fs::read_to_string(path).expect("the example is there");
        for (name, receiver) in &self.systems {
            source = source.replace(&format!("https://{name}.example"), &receiver.url(""));
        }
        assert!(!source.contains(".example/"), "{id} calls a system that is not there");
        let client = platform.client();
        let request = client.request(Method::PUT, &format!("{STUDIO}/workflows/{id}"));
        let saved = send(request.header("Content-Type", "application/yaml").body(source)).await;
        assert_eq!(saved.json()["draft"], json!({"valid": true, "diagnostics": []}));
        let published = client.post(&format!("{STUDIO}/workflows/{id}/publish"), json!({})).await;
        assert_eq!((published.status, &published.json()["version"]), (200, &json!(1)));
    }
}

fn start(platform: &mut Platform) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
}

async fn secret(platform: &Platform, name: &str) {
    let request = platform.client().request(Method::PUT, &format!("{STUDIO}/secrets/{name}"));
    let value = json!({"value": format!("the value of {name}")});
    assert_eq!(send(request.json(&value)).await.status, 200);
}

/// Begins a run with files; its id.
async fn begin(platform: &Platform, workflow: &str, parts: &[Part<'_>]) -> String {
    let answer = platform.client().upload(&format!("/workflows/{workflow}/runs"), parts).await;
    assert_eq!((answer.status, answer.text("status")), (202, "PROCESSING".into()), "{answer:?}");
    answer.text("id")
}

async fn get(platform: &Platform, run: &str) -> Value {
    platform.client().get(&format!("/workflow-runs/{run}")).await.json()
}

/// The run at its end.
async fn ended(platform: &Platform, run: &str) -> Value {
    let ask = || async {
        let run = get(platform, run).await;
        (run["status"] != "PROCESSING").then_some(run)
    };
    platform.until(ask).await
}

/// The run at its end, which is a good one.
async fn completed(platform: &Platform, run: &str) -> Value {
    let run = ended(platform, run).await;
    assert_eq!(run["status"], "COMPLETED", "{run:#}");
    run
}

fn step<'r>(run: &'r Value, id: &str) -> &'r Value {
    let steps = run["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}: {run:#}"))
}

/// Waits for an approval and decides it.
async fn decide(platform: &Platform, decision: Value) -> Value {
    let client = platform.client();
    let ask = || async {
        let listed = client.get(&format!("{STUDIO}/approvals?status=PENDING")).await.json();
        listed["data"].get(0).cloned()
    };
    let approval = platform.until(ask).await;
    let id = approval["id"].as_str().expect("an id");
    let decided = client.post(&format!("{STUDIO}/approvals/{id}"), decision).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    approval
}

async fn a_claim_is_taken_in(mut platform: Platform) {
    let world = World::of(&["desk", "ledger"]).await;
    claim_form(&platform).await;
    secret(&platform, "LEDGER_TOKEN").await;
    world.publish(&platform, "line-item-check").await;
    world.publish(&platform, "claim-intake").await;
    start(&mut platform);
    let parts = [
        Part::Text { name: "claimId", text: "C-7" },
        Part::File { name: "document", file_name: "claim.pdf", bytes: INVOICE },
    ];
    let run = begin(&platform, "claim-intake", &parts).await;
    let approval = decide(&platform, json!({"decision": "approve"})).await;
    assert_eq!(approval["title"], "Review claim C-7", "the lines are net and the total is gross");
    let run = completed(&platform, &run).await;
    assert_eq!(step(&run, "claim")["output"]["lines"].as_array().map(Vec::len), Some(4), "{run:#}");
    assert_eq!(step(&run, "check")["status"], "FAILED");
    let items = step(&run, "items");
    assert_eq!((&items["status"], &items["nestedRuns"]["count"]), (&json!("COMPLETED"), &json!(4)));
    let nested = items["nestedRuns"]["data"].as_array().expect("nested runs");
    assert!(nested.iter().all(|run| run["status"] == "COMPLETED" && run["steps"].is_array()), "{items:#}");
    let posted = world.system("ledger").request(1).await;
    assert_eq!((posted.path.as_str(), &posted.json()["id"]), ("/claims", &json!("C-7")));
    assert_eq!(posted.header("authorization"), "Bearer the value of LEDGER_TOKEN");
    assert!(world.system("desk").received().is_empty());
    assert!(!run.to_string().contains("the value of"), "a secret is in no answer");
}

/// A hub that reads the sample document as a claim.
async fn claim_form(platform: &Platform) {
    let mut lines = Field::new("lineItems", "Line items", FieldType::Table);
    let named =
        |id, name, kind, alias: &str| Field { aliases: vec![alias.into()], ..Field::new(id, name, kind) };
    lines.columns = vec![
        named("sku", "Article", FieldType::String, "Description"),
        named("qty", "Quantity", FieldType::Number, "Qty"),
        named("price", "Unit price", FieldType::Number, "Price"),
    ];
    let hub = json!({"id": platform.context.hub_id(), "name": "Claim form", "duplicates": "allow", "enabled": true,
        "version": 1, "fields": [Field::new("total", "Total", FieldType::Money), lines]});
    let hub: Hub = serde_json::from_value(hub).unwrap();
    platform.store.hubs().insert(platform.org_id, hub, None, platform.context.now()).await.unwrap();
}

async fn invoice(platform: &mut Platform, world: &World) -> String {
    secret(platform, "LEDGER_TOKEN").await;
    world.publish(platform, "invoice-to-ledger").await;
    start(platform);
    let parts = [Part::File { name: "document", file_name: "invoice.pdf", bytes: INVOICE }];
    begin(platform, "invoice-to-ledger", &parts).await
}

async fn an_invoice_goes_to_the_ledger_once_somebody_agreed(mut platform: Platform) {
    let world = World::of(&["ledger", "mail"]).await;
    let run = invoice(&mut platform, &world).await;
    let approval = decide(&platform, json!({"decision": "approve"})).await;
    assert_eq!(approval["data"]["number"], "NL-2026-0417");
    assert_eq!(get(&platform, &run).await["workflow"]["name"], "Invoice to ledger");
    let run = completed(&platform, &run).await;
    let posted = world.system("ledger").received();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].json()["total"], json!(2654.53));
    assert_eq!(posted[0].header("authorization"), "Bearer the value of LEDGER_TOKEN");
    assert!(!posted[0].header("idempotency-key").is_empty());
    assert_eq!(step(&run, "approve")["status"], "COMPLETED");
    assert!(world.system("mail").received().is_empty());
    let jobs = platform.client().get("/document-insights/jobs?metadata.source=invoice-to-ledger").await;
    assert_eq!(jobs.counts(), (1, 1), "a step that reads is a job like any other");
}

async fn a_refused_invoice_is_sent_back(mut platform: Platform) {
    let world = World::of(&["ledger", "mail"]).await;
    let run = invoice(&mut platform, &world).await;
    decide(&platform, json!({"decision": "reject", "by": "Ada", "data": {"comment": "never ordered"}})).await;
    completed(&platform, &run).await;
    let told = world.system("mail").request(1).await.json();
    assert_eq!(told, json!({"invoice": "NL-2026-0417", "reason": "never ordered"}));
    assert!(world.system("ledger").received().is_empty());
}

async fn a_folder_is_read_and_one_broken_document_is_told(mut platform: Platform) {
    let world = World::of(&[]).await;
    world.publish(&platform, "folder-of-documents").await;
    start(&mut platform);
    let documents: Vec<Vec<u8>> = (1..=3)
        .map(|number| {
            let text = format!(
                "INVOICE\nACME Ltd\nInvoice number: INV-{number:04}\nInvoice date: 2026-02-28\nNet total: 100.00 EUR\n\
                 Tax total: 19.00 EUR\nTotal: 119.00 EUR\nPlease pay the total amount within two weeks.\n"
            );
            pdf::text_pages(&[text.as_str()])
        })
        .collect();
    let mut parts: Vec<Part<'_>> = documents
        .iter()
        .map(|bytes| Part::File { name: "documents", file_name: "invoice.pdf", bytes })
        .collect();
    parts.push(Part::File { name: "documents", file_name: "broken.pdf", bytes: crate::support::PDF });
    let run = begin(&platform, "folder-of-documents", &parts).await;
    let run = completed(&platform, &run).await;
    let rows = step(&run, "rows")["output"].as_array().expect("a row for each document");
    let statuses: Vec<&Value> = rows.iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"], "{run:#}");
    assert!(rows[0]["fields"].to_string().contains("INV-0001"), "{}", rows[0]);
    let client = platform.client();
    let download = async |id: &str| {
        let file = step(&run, id)["output"]["fileId"].as_str().expect("a file").to_owned();
        client.get(&format!("/files/{file}/download")).await
    };
    let results = download("results").await;
    assert_eq!(results.json(), Value::Array(rows.clone()));
    let archive = download("archive").await;
    assert!(archive.body.starts_with(b"PK"), "an archive");
}

async fn a_night_is_reconciled_by_the_clock(mut platform: Platform) {
    let world = World::of(&["bank", "ledger", "desk", "monitor"]).await;
    let answer =
        |body: Value| Behavior::status(200).header("content-type", "application/json").body(body.to_string());
    world.system("bank").always(answer(json!([{"reference": "A"}, {"reference": "B"}])));
    world.system("ledger").always(answer(json!([{"reference": "A"}])));
    for name in ["BANK_TOKEN", "LEDGER_TOKEN"] {
        secret(&platform, name).await;
    }
    world.publish(&platform, "nightly-reconciliation").await;
    let client = platform.client();
    let path = format!("{STUDIO}/workflows/nightly-reconciliation/schedules/nightly");
    let schedule = json!({"cron": "30 2 * * *", "timeZone": "Europe/Berlin"});
    let schedule = send(client.request(Method::PUT, &path).json(&schedule)).await.json();
    let due = schedule["nextAt"].as_str().expect("a due time").to_owned();
    let due_at: domain::time::Timestamp = due.parse().expect("a timestamp");
    platform.clock.advance(due_at.since(platform.context.now()).saturating_sub(Duration::from_secs(2)));
    start(&mut platform);
    let ask = || async {
        let schedule = client.get(&path).await.json();
        schedule["lastRunId"].as_str().map(|run| (run.to_owned(), schedule.clone()))
    };
    let (run, schedule) = platform.until(ask).await;
    assert_eq!(schedule["lastAt"], json!(due));
    let run = completed(&platform, &run).await;
    assert_eq!(world.system("desk").request(1).await.json(), json!([{"reference": "B"}]));
    assert_eq!(world.system("bank").received()[0].header("authorization"), "Bearer the value of BANK_TOKEN");
    let told = world.system("monitor").request(1).await.json();
    assert_eq!(told["run"], run["id"]);
    let runs = client.get("/workflow-runs?workflowId=nightly-reconciliation").await;
    assert_eq!(runs.counts(), (1, 1), "one due time, one run");
}

async fn a_partner_answers_by_a_signal(mut platform: Platform) {
    let world = World::of(&["partner"]).await;
    world.publish(&platform, "callback").await;
    start(&mut platform);
    let client = platform.client();
    let run = client.post("/workflows/callback/runs", json!({"orderId": "O-1"})).await.text("id");
    let order = platform.wait(world.system("partner").request(1)).await.json();
    assert_eq!(order["order"], "O-1");
    let callback = order["callback"].as_str().expect("where to answer").to_owned();
    let waiting = || async {
        let run = get(&platform, &run).await;
        let steps = run["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().any(|step| step["id"] == "answer" && step["status"] == "PROCESSING").then_some(())
    };
    platform.until(waiting).await;
    let answered = client.post(&format!("/{callback}"), json!({"accepted": true})).await;
    assert_eq!(answered.status / 100, 2, "{answered:?}");
    let settling = || async {
        let run = get(&platform, &run).await;
        let steps = run["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().any(|step| step["id"] == "settle" && step["status"] == "PROCESSING").then_some(())
    };
    platform.until(settling).await;
    platform.clock.advance(Duration::from_secs(595));
    let run = completed(&platform, &run).await;
    assert_eq!(step(&run, "answer")["output"], json!({"accepted": true}));
    assert_eq!(step(&run, "remind")["status"], "SKIPPED");
}
