//! Section 3: Document Insights jobs.

use crate::support::{EXTRACT, JOBS, PDF, ULID, UPLOAD, error, on_both_databases, output};
use domain::job::Rejection;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::platform::{Answer, Part, Platform};

on_both_databases!(
    a_job_is_made_from_a_stored_file,
    a_job_is_made_in_one_call,
    wrong_requests_say_what_is_wrong,
    a_completed_job_has_its_output,
    lists_are_filtered,
    feedback_is_checked_against_the_field,
    jobs_are_cancelled_and_deleted,
);

fn keys(json: &Value) -> Vec<&str> {
    json.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

async fn a_job_is_made_from_a_stored_file(platform: Platform) {
    let client = platform.client();
    let file = client.store_file("invoice.pdf", PDF).await;
    let hub = platform.hubs[1];
    let body = json!({"document": {"fileId": file}, "hubId": hub, "metadata": {"customerDocumentId": "42"}});
    let answer = client.post(EXTRACT, body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let job = answer.json();
    assert_eq!((&job["status"], &job["operation"]), (&json!("QUEUED"), &json!("extract")));
    assert_eq!((&job["outputAvailable"], &job["hubId"]), (&json!(false), &json!(hub)));
    assert_eq!(job["hubName"], "Receipts");
    assert_eq!(job["metadata"], json!({"customerDocumentId": "42"}));
    let document = json!({"fileId": file, "fileName": "invoice.pdf", "mimeType": "application/pdf", "sizeBytes": PDF.len()});
    assert_eq!(job["document"], document);
    assert_eq!(job["createdAt"], job["updatedAt"]);
    for absent in ["startedAt", "completedAt", "error", "output"] {
        assert!(job.get(absent).is_none(), "{absent}");
    }
    assert_eq!(client.get(&format!("{JOBS}/{}", answer.text("id"))).await.json(), job);

    let by_url =
        client.post(EXTRACT, json!({"document": {"url": "https://example.com/a/b%20c.pdf?x=1"}})).await;
    assert_eq!(by_url.status, 202);
    assert_eq!(by_url.text("document/fileName"), "b c.pdf");
    assert_eq!(keys(&by_url.json()["document"]), ["fileId", "fileName"]);
    assert_eq!(
        keys(&by_url.json()),
        ["createdAt", "document", "id", "operation", "outputAvailable", "status", "updatedAt"]
    );
}

async fn a_job_is_made_in_one_call(platform: Platform) {
    let client = platform.client();
    let hub = platform.hubs[0].to_string();
    let file = Part::File { name: "file", file_name: "a.pdf", bytes: PDF };
    // The parts may stand in any order.
    let parts = [
        Part::Text { name: "metadata", text: r#"{"a":"b"}"# },
        file,
        Part::Text { name: "hubId", text: &hub },
    ];
    let answer = client.upload(UPLOAD, &parts).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!((answer.json()["metadata"].clone(), answer.text("hubId")), (json!({"a": "b"}), hub));
    let file = answer.text("document/fileId");
    assert_eq!(client.get(&format!("/files/{file}")).await.status, 200);

    let wrong = async |name: &str, text: &str| {
        let file = Part::File { name: "file", file_name: "a.pdf", bytes: PDF };
        client.upload(UPLOAD, &[file, Part::Text { name, text }]).await
    };
    assert_eq!(wrong("metadata", "{").await.fields(), ["metadata"]);
    assert_eq!(wrong("metadata", "[]").await.fields(), ["metadata"]);
    assert_eq!(wrong("metadata", r#"{"a":1}"#).await.fields(), ["metadata.a"]);
    assert_eq!(wrong("hubId", "nope").await.fields(), ["hubId"]);
    assert_eq!(wrong("hubId", "6721b0c4e5f60718293a4b5c").await.fields(), ["hubId"]);
    assert_eq!(wrong("hub", "x").await.fields(), ["hub"]);
    assert_eq!(client.upload(UPLOAD, &[Part::Text { name: "hubId", text: "x" }]).await.fields(), ["file"]);
    assert_eq!(client.get("/files").await.counts(), (1, 1), "what was refused is not kept");
}

async fn wrong_requests_say_what_is_wrong(platform: Platform) {
    let client = platform.client();
    let file = client.store_file("a.pdf", PDF).await;
    let document = json!({"fileId": file});
    let fields = async |body: Value| client.post(EXTRACT, body).await.fields();
    assert_eq!(fields(json!({})).await, ["document"]);
    assert_eq!(fields(json!({"document": "x"})).await, ["document"]);
    assert_eq!(fields(json!({"document": {}})).await, ["document"]);
    assert_eq!(
        fields(json!({"document": {"fileId": file, "url": "https://example.com/"}})).await,
        ["document"]
    );
    assert_eq!(fields(json!({"document": {"fileId": format!("file_{ULID}")}})).await, ["document.fileId"]);
    assert_eq!(fields(json!({"document": {"fileId": 7}})).await, ["document.fileId"]);
    for url in [
        "",
        "x",
        "ftp://example.com/",
        "https://user:pw@example.com/",
        &format!("https://example.com/{}", "x".repeat(2048)),
    ] {
        assert_eq!(fields(json!({"document": {"url": url}})).await, ["document.url"], "{url}");
    }
    for hub in ["6721b0c4e5f60718293a4b5c", "6721B0C4E5F60718293A4B5C", "x", ""] {
        assert_eq!(fields(json!({"document": document, "hubId": hub})).await, ["hubId"], "{hub}");
    }
    platform
        .store
        .hubs()
        .set_enabled(platform.org_id, platform.hubs[2], false, platform.context.now())
        .await
        .unwrap();
    assert_eq!(
        fields(json!({"document": document, "hubId": platform.hubs[2]})).await,
        ["hubId"],
        "not enabled"
    );

    let metadata = async |metadata: Value| {
        client.post(EXTRACT, json!({"document": document, "metadata": metadata})).await
    };
    let entries =
        |count: usize| (0..count).map(|i| (format!("k{i}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let longest = json!({"k".repeat(64): "v".repeat(512)});
    assert_eq!(metadata(longest).await.status, 202);
    assert_eq!(metadata(entries(50).into()).await.status, 202);
    assert_eq!(metadata(entries(51).into()).await.fields(), ["metadata"]);
    let long_key = "k".repeat(65);
    assert_eq!(metadata(json!({&long_key: "v"})).await.fields(), [format!("metadata.{long_key}")]);
    assert_eq!(metadata(json!({"a": "v".repeat(513)})).await.fields(), ["metadata.a"]);
    for value in [json!(" \t"), json!(""), json!(1), json!(null), json!({}), json!(true)] {
        assert_eq!(metadata(json!({"a": value})).await.fields(), ["metadata.a"], "{value}");
    }
}

async fn a_completed_job_has_its_output(platform: Platform) {
    let client = platform.client();
    let completed = client.submit("a.pdf", PDF).await;
    platform.clock.advance(Duration::from_secs(2));
    platform.complete(&output()).await;
    let job = client.get(&format!("{JOBS}/{completed}")).await.json();
    assert_eq!((&job["status"], &job["outputAvailable"]), (&json!("COMPLETED"), &json!(true)));
    assert_eq!((&job["completedAt"], &job["hubName"]), (&json!("2026-03-01T09:30:02Z"), &json!("Invoices")));
    assert_eq!((&job["output"]["fieldCount"], &job["document"]["pageCount"]), (&json!(3), &json!(1)));
    let iban = &job["output"]["fields"][2];
    assert_eq!((iban.get("value"), &iban["placements"]), (Some(&Value::Null), &json!([])));

    let rejected = client.submit("b.pdf", b"").await;
    platform.reject(Rejection::EmptyFile).await;
    let job = client.get(&format!("{JOBS}/{rejected}")).await.json();
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("REJECTED"), &json!("EMPTY_FILE")));
    assert_eq!(job["outputAvailable"], false);
    assert!(job.get("startedAt").is_none() && job.get("output").is_none());
    let listed = client.get(JOBS).await.json();
    assert!(listed["data"][1]["outputAvailable"] == true && listed["data"][1].get("output").is_none());
}

async fn lists_are_filtered(platform: Platform) {
    let client = platform.client();
    for (second, metadata) in
        [json!({"a": "1"}), json!({"a": "1", "b": "2"}), json!({"a.b": "x"})].iter().enumerate()
    {
        let body =
            json!({"document": {"url": format!("https://example.com/{second}")}, "metadata": metadata});
        assert_eq!(client.post(EXTRACT, body).await.status, 202);
        platform.clock.advance(Duration::from_secs(10));
    }
    platform.complete(&output()).await;
    let count = async |query: &str| {
        let answer = client.get(&format!("{JOBS}?{query}")).await;
        assert_eq!(answer.status, 200, "{query} {answer:?}");
        answer.counts().1
    };
    assert_eq!(count("status=QUEUED").await, 2);
    assert_eq!(count("status=COMPLETED").await, 1);
    assert_eq!(count("status=FAILED").await, 0);
    assert_eq!(count(&format!("hubId={}", platform.hubs[0])).await, 1);
    assert_eq!(count("metadata.a=1").await, 2);
    assert_eq!(count("metadata.a=1&metadata.b=2").await, 1);
    assert_eq!(count("metadata.a=2").await, 0);
    assert_eq!(count("metadata.a.b=x").await, 1);
    assert_eq!(count("createdAfter=2026-03-01T09:30:05Z").await, 2);
    assert_eq!(count("createdBefore=2026-03-01T09:30:05Z").await, 1);
    assert_eq!(count("createdAfter=2026-03-01T10:30:05%2B01:00&createdBefore=2026-03-01T09:30:15Z").await, 1);
    assert_eq!(count("status=QUEUED&metadata.a=1&size=1").await, 1);
    for query in [
        "status=queued",
        "status=",
        "hubId=x",
        "createdAfter=yesterday",
        "createdBefore=2026-03-01",
        "stauts=QUEUED",
    ] {
        assert_eq!(
            client.get(&format!("{JOBS}?{query}")).await.error(),
            error(400, "INVALID_REQUEST"),
            "{query}"
        );
    }
}

async fn feedback_is_checked_against_the_field(platform: Platform) {
    let client = platform.client();
    let job = client.submit("a.pdf", PDF).await;
    let path = format!("{JOBS}/{job}/feedback");
    let early = client.post(&path, json!({"message": "too early"})).await;
    assert_eq!((early.error(), &early.json()["error"]["retryable"]), (error(409, "CONFLICT"), &json!(true)));
    platform.complete(&output()).await;
    let said = async |body: Value| -> Answer { client.post(&path, body).await };

    let kept = said(json!({"message": "the sum is wrong", "fieldId": "total", "value": {"amount": "13.00", "currency": "EUR"},
        "placement": {"page": 1, "x": 0.5, "y": 0.5, "width": 0.1, "height": 0.02}})).await;
    assert_eq!(kept.status, 202, "{kept:?}");
    assert!(kept.text("id").starts_with("fb_"));
    assert_eq!(
        (kept.text("jobId"), kept.text("type"), kept.text("fieldId")),
        (job.clone(), "ERROR".into(), "total".into())
    );
    assert_eq!(kept.json()["value"], json!({"amount": "13.00", "currency": "EUR"}));
    let remark = said(json!({"message": "ok", "type": "INFO"})).await;
    assert_eq!(keys(&remark.json()), ["createdAt", "id", "jobId", "message", "type"]);
    for right in [
        json!({"message": "x".repeat(1024)}),
        json!({"message": "none", "fieldId": "total", "value": null}),
        json!({"message": "x", "fieldId": "invoiceDate", "value": "2026-02-28"}),
        json!({"message": "x", "fieldId": "lineItems[0].description", "value": "Widget"}),
        json!({"message": "x", "fieldId": "lineItems", "value": {"rows": [{"cells": [{"column": "description", "value": "Widget"}]}]}}),
    ] {
        assert_eq!(said(right.clone()).await.status, 202, "{right}");
    }
    for (wrong, field) in [
        (json!({}), "message"),
        (json!({"message": ""}), "message"),
        (json!({"message": "x".repeat(1025)}), "message"),
        (json!({"message": 1}), "message"),
        (json!({"message": "x", "type": "WARN"}), "type"),
        (json!({"message": "x", "fieldId": ""}), "fieldId"),
        (json!({"message": "x", "fieldId": "f".repeat(257)}), "fieldId"),
        (json!({"message": "x", "fieldId": "nothingLikeThis"}), "fieldId"),
        (json!({"message": "x", "fieldId": "lineItems[0].colour"}), "fieldId"),
        (json!({"message": "x", "value": 1}), "value"),
        (json!({"message": "x", "fieldId": "total", "value": "13.00"}), "value"),
        (json!({"message": "x", "fieldId": "invoiceNumber", "value": 7}), "value"),
        (json!({"message": "x", "fieldId": "invoiceDate", "value": "28.02.2026"}), "value"),
        (json!({"message": "x", "placement": {"page": 0}}), "placement"),
        (json!({"message": "x", "comment": "y"}), "comment"),
    ] {
        assert_eq!(said(wrong.clone()).await.fields(), [field], "{wrong}");
    }
    assert_eq!(
        client.post(&format!("{JOBS}/dijob_{ULID}/feedback"), json!({"message": "x"})).await.status,
        404
    );
    let rejected = client.submit("b.pdf", b"").await;
    platform.reject(Rejection::EmptyFile).await;
    let late = client.post(&format!("{JOBS}/{rejected}/feedback"), json!({"message": "x"})).await;
    assert_eq!((late.error(), &late.json()["error"]["retryable"]), (error(409, "CONFLICT"), &json!(false)));
}

async fn jobs_are_cancelled_and_deleted(platform: Platform) {
    let client = platform.client();
    let queued = client.submit("a.pdf", PDF).await;
    let early = client.delete(&format!("{JOBS}/{queued}")).await;
    assert_eq!((early.error(), &early.json()["error"]["retryable"]), (error(409, "CONFLICT"), &json!(true)));
    let cancelled = client.post(&format!("{JOBS}/{queued}/cancel"), json!({})).await;
    assert_eq!(
        (cancelled.status, cancelled.text("status"), cancelled.text("error/code")),
        (200, "FAILED".into(), "CANCELLED".into())
    );
    assert_eq!(
        client.post(&format!("{JOBS}/{queued}/cancel"), json!({})).await.error(),
        error(409, "CONFLICT")
    );
    assert_eq!(
        client.post(&format!("{JOBS}/{queued}/cancel"), json!({"reason": "x"})).await.fields(),
        ["reason"]
    );
    assert_eq!(client.post(&format!("{JOBS}/dijob_{ULID}/cancel"), json!({})).await.status, 404);
    let events = client.get("/events").await;
    assert_eq!(
        (events.counts().1, events.text("data/0/eventType")),
        (1, "document-insights.job.failed".into())
    );

    let processing = client.submit("b.pdf", b"%PDF-1.4 b").await;
    platform.begin().await;
    let without_body = testkit::platform::send(
        client.request(reqwest::Method::POST, &format!("{JOBS}/{processing}/cancel")),
    )
    .await;
    assert_eq!(without_body.status, 200);

    let file = client.get(&format!("{JOBS}/{queued}")).await.text("document/fileId");
    assert_eq!(client.delete(&format!("{JOBS}/{queued}")).await.status, 204);
    assert_eq!(client.get(&format!("{JOBS}/{queued}")).await.status, 404);
    assert_eq!(client.delete(&format!("{JOBS}/{queued}")).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(client.get(&format!("/files/{file}")).await.status, 200, "the file is a resource of its own");
    let erased = client.get(&format!("/events/{}", events.text("data/0/eventId"))).await;
    assert_eq!((erased.status, erased.json().get("data")), (200, None));
    let again = client.post(&format!("/events/{}/redeliver", events.text("data/0/eventId")), json!({})).await;
    assert_eq!(again.error(), error(409, "CONFLICT"));
}
