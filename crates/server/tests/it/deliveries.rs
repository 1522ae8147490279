//! Sections 5 and 6 as a receiver sees them: what arrives, and what the API says about it.

use crate::support::{JOBS, SUBSCRIPTIONS, on_both_databases};
use serde_json::{Value, json};
use std::path::Path;
use testkit::{
    platform::{Client, Platform},
    receiver::{Behavior, Received, Receiver},
};

on_both_databases!(
    a_delivery_is_signed_and_logged,
    a_failed_attempt_is_repeated_with_the_same_bytes,
    a_rotation_takes_effect_with_the_answer,
    a_paused_subscription_gets_nothing_until_it_is_replayed,
    an_endpoint_that_is_gone_pauses_its_subscription,
);

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PROGRAM: &str = env!("CARGO_BIN_EXE_plextera");

/// A subscription of a receiver to rejections, which an empty file makes without any reading.
async fn subscribe(client: &Client, receiver: &Receiver) -> String {
    let body = json!({"endpointUrl": receiver.url("/hook?x=1"), "eventTypes": ["document-insights.job.rejected"],
        "signingSecret": SECRET, "headers": {"X-Tenant": "7"}});
    let answer = client.post(SUBSCRIPTIONS, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("{SUBSCRIPTIONS}/{}", answer.text("id"))
}

/// A running node, a client, a receiver and its subscription.
async fn scene(platform: &mut Platform) -> (Client, Receiver, String) {
    platform.run_engine(Path::new(PROGRAM));
    let (client, receiver) = (platform.client(), Receiver::start().await.unwrap());
    let subscription = subscribe(&client, &receiver).await;
    (client, receiver, subscription)
}

fn verifies(platform: &Platform, secret: &str, received: &Received) -> bool {
    let report = received.report(secret, platform.context.now());
    let (ours, standard) = (report.plextera.unwrap(), report.standard.unwrap());
    assert_eq!(ours.is_ok(), standard.is_ok(), "both families say the same");
    ours.is_ok()
}

/// Waits until a subscription has as many deliveries in a state.
async fn deliveries(
    platform: &Platform,
    client: &Client,
    subscription: &str,
    status: &str,
    count: u64,
) -> Value {
    let path = format!("{subscription}/deliveries?status={status}&sort=asc");
    let ask = || async {
        let answer = client.get(&path).await;
        (answer.counts().1 == count).then(|| answer.json()["data"].clone())
    };
    platform.until(ask).await
}

async fn a_delivery_is_signed_and_logged(mut platform: Platform) {
    let (client, receiver, subscription) = scene(&mut platform).await;
    let job = client.submit("empty.pdf", b"").await;
    let received = platform.wait(receiver.request(1)).await;
    assert!(verifies(&platform, SECRET, &received));
    assert!(!verifies(&platform, "another", &received));
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/hook?x=1"));
    let body = received.json();
    assert_eq!(
        (&body["eventType"], &body["data"]["jobId"]),
        (&json!("document-insights.job.rejected"), &json!(job))
    );
    let shown = client.get(&format!("{JOBS}/{job}")).await.json();
    assert_eq!(
        (&body["data"]["error"], &body["data"]["error"]["code"]),
        (&shown["error"], &json!("EMPTY_FILE"))
    );
    for (header, value) in [
        ("content-type", "application/json"),
        ("user-agent", "Plextera-Webhooks/1"),
        ("x-plextera-event-id", body["eventId"].as_str().unwrap()),
        ("x-plextera-event-type", "document-insights.job.rejected"),
        ("x-plextera-event-occurred-at", body["occurredAt"].as_str().unwrap()),
        ("x-plextera-api-version", "v1"),
        ("x-plextera-sequence", "1"),
        ("webhook-id", body["eventId"].as_str().unwrap()),
        ("x-tenant", "7"),
    ] {
        assert_eq!(received.header(header), value, "{header}");
    }
    let event = client.get(&format!("/events/{}", body["eventId"].as_str().unwrap())).await;
    assert_eq!(event.body, received.body, "byte for byte");

    let delivered = deliveries(&platform, &client, &subscription, "DELIVERED", 1).await;
    let attempt =
        client.get(&format!("/deliveries/{}", received.header("x-plextera-delivery-id"))).await.json();
    assert_eq!(attempt["id"], delivered[0]["id"], "an attempt's id leads to its delivery");
    assert_eq!(
        (&attempt["attempts"][0]["statusCode"], &attempt["attempts"][0]["number"]),
        (&json!(200), &json!(1))
    );
    assert_eq!(attempt["attempts"][0]["id"], received.header("x-plextera-delivery-id"));
    let health = client.get(&subscription).await.json()["health"].clone();
    assert!(health["lastSuccessAt"].is_string());
    let recent = &health["recent"];
    assert_eq!(
        (&recent["attempts"], &recent["successRate"], &recent["waiting"]),
        (&json!(1), &json!(1.0), &json!(0))
    );
    assert!(recent["p99Ms"].is_u64());

    let test =
        client.post(&format!("{subscription}/test"), json!({"eventType": "workflow.run.completed"})).await;
    assert_eq!(test.status, 202);
    let specimen = platform.wait(receiver.request(2)).await;
    assert!(verifies(&platform, SECRET, &specimen));
    assert_eq!(
        (&specimen.json()["data"]["test"], specimen.header("x-plextera-sequence")),
        (&json!(true), "")
    );
}

async fn a_failed_attempt_is_repeated_with_the_same_bytes(mut platform: Platform) {
    let (client, receiver, subscription) = scene(&mut platform).await;
    let busy = Behavior::status(503).body("too busy, come back later");
    receiver.script([busy, Behavior::Reset, Behavior::status(204)]);
    client.submit("empty.pdf", b"").await;
    let third = platform.wait(receiver.request(3)).await;
    let all = receiver.received();
    assert!(
        all.iter()
            .all(|one| one.body == third.body && one.header("webhook-id") == third.header("webhook-id"))
    );
    let mut ids: Vec<&str> = all.iter().map(|one| one.header("x-plextera-delivery-id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each attempt has an id of its own");
    assert!(all.iter().all(|one| one.header("x-plextera-sequence") == "1"));
    let delivered = deliveries(&platform, &client, &subscription, "DELIVERED", 1).await;
    let delivery = client.get(&format!("/deliveries/{}", delivered[0]["id"].as_str().unwrap())).await.json();
    assert_eq!(delivery["attemptCount"], 3);
    let attempts = &delivery["attempts"];
    assert_eq!((&attempts[0]["statusCode"], &attempts[0]["blame"]), (&json!(503), &json!("endpoint")));
    assert_eq!(attempts[0]["responseBody"], "too busy, come back later");
    assert!(attempts[1].get("statusCode").is_none() && attempts[1]["error"].is_string());
    assert_eq!(attempts[2]["statusCode"], 204);

    let event_id = delivery["eventId"].as_str().unwrap();
    let again = client.post(&format!("/events/{event_id}/redeliver"), json!({})).await;
    assert_eq!(again.status, 202);
    let fourth = platform.wait(receiver.request(4)).await;
    assert_eq!((&fourth.body, fourth.header("x-plextera-sequence")), (&third.body, "1"));
    assert!(!ids.contains(&fourth.header("x-plextera-delivery-id")));
}

async fn a_rotation_takes_effect_with_the_answer(mut platform: Platform) {
    let (client, receiver, subscription) = scene(&mut platform).await;
    let overlap = json!({"signingSecret": "second", "signingSecretOverlapSeconds": 3600});
    assert_eq!(client.patch(&subscription, overlap).await.status, 200);
    client.submit("empty.pdf", b"").await;
    let both = platform.wait(receiver.request(1)).await;
    assert!(verifies(&platform, SECRET, &both) && verifies(&platform, "second", &both));
    assert_eq!(client.patch(&subscription, json!({"signingSecret": "third"})).await.status, 200);
    client.submit("empty.pdf", b"").await;
    let one = platform.wait(receiver.request(2)).await;
    assert!(verifies(&platform, "third", &one));
    assert!(
        !verifies(&platform, "second", &one) && !verifies(&platform, SECRET, &one),
        "no overlap unless asked for"
    );
}

async fn a_paused_subscription_gets_nothing_until_it_is_replayed(mut platform: Platform) {
    let (client, receiver, subscription) = scene(&mut platform).await;
    client.patch(&subscription, json!({"status": "paused"})).await;
    client.submit("empty.pdf", b"").await;
    deliveries(&platform, &client, &subscription, "SUPPRESSED", 1).await;
    client.patch(&subscription, json!({"status": "active"})).await;
    client.submit("empty.pdf", b"").await;
    let next = platform.wait(receiver.request(1)).await;
    assert_eq!(next.header("x-plextera-sequence"), "2", "the gap shows");
    let replay = json!({"since": "2026-03-01T00:00:00Z", "status": "SUPPRESSED"});
    let begun = client.post(&format!("{subscription}/replay"), replay).await;
    let path = format!("/replays/{}", begun.text("id"));
    let ended = async || {
        let replay = client.get(&path).await;
        (replay.text("status") == "COMPLETED").then(|| replay.json())
    };
    let replay = platform.until(&ended).await;
    assert_eq!(replay["progress"]["replayed"], 1, "{replay}");
    let missed = platform.wait(receiver.request(2)).await;
    assert_eq!(missed.header("x-plextera-sequence"), "1");
    deliveries(&platform, &client, &subscription, "DELIVERED", 2).await;
}

async fn an_endpoint_that_is_gone_pauses_its_subscription(mut platform: Platform) {
    let (client, receiver, subscription) = scene(&mut platform).await;
    let operator = Receiver::start().await.unwrap();
    let told = json!({"endpointUrl": operator.url("/ops"), "eventTypes": ["platform.subscription.disabled"],
        "signingSecret": SECRET});
    assert_eq!(client.post(SUBSCRIPTIONS, told).await.status, 201);
    receiver.script([Behavior::status(410)]);
    client.submit("empty.pdf", b"").await;
    deliveries(&platform, &client, &subscription, "EXHAUSTED", 1).await;
    let shown = client.get(&subscription).await;
    assert_eq!((shown.text("status"), shown.text("disabledReason")), ("paused".into(), "GONE".into()));
    let alarm = platform.wait(operator.request(1)).await;
    assert!(verifies(&platform, SECRET, &alarm));
    let alarm = alarm.json();
    assert_eq!(alarm["eventType"], "platform.subscription.disabled");
    assert_eq!(
        (&alarm["data"]["disabledReason"], &alarm["data"]["status"]),
        (&json!("GONE"), &json!("paused"))
    );
    assert!(subscription.ends_with(alarm["data"]["subscriptionId"].as_str().unwrap()));
    let resumed = client.patch(&subscription, json!({"status": "active"})).await;
    assert!(resumed.json().get("disabledReason").is_none());
}
