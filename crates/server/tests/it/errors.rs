//! Section 1: request ids, the shape of errors, pages, what is refused before an endpoint is reached.

use crate::support::{EXTRACT, JOBS, SUBSCRIPTIONS, ULID, error, on_both_databases};
use api::{RequestRate, Settings};
use domain::key::Scope;
use reqwest::Method;
use serde_json::json;
use std::{num::NonZeroU32, sync::Arc};
use testkit::platform::{Answer, Platform, send};

on_both_databases!(lists_have_pages, texts_that_no_database_keeps_are_refused);

/// One shape for everything that goes wrong.
fn assert_error_shape(answer: &Answer) {
    let json = answer.json();
    assert_eq!(json.as_object().map(|body| body.len()), Some(1), "{answer:?}");
    let error = &json["error"];
    assert!(error["code"].is_string() && error["retryable"].is_boolean(), "{answer:?}");
    assert!(!error["message"].as_str().unwrap_or_default().is_empty());
    assert_eq!(error["requestId"], answer.header("x-request-id"));
    assert_eq!(error["details"].is_array(), error["code"] == "VALIDATION_FAILED", "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

async fn sqlite() -> Platform {
    Platform::start(testkit::platform::Backend::Sqlite).await
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let platform = sqlite().await;
    let client = platform.client();
    let with = async |path: &str, id: &str| {
        let answer = send(client.request(Method::GET, path).header("X-Request-Id", id)).await;
        answer.header("x-request-id").to_owned()
    };
    let longest = "x".repeat(128);
    for (path, id) in [("/files", "my-id"), ("/nothing", "a/b~c"), ("/files/x", "!"), ("//healthz", &longest)]
    {
        assert_eq!(with(path, id).await, id);
    }
    let made = |id: &str| {
        let body = id.strip_prefix("req_").unwrap_or_default();
        body.len() == 26 && body.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    };
    for id in ["", "two words", &"x".repeat(129)] {
        assert!(made(&with("/files", id).await), "{id}");
    }
    let (first, second) = (client.get("/files").await, client.get("/files").await);
    assert!(made(first.header("x-request-id")));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[tokio::test]
async fn a_key_that_calls_too_often_is_told_when_to_come_back() {
    let rate = RequestRate::new(NonZeroU32::new(2).unwrap());
    let settings = Settings { request_rate: Some(Arc::new(rate)), ..Settings::default() };
    let platform = Platform::start_with(testkit::platform::Backend::Sqlite, settings).await;
    let client = platform.client();
    let mut refused = None;
    // Faster than two a second, however slow this machine is: the third within a second is refused.
    for _ in 0..200 {
        let answer = client.get("/files").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("200 requests took less than 100 seconds");
    assert_eq!(refused.error(), error(429, "RATE_LIMITED"));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["error"]["retryable"], true);
    let other = platform.client_with(Some(platform.key(&[Scope::Public]).await.reveal()));
    assert_eq!(other.get("/files").await.status, 200, "each key alone");
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_in_the_one_shape() {
    let platform = sqlite().await;
    let client = platform.client();
    for path in ["/nothing", "//", "//api/public/v2/files", "/files/", "//docs/nothing.js"] {
        let answer = client.get(path).await;
        assert_eq!(answer.error(), error(404, "NOT_FOUND"), "{path}");
        assert_error_shape(&answer);
    }
    for (method, path, allow) in [
        (Method::PUT, "/files", "GET,HEAD,POST"),
        (Method::DELETE, "/files", "GET,HEAD,POST"),
        (Method::GET, EXTRACT, "POST"),
        (Method::PATCH, "//healthz", "GET,HEAD"),
    ] {
        let answer = send(client.request(method.clone(), path)).await;
        assert_eq!(answer.error(), error(405, "METHOD_NOT_ALLOWED"), "{method} {path}");
        let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow);
        assert_error_shape(&answer);
    }
}

#[tokio::test]
async fn a_defect_is_answered_in_the_one_shape_and_the_server_goes_on() {
    let metrics: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(|| panic!("a defect"));
    let settings = Settings { metrics: Some(metrics), ..Settings::default() };
    let platform = Platform::start_with(testkit::platform::Backend::Sqlite, settings).await;
    let client = platform.client();
    let answer = client.get("//metrics").await;
    assert_eq!(answer.error(), error(500, "INTERNAL_ERROR"));
    assert_error_shape(&answer);
    assert!(!answer.text("error/message").contains("defect"), "nothing internal is told");
    assert_eq!(client.get("//healthz").await.status, 200);
}

#[tokio::test]
async fn ids_of_another_kind_name_nothing() {
    let platform = sqlite().await;
    let client = platform.client();
    for path in [
        format!("/files/file_{ULID}"),
        format!("/files/dijob_{ULID}"),
        "/files/file_x".to_owned(),
        format!("/files/file_{}", ULID.to_lowercase()),
        "/files/%00".to_owned(),
        "/files/%ff".to_owned(),
        format!("{JOBS}/dijob_{ULID}"),
        format!("{JOBS}/{ULID}"),
        format!("{SUBSCRIPTIONS}/sub_{ULID}"),
        format!("/events/evt_{ULID}"),
        format!("/deliveries/dlv_{ULID}"),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(answer.error(), error(404, "NOT_FOUND"), "{path}");
        assert_error_shape(&answer);
    }
}

#[tokio::test]
async fn bodies_are_json_objects_of_a_bounded_size() {
    let platform = sqlite().await;
    let client = platform.client();
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = client.request(Method::POST, EXTRACT).header("Content-Type", content_type);
        send(request.body(body)).await
    };
    let json = "application/json";
    for body in ["", "{", "{\"document\":}", "nonsense", "{\"a\":\"\\ud800\"}"] {
        let answer = post(json, body.into()).await;
        assert_eq!(answer.error(), error(400, "INVALID_REQUEST"), "{body}");
        assert_error_shape(&answer);
    }
    assert_eq!(post(json, b"{\"a\":\"\xff\"}".to_vec()).await.status, 400);
    assert_eq!(post(json, "[".repeat(1000).into()).await.status, 400);
    for body in ["[]", "1", "\"x\""] {
        assert_eq!(post(json, body.into()).await.fields(), ["body"], "{body}");
    }
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
    {
        let answer = post(content_type, b"{}".to_vec()).await;
        assert_eq!(answer.error(), error(415, "UNSUPPORTED_MEDIA_TYPE"), "{content_type}");
        assert_error_shape(&answer);
    }
    assert_eq!(post("application/json; charset=utf-8", b"{}".to_vec()).await.status, 422);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_001));
    let answer = post(json, large.into()).await;
    assert_eq!(answer.error(), error(413, "PAYLOAD_TOO_LARGE"));
    assert_error_shape(&answer);
}

