//! Lists of deliveries: every filter, order and page against the plain meaning of it, and how long a list says it is.

use crate::support::{Fixture, on_both_engines};
use domain::{
    delivery::{Answer, Attempt, Delivery, DeliveryStatus, RetryPolicy},
    event::EventType,
    id::SubscriptionId,
    page::{Direction, PageRequest, SortBy},
};
use std::time::Duration;
use store::{
    deliveries::{DeliveryFilter, DueDelivery, FinishedAttempt},
    jobs::Settled,
};

on_both_engines! {
    a_page_is_what_filter_and_order_say,
}

const DELIVERIES: u8 = 24;

/// A log with every state in it, changed in another order than it was made in.
async fn log(fixture: &Fixture) -> SubscriptionId {
    let id = fixture.subscribe(&[EventType::JobCompleted, EventType::JobFailed]).await;
    let mut waiting: Vec<(u8, DueDelivery)> = Vec::new();
    for number in 0..DELIVERIES {
        fixture.advance(Duration::from_millis(700));
        if number % 6 == 5 {
            fixture.pause(id).await;
        }
        let due =
            if number % 5 == 0 { failed(fixture, number).await } else { fixture.complete(number).await.1 };
        if let Settled::Done(mut due) = due
            && let Some(due) = due.pop()
        {
            waiting.push((number, due));
        }
        if number % 6 == 5 {
            fixture.resume(id).await;
        }
        if waiting.len() == 4 {
            waiting.rotate_left(2);
            end(fixture, &waiting.split_off(1)).await;
        }
    }
    id
}

async fn failed(fixture: &Fixture, content: u8) -> Settled {
    let job = fixture.queue(content).await;
    let now = fixture.now();
    fixture.store.jobs().cancel(fixture.org_id, job.id, now).await.unwrap();
    let limits = store::deliveries::ClaimLimits { total: 9, per_subscription: 9, ..Default::default() };
    Settled::Done(fixture.store.deliveries().claim_due(fixture.hold(), limits, now).await.unwrap())
}

async fn end(fixture: &Fixture, due: &[(u8, DueDelivery)]) {
    for (number, due) in due {
        fixture.advance(Duration::from_millis(300));
        let (status_code, schedule) = match number % 4 {
            0 => (500, ""),
            1 => (503, "1h"),
            _ => (204, ""),
        };
        let attempt = Attempt {
            id: fixture.ctx.id(),
            number: 1,
            started_at: fixture.now(),
            duration_ms: 1,
            status_code: Some(status_code),
            error: None,
            blame: None,
            response_body: None,
        };
        let answer = Answer { status_code: Some(status_code), retry_after: None };
        let finished = FinishedAttempt { lease: due.lease, attempt, answer, unit: 0.5 };
        let policy = RetryPolicy { schedule: schedule.parse().unwrap(), jitter: 0.0 };
        fixture.store.deliveries().record(vec![finished], policy, fixture.now()).await.unwrap();
    }
}

async fn a_page_is_what_filter_and_order_say(fixture: Fixture) {
    let id = log(&fixture).await;
    let page = async |filter, sort_by, direction, page, size| {
        let request = PageRequest { page, size, sort_by, direction };
        fixture.store.deliveries().list(fixture.org_id, id, filter, request).await.unwrap()
    };
    let all = page(DeliveryFilter::default(), SortBy::CreatedAt, Direction::Ascending, 0, 100).await.data;
    assert_eq!(all.len(), usize::from(DELIVERIES));
    for status in DeliveryStatus::ALL {
        assert!(all.iter().any(|delivery| delivery.status == status), "one is {status:?}");
    }
    let statuses = [None].into_iter().chain(DeliveryStatus::ALL.map(Some));
    for status in statuses {
        for event_type in [None, Some(EventType::JobFailed), Some(EventType::RunFailed)] {
            for since in [None, Some(all[9].created_at)] {
                let filter = DeliveryFilter { status, event_type, since };
                for (sort_by, direction) in [
                    (SortBy::CreatedAt, Direction::Ascending),
                    (SortBy::CreatedAt, Direction::Descending),
                    (SortBy::UpdatedAt, Direction::Ascending),
                    (SortBy::UpdatedAt, Direction::Descending),
                ] {
                    let expected = expected(&all, filter, sort_by, direction);
                    let mut found = Vec::new();
                    for number in 0..=expected.len().div_ceil(5) {
                        let page = page(filter, sort_by, direction, u32::try_from(number).unwrap(), 5).await;
                        assert_eq!(page.page_info.total_items, expected.len() as u64, "{filter:?}");
                        found.extend(page.data);
                    }
                    assert_eq!(found, expected, "{filter:?} {sort_by:?} {direction:?}");
                }
            }
        }
    }
    let somebody_else = fixture.ctx.id();
    let (filter, request) = (DeliveryFilter::default(), PageRequest::default());
    let list = fixture.store.deliveries().list(somebody_else, id, filter, request).await.unwrap();
    assert_eq!(list.data, []);
}

fn expected(
    all: &[Delivery],
    filter: DeliveryFilter,
    sort_by: SortBy,
    direction: Direction,
) -> Vec<Delivery> {
    let fits = |delivery: &&Delivery| {
        filter.status.is_none_or(|status| delivery.status == status)
            && filter.event_type.is_none_or(|event_type| delivery.event_type == event_type)
            && filter.since.is_none_or(|since| delivery.created_at >= since)
    };
    let mut fitting: Vec<Delivery> = all.iter().filter(fits).cloned().collect();
    let key = |delivery: &Delivery| {
        let at = if sort_by == SortBy::UpdatedAt { delivery.updated_at } else { delivery.created_at };
        (at, delivery.id)
    };
    fitting.sort_by_key(key);
    if direction == Direction::Descending {
        fitting.reverse();
    }
    fitting
}
