//! Deliveries on their way: claims, attempts, retries, pauses, redeliveries.

use crate::support::{Fixture, on_both_engines};
use bytes::Bytes;
use domain::{
    delivery::{Answer, Attempt, Class, DeliveryStatus, RetryPolicy},
    event::{EventType, Resource},
    id::SubscriptionId,
    limits,
    page::PageRequest,
    subscription::{DisabledReason, SubscriptionStatus},
};
use std::time::Duration;
use store::{
    deliveries::{
        ClaimLimits, DeliveryFilter, DueDelivery, FinishedAttempt, Recorded, Redelivered, TestEvent,
    },
    jobs::Settled,
    subscriptions::SubscriptionChange,
};

on_both_engines! {
    an_attempt_is_kept_and_moves_its_delivery,
    a_failed_attempt_is_retried_when_it_is_due,
    a_stale_sender_records_nothing,
    claims_are_fair_and_pass_over_full_and_paused_subscriptions,
    gone_pauses_the_subscription,
    five_days_of_failures_pause_and_operators_are_told,
    an_event_is_redelivered_with_its_number,
    a_test_event_has_no_number_and_is_not_listed,
    what_is_given_back_is_due_at_once,
    what_has_just_happened_is_claimed_before_old_retries,
    nothing_is_left_of_a_subscription_that_is_deleted_under_way,
    what_is_kept_of_a_target_ends_with_a_change,
}

async fn one_due(fixture: &Fixture, content: u8) -> DueDelivery {
    match fixture.complete(content).await.1 {
        Settled::Done(mut due) => due.remove(0),
        Settled::Stale => panic!("stale"),
    }
}

fn policy() -> RetryPolicy {
    RetryPolicy { schedule: "10s,20s".parse().unwrap(), jitter: 0.0 }
}

fn attempt(fixture: &Fixture, due: &DueDelivery, status_code: Option<u16>) -> FinishedAttempt {
    let attempt = Attempt {
        id: fixture.ctx.id(),
        number: due.attempt_count + 1,
        started_at: fixture.now(),
        duration_ms: 12,
        status_code,
        error: status_code.is_none().then(|| "connection refused".to_owned()),
        blame: None,
        response_body: status_code.map(|_| "thanks".to_owned()),
    };
    FinishedAttempt {
        lease: due.lease,
        attempt,
        answer: Answer { status_code, retry_after: None },
        unit: 0.5,
    }
}

async fn record(fixture: &Fixture, due: &DueDelivery, status_code: Option<u16>) -> Recorded {
    let finished = vec![attempt(fixture, due, status_code)];
    fixture.store.deliveries().record(finished, policy(), fixture.now()).await.unwrap().remove(0)
}

async fn claim(fixture: &Fixture, total: u32, full: &[SubscriptionId]) -> Vec<DueDelivery> {
    let limits = ClaimLimits { total, per_subscription: 2, room: full.iter().map(|id| (*id, 0)).collect() };
    fixture.store.deliveries().claim_due(fixture.hold(), limits, fixture.now()).await.unwrap()
}

async fn what_has_just_happened_is_claimed_before_old_retries(fixture: Fixture) {
    fixture.subscribe(&[EventType::JobCompleted]).await;
    for content in 0..20 {
        let due = one_due(&fixture, content).await;
        record(&fixture, &due, None).await;
    }
    fixture.advance(Duration::from_secs(3600));
    let mut live = Vec::new();
    for content in 20..31 {
        fixture.advance(Duration::from_millis(1));
        let due = one_due(&fixture, content).await;
        fixture.store.deliveries().release(vec![due.lease]).await.unwrap();
        live.push(due.lease.delivery_id);
    }
    let claim = async |per_subscription| {
        let limits = ClaimLimits { total: 100, per_subscription, ..ClaimLimits::default() };
        fixture.store.deliveries().claim_due(fixture.hold(), limits, fixture.now()).await.unwrap()
    };
    let first = claim(11).await;
    let count = |class| first.iter().filter(|due| due.class == class).count();
    assert_eq!(
        (count(Class::Live), count(Class::Retry), count(Class::Replay)),
        (9, 2, 0),
        "eight, two, and what is left"
    );
    let mut taken: Vec<_> = first.iter().filter(|due| due.class == Class::Live).collect();
    taken.sort_by_key(|due| due.lease.delivery_id);
    assert!(taken.iter().zip(&live).all(|(due, id)| due.lease.delivery_id == *id), "the oldest of them");
    let rest = claim(100).await;
    assert_eq!((rest.len(), claim(100).await.len()), (20, 0), "each once");
}

