//! Endpoints made to do harm, subscribed to the real binary all at once.
//!
//! Of each it is asked that its attempts end in time, that their log says whose fault it was and why, that nothing more
//! is sent than the attempts, and that an endpoint that is well does not notice; of the server, that its memory stays
//! below the promised bound whatever comes back.

mod headers;
mod kinds;

use kinds::{Kind, Verdict};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, time::Duration};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
    tls::Authority,
};

/// Of each endpoint.
const EVENTS: usize = 3;
/// The first, and one more after a failure.
const ATTEMPTS: usize = 2;
/// One attempt of each event at a time would take this long; they are eight at a time.
const TIME_MAX: Duration = Duration::from_secs(60);
const SERVER_MEMORY_BYTES_MAX: u64 = 150_000_000;
const POLL: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn hostile_endpoints_harm_nobody_but_themselves() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, authority.pem()).expect("it is written");
    let variables = [
        ("SSL_CERT_FILE", trusted.to_str().expect("a path")),
        ("PLEXTERA_DELIVERY__TIMEOUT", "1s"),
        ("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "100ms"),
        ("PLEXTERA_WORKERS", "2"),
    ];
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let server = Program::start(binary, &variables).await.expect("the server starts");
    let well = Receiver::start().await.expect("a receiver");
    let well_id = server.subscribe(&well.url("/"), "a secret").await.expect("it subscribes");
    let kinds = kinds::all(&authority).await;
    let mut subscribed = Vec::new();
    for kind in &kinds {
        let id = server.subscribe(&kind.url, "a secret").await;
        subscribed.push((kind, id.unwrap_or_else(|error| panic!("{}: {error}", kind.name))));
    }

    for number in 0..EVENTS {
        server.submit(&format!("{number}.pdf"), Vec::new()).await.expect("it is accepted");
    }
    tokio::time::timeout(TIME_MAX, well.request(EVENTS)).await.expect("who is well hears of all");
    let mut wrong = Vec::new();
    for (kind, id) in &subscribed {
        for delivery in ended(&server, id).await {
            wrong.extend(judge(kind, &delivery));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", server.log());
    for delivery in ended(&server, &well_id).await {
        assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&"DELIVERED".into(), &1.into()));
    }
    for kind in &kinds {
        kind.check_requests(EVENTS);
    }
    let memory = server.peak_memory().expect("proc is there");
    assert!(memory < SERVER_MEMORY_BYTES_MAX, "{memory} bytes");
    assert!(server.is_alive().await);
    assert!(!server.log().contains("ERROR"), "an endpoint is no error of the server:\n{}", server.log());
}

/// The deliveries of a subscription with their attempts, once none of them is waiting any more.
async fn ended(server: &Program, subscription: &str) -> Vec<Value> {
    let path = format!("/event-subscriptions/{subscription}/deliveries");
    let deliveries = async {
        loop {
            let list = server.get(&path).await.expect("a list")["data"].clone();
            let list: Vec<Value> = list.as_array().cloned().unwrap_or_default();
            if list.len() == EVENTS && list.iter().all(|one| one["status"] != "PENDING") {
                return list;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let list = tokio::time::timeout(TIME_MAX, deliveries).await;
    let list = list.unwrap_or_else(|_| panic!("{subscription} does not end\n{}", server.log()));
    let mut whole = Vec::new();
    for delivery in list {
        let id = delivery["id"].as_str().expect("an id").to_owned();
        whole.push(server.get(&format!("/deliveries/{id}")).await.expect("a delivery"));
    }
    whole
}

/// What is not as it should be.
fn judge(kind: &Kind, delivery: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let attempts = delivery["attempts"].as_array().cloned().unwrap_or_default();
    let (status, count) = match kind.verdict {
        Verdict::Delivered => ("DELIVERED", 1),
        _ => ("EXHAUSTED", ATTEMPTS),
    };
    if delivery["status"] != status || attempts.len() != count {
        wrong.push(format!("{}: {} after {} attempts", kind.name, delivery["status"], attempts.len()));
    }
    for attempt in &attempts {
        let said = (attempt["blame"].as_str(), attempt["statusCode"].as_u64());
        let (expected, words) = kind.verdict.expected();
        let text = attempt["error"].as_str().unwrap_or_default();
        if said != expected || !text.contains(words) {
            wrong.push(format!("{}: {attempt} instead of {expected:?} `{words}`", kind.name));
        }
        let body = attempt["responseBody"].as_str().unwrap_or_default();
        // A byte that is no text is kept as a sign of three bytes.
        let kept = body.chars().count();
        if kept > 1024 {
            wrong.push(format!("{}: {kept} characters of its answer are kept", kind.name));
        }
    }
    wrong
}

/// A refusal with its reason, by the name of the field at fault.
async fn refusal(server: &Program, body: &Value) -> BTreeMap<String, String> {
    let request = server.request(reqwest::Method::POST, "/event-subscriptions").json(body);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 422, "{body}");
    let answer: Value = answer.json().await.expect("a body");
    let details = answer["error"]["details"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    details.iter().map(|detail| (text(&detail["field"]), text(&detail["issue"]))).collect()
}

/// A receiver that always behaves so.
async fn receiver(behavior: Behavior) -> Receiver {
    let receiver = Receiver::start().await.expect("a receiver");
    receiver.always(behavior);
    receiver
}
