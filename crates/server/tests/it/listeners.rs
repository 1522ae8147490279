//! Listeners: deliveries by pull, for `plextera listen`.

use crate::support::{SUBSCRIPTIONS, ULID, error, on_both_databases};
use domain::{job::Rejection, limits};
use plextera_webhooks::Verifier;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use testkit::{
    platform::{Client, Platform},
    receiver::Receiver,
};

on_both_databases!(
    a_listener_hears_what_happens_signed_and_in_order,
    a_listener_that_waits_is_told_at_once,
    a_listener_narrows_like_a_subscription,
    a_listener_ends_when_nobody_reads,
    listeners_are_bounded_and_nobody_elses,
    what_is_heard_has_the_headers_of_what_is_sent,
);

const LISTENERS: &str = "/event-listeners";

async fn listen(client: &Client, body: Value) -> (String, String) {
    let answer = client.post(LISTENERS, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let secret = answer.json()["signingSecret"].as_str().unwrap_or_default().to_owned();
    (format!("{LISTENERS}/{}", answer.text("id")), secret)
}

async fn reject(platform: &Platform, client: &Client) {
    client.submit("empty.pdf", b"").await;
    platform.reject(Rejection::EmptyFile).await;
}

async fn read(client: &Client, listener: &str, after: u64) -> (Vec<Value>, u64) {
    let answer = client.get(&format!("{listener}/deliveries?after={after}&waitSeconds=0")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    (json["data"].as_array().unwrap().clone(), json["next"].as_u64().unwrap())
}

fn verdict(platform: &Platform, secret: &str, delivery: &Value) -> bool {
    let header = |name: &str| delivery["headers"][name].as_str();
    let body = delivery["body"].as_str().unwrap().as_bytes();
    Verifier::new(secret).verify_at(header, body, platform.context.now().as_seconds()).is_ok()
}

async fn a_listener_hears_what_happens_signed_and_in_order(platform: Platform) {
    let client = platform.client();
    reject(&platform, &client).await;
    let (listener, secret) = listen(&client, json!({})).await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    for _ in 0..3 {
        reject(&platform, &client).await;
    }
    let (all, next) = read(&client, &listener, 0).await;
    let sequences: Vec<_> = all.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!((sequences, next), (vec![1, 2, 3], 3), "what happened before is not its business");
    for delivery in &all {
        assert!(verdict(&platform, &secret, delivery) && !verdict(&platform, "another", delivery));
        let body: Value = serde_json::from_str(delivery["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["eventId"], delivery["eventId"]);
        assert_eq!(delivery["headers"]["x-plextera-sequence"], delivery["sequence"].to_string());
        let event = client.get(&format!("/events/{}", body["eventId"].as_str().unwrap())).await;
        assert_eq!(event.body, delivery["body"].as_str().unwrap().as_bytes(), "byte for byte");
    }
    let (rest, next) = read(&client, &listener, 2).await;
    assert_eq!((rest.len(), next, &rest[0]["eventId"]), (1, 3, &all[2]["eventId"]));
    assert_eq!(read(&client, &listener, 3).await, (vec![], 3));
    let one = client.get(&format!("{listener}/deliveries?limit=1")).await.json();
    assert_eq!((one["data"].as_array().unwrap().len(), &one["next"]), (1, &json!(1)));
}

async fn a_listener_that_waits_is_told_at_once(platform: Platform) {
    let client = platform.client();
    let (listener, _) = listen(&client, json!({"signingSecret": "mine"})).await;
    let path = format!("{listener}/deliveries");
    let (answer, ()) = tokio::join!(client.get(&path), reject(&platform, &client));
    assert_eq!(answer.json()["next"], 1, "{answer:?}");
    assert!(verdict(&platform, "mine", &answer.json()["data"][0]));
}

async fn a_listener_narrows_like_a_subscription(platform: Platform) {
    let client = platform.client();
    let (listener, _) = listen(&client, json!({"eventTypes": ["document-insights.job.completed"]})).await;
    reject(&platform, &client).await;
    client.submit("a.pdf", crate::support::PDF).await;
    platform.complete(&crate::support::output()).await;
    let (heard, _) = read(&client, &listener, 0).await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["headers"]["x-plextera-event-type"], "document-insights.job.completed");
    for (body, field) in [
        (json!({"eventTypes": []}), "eventTypes"),
        (json!({"eventTypes": ["nope"]}), "eventTypes[0]"),
        (json!({"filters": {"workflow": "x"}}), "filters.workflow"),
        (json!({"endpointUrl": "https://example.com"}), "endpointUrl"),
        (json!({"signingSecret": ""}), "signingSecret"),
    ] {
        assert_eq!(client.post(LISTENERS, body).await.fields(), [field]);
    }
}

async fn a_listener_ends_when_nobody_reads(mut platform: Platform) {
    let client = platform.client();
    let (read_from, _) = listen(&client, json!({})).await;
    let (forgotten, _) = listen(&client, json!({})).await;
    let almost = limits::LISTENER_KEPT - Duration::from_secs(1);
    platform.clock.advance(almost);
    read(&client, &read_from, 0).await;
    platform.clock.advance(almost);
    read(&client, &read_from, 0).await;
    let ended = client.get(&format!("{forgotten}/deliveries?waitSeconds=0")).await;
    assert_eq!(ended.error(), error(404, "NOT_FOUND"));
    assert_eq!(client.delete(&forgotten).await.error(), error(404, "NOT_FOUND"));
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    // The housekeeper clears it away with its log: nothing takes in events for it any more.
    let id = forgotten.rsplit('/').next().unwrap().parse().unwrap();
    platform
        .until(|| async {
            let targets = platform.store.subscriptions().targets(&[id], platform.context.now()).await;
            targets.unwrap().is_empty().then_some(())
        })
        .await;
}

async fn listeners_are_bounded_and_nobody_elses(platform: Platform) {
    let (client, stranger) = (platform.client(), platform.stranger().await);
    let (first, _) = listen(&client, json!({})).await;
    let id = first.rsplit('/').next().unwrap();
    let not_found = error(404, "NOT_FOUND");
    assert_eq!(stranger.get(&format!("{first}/deliveries?waitSeconds=0")).await.error(), not_found);
    assert_eq!(stranger.delete(&first).await.error(), not_found);
    let nobodys = client.get(&format!("{LISTENERS}/sub_{ULID}/deliveries?waitSeconds=0")).await;
    assert_eq!(nobodys.error(), not_found);
    // It is no subscription: nobody can see it among them, or make it send.
    assert_eq!(client.get(SUBSCRIPTIONS).await.counts(), (0, 0));
    assert_eq!(client.get(&format!("{SUBSCRIPTIONS}/{id}")).await.error(), not_found);
    let resumed = client.patch(&format!("{SUBSCRIPTIONS}/{id}"), json!({"status": "active"})).await;
    assert_eq!(resumed.error(), not_found);
    for _ in 1..limits::LISTENERS_PER_ORG_MAX {
        listen(&client, json!({})).await;
    }
    assert_eq!(client.post(LISTENERS, json!({})).await.error(), error(409, "CONFLICT"));
    listen(&stranger, json!({})).await;
    assert_eq!(client.delete(&first).await.status, 204);
    assert_eq!(client.get(&format!("{first}/deliveries?waitSeconds=0")).await.error(), not_found);
    listen(&client, json!({})).await;
}

async fn what_is_heard_has_the_headers_of_what_is_sent(mut platform: Platform) {
    platform.run_engine(Path::new(env!("CARGO_BIN_EXE_plextera")));
    let (client, receiver) = (platform.client(), Receiver::start().await.unwrap());
    let body = json!({"endpointUrl": receiver.url("/"), "eventTypes": ["document-insights.job.rejected"],
        "signingSecret": "s"});
    assert_eq!(client.post(SUBSCRIPTIONS, body).await.status, 201);
    let (listener, _) = listen(&client, json!({"signingSecret": "s"})).await;
    client.submit("empty.pdf", b"").await;
    let sent = platform.wait(receiver.request(1)).await;
    let (heard, _) = read(&client, &listener, 0).await;
    assert_eq!(heard[0]["body"].as_str().unwrap().as_bytes(), sent.body);
    let heard = heard[0]["headers"].as_object().unwrap();
    // What the connection adds is not ours.
    let of_http = ["host", "accept", "content-length"];
    let mut names: Vec<&str> = sent.headers.keys().map(|name| name.as_str()).collect();
    names.retain(|name| !of_http.contains(name));
    names.sort_unstable();
    assert_eq!(heard.keys().map(String::as_str).collect::<Vec<_>>(), names);
    // Made anew for each attempt, or of its time.
    let of_attempt =
        ["x-plextera-delivery-id", "x-plextera-signature", "webhook-timestamp", "webhook-signature"];
    for name in names.iter().filter(|name| !of_attempt.contains(name) && **name != "traceparent") {
        assert_eq!(heard[*name], sent.header(name), "{name}");
    }
}