async fn nothing_is_left_of_a_subscription_that_is_deleted_under_way(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let in_hand = [one_due(&fixture, 1).await, one_due(&fixture, 2).await, one_due(&fixture, 3).await];
    record(&fixture, &in_hand[0], None).await;
    assert!(fixture.store.subscriptions().delete(fixture.org_id, id, fixture.now()).await.unwrap());
    assert_eq!(record(&fixture, &in_hand[1], Some(204)).await, Recorded::Stale);
    let removals = fixture.store.removals();
    assert!(!removals.step(1).await.unwrap().unwrap().completed);
    fixture.store.deliveries().release(vec![in_hand[2].lease]).await.unwrap();
    fixture.advance(Duration::from_secs(3600));
    assert_eq!(claim(&fixture, 9, &[]).await.len(), 0, "nobody takes what is left");
    assert_eq!(record(&fixture, &in_hand[2], Some(204)).await, Recorded::Stale);
    while removals.step(1).await.unwrap().is_some() {}
    assert_eq!(fixture.store.deliveries().backlog(9).await.unwrap().0, 0);
    one_event_without_deliveries(&fixture).await;
}

/// What happens after the deletion has no delivery to it.
async fn one_event_without_deliveries(fixture: &Fixture) {
    let Settled::Done(due) = fixture.complete(9).await.1 else { panic!("stale") };
    assert!(due.is_empty());
}

/// Where other processes may write too there is nothing that could be kept.
async fn what_is_kept_of_a_target_ends_with_a_change(fixture: Fixture) {
    let subscriptions = fixture.store.subscriptions();
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let Some(first) = subscriptions.target_edition() else { return };
    let due = one_due(&fixture, 1).await;
    record(&fixture, &due, Some(204)).await;
    assert_eq!(subscriptions.target_edition(), Some(first), "deliveries change nothing of it");
    fixture.pause(id).await;
    let paused = subscriptions.target_edition();
    assert_ne!(paused, Some(first));
    fixture.resume(id).await;
    let resumed = subscriptions.target_edition();
    assert_ne!(resumed, paused);
    let due = one_due(&fixture, 2).await;
    record(&fixture, &due, Some(410)).await;
    let gone = subscriptions.target_edition();
    assert_ne!(gone, resumed, "the platform paused it");
    subscriptions.delete(fixture.org_id, id, fixture.now()).await.unwrap();
    assert_ne!(subscriptions.target_edition(), gone);
}

async fn an_attempt_is_kept_and_moves_its_delivery(fixture: Fixture) {
    let subscription = fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    let finished = attempt(&fixture, &due, Some(204));
    fixture.store.deliveries().record(vec![finished.clone()], policy(), fixture.now()).await.unwrap();
    let id = due.lease.delivery_id;
    let read = fixture.store.deliveries().get(fixture.org_id, id).await.unwrap().unwrap();
    assert_eq!((read.status, read.attempt_count), (DeliveryStatus::Delivered, 1));
    assert_eq!((read.delivered_at, read.next_attempt_at), (Some(fixture.now()), None));
    assert_eq!(read.attempts, Some(vec![finished.attempt]));
    assert!(fixture.store.deliveries().get(fixture.ctx.id(), id).await.unwrap().is_none());
    let health =
        fixture.store.subscriptions().get(fixture.org_id, subscription).await.unwrap().unwrap().health;
    assert_eq!((health.last_success_at, health.consecutive_failures), (Some(fixture.now()), 0));
}

async fn a_failed_attempt_is_retried_when_it_is_due(fixture: Fixture) {
    let subscription = fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    record(&fixture, &due, None).await;
    assert!(claim(&fixture, 10, &[]).await.is_empty());
    fixture.advance(Duration::from_secs(10));
    let second = claim(&fixture, 10, &[]).await.remove(0);
    assert_eq!((second.attempt_count, second.sequence, &second.body), (1, due.sequence, &due.body));
    assert!(claim(&fixture, 10, &[]).await.is_empty(), "it is leased");
    record(&fixture, &second, Some(500)).await;
    fixture.advance(Duration::from_secs(20));
    let third = claim(&fixture, 10, &[]).await.remove(0);
    let Recorded::Done(transition) = record(&fixture, &third, Some(500)).await else { panic!("stale") };
    assert_eq!(transition.status, DeliveryStatus::Exhausted);
    let read = fixture.store.deliveries().get(fixture.org_id, due.lease.delivery_id).await.unwrap().unwrap();
    let numbers: Vec<u32> = read.attempts.unwrap().iter().map(|attempt| attempt.number).collect();
    assert_eq!((read.status, numbers), (DeliveryStatus::Exhausted, vec![1, 2, 3]));
    let health =
        fixture.store.subscriptions().get(fixture.org_id, subscription).await.unwrap().unwrap().health;
    assert_eq!(health.consecutive_failures, 3);
}

