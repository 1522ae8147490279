//! `plextera listen` as the target of deliveries.

use crate::plextera;
use domain::{signature::sign, time::Timestamp};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::SystemTime,
};

const BODY: &str = r#"{"eventId":"evt_1","data":{}}"#;

/// Starts it on a free port and waits until it says which.
fn start(more: &[&str]) -> (Child, String) {
    let mut command = plextera(std::env::temp_dir().as_path());
    command.args(["listen", "--port", "0", "--secret", "secret"]).args(more);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut greeting = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut greeting).unwrap();
    let address = greeting.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    // It writes on: nobody may close the pipe under it.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    (child, address)
}

/// Sends a delivery signed with `secret`; the status line of the answer.
fn deliver(address: &str, secret: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let signature = sign(&[secret], Timestamp::from_ms(i64::try_from(now).unwrap()), BODY.as_bytes());
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /hook HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\
         X-Plextera-Event-Type: document-insights.job.completed\r\nX-Plextera-Signature: {signature}\r\n\r\n{BODY}",
        BODY.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn what_verifies_is_taken_and_what_does_not_is_refused() {
    let (child, address) = start(&["--count", "2"]);
    assert!(deliver(&address, "secret").contains("204"));
    assert!(deliver(&address, "other").contains("401"));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("document-insights.job.completed"), "{shown}");
    assert_eq!(shown.matches("signature verified").count(), 1, "{shown}");
    assert_eq!(shown.matches("signature rejected").count(), 1, "{shown}");
    assert!(shown.contains("  \"eventId\": \"evt_1\""), "{shown}");
}

#[test]
fn forwarding_passes_the_request_on_and_the_answer_back() {
    let (target, target_address) = start(&["--count", "1"]);
    let (child, address) =
        start(&["--count", "1", "--forward-to", &format!("http://{target_address}/inner")]);
    assert!(deliver(&address, "secret").contains("204"));
    let inner = String::from_utf8(target.wait_with_output().unwrap().stdout).unwrap();
    assert!(inner.contains("POST /inner") && inner.contains("signature verified"), "{inner}");
    let outer = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(outer.contains("204"), "{outer}");
}
