//! Headers of a subscription's own: what would become another header, another request or one of ours is refused, and
//! what is let through arrives as one header.

use crate::refusal;
use serde_json::{Value, json};
use std::path::Path;
use testkit::{program::Program, receiver::Receiver};

fn subscription(url: &str, headers: Value) -> Value {
    json!({"endpointUrl": url, "eventTypes": ["document-insights.job.rejected"], "signingSecret": "s", "headers": headers})
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_makes_another() {
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let server = Program::start(binary, &[]).await.expect("the server starts");
    let receiver = Receiver::start().await.expect("a receiver");
    let url = receiver.url("/");
    for value in [
        "a\r\nX-Injected: 1",
        "a\nX-Injected: 1",
        "a\rX-Injected: 1",
        "a\r\n\r\nPOST / HTTP/1.1",
        "a\u{0}b",
        "a\u{7f}",
        "a\u{85}X-Injected: 1",
        "a\u{2028}b",
        "Zürich",
    ] {
        let refused = refusal(&server, &subscription(&url, json!({"X-Tenant": value}))).await;
        assert!(refused.contains_key("headers.X-Tenant"), "{value:?}: {refused:?}");
    }
    for name in [
        "X-A\r\nX-Injected",
        "X-A: b\r\nX-B",
        "X A",
        "X-A:",
        "",
        "X-Ä",
        "X-A\u{0}",
        "(X)",
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "te",
        "Upgrade",
        "Trailer",
        "Keep-Alive",
        "Proxy-Authorization",
        "Content-Type",
        "User-Agent",
        "X-Plextera-Signature",
        "x-plextera-anything",
        "Webhook-Id",
        "webhook-signature",
        "traceparent",
    ] {
        let refused = refusal(&server, &subscription(&url, json!({name: "b"}))).await;
        assert!(refused.keys().any(|field| field.starts_with("headers")), "{name:?}: {refused:?}");
    }

    let path = "/hook%0d%0aX-Injected:%201?q=%0D%0A";
    let odd = json!({"X-Odd": "a: b; \"c\", {d}\t%0d%0aX-Injected: 1"});
    let body = subscription(&receiver.url(path), odd);
    let request = server.request(reqwest::Method::POST, "/event-subscriptions").json(&body);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
    server.submit("a;X-Injected: 1.pdf", Vec::new()).await.expect("it is accepted");
    let received = receiver.request(1).await;
    assert_eq!(received.path, path);
    assert_eq!(received.header("x-odd"), "a: b; \"c\", {d}\t%0d%0aX-Injected: 1");
    assert!(!received.headers.contains_key("x-injected"));
    assert_eq!(received.headers.get_all("content-length").iter().count(), 1);
}
