//! What is forgotten and what stays; and what lists say of logs that are longer than anybody counts.

use crate::support::{Fixture, on_both_engines};
use domain::{
    delivery::{Answer, Attempt, DeliveryStatus, RetryPolicy},
    event::EventType,
    id::SubscriptionId,
    page::PageRequest,
};
use std::time::Duration;
use store::{
    deliveries::{DeliveryFilter, FinishedAttempt, Retention},
    jobs::Settled,
};

on_both_engines! {
    the_old_is_forgotten_and_what_waits_stays,
    a_log_is_bounded_by_its_sequence,
    lists_find_those_that_ended_badly,
}

/// An event whose delivery ends with this status code, or is left waiting.
async fn event(fixture: &Fixture, content: u8, status_code: Option<u16>) {
    let Settled::Done(due) = fixture.complete(content).await.1 else { panic!("stale") };
    let (Some(due), Some(_)) = (due.first(), status_code) else { return };
    let attempt = Attempt {
        id: fixture.ctx.id(),
        number: 1,
        started_at: fixture.now(),
        duration_ms: 1,
        status_code,
        error: None,
        blame: None,
        response_body: Some("thanks".into()),
    };
    let finished = FinishedAttempt {
        lease: due.lease,
        attempt,
        answer: Answer { status_code, retry_after: None },
        unit: 0.5,
    };
    let policy = RetryPolicy { schedule: "".parse().unwrap(), jitter: 0.0 };
    fixture.store.deliveries().record(vec![finished], policy, fixture.now()).await.unwrap();
    fixture.advance(Duration::from_secs(1));
}

async fn sequences(fixture: &Fixture, id: SubscriptionId, filter: DeliveryFilter) -> Vec<u64> {
    let deliveries = fixture.store.deliveries();
    let list = deliveries.list(fixture.org_id, id, filter, PageRequest::default()).await.unwrap();
    assert_eq!(list.page_info.total_items, list.data.len() as u64);
    let mut sequences: Vec<u64> = list.data.iter().filter_map(|delivery| delivery.sequence).collect();
    sequences.reverse();
    sequences
}

async fn the_old_is_forgotten_and_what_waits_stays(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    for (content, status_code) in [(1, Some(200)), (2, None), (3, Some(500)), (4, Some(200))] {
        event(&fixture, content, status_code).await;
    }
    let deliveries = fixture.store.deliveries();
    let oldest = fixture.now().minus(Duration::from_secs(1));
    let retention = Retention { oldest, count: 100 };
    assert_eq!(
        deliveries.subscriptions_after(domain::id::UlidId::from_bytes([0; 16]), 9).await.unwrap(),
        [id]
    );
    assert!(deliveries.subscriptions_after(id, 9).await.unwrap().is_empty());
    assert_eq!(deliveries.purge(id, retention, 1).await.unwrap(), 1, "a batch at a time");
    assert_eq!(deliveries.purge(id, retention, 10).await.unwrap(), 1);
    assert_eq!(deliveries.purge(id, retention, 10).await.unwrap(), 0);
    assert_eq!(sequences(&fixture, id, DeliveryFilter::default()).await, [2, 4]);
    assert_eq!(deliveries.purge_events(fixture.org_id, oldest, 10).await.unwrap(), 2);
    let feed = fixture.store.events().feed(fixture.org_id, id, 0, 10).await.unwrap();
    assert_eq!(feed.iter().map(|item| item.sequence).collect::<Vec<_>>(), [2, 4]);
    event(&fixture, 5, Some(200)).await;
    assert_eq!(sequences(&fixture, id, DeliveryFilter::default()).await, [2, 4, 5], "numbers go on");
}

async fn a_log_is_bounded_by_its_sequence(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    for content in 0..5 {
        event(&fixture, content, Some(200)).await;
    }
    let oldest = fixture.now().minus(Duration::from_secs(3600));
    let purged = fixture.store.deliveries().purge(id, Retention { oldest, count: 2 }, 10).await.unwrap();
    assert_eq!(purged, 3);
    assert_eq!(sequences(&fixture, id, DeliveryFilter::default()).await, [4, 5]);
}

async fn lists_find_those_that_ended_badly(fixture: Fixture) {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    event(&fixture, 1, Some(200)).await;
    event(&fixture, 2, Some(500)).await;
    fixture.pause(id).await;
    event(&fixture, 3, None).await;
    let of = async |status| {
        let filter = DeliveryFilter { status: Some(status), ..DeliveryFilter::default() };
        sequences(&fixture, id, filter).await
    };
    assert_eq!(of(DeliveryStatus::Delivered).await, [1]);
    assert_eq!(of(DeliveryStatus::Exhausted).await, [2]);
    assert_eq!(of(DeliveryStatus::Suppressed).await, [3]);
    assert!(of(DeliveryStatus::Pending).await.is_empty());
    let (waiting, oldest_due) = fixture.store.deliveries().backlog(9).await.unwrap();
    assert_eq!((waiting, oldest_due), (0, None));
}
