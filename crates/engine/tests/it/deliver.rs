//! Events on their way: signatures, retries, pausing, rotation, endpoints that misbehave.

use super::world::{Backend, SECRET, STEP, World, on_both};
use domain::{
    delivery::{Blame, DeliveryStatus},
    subscription::{DisabledReason, RateLimit, SubscriptionStatus},
    time::Timestamp,
};
use std::time::Duration;
use store::{
    NodeId,
    deliveries::{ClaimLimits, Hold},
    subscriptions::{Rotation, SubscriptionChange},
};
use testkit::receiver::{Behavior, Received, Receiver};

fn rotation(secret: &str, overlap_seconds: u64) -> SubscriptionChange {
    let overlap = Duration::from_secs(overlap_seconds);
    let rotation = Rotation { secret: secret.to_owned().into(), overlap };
    SubscriptionChange { rotation: Some(rotation), ..SubscriptionChange::default() }
}

fn status(status: SubscriptionStatus) -> SubscriptionChange {
    SubscriptionChange { status: Some(status), ..SubscriptionChange::default() }
}

/// Whether both families of headers verify with this secret.
fn verifies(request: &Received, secret: &str) -> bool {
    let now = Timestamp::from_ms(request.header("webhook-timestamp").parse::<i64>().unwrap() * 1000);
    let report = request.report(secret, now);
    let (ours, standard) = (report.plextera.unwrap(), report.standard.unwrap());
    assert_eq!(ours.is_ok(), standard.is_ok());
    ours.is_ok()
}

