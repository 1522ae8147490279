//! Replays walk a subscription's deliveries in order, a step at a time.

use crate::support::{Fixture, on_both_engines};
use domain::{
    delivery::{Class, DeliveryStatus},
    event::EventType,
    id::{ReplayId, SubscriptionId},
    page::PageRequest,
    replay::{Replay, ReplayProgress, ReplayStatus},
    time::Timestamp,
};
use std::time::Duration;
use store::{
    deliveries::{ClaimLimits, DeliveryFilter, DueDelivery},
    idempotency::Once,
    replays::{Begun, NewReplay, Step},
};

on_both_engines! {
    a_replay_goes_in_order_and_at_its_pace,
    a_stretch_and_a_state_narrow_a_replay,
    replays_of_a_subscription_wait_for_each_other_and_can_be_cancelled,
}

async fn begin(
    fixture: &Fixture,
    subscription_id: SubscriptionId,
    since: Timestamp,
    until: Timestamp,
    delivery_status: Option<DeliveryStatus>,
) -> ReplayId {
    let now = fixture.now();
    let replay = Replay {
        id: fixture.ctx.id(),
        subscription_id,
        status: ReplayStatus::Running,
        since,
        until,
        delivery_status,
        progress: ReplayProgress::default(),
        created_at: now,
        updated_at: now,
        completed_at: None,
    };
    let id = replay.id;
    let new = NewReplay { org_id: fixture.org_id, replay, request: None };
    assert_eq!(fixture.store.replays().insert(new).await.unwrap(), Once::First(Begun::Done));
    id
}

async fn step(fixture: &Fixture, id: ReplayId) -> Option<Step> {
    fixture.store.replays().step(id, 2, fixture.now()).await.unwrap()
}

async fn claim(fixture: &Fixture) -> Vec<DueDelivery> {
    let limits = ClaimLimits { total: 10, per_subscription: 10, room: Default::default() };
    fixture.store.deliveries().claim_due(fixture.hold(), limits, fixture.now()).await.unwrap()
}

/// A paused subscription's log of as many events, a second apart.
async fn suppressed(fixture: &Fixture, count: u8) -> SubscriptionId {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    fixture.pause(id).await;
    for content in 0..count {
        fixture.complete(content).await;
        fixture.advance(Duration::from_secs(1));
    }
    fixture.resume(id).await;
    id
}

async fn statuses(fixture: &Fixture, id: SubscriptionId) -> Vec<DeliveryStatus> {
    let deliveries = fixture.store.deliveries();
    let list = deliveries.list(fixture.org_id, id, DeliveryFilter::default(), PageRequest::default()).await;
    let mut statuses: Vec<_> = list.unwrap().data.iter().map(|delivery| delivery.status).collect();
    statuses.reverse();
    statuses
}

async fn a_replay_goes_in_order_and_at_its_pace(fixture: Fixture) {
    use DeliveryStatus::{Pending, Suppressed};
    let start = fixture.now();
    let subscription = suppressed(&fixture, 5).await;
    let id = begin(&fixture, subscription, start, fixture.now(), None).await;
    assert_eq!(fixture.store.replays().due(fixture.now(), 10).await.unwrap(), [id]);
    assert_eq!(step(&fixture, id).await, Some(Step { examined: 2, replayed: 2, completed: false }));
    assert_eq!(step(&fixture, id).await, None, "a second has to pass");
    assert_eq!(
        statuses(&fixture, subscription).await,
        [Pending, Pending, Suppressed, Suppressed, Suppressed]
    );
    let next = fixture.store.replays().next_at().await.unwrap();
    assert_eq!(next, Some(fixture.now().plus(Duration::from_secs(1))));

    // Whoever goes on finds the place in the table, also after a restart.
    fixture.advance(Duration::from_secs(1));
    assert_eq!(step(&fixture, id).await, Some(Step { examined: 2, replayed: 2, completed: false }));
    fixture.advance(Duration::from_secs(1));
    assert_eq!(step(&fixture, id).await, Some(Step { examined: 1, replayed: 1, completed: true }));
    let replay = fixture.store.replays().get(fixture.org_id, id).await.unwrap().unwrap();
    assert_eq!((replay.status, replay.completed_at), (ReplayStatus::Completed, Some(fixture.now())));
    let reached = Some(start.plus(Duration::from_secs(4)));
    assert_eq!(replay.progress, ReplayProgress { examined: 5, replayed: 5, reached });
    assert_eq!(fixture.store.replays().next_at().await.unwrap(), None);

    let due = claim(&fixture).await;
    assert!(due.iter().all(|due| due.class == Class::Replay));
    let mut sequences: Vec<_> = due.iter().map(|due| due.sequence.unwrap()).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    let later = fixture.now().plus(Duration::from_secs(1));
    assert_eq!(fixture.store.replays().purge(later, 10).await.unwrap(), 1);
}

async fn a_stretch_and_a_state_narrow_a_replay(fixture: Fixture) {
    let start = fixture.now();
    let subscription = suppressed(&fixture, 4).await;
    let at = |seconds| start.plus(Duration::from_secs(seconds));
    let first = begin(&fixture, subscription, at(1), at(3), Some(DeliveryStatus::Suppressed)).await;
    assert_eq!(step(&fixture, first).await, Some(Step { examined: 2, replayed: 2, completed: true }));
    let others = begin(&fixture, subscription, start, at(9), Some(DeliveryStatus::Exhausted)).await;
    assert_eq!(step(&fixture, others).await, Some(Step { examined: 4, replayed: 0, completed: true }));
    let rest = begin(&fixture, subscription, start, at(9), None).await;
    assert_eq!(step(&fixture, rest).await.unwrap().replayed, 2, "those that wait already are left alone");
}

async fn replays_of_a_subscription_wait_for_each_other_and_can_be_cancelled(fixture: Fixture) {
    let start = fixture.now();
    let subscription = suppressed(&fixture, 1).await;
    let first = begin(&fixture, subscription, start, fixture.now(), None).await;
    fixture.advance(Duration::from_millis(1));
    let second = begin(&fixture, subscription, start, fixture.now(), None).await;
    let replays = fixture.store.replays();
    assert_eq!(replays.due(fixture.now(), 10).await.unwrap(), [first]);
    let cancelled = replays.cancel(fixture.org_id, first, fixture.now()).await.unwrap().unwrap();
    assert_eq!(cancelled.status, ReplayStatus::Cancelled);
    assert_eq!(step(&fixture, first).await, None);
    assert_eq!(replays.due(fixture.now(), 10).await.unwrap(), [second]);
    assert_eq!(
        replays.cancel(fixture.ctx.id(), second, fixture.now()).await.unwrap(),
        None,
        "somebody else's"
    );
    fixture.store.subscriptions().delete(fixture.org_id, subscription, fixture.now()).await.unwrap();
    assert_eq!(replays.get(fixture.org_id, second).await.unwrap(), None);
}
