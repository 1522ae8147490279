//! What the documentation shows is what the server sends.
//!
//! `PLEXTERA_UPDATE_DOCS=1 cargo test -p plextera --test documentation` writes the examples anew.

mod public_keys;
mod snippets;
mod standard_webhooks;

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use testkit::{
    hostile,
    program::Program,
    receiver::{Behavior, Received, Receiver},
};

const EVENT_TYPES: [&str; 5] = [
    "document-insights.job.completed",
    "document-insights.job.failed",
    "document-insights.job.rejected",
    "workflow.run.completed",
    "workflow.run.failed",
];
const JOB_TIME_MAX: Duration = Duration::from_secs(60);

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md")
}

async fn start() -> (Program, Receiver, String) {
    let receiver = Receiver::start().await.expect("a free port");
    receiver.always(Behavior::status(204));
    let server =
        Program::start(Path::new(env!("CARGO_BIN_EXE_plextera")), &[]).await.expect("the server starts");
    let id = server.subscribe(&receiver.url("/"), "a secret of the test").await.expect("it subscribes");
    (server, receiver, id)
}

/// The example of an event type: the JSON block behind its mark.
fn example<'t>(text: &'t str, event_type: &str) -> &'t str {
    let mark = format!("<!-- example: {event_type} -->\n");
    let (_, behind) = text.split_once(&mark).unwrap_or_else(|| panic!("no mark for {event_type}"));
    behind
        .strip_prefix("```json\n")
        .and_then(|block| block.split_once("\n```"))
        .map_or("", |(block, _)| block)
}

fn with_example(text: &str, event_type: &str, body: &str) -> String {
    let mark = format!("<!-- example: {event_type} -->\n");
    let old = match example(text, event_type) {
        "" => String::new(),
        block => format!("```json\n{block}\n```\n"),
    };
    text.replace(&format!("{mark}{old}"), &format!("{mark}```json\n{body}\n```\n"))
}

/// A body as the documentation shows it: what differs between two sendings is that of the specimen, and nothing says
/// that it is one. The order of the keys is the one in which they are sent.
fn shown(received: &Received) -> String {
    let body = received.json();
    let text = std::str::from_utf8(&received.body).expect("JSON is UTF-8");
    assert!(text.contains(",\"test\":true"), "a test event is marked");
    let moment = body["occurredAt"].as_str().expect("it says when");
    let event_id = body["eventId"].as_str().expect("it has an id");
    let text = text.replace(",\"test\":true", "").replace(moment, "2026-03-01T09:30:02Z");
    indented(&text.replace(event_id, "evt_01KJM94QY02WKMCE3N9PEXTH8G"))
}

/// JSON on many lines, two blanks a level; nothing else is changed.
fn indented(json: &str) -> String {
    let (mut text, mut level, mut in_string, mut escaped) = (String::new(), 0usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        let closes = matches!(characters.peek(), Some('}' | ']'));
        let line = |text: &mut String, level: usize| {
            text.push('\n');
            text.push_str(&"  ".repeat(level));
        };
        match character {
            _ if in_string => {
                in_string = character != '"' || escaped;
                escaped = character == '\\' && !escaped;
                text.push(character);
                continue;
            }
            '"' => in_string = true,
            '}' | ']' if !text.ends_with(['{', '[']) => {
                level -= 1;
                line(&mut text, level);
            }
            _ => {}
        }
        text.push(character);
        match character {
            '{' | '[' if !closes => {
                level += 1;
                line(&mut text, level);
            }
            ',' => line(&mut text, level),
            ':' => text.push(' '),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn the_examples_are_what_the_server_sends() {
    let (server, receiver, id) = start().await;
    let mut text = fs::read_to_string(reference()).expect("docs/events.md is there");
    let update = std::env::var_os("PLEXTERA_UPDATE_DOCS").is_some();
    for (number, event_type) in EVENT_TYPES.into_iter().enumerate() {
        let request = server.request(reqwest::Method::POST, &format!("/event-subscriptions/{id}/test"));
        let answer =
            request.json(&serde_json::json!({"eventType": event_type})).send().await.expect("it answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        let body = shown(&receiver.request(number + 1).await);
        if update {
            text = with_example(&text, event_type, &body);
        }
        assert_eq!(example(&text, event_type), body, "docs/events.md shows another {event_type}");
    }
    if update {
        fs::write(reference(), text).expect("docs/events.md can be written");
    }
}

/// The paths of all keys of a value; what stands in lists is taken together.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = format!("{at}.{key}");
                paths(member, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}[]"), found)),
        _ => {}
    }
}

fn paths_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // What a hub's fields hold differs from document to document.
    let mut value = value.clone();
    value["data"]["output"]["fields"].take();
    value["data"]["metadata"].take();
    paths(&value, "", &mut found);
    found
}

#[tokio::test]
async fn real_jobs_send_events_of_the_documented_shape() {
    let documents = [
        ("document-insights.job.completed", "invoice.pdf", hostile::invoice()),
        ("document-insights.job.rejected", "empty.pdf", Vec::new()),
        ("document-insights.job.failed", "large.png", hostile::large_png()),
    ];
    let (server, receiver, _) = start().await;
    let text = fs::read_to_string(reference()).expect("docs/events.md is there");
    for (number, (event_type, file_name, bytes)) in documents.into_iter().enumerate() {
        let job_id = server.submit(file_name, bytes).await.expect("it is accepted");
        server.ended(&job_id, JOB_TIME_MAX).await.expect("it answers").expect("the job ends");
        let received = receiver.request(number + 1).await.json();
        assert_eq!(received["eventType"], event_type);
        let documented: Value =
            serde_json::from_str(example(&text, event_type)).expect("the example is JSON");
        let (sent, documented) = (paths_of(&received), paths_of(&documented));
        let unknown: Vec<_> = sent.difference(&documented).collect();
        assert!(unknown.is_empty(), "{event_type} has keys that its example does not show: {unknown:?}");
    }
}