on_both! {
    async fn an_event_arrives_signed_and_as_it_is_stored(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        let id = world.subscribe(&receiver).await;
        world.start();
        let job_id = world.event().await;
        let request = receiver.request(1).await;
        assert!(verifies(&request, SECRET));
        assert!(!verifies(&request, "another"));

        let (delivery, attempts) = world.delivery(id, DeliveryStatus::Delivered).await;
        let event = world.store.events().get(world.org_id, delivery.event_id).await.unwrap().unwrap();
        assert_eq!(request.body, event.body.unwrap());
        assert_eq!(request.json()["data"]["jobId"], job_id.to_string());
        let body = request.json();
        let expected = [
            ("content-type", "application/json"),
            ("user-agent", "Plextera-Webhooks/1"),
            ("x-plextera-delivery-id", &attempts[0].id.to_string()),
            ("x-plextera-event-id", &delivery.event_id.to_string()),
            ("x-plextera-event-type", "document-insights.job.failed"),
            ("x-plextera-event-occurred-at", body["occurredAt"].as_str().unwrap()),
            ("x-plextera-api-version", "v1"),
            ("x-plextera-sequence", "1"),
            ("webhook-id", &delivery.event_id.to_string()),
            ("x-tenant", "seven"),
        ];
        for (name, value) in expected {
            assert_eq!(request.header(name), value, "{name}");
        }
    }

    async fn failures_are_retried_by_the_schedule_with_the_same_bytes(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.always(Behavior::status(500).body("no\0pe"));
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        let (delivery, attempts) = world.delivery(id, DeliveryStatus::Exhausted).await;
        assert_eq!((delivery.attempt_count, attempts.len()), (4, 4));
        for (pair, seconds) in attempts.windows(2).zip([1, 1, 2]) {
            // How much later depends on how fast the test lets time go by.
            assert!(pair[1].started_at.since(pair[0].started_at) >= Duration::from_secs(seconds), "{attempts:?}");
        }
        for (number, attempt) in (1..).zip(&attempts) {
            assert_eq!((attempt.number, attempt.status_code, attempt.blame), (number, Some(500), Some(Blame::Endpoint)));
            assert_eq!(attempt.response_body.as_deref(), Some("no\u{fffd}pe"));
        }
        let received = receiver.received();
        assert!(received.windows(2).all(|pair| pair[0].body == pair[1].body));
        let mut ids: Vec<&str> = received.iter().map(|request| request.header("x-plextera-delivery-id")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4, "a new id on each attempt");
        assert!(received.iter().all(|request| request.header("x-plextera-sequence") == "1"));
        assert_eq!(world.subscription(id).await.health.consecutive_failures, 4);
    }

    async fn what_recovers_is_delivered_and_retry_after_is_respected(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(429).header("Retry-After", "6"), Behavior::status(302)]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        let (_, attempts) = world.delivery(id, DeliveryStatus::Delivered).await;
        let waited = attempts[1].started_at.since(attempts[0].started_at);
        assert!(waited >= Duration::from_secs(6), "{waited:?}");
        let codes: Vec<Option<u16>> = attempts.iter().map(|attempt| attempt.status_code).collect();
        assert_eq!(codes, [Some(429), Some(302), Some(200)]);
    }

    async fn an_endpoint_that_hangs_delays_nobody_else(world: World) {
        let mut world = world;
        let (dead, well) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
        dead.always(Behavior::Hang);
        let dead_id = world.subscribe(&dead).await;
        world.subscribe(&well).await;
        world.settings.delivery_timeout = Duration::from_secs(600);
        world.start();
        for _ in 0..30 {
            world.event().await;
        }
        well.request(30).await;
        assert!(dead.received().len() <= 8, "a lane has a width");
        assert!(world.deliveries(dead_id).await.iter().all(|it| it.status == DeliveryStatus::Pending));
    }

    async fn silence_is_an_attempt_with_its_blame(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::Hang, Behavior::Reset, Behavior::Drip(Duration::from_millis(20))]);
        let id = world.subscribe(&receiver).await;
        world.settings.delivery_timeout = Duration::from_millis(300);
        world.start();
        world.event().await;
        let (_, attempts) = world.delivery(id, DeliveryStatus::Delivered).await;
        let blames: Vec<Option<Blame>> = attempts.iter().map(|attempt| attempt.blame).collect();
        assert_eq!(blames, [Some(Blame::Endpoint), Some(Blame::Network), Some(Blame::Endpoint), None]);
        assert!(attempts[0].status_code.is_none() && attempts[0].error.is_some());
    }

    async fn addresses_that_are_not_open_are_refused_and_said_to_be(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        let id = world.subscribe(&receiver).await;
        world.settings.policy.allowed_networks.clear();
        world.start();
        world.event().await;
        let (_, attempts) = world.delivery(id, DeliveryStatus::Exhausted).await;
        assert!(attempts.iter().all(|attempt| attempt.blame == Some(Blame::Platform)));
        assert!(attempts[0].error.as_deref().unwrap().contains("not a public address"), "{attempts:?}");
        assert!(receiver.received().is_empty());
    }

    async fn gone_pauses_and_what_happens_then_is_kept(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(410)]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        world.delivery(id, DeliveryStatus::Exhausted).await;
        let subscription = world.subscription(id).await;
        assert_eq!(subscription.status, SubscriptionStatus::Paused);
        assert_eq!(subscription.disabled_reason, Some(DisabledReason::Gone));
        let later = world.event().await;
        world.ended(later).await;
        let statuses: Vec<DeliveryStatus> = world.deliveries(id).await.iter().map(|it| it.status).collect();
        assert_eq!(statuses, [DeliveryStatus::Suppressed, DeliveryStatus::Exhausted]);
        assert_eq!(receiver.received().len(), 1);
    }

    async fn what_is_due_waits_for_the_resume(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(500)]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        receiver.request(1).await;
        world.change(id, status(SubscriptionStatus::Paused)).await;
        // Others are served meanwhile, long after the retry was due.
        let other = Receiver::start().await.unwrap();
        world.subscribe(&other).await;
        world.event().await;
        world.clock.drive(STEP, other.request(1)).await;
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(receiver.received().len(), 1);
        world.change(id, status(SubscriptionStatus::Active)).await;
        world.clock.drive(STEP, receiver.request(2)).await;
    }

    async fn what_is_sent_after_a_rotation_is_signed_with_the_new_secret(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(500), Behavior::status(500)]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        assert!(verifies(&receiver.request(1).await, SECRET));
        world.change(id, rotation("second", 0)).await;
        let second = world.clock.drive(STEP, receiver.request(2)).await;
        assert!(verifies(&second, "second") && !verifies(&second, SECRET));
        world.change(id, rotation("third", 3600)).await;
        let third = world.clock.drive(STEP, receiver.request(3)).await;
        assert!(verifies(&third, "third") && verifies(&third, "second") && !verifies(&third, SECRET));
        world.clock.advance(Duration::from_secs(3600));
        world.event().await;
        let late = world.clock.drive(STEP, receiver.request(4)).await;
        assert!(verifies(&late, "third") && !verifies(&late, "second"), "the overlap is over");
    }

    async fn a_sender_that_lost_its_lease_changes_nothing(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(200).after(Duration::from_millis(500))]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        receiver.request(1).await;
        // Another node finds the lease run out: its clock is far ahead.
        let thief = Hold::new(NodeId::random(&world.ctx), world.ctx.now().plus(Duration::from_secs(7200)));
        let limits = ClaimLimits { total: 10, per_subscription: 10, room: Default::default() };
        let later = world.ctx.now().plus(Duration::from_secs(3600));
        let stolen = world.store.deliveries().claim_due(thief, limits, later).await.unwrap();
        assert_eq!(stolen.len(), 1);
        // The engine's attempt ends and cannot be recorded; a second event passes it by.
        world.event().await;
        receiver.request(2).await;
        let delivered = async {
            loop {
                let all = world.deliveries(id).await;
                if all.iter().any(|delivery| delivery.status == DeliveryStatus::Delivered) {
                    return all;
                }
                tokio::task::yield_now().await;
            }
        };
        let all = world.clock.drive(Duration::from_millis(1), delivered).await;
        let first = all.iter().find(|delivery| delivery.id == stolen[0].lease.delivery_id).unwrap();
        assert_eq!((first.status, first.attempt_count), (DeliveryStatus::Pending, 0));
    }

    async fn a_shutdown_gives_back_what_another_engine_then_sends(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::Hang]);
        let id = world.subscribe(&receiver).await;
        world.settings.shutdown_grace = Duration::from_millis(50);
        world.start();
        world.event().await;
        let first = receiver.request(1).await;
        world.engines.remove(0).shutdown().await;
        world.start();
        let second = receiver.request(2).await;
        assert_eq!(first.body, second.body);
        let (delivery, _) = world.delivery(id, DeliveryStatus::Delivered).await;
        assert_eq!(delivery.attempt_count, 1, "what was cut off by the shutdown is not held against the endpoint");
    }

    async fn what_memory_cannot_take_is_sent_from_the_table(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        let id = world.subscribe(&receiver).await;
        // Without an engine nothing is sent; a cancelled job's event belongs to nobody.
        for _ in 0..120 {
            let job_id = world.event().await;
            world.store.jobs().cancel(world.org_id, job_id, world.ctx.now()).await.unwrap();
        }
        world.start();
        receiver.request(120).await;
        let mut sequences: Vec<u64> =
            receiver.received().iter().map(|request| request.header("x-plextera-sequence").parse().unwrap()).collect();
        sequences.sort_unstable();
        assert_eq!(sequences, (1..=120).collect::<Vec<u64>>());
        assert_eq!(world.subscription(id).await.status, SubscriptionStatus::Active);
    }

    async fn a_limit_of_the_subscription_is_kept(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        let id = world.subscribe(&receiver).await;
        let limit = Some(RateLimit { per_second: 4 });
        world.change(id, SubscriptionChange { rate_limit: Some(limit), ..SubscriptionChange::default() }).await;
        for _ in 0..9 {
            let job_id = world.event().await;
            world.store.jobs().cancel(world.org_id, job_id, world.ctx.now()).await.unwrap();
        }
        world.start();
        let begun = world.ctx.now();
        world.clock.drive(STEP, receiver.request(9)).await;
        let took = world.ctx.now().since(begun);
        assert!(took >= Duration::from_secs(2), "nine at four a second took {took:?}");
    }

    async fn an_endpoint_that_keeps_failing_is_probed_and_then_served_again(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.always(Behavior::status(500));
        let id = world.subscribe(&receiver).await;
        world.settings.retry.schedule = "1h".parse().unwrap();
        for _ in 0..60 {
            let job_id = world.event().await;
            world.store.jobs().cancel(world.org_id, job_id, world.ctx.now()).await.unwrap();
        }
        world.start();
        receiver.request(20).await;
        // A few may have been under way when the circuit opened; then nothing more without time going by.
        let health = async {
            loop {
                let failures = world.subscription(id).await.health.consecutive_failures as usize;
                if failures >= 20 && failures == receiver.received().len() {
                    return failures;
                }
                tokio::task::yield_now().await;
            }
        };
        let failures = health.await;
        assert!(failures < 30, "{failures} attempts");
        receiver.always(Behavior::status(200));
        world.clock.drive(STEP, receiver.request(60)).await;
    }

    async fn what_need_not_be_kept_is_forgotten(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        let id = world.subscribe(&receiver).await;
        world.settings.delivery_kept = Duration::from_secs(60);
        world.start();
        let job_id = world.event().await;
        world.delivery(id, DeliveryStatus::Delivered).await;
        world.clock.advance(Duration::from_secs(3601));
        let forgotten = async {
            while !world.deliveries(id).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        world.clock.drive(STEP, forgotten).await;
        assert!(world.store.jobs().get(world.org_id, job_id).await.unwrap().is_some(), "jobs are kept");
    }
}
