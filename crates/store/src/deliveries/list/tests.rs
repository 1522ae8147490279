//! Each list is read by the index that was made for it, on either engine.

use super::*;
use crate::{
    deliveries::fan_out::{NUMBER, Numbered},
    plans,
};
use domain::id::UlidId;

/// What no statement of a list may do is look at every delivery there is, or sort where an index has the order.
#[tokio::test]
async fn every_list_goes_by_the_index_that_was_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = plans::sqlite(&folder).await;
    for sql in STATEMENTS {
        let plan = plans::plan(&db, sql).await;
        assert!(!plan.contains("SCAN deliveries") && !plan.contains("SCAN events"), "{}:\n{plan}", sql.name);
    }
    for (sql, index, sorts) in [
        (&WHOLE_NEWEST, "COVERING INDEX deliveries_of_subscription", true),
        (&MANY_NEWEST, "deliveries_of_subscription", false),
        (&MANY_OLDEST, "deliveries_of_subscription", false),
        (&EXHAUSTED_NEWEST, "deliveries_exhausted", false),
        (&SUPPRESSED_OLDEST, "deliveries_suppressed", false),
        (&FEW_PENDING_NEWEST, "deliveries_in_line", true),
        (&FEW_DELIVERED_UPDATED_OLDEST, "deliveries_delivered", true),
        (&FEW_OF_TYPE_NEWEST, "events_of_type", true),
        (&MANY_UPDATED_NEWEST, "deliveries_delivered", true),
        (&MANY_UPDATED_OLDEST, "deliveries_suppressed", true),
        (&WHOLE, "COVERING INDEX deliveries_of_subscription", false),
        (&WHOLE_PENDING, "COVERING INDEX deliveries_in_line", false),
        (&WHOLE_DELIVERED, "COVERING INDEX deliveries_delivered", false),
        (&WHOLE_EXHAUSTED, "COVERING INDEX deliveries_exhausted", false),
        (&WHOLE_SUPPRESSED, "COVERING INDEX deliveries_suppressed", false),
        (&WHOLE_PENDING_NEWEST, "COVERING INDEX deliveries_in_line", true),
        (&WHOLE_DELIVERED_OLDEST, "COVERING INDEX deliveries_delivered", true),
        (&COUNT_DELIVERED, "deliveries_delivered", false),
        (&COUNT_EXHAUSTED, "deliveries_exhausted", false),
    ] {
        let plan = plans::plan(&db, sql).await;
        assert!(plan.contains(index), "{} does not go by {index}:\n{plan}", sql.name);
        assert_eq!(plan.contains("TEMP B-TREE FOR ORDER BY"), sorts, "{}:\n{plan}", sql.name);
    }
}

/// Which of the other statements goes by which index follows from the statistics of a table; of these it does not.
#[tokio::test]
async fn on_postgresql_too_where_an_index_alone_knows_or_has_the_order() {
    let db = plans::postgres().await;
    for (sql, step) in [
        (&WHOLE, "Index Only Scan using deliveries_of_subscription"),
        (&WHOLE_PENDING, "Index Only Scan using deliveries_in_line"),
        (&WHOLE_DELIVERED, "Index Only Scan using deliveries_delivered"),
        (&WHOLE_EXHAUSTED, "Index Only Scan using deliveries_exhausted"),
        (&WHOLE_SUPPRESSED, "Index Only Scan using deliveries_suppressed"),
        (&WHOLE_NEWEST, "Index Only Scan Backward using deliveries_of_subscription"),
        (&WHOLE_OLDEST, "Index Only Scan using deliveries_of_subscription"),
        (&WHOLE_PENDING_NEWEST, "Index Only Scan using deliveries_in_line"),
        (&WHOLE_DELIVERED_OLDEST, "Index Only Scan using deliveries_delivered"),
        (&EVENTS_OF_TYPE, "Index Only Scan using events_of_type"),
        (&LENGTH, "Index Only Scan using deliveries_by_sequence"),
        (&EXHAUSTED_NEWEST, "Index Scan Backward using deliveries_exhausted"),
        (&SUPPRESSED_OLDEST, "Index Scan using deliveries_suppressed"),
        (&FEW_PENDING_NEWEST, "Index Scan using deliveries_in_line"),
        (&MANY_UPDATED_NEWEST, "Index Scan Backward using deliveries_delivered"),
        (&MANY_UPDATED_OLDEST, "Index Scan using deliveries_delivered"),
    ] {
        let plan = plans::plan(&db, sql).await;
        assert!(plan.contains(step), "{}: no {step}:\n{plan}", sql.name);
    }
    for sql in STATEMENTS {
        let plan = plans::plan(&db, sql).await;
        assert!(!plan.contains("Seq Scan"), "{}:\n{plan}", sql.name);
    }
}

