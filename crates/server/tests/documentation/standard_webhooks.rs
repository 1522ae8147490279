//! The libraries of the Standard Webhooks specification verify what a real server sent.
//!
//! Those for Python and JavaScript are installed by scripts/standard-webhooks.sh, which `make test` runs.

use crate::snippets::{ask, deliveries, harness};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

struct Case {
    what: &'static str,
    /// As the library takes it.
    secret: String,
    headers: [(&'static str, String); 3],
    body: Vec<u8>,
    holds: bool,
}

async fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (secret, received) in deliveries().await {
        let secret = match secret.starts_with("whsec_") {
            true => secret.to_owned(),
            false => STANDARD.encode(secret),
        };
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .map(|name| (name, received.header(name).to_owned()));
        let mut other_id = headers.clone();
        other_id[0].1.push('X');
        let mut later = headers.clone();
        later[1].1 = (later[1].1.parse::<i64>().expect("seconds") + 1).to_string();
        let body = received.body.to_vec();
        let mut changed = body.clone();
        changed[10] ^= 1;
        let other = STANDARD.encode("another secret");
        let case = |what, secret: &str, headers: &[(&'static str, String); 3], body: &[u8], holds| Case {
            what,
            secret: secret.to_owned(),
            headers: headers.clone(),
            body: body.to_vec(),
            holds,
        };
        cases.extend([
            case("as it arrived", &secret, &headers, &body, true),
            case("another secret", &other, &headers, &body, false),
            case("a changed body", &secret, &headers, &changed, false),
            case("another event's id", &secret, &other_id, &body, false),
            case("another time", &secret, &later, &body, false),
        ]);
    }
    cases
}

fn compare(cases: &[Case], verdicts: &[bool]) {
    assert_eq!(verdicts.len(), cases.len());
    for (case, verdict) in cases.iter().zip(verdicts) {
        assert_eq!(*verdict, case.holds, "{}: {:?}", case.what, case.headers);
    }
}

fn json(cases: &[Case]) -> Vec<Value> {
    let json = |case: &Case| {
        let headers: serde_json::Map<String, Value> =
            case.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({"secret": case.secret, "headers": headers, "body": STANDARD.encode(&case.body)})
    };
    cases.iter().map(json).collect()
}

/// Where a library was installed.
fn installed(path: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../standard-webhooks").join(path);
    assert!(place.exists(), "{} is missing: run scripts/standard-webhooks.sh", place.display());
    place
}

#[tokio::test]
async fn rust() {
    let cases = cases().await;
    let verdict = |case: &Case| {
        let headers = case
            .headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a header's value")));
        let webhook = standardwebhooks::Webhook::new(&case.secret).expect("a secret");
        webhook.verify(&case.body, &headers.collect::<reqwest::header::HeaderMap>()).is_ok()
    };
    compare(&cases, &cases.iter().map(verdict).collect::<Vec<_>>());
}

#[tokio::test]
async fn python() {
    let cases = cases().await;
    let mut command = Command::new(installed("python/bin/python"));
    compare(&cases, &ask(command.arg(harness("standard.py")), &json(&cases)));
}

#[tokio::test]
async fn javascript() {
    let cases = cases().await;
    let mut command = Command::new("node");
    command.arg(harness("standard.cjs")).env("NODE_PATH", installed("node/node_modules"));
    compare(&cases, &ask(&mut command, &json(&cases)));
}
