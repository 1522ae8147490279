//! Section 8, as far as it is built: hubs, keys and the organization.

use crate::support::{error, on_both_databases};
use serde_json::json;
use testkit::platform::Platform;

on_both_databases!(hubs_are_shown_with_their_fields, keys_are_shown_once);

async fn hubs_are_shown_with_their_fields(platform: Platform) {
    let client = platform.client();
    let listed = client.get("//api/studio/v1/hubs?sort=asc").await;
    assert_eq!(listed.counts(), (3, 3));
    let hub = client.get(&format!("//api/studio/v1/hubs/{}", platform.hubs[0])).await;
    assert_eq!((hub.text("name"), hub.json()["enabled"].clone()), ("Invoices".into(), json!(true)));
    assert!(hub.json()["fields"].as_array().is_some_and(|fields| fields.len() > 5));
    assert_eq!(client.get("//api/studio/v1/hubs?page=1&size=2").await.counts(), (1, 3));
    assert_eq!(
        client.get("//api/studio/v1/hubs/6721b0c4e5f60718293a4b5c").await.error(),
        error(404, "NOT_FOUND")
    );
    let org = client.get("//api/studio/v1/organization").await;
    assert_eq!(
        (org.text("id"), org.text("defaultHubId")),
        (platform.org_id.to_string(), platform.hubs[0].to_string())
    );
}

async fn keys_are_shown_once(platform: Platform) {
    let client = platform.client();
    let path = "//api/studio/v1/keys";
    let created = client.post(path, json!({"name": "importer"})).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["scopes"], json!(["public"]));
    let key = created.text("key");
    assert_eq!(platform.client_with(Some(&key)).get("/files").await.status, 200);
    assert_eq!(platform.client_with(Some(&key)).get(path).await.status, 403);
    let listed = client.get(path).await;
    assert_eq!(listed.counts(), (2, 2));
    assert!(!String::from_utf8_lossy(&listed.body).contains("sk_live_"));
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({"name": "", "scopes": []}), vec!["name", "scopes"]),
        (
            json!({"name": "x", "scopes": ["public", "admin", 7, "public"]}),
            vec!["scopes[1]", "scopes[2]", "scopes[3]"],
        ),
        (json!({"name": "x", "role": "admin"}), vec!["role"]),
    ] {
        assert_eq!(client.post(path, body.clone()).await.fields(), fields, "{body}");
    }
    let id = created.text("id");
    assert_eq!(client.delete(&format!("{path}/{id}")).await.status, 204);
    assert_eq!(client.delete(&format!("{path}/{id}")).await.status, 204, "revoking again changes nothing");
    assert_eq!(platform.client_with(Some(&key)).get("/files").await.error(), error(401, "UNAUTHORIZED"));
    let listed = client.get(path).await.json();
    let revoked = listed["data"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap();
    assert!(revoked["revokedAt"].is_string(), "it stays in the list");
}