/// So long that it has pages far from both ends. Three at a time, and test events among them, which have no number.
const LONG: &str = "
    insert into subscriptions (id, org_id, status, endpoint_url, event_types, headers, secret, next_sequence,
        consecutive_failures, created_at, updated_at, in_order)
    values ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 'active', 'https://example.com/',
        '[]', '{}', '', 1, 0, 1, 1, true);
    insert into events (id, org_id, event_type, occurred_at, test, body)
    select lpad(n::text, 32, '0')::uuid, '00000000-0000-0000-0000-000000000000', 'document-insights.job.completed', n, false, ''
    from generate_series(1, 30050) n;
    insert into deliveries (id, org_id, subscription_id, event_id, event_type, sequence, status, attempt_count,
        round_attempts, next_attempt_at, lease_until, fence, created_at, updated_at)
    select lpad(n::text, 32, '0')::uuid, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000',
        lpad(n::text, 32, '0')::uuid, 'document-insights.job.completed',
        case when n % 1000 = 0 then null else n - n / 1000 end, 'PENDING', 0, 0, n, 0, 1, n / 3, n
    from generate_series(1, 30050) n";
/// As a log is whose numbers were given while a clock was set back.
const OUT_OF_ORDER: &str = "update subscriptions set in_order = false";

#[tokio::test]
async fn the_pages_of_a_log_too_long_to_count_hold_each_delivery_once() {
    let db = plans::empty_postgres().await;
    let run = |script| db.read((), move |tx, ()| Box::pin(tx.script(script)));
    run(LONG).await.unwrap();
    for (script, size) in [("select 1", 97), (OUT_OF_ORDER, 500)] {
        run(script).await.unwrap();
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut found = Vec::new();
            for page in 0..30_050_u32.div_ceil(size) {
                let request = PageRequest { page, size, sort_by: SortBy::CreatedAt, direction };
                let page = db.read(request, |tx, request| {
                    let (org_id, id) = (OrgId::from_bytes([0; 16]), SubscriptionId::from_bytes([0; 16]));
                    Box::pin(list(tx, org_id, id, DeliveryFilter::default(), *request))
                });
                let page = page.await.unwrap();
                assert_eq!(page.page_info.total_items, 30_050);
                found.extend(page.data.iter().map(|delivery| delivery.id.to_string()));
            }
            if direction == Direction::Descending {
                found.reverse();
            }
            assert_eq!(found.len(), 30_050);
            assert!(found.is_sorted_by(|a, b| a < b), "from page {size} {direction:?}");
        }
    }
}

#[tokio::test]
async fn a_page_far_from_both_ends_begins_at_its_number() {
    let db = plans::empty_postgres().await;
    let run = |script| db.read((), move |tx, ()| Box::pin(tx.script(script)));
    run(LONG).await.unwrap();
    let place = || db.read((), |tx, ()| Box::pin(place(tx, SubscriptionId::from_bytes([0; 16]), 15_000)));
    let found = place().await.unwrap().unwrap();
    // At most the thirty without a number and those of one time are passed over.
    assert!((15_000..=15_000 + 33).contains(&found.since), "{}", found.since);
    run(OUT_OF_ORDER).await.unwrap();
    assert!(place().await.unwrap().is_none());
}

#[tokio::test]
async fn deliveries_are_in_the_order_of_their_numbers_though_clocks_differ() {
    let db = plans::empty_postgres().await;
    db.read((), |tx, ()| Box::pin(tx.script(LONG))).await.unwrap();
    let number = |seconds: i64| {
        let at = Timestamp::from_ms(1000 * seconds);
        db.read(at, |tx, at| {
            let params = [SubscriptionId::from_bytes([0; 16]).into(), 1_u64.into(), (*at).into()];
            Box::pin(async move { tx.one::<Numbered>(&NUMBER, &params).await })
        })
    };
    let place = || db.read((), |tx, ()| Box::pin(place(tx, SubscriptionId::from_bytes([0; 16]), 15_000)));
    for (clock, given) in [(500, 500), (499, 500), (502, 502), (450, 502)] {
        assert_eq!(number(clock).await.unwrap().2.as_ms(), 1000 * given, "{clock}");
    }
    assert!(place().await.unwrap().is_some());
    // Set back by more than clocks differ.
    assert_eq!(number(100).await.unwrap().2.as_ms(), 100_000);
    assert!(place().await.unwrap().is_none());
}
