//! The statements of lists, one for each index that a page may be read by.

use crate::{deliveries::columns, sql::statements};

/// The rows of a log that match, as the index that narrows them most has them. A state that has an index of its own must
/// stand in the statement. SQLite rather walks along an order than collects a few rows and sorts them, so where it is to
/// collect, it is told by which index; a plus keeps it from using another one.
macro_rules! rows {
    (all) => {
        rows!("deliveries", "", "(status = $3 or $3 is null) and (event_type = $4 or $4 is null)")
    };
    (of_type_sqlite) => {
        rows!(
            "deliveries",
            "+",
            "(status = $3 or $3 is null) and event_id in (select id from events where org_id = $1
            and event_type = $4)"
        )
    };
    (of_type_postgres) => {
        rows!(
            "deliveries",
            "",
            "(status = $3 or $3 is null) and event_id in (select id from events where org_id = $1
            and event_type = $4)"
        )
    };
    (pending_sqlite) => {
        rows!("deliveries indexed by deliveries_in_line", "", "status = 'PENDING'")
    };
    (delivered_sqlite) => {
        rows!("deliveries indexed by deliveries_delivered", "", "status = 'DELIVERED'")
    };
    (pending) => {
        rows!("deliveries", "", "status = 'PENDING'")
    };
    (delivered) => {
        rows!("deliveries", "", "status = 'DELIVERED'")
    };
    (exhausted) => {
        rows!("deliveries", "", "status = 'EXHAUSTED'")
    };
    (suppressed) => {
        rows!("deliveries", "", "status = 'SUPPRESSED'")
    };
    // The filters that are left say whether the state is wanted at all.
    ($table:literal, $plus:literal, $narrowed:literal) => {
        concat!(
            " from ",
            $table,
            " where org_id = $1 and ",
            $plus,
            "subscription_id = $2 and ",
            $plus,
            "created_at >= $5 and (event_type = $4 or $4 is null) and (status = $3 or $3 is null) and ",
            $narrowed
        )
    };
}

macro_rules! count {
    ($access:ident) => {
        concat!("select count(*) from (select 1", rows!($access), " limit $6) counted")
    };
}

/// How many rows of a log, or of a state of it, an index alone knows.
macro_rules! of_log {
    ($table:literal, $state:literal) => {
        concat!(
            "select count(*) from (select 1 from ",
            $table,
            " where subscription_id = $1 and created_at >= $2",
            $state,
            " limit $3) counted"
        )
    };
}

/// A walk along an index in the list's order, or where the order is a sum, a sort.
macro_rules! page {
    ($access:ident, $order:literal) => {
        concat!("select ", columns!(), rows!($access), " order by ", $order, " limit $6 offset $7")
    };
    ($access:ident, created desc) => {
        page!($access, "created_at + 0 desc, id desc")
    };
    ($access:ident, created asc) => {
        page!($access, "created_at + 0, id")
    };
    ($access:ident, updated desc) => {
        page!($access, "updated_at + 0 desc, id desc")
    };
    ($access:ident, updated asc) => {
        page!($access, "updated_at + 0, id")
    };
}

