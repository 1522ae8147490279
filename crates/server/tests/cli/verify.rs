//! `plextera verify` on saved deliveries.

use crate::{plextera, run};
use domain::{
    signature::{sign, sign_standard},
    time::Timestamp,
};
use std::path::Path;

const AT: Timestamp = Timestamp::from_ms(1_772_357_400_000);
const BODY: &[u8] = br#"{"eventId":"evt_1"}"#;

/// Saves a delivery as a receiver would.
fn save(directory: &Path) {
    let headers = format!(
        "POST /hook HTTP/1.1\r\nX-Plextera-Signature: {}\r\nwebhook-id: evt_1\r\nwebhook-timestamp: {}\r\n\
         webhook-signature: {}\r\n",
        sign(&["secret"], AT, BODY),
        AT.as_seconds(),
        sign_standard(&["secret"], "evt_1", AT, BODY),
    );
    std::fs::write(directory.join("headers.txt"), headers).unwrap();
    std::fs::write(directory.join("body.json"), BODY).unwrap();
}

fn verify(directory: &Path, secret: &str, more: &[&str]) -> crate::Ended {
    let mut command = plextera(directory);
    command.args(["verify", "--headers", "headers.txt", "body.json"]).args(more);
    run(command.env("PLEXTERA_SIGNING_SECRET", secret))
}

#[test]
fn a_delivery_verifies_however_old_it_is_unless_asked() {
    let directory = tempfile::tempdir().unwrap();
    save(directory.path());
    let ended = verify(directory.path(), "secret", &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout.matches("verified").count(), 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("2026-03-01T09:30:00Z"), "{}", ended.stdout);
    let ended = verify(directory.path(), "secret", &["--max-age", "5m"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("too old"), "{}", ended.stdout);
}

#[test]
fn another_secret_or_another_body_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    save(directory.path());
    let ended = verify(directory.path(), "other", &[]);
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stdout.matches("rejected: no signature matches").count(), 2, "{}", ended.stdout);
    assert!(!ended.stdout.contains("other:"), "{}", ended.stdout);
    std::fs::write(directory.path().join("body.json"), "{}").unwrap();
    assert_eq!(verify(directory.path(), "secret", &[]).code, 1);
}

#[test]
fn what_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let ended = verify(directory.path(), "secret", &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("headers.txt"), "{}", ended.stderr);
    save(directory.path());
    std::fs::write(directory.path().join("headers.txt"), "Host: a\n").unwrap();
    let ended = verify(directory.path(), "secret", &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("X-Plextera-Signature"), "{}", ended.stderr);
}
