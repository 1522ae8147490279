//! A client that knows the contract and nothing else, on a whole node with real documents: subscribe, upload, submit,
//! poll, read, give feedback, receive, verify, ask for it again, rotate.

use crate::support::{EXTRACT, JOBS, SUBSCRIPTIONS, on_both_databases};
use serde_json::{Value, json};
use std::path::Path;
use testkit::{
    pdf,
    platform::{Client, Platform},
    receiver::Receiver,
};

on_both_databases!(a_document_becomes_fields_and_a_verified_webhook);

const INVOICE: &str = "INVOICE\nACME Ltd\nInvoice number: INV-0042\nInvoice date: 2026-02-28\nDue date: 2026-03-14\n\
    Bill to: Example Inc\nNet total: 100.00 EUR\nTax total: 19.00 EUR\nTotal: 119.00 EUR\n\
    Please pay the total amount within two weeks of the date of this invoice. Thank you for your business.\n";

async fn ended(platform: &Platform, client: &Client, id: &str) -> Value {
    let path = format!("{JOBS}/{id}");
    let ask = || async {
        let job = client.get(&path).await.json();
        job["completedAt"].is_string().then_some(job)
    };
    platform.until(ask).await
}

fn field<'a>(job: &'a Value, id: &str) -> &'a Value {
    let fields = job["output"]["fields"].as_array().expect("an output");
    fields.iter().find(|field| field["id"] == id).expect("every field of the hub")
}

async fn a_document_becomes_fields_and_a_verified_webhook(mut platform: Platform) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let (client, receiver) = (platform.client(), Receiver::start().await.expect("a receiver"));
    let subscription = json!({"endpointUrl": receiver.url("/"), "signingSecret": "first", "eventTypes":
        ["document-insights.job.completed", "document-insights.job.failed", "document-insights.job.rejected"]});
    let subscription = client.post(SUBSCRIPTIONS, subscription).await.text("id");

    let file = client.store_file("invoice.pdf", &pdf::text_pages(&[INVOICE])).await;
    let request =
        json!({"document": {"fileId": file}, "hubId": platform.hubs[0], "metadata": {"claim": "7"}});
    let queued = client.post(EXTRACT, request.clone()).await;
    assert_eq!((queued.status, queued.text("status")), (202, "QUEUED".into()));
    let id = queued.text("id");
    let job = ended(&platform, &client, &id).await;
    assert_eq!((&job["status"], &job["hubName"]), (&json!("COMPLETED"), &json!("Invoices")), "{job}");
    assert_eq!(field(&job, "invoiceNumber")["value"], "INV-0042");
    assert_eq!(field(&job, "total")["value"], json!({"amount": "119.00", "currency": "EUR"}));
    for found in ["invoiceNumber", "total"] {
        let field = field(&job, found);
        assert!(field["confidence"].as_f64().is_some_and(|confidence| (0.0..=1.0).contains(&confidence)));
        assert_eq!(field["placements"][0]["page"], 1);
    }
    assert_eq!(job["output"]["fieldCount"], job["output"]["fields"].as_array().map_or(0, Vec::len));
    assert_eq!(client.get(&format!("{JOBS}?metadata.claim=7&status=COMPLETED")).await.counts(), (1, 1));

    let first = platform.wait(receiver.request(1)).await;
    assert_eq!(first.report("first", platform.context.now()).verdict(), Ok(()), "signed");
    let mut data = job.clone();
    data["jobId"] = json!(id);
    assert_eq!(first.json()["data"], data, "the event is the job as GET shows it");

    let feedback = json!({"message": "the date is wrong", "fieldId": "dueDate", "value": "2026-03-15"});
    assert_eq!(client.post(&format!("{JOBS}/{id}/feedback"), feedback).await.status, 202);

    // What is being attempted is not sent again, so its result has to be recorded first.
    let delivered = format!("{SUBSCRIPTIONS}/{subscription}/deliveries?status=DELIVERED");
    platform.until(async || (client.get(&delivered).await.counts() == (1, 1)).then_some(())).await;
    let rotated =
        client.patch(&format!("{SUBSCRIPTIONS}/{subscription}"), json!({"signingSecret": "second"})).await;
    assert_eq!(rotated.status, 200);
    let event_id = first.header("x-plextera-event-id");
    assert_eq!(client.post(&format!("/events/{event_id}/redeliver"), json!({})).await.status, 202);
    let again = platform.wait(receiver.request(2)).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.report("second", platform.context.now()).verdict(), Ok(()), "rotated");

    let duplicate = client.post(EXTRACT, request).await.text("id");
    let duplicate = ended(&platform, &client, &duplicate).await;
    assert_eq!(
        (&duplicate["status"], &duplicate["error"]["code"]),
        (&json!("REJECTED"), &json!("DUPLICATE_DOCUMENT"))
    );
    assert!(
        duplicate["error"]["message"].as_str().is_some_and(|message| message.contains(&id)),
        "{duplicate}"
    );
    assert_eq!(
        platform.wait(receiver.request(3)).await.json()["eventType"],
        "document-insights.job.rejected"
    );
}
