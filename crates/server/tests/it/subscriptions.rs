//! Section 5: event subscriptions, their logs, test events, redelivery and replay, without a dispatcher.

use crate::support::{JOBS, PDF, SUBSCRIPTIONS, ULID, error, on_both_databases, output};
use api::Settings;
use domain::{event::EventType, key::Scope};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::platform::{Backend, Client, Platform};

on_both_databases!(
    a_subscription_is_made_and_shown_without_its_secret,
    a_subscription_is_changed,
    lists_are_filtered,
    events_of_the_platform_are_for_operators,
    an_event_becomes_deliveries,
    a_paused_subscription_keeps_what_it_missed,
    the_feed_waits,
    events_are_sent_again,
);

const SECRET: &str = "a secret of the client's own";

/// A body that is right, for jobs that have completed.
pub fn body(endpoint_url: &str) -> Value {
    json!({"endpointUrl": endpoint_url, "eventTypes": ["document-insights.job.completed"], "signingSecret": SECRET})
}

/// The body with one key more, or another value of one.
fn with(key: &str, value: Value) -> Value {
    let mut body = body("https://example.com/hook");
    body[key] = value;
    body
}

async fn subscribe(client: &Client) -> String {
    let answer = client.post(SUBSCRIPTIONS, body("https://example.com/hook")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("{SUBSCRIPTIONS}/{}", answer.text("id"))
}

async fn a_subscription_is_made_and_shown_without_its_secret(platform: Platform) {
    let client = platform.client();
    let mut given = body("https://example.com/hook?x=1");
    given["filters"] = json!({"workflowId": "claim-intake", "documentInsightsOperation": "extract"});
    given["description"] = json!("Claims");
    given["headers"] = json!({"X-Tenant": "7"});
    given["ordering"] = json!("resource");
    given["rateLimit"] = json!({"perSecond": 25});
    let answer = client.post(SUBSCRIPTIONS, given.clone()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let json = answer.json();
    for key in ["endpointUrl", "eventTypes", "filters", "description", "headers", "ordering", "rateLimit"] {
        assert_eq!(json[key], given[key], "{key}");
    }
    assert_eq!((&json["status"], &json["health"]["consecutiveFailures"]), (&json!("active"), &json!(0)));
    assert!(json.get("disabledReason").is_none());
    let shown = client.get(&format!("{SUBSCRIPTIONS}/{}", answer.text("id"))).await;
    assert_eq!(shown.json(), json);
    for answer in [answer, shown, client.get(SUBSCRIPTIONS).await] {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains(SECRET) && !text.contains("ecret"), "{text}");
    }
    assert!(client.post(SUBSCRIPTIONS, body("https://example.com/x")).await.json().get("filters").is_none());

    for (wrong, field) in [
        (with("endpointUrl", json!("ftp://example.com")), "endpointUrl"),
        (with("endpointUrl", json!("https://user@example.com")), "endpointUrl"),
        (with("endpointUrl", json!("nonsense")), "endpointUrl"),
        (with("eventTypes", json!([])), "eventTypes"),
        (with("eventTypes", json!("document-insights.job.failed")), "eventTypes"),
        (with("eventTypes", json!(["document-insights.job.failed", "nope"])), "eventTypes[1]"),
        (with("eventTypes", json!(["workflow.run.failed", "workflow.run.failed"])), "eventTypes[1]"),
        (with("signingSecret", json!("")), "signingSecret"),
        (with("signingSecret", json!(7)), "signingSecret"),
        (with("signingSecret", json!("x".repeat(513))), "signingSecret"),
        (
            with("filters", json!({"documentInsightsOperation": "classify"})),
            "filters.documentInsightsOperation",
        ),
        (with("filters", json!([])), "filters"),
        (with("description", json!("x".repeat(513))), "description"),
        (with("headers", json!({"X-Plextera-Event-Id": "x"})), "headers.X-Plextera-Event-Id"),
        (with("headers", json!({"Connection": "close"})), "headers.Connection"),
        (with("headers", json!({"X-Tenant": "a\r\nX-Evil: b"})), "headers.X-Tenant"),
        (with("headers", json!({"X-Tenant": 7})), "headers.X-Tenant"),
        (with("ordering", json!("strict")), "ordering"),
        (with("rateLimit", json!(5)), "rateLimit"),
        (with("rateLimit", json!({})), "rateLimit.perSecond"),
        (with("rateLimit", json!({"perSecond": 0})), "rateLimit.perSecond"),
        (with("rateLimit", json!({"perSecond": 1001})), "rateLimit.perSecond"),
        (with("rateLimit", json!({"perSecond": 5, "burst": 1})), "rateLimit.burst"),
    ] {
        assert_eq!(client.post(SUBSCRIPTIONS, wrong.clone()).await.fields(), [field], "{wrong}");
    }
    let many: serde_json::Map<_, _> = (0..17).map(|i| (format!("X-{i}"), json!("v"))).collect();
    assert_eq!(client.post(SUBSCRIPTIONS, with("headers", many.into())).await.fields(), ["headers"]);
    assert_eq!(
        client.post(SUBSCRIPTIONS, json!({})).await.fields(),
        ["endpointUrl", "eventTypes", "signingSecret"]
    );
}

async fn events_of_the_platform_are_for_operators(platform: Platform) {
    let given = with("eventTypes", json!(["platform.subscription.disabled"]));
    let key = platform.key(&[Scope::Public]).await;
    let public = platform.client_with(Some(key.reveal()));
    assert_eq!(public.post(SUBSCRIPTIONS, given.clone()).await.error(), error(403, "FORBIDDEN"));
    let own = subscribe(&public).await;
    let change = json!({"eventTypes": ["platform.subscription.disabled"]});
    assert_eq!(public.patch(&own, change).await.error(), error(403, "FORBIDDEN"));
    let operator = platform.client();
    let created = operator.post(SUBSCRIPTIONS, given).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("{SUBSCRIPTIONS}/{}", created.text("id"));
    let test =
        operator.post(&format!("{path}/test"), json!({"eventType": "platform.subscription.disabled"})).await;
    assert_eq!(test.status, 202, "{test:?}");
}

#[tokio::test]
async fn endpoints_are_https_and_public_unless_the_operator_says_otherwise() {
    let settings = Settings { may_dial: Arc::new(|address| !address.is_loopback()), ..Settings::default() };
    let platform = Platform::start_with(Backend::Sqlite, settings).await;
    let client = platform.client();
    for url in ["http://example.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://localhost:8443/"] {
        assert_eq!(client.post(SUBSCRIPTIONS, body(url)).await.fields(), ["endpointUrl"], "{url}");
    }
    let id = client.post(SUBSCRIPTIONS, body("https://example.com/x")).await.text("id");
    let changed =
        client.patch(&format!("{SUBSCRIPTIONS}/{id}"), json!({"endpointUrl": "http://example.com/x"})).await;
    assert_eq!(changed.fields(), ["endpointUrl"]);
}

async fn a_subscription_is_changed(platform: Platform) {
    let client = platform.client();
    let given = with("filters", json!({"workflowId": "x"}));
    let created = client.post(SUBSCRIPTIONS, given).await;
    let path = format!("{SUBSCRIPTIONS}/{}", created.text("id"));
    platform.clock.advance(Duration::from_secs(5));
    let changed =
        client.patch(&path, json!({"eventTypes": ["workflow.run.failed"], "description": "new"})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let json = changed.json();
    assert_eq!(json["eventTypes"], json!(["workflow.run.failed"]), "replaced, not added to");
    assert_eq!((&json["filters"], &json["description"]), (&json!({"workflowId": "x"}), &json!("new")));
    assert_eq!(json["endpointUrl"], created.json()["endpointUrl"], "absent fields stay");
    assert_eq!(
        (&json["updatedAt"], &json["createdAt"]),
        (&json!("2026-03-01T09:30:05Z"), &created.json()["createdAt"])
    );
    let cleared = client.patch(&path, json!({"filters": null, "description": null})).await.json();
    assert!(cleared.get("filters").is_none() && cleared.get("description").is_none());
    assert_eq!(client.patch(&path, json!({"status": "paused"})).await.text("status"), "paused");
    assert_eq!(client.patch(&path, json!({"status": "active"})).await.text("status"), "active");
    let limited =
        client.patch(&path, json!({"rateLimit": {"perSecond": 3}, "ordering": "resource"})).await.json();
    assert_eq!((&limited["rateLimit"]["perSecond"], &limited["ordering"]), (&json!(3), &json!("resource")));
    let free = client.patch(&path, json!({"rateLimit": null, "ordering": null})).await.json();
    assert!(free.get("rateLimit").is_none() && free.get("ordering").is_none());
    let rotated =
        client.patch(&path, json!({"signingSecret": "next", "signingSecretOverlapSeconds": 60})).await;
    assert_eq!(rotated.status, 200);
    assert!(!String::from_utf8_lossy(&rotated.body).contains("next"));
    for (wrong, field) in [
        (json!({"status": "stopped"}), "status"),
        (json!({"status": null}), "status"),
        (json!({"eventTypes": []}), "eventTypes"),
        (json!({"endpointUrl": null}), "endpointUrl"),
        (json!({"signingSecret": ""}), "signingSecret"),
        (json!({"signingSecretOverlapSeconds": 60}), "signingSecretOverlapSeconds"),
        (json!({"signingSecret": "x", "signingSecretOverlapSeconds": -1}), "signingSecretOverlapSeconds"),
        (json!({"id": "x"}), "id"),
    ] {
        assert_eq!(client.patch(&path, wrong.clone()).await.fields(), [field], "{wrong}");
    }
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(client.patch(&path, json!({})).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(client.delete(&path).await.error(), error(404, "NOT_FOUND"));
}

async fn lists_are_filtered(platform: Platform) {
    let client = platform.client();
    let first = subscribe(&client).await;
    platform.clock.advance(Duration::from_secs(1));
    let other = with("eventTypes", json!(["workflow.run.failed", "document-insights.job.failed"]));
    let second = client.post(SUBSCRIPTIONS, other).await.text("id");
    client.patch(&first, json!({"status": "paused"})).await;
    let listed = async |query: &str| client.get(&format!("{SUBSCRIPTIONS}{query}")).await;
    assert_eq!((listed("").await.counts(), listed("").await.text("data/0/id")), ((2, 2), second.clone()));
    assert_eq!(listed("?status=active").await.text("data/0/id"), second);
    assert_eq!(listed("?status=paused").await.counts(), (1, 1));
    assert_eq!(listed("?eventType=document-insights.job.failed").await.text("data/0/id"), second);
    assert_eq!(listed("?eventType=document-insights.job.rejected").await.counts(), (0, 0));
    for query in ["?status=ACTIVE", "?eventType=x", "?event=x"] {
        assert_eq!(listed(query).await.error(), error(400, "INVALID_REQUEST"), "{query}");
    }
}

async fn an_event_becomes_deliveries(platform: Platform) {
    let client = platform.client();
    let subscription = subscribe(&client).await;
    let job = client.submit("a.pdf", PDF).await;
    platform.complete(&output()).await;

    let events = client.get("/events").await;
    assert_eq!((events.counts(), events.text("data/0/jobId")), ((1, 1), job.clone()));
    let event_id = events.text("data/0/eventId");
    let event = client.get(&format!("/events/{event_id}")).await.json();
    let mut data = client.get(&format!("{JOBS}/{job}")).await.json();
    data["jobId"] = json!(job);
    assert_eq!(event["data"], data, "the event is what GET shows, whole");
    assert_eq!(event["occurredAt"], data["completedAt"]);
    assert_eq!(
        (&event["eventType"], &event["apiVersion"]),
        (&json!("document-insights.job.completed"), &json!("v1"))
    );
    for (query, count) in [
        ("eventType=document-insights.job.completed", 1),
        ("eventType=document-insights.job.failed", 0),
        (&format!("jobId={job}"), 1),
        ("occurredAfter=2026-03-01T09:30:00Z", 0),
        ("occurredBefore=2026-03-01T09:30:01Z", 1),
    ] {
        assert_eq!(client.get(&format!("/events?{query}")).await.counts().1, count, "{query}");
    }
    assert_eq!(client.get("/events?type=x").await.error(), error(400, "INVALID_REQUEST"));

    let deliveries = client.get(&format!("{subscription}/deliveries")).await;
    assert_eq!(deliveries.counts(), (1, 1));
    let delivery = deliveries.json()["data"][0].clone();
    assert_eq!((&delivery["eventId"], &delivery["status"]), (&json!(event_id), &json!("PENDING")));
    assert_eq!((&delivery["sequence"], &delivery["attemptCount"]), (&json!(1), &json!(0)));
    assert!(delivery.get("attempts").is_none(), "left out of lists");
    let shown = client.get(&format!("/deliveries/{}", deliveries.text("data/0/id"))).await.json();
    assert_eq!(shown["attempts"], json!([]));
    for (query, count) in [
        ("status=PENDING", 1),
        ("status=DELIVERED", 0),
        ("eventType=document-insights.job.completed", 1),
        ("since=2026-03-01T09:30:00Z", 1),
        ("since=2026-03-01T09:30:01Z", 0),
    ] {
        assert_eq!(
            client.get(&format!("{subscription}/deliveries?{query}")).await.counts().1,
            count,
            "{query}"
        );
    }
    for query in ["status=pending", "since=now", "eventType=x", "until=x"] {
        let answer = client.get(&format!("{subscription}/deliveries?{query}")).await;
        assert_eq!(answer.error(), error(400, "INVALID_REQUEST"), "{query}");
    }
    assert_eq!(client.get(&format!("{SUBSCRIPTIONS}/sub_{ULID}/deliveries")).await.status, 404);
}

async fn a_paused_subscription_keeps_what_it_missed(platform: Platform) {
    let client = platform.client();
    let subscription = subscribe(&client).await;
    client.patch(&subscription, json!({"status": "paused"})).await;
    client.submit("a.pdf", PDF).await;
    platform.complete(&output()).await;
    let missed = client.get(&format!("{subscription}/deliveries?status=SUPPRESSED")).await;
    assert_eq!((missed.counts(), missed.json()["data"][0]["sequence"].clone()), ((1, 1), json!(1)));
    let feed = client.get(&format!("{subscription}/feed")).await.json();
    assert_eq!((&feed["data"][0]["sequence"], &feed["next"]), (&json!(1), &json!(1)));
    assert_eq!(feed["data"][0]["event"]["eventType"], "document-insights.job.completed");
    let test = client
        .post(&format!("{subscription}/test"), json!({"eventType": "document-insights.job.failed"}))
        .await;
    assert_eq!(test.error(), error(409, "CONFLICT"), "nothing is sent while it is paused");

    client.patch(&subscription, json!({"status": "active"})).await;
    assert_eq!(client.get(&format!("{subscription}/deliveries?status=SUPPRESSED")).await.counts().1, 1);
    let all = json!({"since": "2026-03-01T09:00:00Z", "status": "SUPPRESSED"});
    let replay = client.post_once(&format!("{subscription}/replay"), "once", all.clone()).await;
    assert_eq!((replay.status, replay.text("status")), (202, "RUNNING".to_owned()), "{replay:?}");
    let expected = json!({"id": replay.text("id"), "subscriptionId": replay.text("subscriptionId"), "status": "RUNNING",
        "since": "2026-03-01T09:00:00Z", "until": "2026-03-01T09:30:00Z", "deliveryStatus": "SUPPRESSED",
        "progress": {"examined": 0, "replayed": 0},
        "createdAt": "2026-03-01T09:30:00Z", "updatedAt": "2026-03-01T09:30:00Z"});
    assert_eq!(replay.json(), expected);
    let again = client.post_once(&format!("{subscription}/replay"), "once", all).await;
    assert_eq!((again.text("id"), again.header("idempotency-replayed")), (replay.text("id"), "true"));
    let path = format!("/replays/{}", replay.text("id"));
    assert_eq!(client.get(&path).await.json(), expected);
    assert_eq!(platform.stranger().await.get(&path).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(client.get(&format!("{subscription}/replays")).await.counts(), (1, 1));
    let cancelled = client.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!((cancelled.status, cancelled.text("status")), (200, "CANCELLED".to_owned()));
    assert!(cancelled.json()["completedAt"].is_string());
    assert_eq!(client.post(&format!("/replays/rpl_{ULID}/cancel"), json!({})).await.status, 404);
    for _ in 0..10 {
        let begun =
            client.post(&format!("{subscription}/replay"), json!({"since": "2026-03-01T09:00:00Z"})).await;
        assert_eq!(begun.status, 202, "{begun:?}");
    }
    let eleventh =
        client.post(&format!("{subscription}/replay"), json!({"since": "2026-03-01T09:00:00Z"})).await;
    assert_eq!(eleventh.error(), error(409, "CONFLICT"));
    for (wrong, field) in [
        (json!({}), "since"),
        (json!({"since": "yesterday"}), "since"),
        (json!({"since": "2026-03-01T09:00:00Z", "until": "2026-03-01T08:00:00Z"}), "until"),
        (json!({"since": "2026-03-01T09:00:00Z", "status": "failed"}), "status"),
        (json!({"since": "2026-03-01T09:00:00Z", "from": 1}), "from"),
    ] {
        assert_eq!(
            client.post(&format!("{subscription}/replay"), wrong.clone()).await.fields(),
            [field],
            "{wrong}"
        );
    }
}

async fn the_feed_waits(platform: Platform) {
    let client = platform.client();
    let subscription = subscribe(&client).await;
    let nothing = client.get(&format!("{subscription}/feed?waitSeconds=0")).await;
    assert_eq!((nothing.status, nothing.json()), (200, json!({"data": [], "next": 0})));
    for number in 0..3 {
        client.submit("a.pdf", format!("%PDF-1.4 {number}").as_bytes()).await;
        platform.complete(&output()).await;
    }
    let first = client.get(&format!("{subscription}/feed?after=0&limit=2")).await.json();
    assert_eq!((first["data"].as_array().map(Vec::len), &first["next"]), (Some(2), &json!(2)));
    let rest = client.get(&format!("{subscription}/feed?after=2")).await.json();
    assert_eq!((&rest["data"][0]["sequence"], &rest["next"]), (&json!(3), &json!(3)));

    let (waiter, path) = (client.clone(), format!("{subscription}/feed?after=3"));
    let waiting = tokio::spawn(async move { waiter.get(&path).await });
    client.submit("a.pdf", b"%PDF-1.4 next").await;
    platform.complete(&output()).await;
    let woken = waiting.await.unwrap().json();
    assert_eq!((&woken["data"][0]["sequence"], &woken["next"]), (&json!(4), &json!(4)));
    let path = format!("{subscription}/feed?after=4");
    let in_vain = platform.clock.drive(Duration::from_secs(1), client.get(&path)).await;
    assert_eq!(in_vain.json(), json!({"data": [], "next": 4}), "it does not wait for ever");
    for query in ["after=-1", "after=x", "limit=0", "limit=101", "waitSeconds=21", "before=1"] {
        let answer = client.get(&format!("{subscription}/feed?{query}")).await;
        assert_eq!(answer.error(), error(400, "INVALID_REQUEST"), "{query}");
    }
}

async fn events_are_sent_again(platform: Platform) {
    let client = platform.client();
    let subscription = subscribe(&client).await;
    let other = subscribe(&client).await;
    client.patch(&other, json!({"eventTypes": ["workflow.run.failed"]})).await;
    client.submit("a.pdf", PDF).await;
    platform.complete(&output()).await;
    let event_id = client.get("/events").await.text("data/0/eventId");
    let path = format!("/events/{event_id}/redeliver");
    let all = testkit::platform::send(client.request(reqwest::Method::POST, &path)).await;
    assert_eq!((all.status, all.counts().0), (202, 1), "{all:?}");
    assert_eq!(all.json()["data"][0]["sequence"], 1, "the same number again");
    let other_id = other.rsplit('/').next().unwrap_or_default();
    let one = client.post(&path, json!({"subscriptionId": other_id})).await;
    assert_eq!((one.status, one.text("data/0/subscriptionId")), (202, other_id.to_owned()));
    assert_eq!(client.get(&format!("{other}/deliveries")).await.counts().1, 1, "told now, though not before");
    assert_eq!(client.get(&format!("{subscription}/deliveries")).await.counts().1, 1);
    assert_eq!(
        client.post(&path, json!({"subscriptionId": format!("sub_{ULID}")})).await.fields(),
        ["subscriptionId"]
    );
    assert_eq!(client.post(&path, json!({"subscription": "x"})).await.fields(), ["subscription"]);
    assert_eq!(
        client.post(&format!("/events/evt_{ULID}/redeliver"), json!({})).await.error(),
        error(404, "NOT_FOUND")
    );

    let test = format!("{subscription}/test");
    for event_type in EventType::ALL {
        let answer = client.post(&test, json!({"eventType": event_type})).await;
        assert_eq!((answer.status, answer.text("eventType")), (202, event_type.to_string()));
        assert!(answer.json().get("sequence").is_none(), "a specimen has no number");
        let event = client.get(&format!("/events/{}", answer.text("eventId"))).await.json();
        assert_eq!(event["data"]["test"], true);
    }
    assert_eq!(client.get("/events").await.counts().1, 1, "specimens are not among the events");
    assert_eq!(client.post(&test, json!({})).await.fields(), ["eventType"]);
    assert_eq!(client.post(&test, json!({"eventType": "x"})).await.fields(), ["eventType"]);
    assert_eq!(
        client
            .post(&format!("{SUBSCRIPTIONS}/sub_{ULID}/test"), json!({"eventType": "workflow.run.failed"}))
            .await
            .status,
        404
    );
}
