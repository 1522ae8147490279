//! Each list is read by the index that was made for it, on either engine.

use super::*;
use crate::plans;

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
        (&NUMBERED, "Index Only Scan using deliveries_by_sequence"),
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