#[tokio::test]
async fn a_client_that_excludes_json_is_told_so() {
    let platform = sqlite().await;
    let client = platform.client();
    let accept =
        async |value: &str| send(client.request(Method::GET, "/files").header("Accept", value)).await;
    for value in ["*/*", "application/json", "application/*", "text/html, application/json;q=0.1"] {
        assert_eq!(accept(value).await.status, 200, "{value}");
    }
    for value in ["text/html", "application/xml", "application/json;q=0"] {
        let answer = accept(value).await;
        assert_eq!(answer.error(), error(406, "NOT_ACCEPTABLE"), "{value}");
        assert_error_shape(&answer);
    }
}

#[tokio::test]
async fn unknown_keys_are_named_with_their_path() {
    let platform = sqlite().await;
    let client = platform.client();
    let body = json!({"document": {"url": "https://example.com/a.pdf", "nmae": "x"}, "hubID": "x"});
    let answer = client.post(EXTRACT, body).await;
    assert_eq!(answer.fields(), ["document.nmae", "hubID"]);
    assert_error_shape(&answer);
    let mut subscription = crate::subscriptions::body("https://example.com/x");
    subscription["filters"] = json!({"workflow": "x"});
    subscription["status"] = json!("active");
    assert_eq!(client.post(SUBSCRIPTIONS, subscription).await.fields(), ["filters.workflow", "status"]);
}

async fn lists_have_pages(platform: Platform) {
    let client = platform.client();
    let mut ids = Vec::new();
    for number in 0..5 {
        platform.clock.advance(std::time::Duration::from_secs(1));
        ids.push(client.store_file(&format!("{number}.txt"), b"x").await);
    }
    let listed = async |query: &str| {
        let answer = client.get(&format!("/files{query}")).await;
        assert_eq!(answer.status, 200, "{query} {answer:?}");
        let json = answer.json();
        let data = json["data"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> = data.iter().filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect();
        (ids, json["pageInfo"].clone())
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    let (all, info) = listed("").await;
    assert_eq!(all, newest_first);
    assert_eq!(info, json!({"page": 0, "size": 50, "totalItems": 5, "totalPages": 1}));
    let (third, info) = listed("?page=2&size=2").await;
    assert_eq!(third, newest_first[4..]);
    assert_eq!(info, json!({"page": 2, "size": 2, "totalItems": 5, "totalPages": 3}));
    assert_eq!(listed("?sort=asc&size=2").await.0, ids[..2]);
    assert_eq!(listed("?sortBy=createdAt&sort=desc").await.0, newest_first);
    let (none, info) = listed("?page=9").await;
    assert!(none.is_empty());
    assert_eq!(info["totalItems"], 5);
    for list in ["/files", JOBS, SUBSCRIPTIONS, "/events"] {
        for query in [
            "page=-1",
            "page=x",
            "size=0",
            "size=101",
            "size=",
            "sort=up",
            "sortBy=name",
            "page=1&page=2",
            "staus=x",
        ] {
            let answer = client.get(&format!("{list}?{query}")).await;
            assert_eq!(answer.error(), error(400, "INVALID_REQUEST"), "{list}?{query}");
        }
        for query in ["sortBy=updatedAt", "sortBy=completedAt&sort=asc", "page=0&size=100"] {
            assert_eq!(client.get(&format!("{list}?{query}")).await.status, 200, "{list}?{query}");
        }
    }
}

async fn texts_that_no_database_keeps_are_refused(platform: Platform) {
    let client = platform.client();
    let body = json!({"document": {"url": "https://example.com/a.pdf"}, "metadata": {"a": "x\u{0}y"}});
    assert_eq!(client.post(EXTRACT, body).await.fields()[0], "metadata.a");
    let mut subscription = crate::subscriptions::body("https://example.com/x");
    subscription["description"] = json!("x\u{0}");
    assert_eq!(client.post(SUBSCRIPTIONS, subscription).await.fields(), ["description"]);
    let answer = client.get(&format!("{JOBS}?metadata.a=%00")).await;
    assert_eq!(answer.error(), error(400, "INVALID_REQUEST"));
    let body =
        json!({"document": {"url": "https://example.com/a.pdf"}, "metadata": {"ключ 🔑": "значение 🎉"}});
    assert_eq!(client.post(EXTRACT, body).await.status, 202, "every other character is kept");
    let found = client.get(&format!("{JOBS}?metadata.%D0%BA%D0%BB%D1%8E%D1%87%20%F0%9F%94%91=%D0%B7%D0%BD%D0%B0%D1%87%D0%B5%D0%BD%D0%B8%D0%B5%20%F0%9F%8E%89")).await;
    assert_eq!(found.counts(), (1, 1));
}
