//! The OpenAPI document and the page that shows it.
//!
//! `docs/openapi.json` is what clients generate from, so a change of it is a change of the API and is to be seen in a
//! review. `PLEXTERA_UPDATE=1 cargo test -p plextera --test it openapi` writes it anew.

use crate::support::error;
use domain::event::EventType;
use serde_json::Value;
use testkit::platform::{Backend, Platform};

#[test]
fn the_document_is_the_one_that_is_published() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let mut current = api::openapi_document().to_pretty_json().unwrap();
    current.push('\n');
    if std::env::var_os("PLEXTERA_UPDATE").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == current,
        "docs/openapi.json is not what the code says; see this module for how to renew it"
    );
}

/// Every `$ref` below `value`.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.push(reference.clone());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_whole() {
    let document = serde_json::to_value(api::openapi_document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap_or_default();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for event_type in EventType::ALL {
        let operation = &document["webhooks"][event_type.as_str()]["post"];
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        assert_eq!(example["eventType"], event_type.as_str());
        assert!(operation["parameters"].as_array().is_some_and(|headers| headers.len() == 11));
    }
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    for operation in operations {
        let id = operation["operationId"].as_str().unwrap();
        for status in ["400", "401", "403", "406", "500", "503"] {
            assert!(operation["responses"].get(status).is_some(), "{id} does not speak of {status}");
        }
        assert!(operation["summary"].is_string(), "{id} has no summary");
    }
}

#[tokio::test]
async fn it_is_served_with_a_page_that_needs_no_network() {
    let platform = Platform::start(Backend::Sqlite).await;
    let anonymous = platform.client_with(None);
    let document = anonymous.get("//api/openapi.json").await;
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert_eq!(document.json(), serde_json::to_value(api::openapi_document()).unwrap());
    let page = anonymous.get("//docs").await;
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let sources = text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
    let mut count = 0;
    for source in sources {
        assert!(!source.contains("//"), "{source} is on another server");
        let asset = anonymous.get(&format!("//docs/{}", source.trim_start_matches("./"))).await;
        assert_eq!(asset.status, 200, "{source}");
        count += 1;
    }
    assert!(count >= 4, "{text}");
    assert_eq!(anonymous.get("//docs/nothing").await.error(), error(404, "NOT_FOUND"));
}

#[tokio::test]
async fn the_schema_of_workflows_is_served_beside_it() {
    let platform = Platform::start(Backend::Sqlite).await;
    let answer = platform.client_with(None).get("//api/workflow-schema.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/schema+json"));
    let published = include_str!("../../../../docs/workflow.schema.json");
    assert_eq!(answer.json(), serde_json::from_str::<Value>(published).unwrap());
}
