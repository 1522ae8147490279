//! The code of docs/verifying.md, run in its own languages against what a real server sent.
//!
//! All languages get the same cases, and the crate `plextera-webhooks` gets them too: whatever a receiver is written
//! in, it comes to the same verdict.

use crate::start;
use domain::{signature::sign, time::Timestamp};
use plextera_webhooks::{SIGNATURE, Verifier};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};
use testkit::receiver::Received;

pub const SECRETS: [&str; 2] = ["a secret of the test", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

/// One delivery per secret, as it arrived.
pub async fn deliveries() -> Vec<(&'static str, Received)> {
    let (server, receiver, _) = start().await;
    let mut deliveries = Vec::new();
    for (number, secret) in SECRETS.into_iter().enumerate() {
        let id = server.subscribe(&receiver.url("/"), secret).await.expect("it subscribes");
        let request = server.request(reqwest::Method::POST, &format!("/event-subscriptions/{id}/test"));
        let body = json!({"eventType": "document-insights.job.completed"});
        let answer = request.json(&body).send().await.expect("it answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        deliveries.push((secret, receiver.request(number + 1).await));
    }
    deliveries
}

/// The directory of the programs that run the snippets.
pub fn harness(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documentation/verification").join(name)
}

/// Runs a program with the cases as its input; its verdicts.
pub fn ask(command: &mut Command, cases: &[Value]) -> Vec<bool> {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; scripts/install-packages.sh python node go installs what is missing")
    });
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(&serde_json::to_vec(cases).expect("cases are JSON")).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).expect("verdicts are JSON")
}

pub fn snippet(fence: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verifying.md");
    let text = fs::read_to_string(page).expect("docs/verifying.md is there");
    let opening = format!("```{fence}\n");
    let mut blocks = text.split(&opening).skip(1);
    let block = blocks.next().and_then(|rest| rest.split_once("```")).expect("the page has such a block").0;
    assert_eq!(blocks.next(), None, "one block of {fence}");
    block.to_owned()
}

struct Case {
    what: &'static str,
    secret: String,
    header: String,
    body: Vec<u8>,
    holds: bool,
}

fn seconds_from_now(offset: i64) -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_ms((i64::try_from(since.as_secs()).expect("not that late") + offset) * 1000)
}

fn cases(secret: &str, received: &Received) -> Vec<Case> {
    let (header, body) = (received.header(SIGNATURE), received.body.to_vec());
    let case = |what, header: &str, holds| Case {
        what,
        secret: secret.to_owned(),
        header: header.to_owned(),
        body: body.clone(),
        holds,
    };
    let signed = |secrets: &[&str], offset| sign(secrets, seconds_from_now(offset), &body);
    let (t, tag) = header.split_once(',').expect("t and v1");
    let mut changed = body.clone();
    changed[10] ^= 1;
    vec![
        case("as it arrived", header, true),
        Case { secret: "another".into(), ..case("another secret", header, false) },
        Case { body: changed, ..case("a changed body", header, false) },
        Case { body: Vec::new(), ..case("no body", header, false) },
        case("rotated, the old one second", &signed(&["new", secret], 0), true),
        case("rotated away", &signed(&["new", "newer"], 0), false),
        case("four minutes old", &signed(&[secret], -240), true),
        case("six minutes old", &signed(&[secret], -360), false),
        case("six minutes early", &signed(&[secret], 360), false),
        case("spaces", &format!("{t}, {tag}"), true),
        case("a later version beside it", &format!("{t},v2=abc,{tag}"), true),
        case("only a later version", &format!("{t},{}", tag.replace("v1", "v2")), false),
        case("no header", "", false),
        case("no signature", t, false),
        case("an empty one", &format!("{t},v1="), false),
        case("no time", tag, false),
        case("not hex", &format!("{t},v1=zz"), false),
        case("half of it", &header[..header.len() - 2], false),
        case("not ASCII", &format!("{t},v1=ü"), false),
        case("a time that is not ASCII", &format!("t=²,{tag}"), false),
        case("a negative time", &format!("t=-1,{tag}"), false),
        case("a time without end", &format!("t={},{tag}", "9".repeat(400)), false),
        case("no pairs", "garbage", false),
    ]
}

async fn agree(run: impl FnOnce(&[Value]) -> Vec<bool>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let deliveries = deliveries().await;
    let cases: Vec<Case> = deliveries.iter().flat_map(|(secret, received)| cases(secret, received)).collect();
    let input: Vec<Value> = cases
        .iter()
        .map(
            |case| json!({"secret": case.secret, "header": case.header, "body": STANDARD.encode(&case.body)}),
        )
        .collect();
    let verdicts = run(&input);
    assert_eq!(verdicts.len(), cases.len());
    for (case, verdict) in cases.iter().zip(verdicts) {
        assert_eq!(verdict, case.holds, "{}: {}", case.what, case.header);
        let header = |name: &str| (name == SIGNATURE).then_some(case.header.as_str());
        let ours = Verifier::new(&case.secret).verify(header, &case.body);
        assert_eq!(ours.is_ok(), case.holds, "plextera-webhooks, {}: {ours:?}", case.what);
    }
}

#[tokio::test]
async fn python() {
    agree(|cases| {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("snippet.py"), snippet("python")).expect("it is written");
        fs::copy(harness("run.py"), directory.path().join("run.py")).expect("it is copied");
        ask(Command::new("python3").arg("run.py").current_dir(directory.path()), cases)
    })
    .await;
}

#[tokio::test]
async fn node() {
    agree(|cases| {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("snippet.mjs"), snippet("js")).expect("it is written");
        fs::copy(harness("run.mjs"), directory.path().join("run.mjs")).expect("it is copied");
        ask(Command::new("node").arg("run.mjs").current_dir(directory.path()), cases)
    })
    .await;
}

#[tokio::test]
async fn go() {
    agree(|cases| {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("webhooks")).expect("it is made");
        fs::write(at("go.mod"), "module plextera.test\n\ngo 1.19\n").expect("it is written");
        fs::write(at("webhooks/snippet.go"), snippet("go")).expect("it is written");
        fs::copy(harness("run.go"), at("main.go")).expect("it is copied");
        // What Go compiles of its own library is kept with everything else that was compiled.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
        let mut command = Command::new("go");
        command.args(["run", "."]).current_dir(directory.path());
        command.env("GOCACHE", cache).env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
        ask(&mut command, cases)
    })
    .await;
}