/// The whole log: only the index is read to where the page begins.
macro_rules! whole {
    ($order:literal) => {
        concat!(
            "select ",
            columns!(),
            " from deliveries where org_id = $1 and cast($3 as text) is null and cast($4 as text) is null
            and id in (select id from deliveries where subscription_id = $2 and created_at >= $5 order by ",
            $order,
            " limit $6 offset $7) order by ",
            $order
        )
    };
}

/// A few rows of one state, whatever their type: only the index is read to choose those of the page.
macro_rules! whole_of {
    ($table:literal, $status:literal, $order:literal, $sorted:literal) => {
        concat!(
            "select ",
            columns!(),
            " from deliveries where org_id = $1 and cast($3 as text) = '",
            $status,
            "' and cast($4 as text) is null and id in (select id from ",
            $table,
            " where subscription_id = $2 and status = '",
            $status,
            "' and created_at >= $5 order by ",
            $sorted,
            " limit $6 offset $7) order by ",
            $order
        )
    };
    (pending_sqlite, $order:literal, $sorted:literal) => {
        whole_of!("deliveries indexed by deliveries_in_line", "PENDING", $order, $sorted)
    };
    (delivered_sqlite, $order:literal, $sorted:literal) => {
        whole_of!("deliveries indexed by deliveries_delivered", "DELIVERED", $order, $sorted)
    };
    (pending, $order:literal, $sorted:literal) => {
        whole_of!("deliveries", "PENDING", $order, $sorted)
    };
    (delivered, $order:literal, $sorted:literal) => {
        whole_of!("deliveries", "DELIVERED", $order, $sorted)
    };
    ($access:ident, desc) => {
        whole_of!($access, "created_at desc, id desc", "created_at + 0 desc, id desc")
    };
    ($access:ident, asc) => {
        whole_of!($access, "created_at, id", "created_at + 0, id")
    };
}

/// The first rows of one state, to where the page ends (`$8`).
macro_rules! of_state {
    ($access:ident, $status:literal, $order:literal) => {
        concat!(
            "select * from (select id, updated_at",
            rows!($access),
            " and ($3 = '",
            $status,
            "' or $3 is null) order by ",
            $order,
            " limit $8) ",
            $status
        )
    };
}

/// By the last change, whatever matches: what was delivered has an index in this order; what was suppressed never changes,
/// so it lies in the order in which it was made; the rest is sorted.
macro_rules! by_update {
    ($delivered:ident, $pending:ident, $updated:literal, $created:literal) => {
        concat!(
            "select ",
            columns!(),
            " from deliveries where id in (select id from (",
            of_state!($delivered, "DELIVERED", $updated),
            " union all ",
            of_state!(suppressed, "SUPPRESSED", $created),
            " union all ",
            of_state!(exhausted, "EXHAUSTED", $updated),
            " union all ",
            of_state!($pending, "PENDING", $updated),
            ") states order by ",
            $updated,
            " limit $6 offset $7) order by ",
            $updated
        )
    };
}

statements! {
    pub(super) OWNS = "select id from subscriptions where org_id = $1 and id = $2";
    // Test events have no number.
    pub(super) LENGTH = "select coalesce((select max(sequence) from deliveries where subscription_id = $1)
            - (select min(sequence) from deliveries where subscription_id = $1) + 1, 0)
            + (select count(*) from deliveries where subscription_id = $1 and sequence is null)";
    // When the delivery was made that has so many numbers after its own, and how many are not older: by the numbers, and
    // those without one.
    pub(super) PLACE = "select here.created_at, last.sequence + 1 - (select min(first.sequence) from deliveries first
                where first.subscription_id = $1 and first.created_at = here.created_at)
            + (select count(*) from deliveries test where test.subscription_id = $1 and test.sequence is null
                and test.created_at >= here.created_at)
        from (select max(sequence) as sequence from deliveries where subscription_id = $1) last
            join deliveries here on here.subscription_id = $1 and here.sequence = last.sequence - $2
            join subscriptions on subscriptions.id = $1 and subscriptions.in_order";
    pub(super) EVENTS_OF_TYPE = "select count(*) from (select 1 from events where org_id = $1 and event_type = $2 limit $3) counted";
    pub(super) WHOLE = of_log!("deliveries", "");
    pub(super) WHOLE_PENDING = of_log!("deliveries indexed by deliveries_in_line", " and status = 'PENDING'"),
        postgres of_log!("deliveries", " and status = 'PENDING'");
    pub(super) WHOLE_DELIVERED = of_log!("deliveries indexed by deliveries_delivered", " and status = 'DELIVERED'"),
        postgres of_log!("deliveries", " and status = 'DELIVERED'");
    pub(super) WHOLE_EXHAUSTED = of_log!("deliveries", " and status = 'EXHAUSTED'");
    pub(super) WHOLE_SUPPRESSED = of_log!("deliveries", " and status = 'SUPPRESSED'");

    pub(super) COUNT_ALL = count!(all);
    pub(super) COUNT_FEW_OF_TYPE = count!(of_type_sqlite), postgres count!(of_type_postgres);
    pub(super) COUNT_PENDING = count!(pending_sqlite), postgres count!(pending);
    pub(super) COUNT_DELIVERED = count!(delivered_sqlite), postgres count!(delivered);
    pub(super) COUNT_EXHAUSTED = count!(exhausted);
    pub(super) COUNT_SUPPRESSED = count!(suppressed);

    pub(super) WHOLE_NEWEST = whole!("created_at desc, id desc");
    pub(super) WHOLE_OLDEST = whole!("created_at, id");
    pub(super) WHOLE_PENDING_NEWEST = whole_of!(pending_sqlite, desc), postgres whole_of!(pending, desc);
    pub(super) WHOLE_PENDING_OLDEST = whole_of!(pending_sqlite, asc), postgres whole_of!(pending, asc);
    pub(super) WHOLE_DELIVERED_NEWEST = whole_of!(delivered_sqlite, desc), postgres whole_of!(delivered, desc);
    pub(super) WHOLE_DELIVERED_OLDEST = whole_of!(delivered_sqlite, asc), postgres whole_of!(delivered, asc);
    pub(super) MANY_NEWEST = page!(all, "created_at desc, id desc");
    pub(super) MANY_OLDEST = page!(all, "created_at, id");
    pub(super) EXHAUSTED_NEWEST = page!(exhausted, "created_at desc, id desc");
    pub(super) EXHAUSTED_OLDEST = page!(exhausted, "created_at, id");
    pub(super) SUPPRESSED_NEWEST = page!(suppressed, "created_at desc, id desc");
    pub(super) SUPPRESSED_OLDEST = page!(suppressed, "created_at, id");
    pub(super) FEW_OF_TYPE_NEWEST = page!(of_type_sqlite, created desc), postgres page!(of_type_postgres, created desc);
    pub(super) FEW_OF_TYPE_OLDEST = page!(of_type_sqlite, created asc), postgres page!(of_type_postgres, created asc);
    pub(super) FEW_PENDING_NEWEST = page!(pending_sqlite, created desc), postgres page!(pending, created desc);
    pub(super) FEW_PENDING_OLDEST = page!(pending_sqlite, created asc), postgres page!(pending, created asc);
    pub(super) FEW_DELIVERED_NEWEST = page!(delivered_sqlite, created desc), postgres page!(delivered, created desc);
    pub(super) FEW_DELIVERED_OLDEST = page!(delivered_sqlite, created asc), postgres page!(delivered, created asc);

    pub(super) MANY_UPDATED_NEWEST = by_update!(delivered_sqlite, pending_sqlite, "updated_at desc, id desc", "created_at desc, id desc"),
        postgres by_update!(delivered, pending, "updated_at desc, id desc", "created_at desc, id desc");
    pub(super) MANY_UPDATED_OLDEST = by_update!(delivered_sqlite, pending_sqlite, "updated_at, id", "created_at, id"),
        postgres by_update!(delivered, pending, "updated_at, id", "created_at, id");
    pub(super) FEW_UPDATED_NEWEST = page!(all, updated desc);
    pub(super) FEW_UPDATED_OLDEST = page!(all, updated asc);
    pub(super) FEW_OF_TYPE_UPDATED_NEWEST = page!(of_type_sqlite, updated desc), postgres page!(of_type_postgres, updated desc);
    pub(super) FEW_OF_TYPE_UPDATED_OLDEST = page!(of_type_sqlite, updated asc), postgres page!(of_type_postgres, updated asc);
    pub(super) FEW_PENDING_UPDATED_NEWEST = page!(pending_sqlite, updated desc), postgres page!(pending, updated desc);
    pub(super) FEW_PENDING_UPDATED_OLDEST = page!(pending_sqlite, updated asc), postgres page!(pending, updated asc);
    pub(super) FEW_DELIVERED_UPDATED_NEWEST = page!(delivered_sqlite, updated desc), postgres page!(delivered, updated desc);
    pub(super) FEW_DELIVERED_UPDATED_OLDEST = page!(delivered_sqlite, updated asc), postgres page!(delivered, updated asc);
    pub(super) FEW_EXHAUSTED_UPDATED_NEWEST = page!(exhausted, updated desc);
    pub(super) FEW_EXHAUSTED_UPDATED_OLDEST = page!(exhausted, updated asc);
    pub(super) FEW_SUPPRESSED_UPDATED_NEWEST = page!(suppressed, updated desc);
    pub(super) FEW_SUPPRESSED_UPDATED_OLDEST = page!(suppressed, updated asc);
}
