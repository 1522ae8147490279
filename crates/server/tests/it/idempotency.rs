//! Section 1: the same request twice is done once.

use crate::support::{EXTRACT, JOBS, PDF, SUBSCRIPTIONS, UPLOAD, error, on_both_databases};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::platform::{Answer, Client, Part, Platform, form, send};

on_both_databases!(
    the_first_answer_is_given_again,
    requests_at_the_same_time_make_one_job,
    uploads_count_by_their_content,
    a_failed_request_keeps_no_record,
);

fn assert_replayed(first: &Answer, second: &Answer) {
    assert_eq!(second.header("idempotency-replayed"), "true", "{second:?}");
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!(first.header("idempotency-replayed"), "");
}

async fn the_first_answer_is_given_again(platform: Platform) {
    let client = platform.client();
    let file = client.store_file("a.pdf", PDF).await;
    let body = json!({"document": {"fileId": file}, "metadata": {"a": "1"}});
    let first = client.post_once(EXTRACT, "key-1", body.clone()).await;
    assert_eq!(first.status, 202);
    let job = platform.complete(&crate::support::output()).await;
    assert_eq!(client.delete(&format!("/files/{file}")).await.status, 204);
    // Neither the job's new state nor the missing file changes the answer to the same request.
    assert_replayed(&first, &client.post_once(EXTRACT, "key-1", body.clone()).await);
    let other = json!({"document": {"fileId": file}, "metadata": {"a": "2"}});
    let mismatch = client.post_once(EXTRACT, "key-1", other).await;
    assert_eq!(mismatch.error(), error(409, "CONFLICT"));
    assert_eq!(client.get(JOBS).await.counts(), (1, 1));

    let feedback = format!("{JOBS}/{job}/feedback");
    let said = json!({"message": "wrong"});
    let first = client.post_once(&feedback, "key-2", said.clone()).await;
    assert_replayed(&first, &client.post_once(&feedback, "key-2", said.clone()).await);
    let elsewhere = client.post_once(EXTRACT, "key-2", body.clone()).await;
    assert_eq!(elsewhere.error(), error(409, "CONFLICT"), "another path is another request");

    let subscription = crate::subscriptions::body("https://example.com/x");
    let first = client.post_once(SUBSCRIPTIONS, "key-3", subscription.clone()).await;
    assert_replayed(&first, &client.post_once(SUBSCRIPTIONS, "key-3", subscription).await);
    assert_eq!(client.get(SUBSCRIPTIONS).await.counts(), (1, 1));

    let stranger = platform.stranger().await;
    let own = json!({"document": {"url": "https://example.com/a.pdf"}});
    assert_eq!(stranger.post_once(EXTRACT, "key-1", own).await.status, 202, "keys belong to an organization");
    platform.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(
        client.post_once(EXTRACT, "key-1", body).await.fields(),
        ["document.fileId"],
        "a day later it is new"
    );
}

async fn requests_at_the_same_time_make_one_job(platform: Platform) {
    let client = platform.client();
    let body = json!({"document": {"url": "https://example.com/a.pdf"}});
    let requests = (0..10).map(|_| client.post_once(EXTRACT, "key", body.clone()));
    let answers = futures::future::join_all(requests).await;
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
    assert_eq!(first, 1);
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.body == answers[0].body));
    assert_eq!(client.get(JOBS).await.counts(), (1, 1));
}

async fn upload(client: &Client, path: &str, bytes: &[u8]) -> Answer {
    let parts = [Part::File { name: "file", file_name: "a.pdf", bytes }];
    let request = client.request(Method::POST, path).header("Idempotency-Key", "key");
    send(request.multipart(form(&parts))).await
}

async fn uploads_count_by_their_content(platform: Platform) {
    let client = platform.client();
    // Every multipart body has another boundary: only what is in it counts.
    let first = upload(&client, UPLOAD, PDF).await;
    assert_eq!(first.status, 202);
    assert_replayed(&first, &upload(&client, UPLOAD, PDF).await);
    assert_eq!(upload(&client, UPLOAD, b"%PDF-1.4 other").await.error(), error(409, "CONFLICT"));
    assert_eq!(upload(&client, "/files", PDF).await.error(), error(409, "CONFLICT"));
    assert_eq!(client.get("/files").await.counts(), (1, 1));
}

async fn a_failed_request_keeps_no_record(platform: Platform) {
    let client = platform.client();
    let wrong = json!({"document": {"url": "ftp://example.com/a.pdf"}});
    assert_eq!(client.post_once(EXTRACT, "key", wrong).await.status, 422);
    let right = json!({"document": {"url": "https://example.com/a.pdf"}});
    assert_eq!(
        client.post_once(EXTRACT, "key", right.clone()).await.status,
        202,
        "the key is free to be used"
    );
    for key in ["", &"k".repeat(256)] {
        assert_eq!(
            client.post_once(EXTRACT, key, right.clone()).await.error(),
            error(400, "INVALID_REQUEST")
        );
    }
}