async fn a_stale_sender_records_nothing(fixture: Fixture) {
    fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    fixture.advance(limits::DELIVERY_LEASE + Duration::from_millis(1));
    let taken_over = claim(&fixture, 10, &[]).await.remove(0);
    assert_eq!(record(&fixture, &due, Some(200)).await, Recorded::Stale);
    assert!(matches!(record(&fixture, &taken_over, Some(200)).await, Recorded::Done(_)));
    assert_eq!(record(&fixture, &taken_over, Some(200)).await, Recorded::Stale, "once only");
    let read = fixture.store.deliveries().get(fixture.org_id, due.lease.delivery_id).await.unwrap().unwrap();
    assert_eq!(read.attempts.unwrap().len(), 1);
}

async fn claims_are_fair_and_pass_over_full_and_paused_subscriptions(fixture: Fixture) {
    let busy = fixture.subscribe(&[EventType::JobCompleted]).await;
    for content in 0..3 {
        fixture.complete(content).await;
    }
    let other = fixture.subscribe(&[EventType::JobCompleted]).await;
    fixture.complete(3).await;
    assert_eq!(fixture.store.deliveries().release_all(&fixture.node).await.unwrap(), 5);

    let pause =
        SubscriptionChange { status: Some(SubscriptionStatus::Paused), ..SubscriptionChange::default() };
    let resume =
        SubscriptionChange { status: Some(SubscriptionStatus::Active), ..SubscriptionChange::default() };
    let subscriptions = fixture.store.subscriptions();
    subscriptions.update(fixture.org_id, other, pause, fixture.now()).await.unwrap();
    assert!(claim(&fixture, 10, &[busy]).await.is_empty());
    subscriptions.update(fixture.org_id, other, resume, fixture.now()).await.unwrap();
    let of = |due: &[DueDelivery], id| due.iter().filter(|due| due.subscription_id == id).count();
    let due = claim(&fixture, 10, &[]).await;
    assert_eq!((of(&due, busy), of(&due, other)), (2, 1), "two of each at most");
    assert_eq!(claim(&fixture, 10, &[]).await.len(), 2);
    assert!(claim(&fixture, 10, &[]).await.is_empty());
}

async fn gone_pauses_the_subscription(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    record(&fixture, &due, Some(410)).await;
    let subscriptions = fixture.store.subscriptions();
    let paused = subscriptions.get(fixture.org_id, id).await.unwrap().unwrap();
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    assert_eq!(paused.disabled_reason, Some(DisabledReason::Gone));
    let resume =
        SubscriptionChange { status: Some(SubscriptionStatus::Active), ..SubscriptionChange::default() };
    let resumed = subscriptions.update(fixture.org_id, id, resume, fixture.now()).await.unwrap().unwrap();
    assert_eq!((resumed.status, resumed.disabled_reason), (SubscriptionStatus::Active, None));
    assert_eq!(resumed.health.failing_since, None);
}

async fn five_days_of_failures_pause_and_operators_are_told(fixture: Fixture) {
    let failing = fixture.subscribe(&[EventType::JobCompleted, EventType::SubscriptionDisabled]).await;
    let operator = fixture.subscribe(&[EventType::SubscriptionDisabled]).await;
    let due = one_due(&fixture, 1).await;
    record(&fixture, &due, None).await;
    fixture.advance(limits::SUBSCRIPTION_FAILING_MAX);
    let second = claim(&fixture, 10, &[]).await.remove(0);
    record(&fixture, &second, Some(500)).await;
    let subscriptions = fixture.store.subscriptions();
    let paused = subscriptions.get(fixture.org_id, failing).await.unwrap().unwrap();
    assert_eq!(paused.disabled_reason, Some(DisabledReason::Failing));
    let told = claim(&fixture, 10, &[]).await;
    assert_eq!(told.iter().map(|due| due.subscription_id).collect::<Vec<_>>(), [operator], "not itself");
    assert_eq!((told[0].event_type, told[0].sequence), (EventType::SubscriptionDisabled, Some(1)));
    let body: serde_json::Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(body["data"]["subscriptionId"], failing.to_string());
    assert_eq!(body["data"]["disabledReason"], "FAILING");
    let listed =
        fixture.store.events().list(fixture.org_id, Default::default(), PageRequest::default()).await;
    assert_eq!(listed.unwrap().data.len(), 2, "an event like any other");
}

