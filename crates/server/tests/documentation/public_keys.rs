//! The code of docs/verifying.md for public keys, against what a real server sent and the keys it publishes.

use crate::{
    snippets::{ask, harness, snippet},
    start,
};
use serde_json::{Value, json};
use std::{fs, process::Command};
use testkit::receiver::Received;

/// A delivery to a subscription that asks for it, and the published keys.
async fn signed() -> (Received, Value) {
    let (server, receiver, _) = start().await;
    let id = server.subscribe(&receiver.url("/"), "a secret").await.expect("it subscribes");
    let path = format!("/event-subscriptions/{id}");
    let change = json!({"asymmetricSignature": true});
    let answer =
        server.request(reqwest::Method::PATCH, &path).json(&change).send().await.expect("it answers");
    let shown: Value = answer.json().await.expect("it is JSON");
    assert_eq!(shown["asymmetricSignature"], json!(true), "{shown}");
    let url = format!("{}/.well-known/jwks.json", server.url());
    let keys = async || -> Value {
        let answer = reqwest::get(&url).await.expect("it answers");
        assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
        answer.json::<Value>().await.expect("it is JSON")["keys"].clone()
    };
    let body = json!({"eventType": "document-insights.job.completed"});
    let test = server.request(reqwest::Method::POST, &format!("{path}/test")).json(&body);
    assert!(test.send().await.expect("it answers").status().is_success());
    (receiver.request(1).await, keys().await)
}

#[tokio::test]
async fn node_verifies_with_the_published_keys() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (received, keys) = signed().await;
    assert_eq!(keys.as_array().map(Vec::len), Some(2), "one signs, the next is published ahead: {keys}");
    assert!(!keys.to_string().contains("\"d\""), "nothing private: {keys}");
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = |change: &dyn Fn(&str, &str) -> String| -> Value {
        names.iter().map(|name| ((*name).to_owned(), json!(change(name, received.header(name))))).collect()
    };
    let same = |_: &str, value: &str| value.to_owned();
    let signature = received.header("webhook-signature");
    assert!(signature.starts_with("v1,") && signature.contains(" v1a,"), "{signature}");
    let without = |name: &str, value: &str| match name {
        "webhook-signature" => value.split(' ').next().unwrap_or_default().to_owned(),
        _ => value.to_owned(),
    };
    let another_id = |name: &str, value: &str| {
        if name == "webhook-id" { "evt_other".to_owned() } else { value.to_owned() }
    };
    let old = |name: &str, value: &str| match name {
        "webhook-timestamp" => (value.parse::<i64>().expect("seconds") - 400).to_string(),
        _ => value.to_owned(),
    };
    let case = |keys: &Value, headers: Value, body: &[u8]| json!({"keys": keys, "headers": headers, "body": STANDARD.encode(body)});
    let mut changed = received.body.to_vec();
    changed[10] ^= 1;
    let other = json!([{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]);
    let cases = [
        (case(&keys, headers(&same), &received.body), true),
        (case(&keys, headers(&same), &changed), false),
        (case(&keys, headers(&without), &received.body), false),
        (case(&keys, headers(&another_id), &received.body), false),
        (case(&keys, headers(&old), &received.body), false),
        (case(&other, headers(&same), &received.body), false),
        (case(&json!([]), headers(&same), &received.body), false),
    ];
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("snippet.mjs"), snippet("javascript")).expect("it is written");
    fs::copy(harness("keys.mjs"), directory.path().join("keys.mjs")).expect("it is copied");
    let (input, expected): (Vec<Value>, Vec<bool>) = cases.into_iter().unzip();
    let verdicts = ask(Command::new("node").arg("keys.mjs").current_dir(directory.path()), &input);
    assert_eq!(verdicts, expected);
}
