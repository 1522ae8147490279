//! Section 1: keys, scopes, organizations.

use crate::support::{JOBS, SUBSCRIPTIONS, error, on_both_databases};
use domain::key::Scope;
use reqwest::Method;
use testkit::platform::{Platform, send};

on_both_databases!(keys_open_the_door, scopes_are_needed, another_organization_sees_nothing);

async fn keys_open_the_door(platform: Platform) {
    let key = platform.key(&[Scope::Public]).await;
    let anonymous = platform.client_with(None);
    let with = async |value: &str| {
        send(anonymous.request(Method::GET, "/files").header("Authorization", value)).await
    };
    let good = key.reveal();
    assert_eq!(with(&format!("api-key {good}")).await.status, 200);
    assert_eq!(with(&format!("API-KEY  {good}")).await.status, 200, "the scheme has no case");
    for wrong in [
        good.to_owned(),
        format!("Bearer {good}"),
        format!("api-key {}", &good[..50]),
        format!("api-key {good}x"),
        format!("api-key sk_live_{}", "A".repeat(43)),
        "api-key".to_owned(),
        "api-key ".to_owned(),
    ] {
        let answer = with(&wrong).await;
        assert_eq!(answer.error(), error(401, "UNAUTHORIZED"), "{wrong}");
        assert_eq!(answer.header("www-authenticate"), "api-key");
        assert!(!answer.text("error/message").contains(good));
    }
    assert_eq!(anonymous.get("/files").await.error(), error(401, "UNAUTHORIZED"));
    assert_eq!(anonymous.post("/document-insights/jobs/extract", serde_json::json!({})).await.status, 401);

    let listed = platform.client().get("//api/studio/v1/keys").await.json();
    let public =
        listed["data"].as_array().unwrap().iter().find(|key| key["scopes"] == serde_json::json!(["public"]));
    let id = public.unwrap()["id"].as_str().unwrap();
    assert!(platform.client_with(Some(good)).get("/files").await.status == 200);
    assert_eq!(platform.client().delete(&format!("//api/studio/v1/keys/{id}")).await.status, 204);
    assert_eq!(with(&format!("api-key {good}")).await.error(), error(401, "UNAUTHORIZED"), "revoked");
}

async fn scopes_are_needed(platform: Platform) {
    let public = platform.key(&[Scope::Public]).await;
    let public = platform.client_with(Some(public.reveal()));
    assert_eq!(public.get("/files").await.status, 200);
    assert_eq!(public.get("//api/studio/v1/hubs").await.error(), error(403, "FORBIDDEN"));
    let studio = platform.key(&[Scope::Studio]).await;
    let studio = platform.client_with(Some(studio.reveal()));
    assert_eq!(studio.get("//api/studio/v1/hubs").await.status, 200);
    assert_eq!(studio.get("/files").await.error(), error(403, "FORBIDDEN"));
}

async fn another_organization_sees_nothing(platform: Platform) {
    let own = platform.client();
    let file = own.store_file("a.pdf", crate::support::PDF).await;
    let job = own.submit("b.pdf", b"%PDF-1.4 b").await;
    let subscription =
        own.post(SUBSCRIPTIONS, crate::subscriptions::body("https://example.com/x")).await.text("id");
    platform.complete(&crate::support::output()).await;
    let event = own.get("/events").await.text("data/0/eventId");
    let delivery = own.get(&format!("{SUBSCRIPTIONS}/{subscription}/deliveries")).await.text("data/0/id");

    let stranger = platform.stranger().await;
    for path in [
        format!("/files/{file}"),
        format!("/files/{file}/download"),
        format!("{JOBS}/{job}"),
        format!("{SUBSCRIPTIONS}/{subscription}"),
        format!("{SUBSCRIPTIONS}/{subscription}/deliveries"),
        format!("{SUBSCRIPTIONS}/{subscription}/feed"),
        format!("/events/{event}"),
        format!("/deliveries/{delivery}"),
        format!("//api/studio/v1/hubs/{}", platform.hubs[0]),
    ] {
        assert!([200, 206].contains(&own.get(&path).await.status), "{path}");
        assert_eq!(stranger.get(&path).await.error(), error(404, "NOT_FOUND"), "{path}");
    }
    for path in ["/files", JOBS, SUBSCRIPTIONS, "/events"] {
        assert_eq!(stranger.get(path).await.counts(), (0, 0), "{path}");
    }
    for path in [format!("/files/{file}"), format!("{JOBS}/{job}"), format!("{SUBSCRIPTIONS}/{subscription}")]
    {
        assert_eq!(stranger.delete(&path).await.status, 404, "{path}");
    }
    let body = serde_json::json!({"document": {"fileId": file}});
    assert_eq!(stranger.post("/document-insights/jobs/extract", body).await.fields(), ["document.fileId"]);
    assert_eq!(stranger.post(&format!("/events/{event}/redeliver"), serde_json::json!({})).await.status, 404);
    assert_eq!(
        stranger.patch(&format!("{SUBSCRIPTIONS}/{subscription}"), serde_json::json!({})).await.status,
        404
    );
}