async fn an_event_is_redelivered_with_its_number(fixture: Fixture) {
    fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    record(&fixture, &due, Some(200)).await;
    let late = fixture.subscribe(&[EventType::JobCompleted]).await;
    let deliveries = fixture.store.deliveries();
    let redeliver = async |subscription| {
        deliveries.redeliver(fixture.org_id, due.event_id, subscription, fixture.now()).await.unwrap()
    };
    let Redelivered::Done(again) = redeliver(None).await else { panic!("it exists") };
    assert_eq!(
        again.iter().map(|it| (it.id, it.status)).collect::<Vec<_>>(),
        [(due.lease.delivery_id, DeliveryStatus::Pending)]
    );
    let second = claim(&fixture, 10, &[]).await.remove(0);
    assert_eq!((second.event_id, second.sequence, second.attempt_count), (due.event_id, due.sequence, 1));
    assert_eq!(second.body, due.body);
    redeliver(None).await;
    assert!(
        matches!(record(&fixture, &second, Some(200)).await, Recorded::Done(_)),
        "what is under way is left alone"
    );

    let Redelivered::Done(first) = redeliver(Some(late)).await else { panic!("it exists") };
    assert_eq!((first.len(), first[0].sequence, first[0].subscription_id), (1, Some(1), late));
    assert_eq!(redeliver(Some(fixture.ctx.id())).await, Redelivered::NoSubscription);
    let unknown = deliveries.redeliver(fixture.org_id, fixture.ctx.id(), None, fixture.now()).await.unwrap();
    assert_eq!(unknown, Redelivered::NotFound);
    let job_id = fixture
        .store
        .events()
        .get(fixture.org_id, due.event_id)
        .await
        .unwrap()
        .unwrap()
        .resource
        .and_then(Resource::job_id)
        .unwrap();
    fixture.store.jobs().delete(fixture.org_id, job_id, fixture.now()).await.unwrap();
    assert_eq!(redeliver(None).await, Redelivered::Erased);
}

async fn a_test_event_has_no_number_and_is_not_listed(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let test = TestEvent {
        org_id: fixture.org_id,
        subscription_id: id,
        event_id: fixture.ctx.id(),
        event_type: EventType::RunCompleted,
        body: Bytes::from_static(b"{}"),
    };
    let deliveries = fixture.store.deliveries();
    let inserted = deliveries.insert_test(test.clone(), fixture.now()).await.unwrap().unwrap();
    let due = claim(&fixture, 10, &[]).await.remove(0);
    assert_eq!(
        (due.lease.delivery_id, due.sequence, due.event_type),
        (inserted, None, EventType::RunCompleted)
    );
    let events = fixture.store.events();
    let listed = events.list(fixture.org_id, Default::default(), PageRequest::default()).await.unwrap();
    assert!(listed.data.is_empty());
    assert!(events.feed(fixture.org_id, id, 0, 10).await.unwrap().is_empty());
    let listed =
        deliveries.list(fixture.org_id, id, DeliveryFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!(listed.data.len(), 1);
    let nowhere = TestEvent { subscription_id: fixture.ctx.id(), event_id: fixture.ctx.id(), ..test };
    assert_eq!(deliveries.insert_test(nowhere, fixture.now()).await.unwrap(), None);
}

async fn what_is_given_back_is_due_at_once(fixture: Fixture) {
    fixture.subscribe(&[EventType::JobCompleted]).await;
    let due = one_due(&fixture, 1).await;
    fixture.store.deliveries().release(vec![due.lease]).await.unwrap();
    let again = claim(&fixture, 10, &[]).await.remove(0);
    assert_eq!((again.lease.delivery_id, again.attempt_count), (due.lease.delivery_id, 0));
    fixture.advance(limits::DELIVERY_LEASE / 2);
    assert_eq!(fixture.store.deliveries().renew(fixture.hold()).await.unwrap(), 1);
    fixture.advance(limits::DELIVERY_LEASE / 2);
    assert!(claim(&fixture, 10, &[]).await.is_empty());
}
