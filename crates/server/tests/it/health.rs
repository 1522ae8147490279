//! Section 7: health, readiness, metrics.

use crate::support::on_both_databases;
use api::{Capability, Settings};
use std::sync::Arc;
use testkit::platform::{Backend, Platform};

on_both_databases!(a_node_says_that_it_is_ready);

async fn a_node_says_that_it_is_ready(platform: Platform) {
    let anonymous = platform.client_with(None);
    assert_eq!(anonymous.get("//healthz").await.json()["status"], "ok");
    let ready = anonymous.get("//readyz").await;
    assert_eq!(ready.status, 200);
    for part in ["database", "storage", "ocr"] {
        assert_eq!(ready.json()[part]["status"], "ok", "{part}");
    }
    assert_eq!(anonymous.get("//metrics").await.status, 404, "it is served where the operator wants it");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let settings = Settings {
        ocr: Arc::new(|| Capability::Missing("apt-get install tesseract-ocr".into())),
        metrics: Some(Arc::new(|| "plextera_up 1\n".into())),
        ..Settings::default()
    };
    let platform = Platform::start_with(Backend::Sqlite, settings).await;
    let anonymous = platform.client_with(None);
    let ready = anonymous.get("//readyz").await;
    assert_eq!(ready.status, 200, "a node without OCR reads text layers");
    assert_eq!(ready.text("ocr/message"), "apt-get install tesseract-ocr");
    let metrics = anonymous.get("//metrics").await;
    assert_eq!(&metrics.body[..], b"plextera_up 1\n");
    assert!(metrics.header("content-type").starts_with("text/plain"));
}
