//! The endpoints, and what the log has to say of each.

use crate::receiver;
use std::{any::Any, time::Duration};
use testkit::{
    babbler::{Babbler, Speech},
    receiver::{Behavior, Receiver},
    tls::{Authority, Flaw},
};

const SOON: Duration = Duration::from_millis(50);

pub struct Kind {
    pub name: &'static str,
    pub url: String,
    pub verdict: Verdict,
    receiver: Option<Receiver>,
    /// Lives as long as this.
    _server: Option<Box<dyn Any + Send>>,
}

/// What each attempt's record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// With this status.
    Refused(u16, &'static str),
    TooSlow,
    /// Whose certificate is not to be trusted.
    Untrusted(&'static str),
    Broken,
    Unreachable,
}

impl Verdict {
    /// Blame and status, and words of the error.
    pub fn expected(self) -> ((Option<&'static str>, Option<u64>), &'static str) {
        match self {
            Self::Delivered => ((None, Some(200)), ""),
            Self::Refused(status, words) => ((Some("endpoint"), Some(status.into())), words),
            Self::TooSlow => ((Some("endpoint"), None), "no whole answer within the time limit"),
            Self::Untrusted(words) => ((Some("endpoint"), None), words),
            Self::Broken => ((Some("network"), None), "the connection broke"),
            Self::Unreachable => ((Some("network"), None), "no connection"),
        }
    }
}

impl Kind {
    /// Nothing was sent but the attempts.
    pub fn check_requests(&self, events: usize) {
        let Some(receiver) = &self.receiver else { return };
        let attempts = if self.verdict == Verdict::Delivered { 1 } else { crate::ATTEMPTS };
        assert_eq!(receiver.received().len(), events * attempts, "{}", self.name);
        assert!(receiver.received().iter().all(|request| request.path == "/"), "{}", self.name);
    }
}

pub async fn all(authority: &Authority) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (name, behavior, verdict) in answers() {
        let receiver = receiver(behavior).await;
        let url = receiver.url("/");
        kinds.push(Kind { name, url, verdict, receiver: Some(receiver), _server: None });
    }
    for (name, speech, verdict) in speeches() {
        let babbler = Babbler::start(speech).await.expect("a listener");
        let url = format!("http://{}/", babbler.address());
        kinds.push(Kind { name, url, verdict, receiver: None, _server: Some(Box::new(babbler)) });
    }
    for (name, flaw, verdict) in certificates() {
        let endpoint = authority.endpoint(flaw).await.expect("an endpoint");
        let url = endpoint.url();
        kinds.push(Kind { name, url, verdict, receiver: None, _server: Some(Box::new(endpoint)) });
    }
    kinds.extend(without_tls().await);
    kinds
}

/// Those that speak HTTP.
fn answers() -> Vec<(&'static str, Behavior, Verdict)> {
    let redirect = |status, to: &str| Behavior::status(status).header("Location", to);
    let not_followed = "redirects are not followed";
    vec![
        ("hangs", Behavior::Hang, Verdict::TooSlow),
        ("resets the connection", Behavior::Reset, Verdict::Broken),
        ("sends a byte of its answer now and then", Behavior::Drip(SOON), Verdict::TooSlow),
        ("sends a gigabyte", Behavior::Huge(1_000_000_000), Verdict::Delivered),
        (
            "answers after the time limit",
            Behavior::status(200).after(Duration::from_secs(20)),
            Verdict::TooSlow,
        ),
        (
            "redirects to the metadata of a cloud",
            redirect(302, "http://169.254.169.254/latest/meta-data/"),
            Verdict::Refused(302, not_followed),
        ),
        ("redirects to itself", redirect(307, "/again"), Verdict::Refused(307, not_followed)),
        ("redirects to a file", redirect(301, "file:///etc/passwd"), Verdict::Refused(301, not_followed)),
        (
            "fails with a body that no text may hold",
            Behavior::status(500).body(b"\0\xff\xfe<script>\r\nX: y".repeat(500)),
            Verdict::Refused(500, "answered 500"),
        ),
        (
            "asks to wait for ever and answers 400",
            Behavior::status(400).header("Retry-After", "99999999999"),
            Verdict::Refused(400, "answered 400"),
        ),
        (
            "says that its answer is packed",
            Behavior::status(200).header("Content-Encoding", "gzip").body(&b"\x1f\x8b not gzip"[..]),
            Verdict::Delivered,
        ),
    ]
}

/// Those that do not.
fn speeches() -> Vec<(&'static str, Speech, Verdict)> {
    let nothing = Duration::ZERO;
    let ok = "HTTP/1.1 200 OK\r\n";
    vec![
        ("says nothing", Speech::silence(), Verdict::TooSlow),
        ("hangs up", Speech::bytes(""), Verdict::Broken),
        ("is something else", Speech::bytes("SSH-2.0-OpenSSH_9.2\r\n"), Verdict::Broken),
        (
            "sends its head byte by byte",
            Speech::bytes("HTTP/1.1 200 O").and_then("K", SOON),
            Verdict::TooSlow,
        ),
        (
            "sends a head without end",
            Speech::bytes(ok).and_then("X-More: and more\r\n", nothing),
            Verdict::Broken,
        ),
        (
            "sends one long header without end",
            Speech::bytes(format!("{ok}X-More: ")).and_then(vec![b'x'; 65_536], nothing),
            Verdict::Broken,
        ),
        (
            "sends interim answers without end",
            Speech::bytes("").and_then("HTTP/1.1 103 Early Hints\r\n\r\n", Duration::from_millis(1)),
            Verdict::TooSlow,
        ),
        (
            "promises more than it sends",
            Speech::bytes(format!("{ok}Content-Length: 100\r\n\r\nshort")),
            Verdict::Broken,
        ),
        (
            "sends chunks that are none",
            Speech::bytes(format!("{ok}Transfer-Encoding: chunked\r\n\r\nZZZ\r\nabc\r\n")),
            Verdict::Broken,
        ),
        (
            "changes the protocol",
            Speech::bytes(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            ),
            Verdict::Refused(101, "answered 101"),
        ),
    ]
}

fn certificates() -> Vec<(&'static str, Flaw, Verdict)> {
    vec![
        // Not quite hostile; it shows that the others are refused for their flaw and not for their authority.
        ("has a good certificate", Flaw::None, Verdict::Delivered),
        ("has an expired certificate", Flaw::Expired, Verdict::Untrusted("TLS: ")),
        ("has somebody else's certificate", Flaw::OtherName, Verdict::Untrusted("TLS: ")),
        ("has a certificate of its own", Flaw::SelfSigned, Verdict::Untrusted("TLS: ")),
    ]
}

async fn without_tls() -> Vec<Kind> {
    let plain = receiver(Behavior::status(200)).await;
    let silent = Babbler::start(Speech::silence()).await.expect("a listener");
    let kind = |name, url, verdict, server| Kind { name, url, verdict, receiver: None, _server: server };
    vec![
        kind(
            "speaks no TLS where it should",
            format!("https://{}/", plain.address()),
            Verdict::Untrusted("TLS: "),
            Some(Box::new(plain) as Box<dyn Any + Send>),
        ),
        kind(
            "does not go on with its TLS handshake",
            format!("https://{}/", silent.address()),
            Verdict::TooSlow,
            Some(Box::new(silent)),
        ),
        // tcpmux, which nobody has offered for decades.
        kind("does not listen", "http://127.0.0.1:1/".to_owned(), Verdict::Unreachable, None),
    ]
}
