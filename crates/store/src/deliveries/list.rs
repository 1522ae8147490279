//! Pages of a subscription's log, which may be millions of rows long.
//!
//! A page is a walk along an index that has the list's order, or, where only a few rows match, those rows sorted. Which it
//! is follows from the count that the page's total needs anyway: matches are counted to [`limits::LIST_COUNTED_MAX`], by
//! the index that narrows them most ([`Access`]). So neither a rare state nor a rare type is looked for row by row.
//! Where nothing is filtered the total is known without counting: numbers have no gaps, and what retention removes it
//! removes from the beginning.

use super::{Deliveries, DeliveryFilter, columns};
use crate::{
    db::{Param, Tx},
    error::Result,
    rows::window,
    sql::{Sql, statements},
};
use domain::{
    delivery::{Delivery, DeliveryStatus},
    id::{OrgId, SubscriptionId},
    limits,
    page::{Direction, PageRequest, Paged, SortBy},
    time::Timestamp,
};

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
    NUMBERED = "select coalesce((select max(sequence) from deliveries where subscription_id = $1)
            - (select min(sequence) from deliveries where subscription_id = $1) + 1, 0)";
    EVENTS_OF_TYPE = "select count(*) from (select 1 from events where org_id = $1 and event_type = $2 limit $3) counted";
    COUNT_ALL = count!(all);
    COUNT_FEW_OF_TYPE = count!(of_type_sqlite), postgres count!(of_type_postgres);
    COUNT_PENDING = count!(pending_sqlite), postgres count!(pending);
    COUNT_DELIVERED = count!(delivered_sqlite), postgres count!(delivered);
    COUNT_EXHAUSTED = count!(exhausted);
    COUNT_SUPPRESSED = count!(suppressed);

    WHOLE_NEWEST = whole!("created_at desc, id desc");
    WHOLE_OLDEST = whole!("created_at, id");
    MANY_NEWEST = page!(all, "created_at desc, id desc");
    MANY_OLDEST = page!(all, "created_at, id");
    EXHAUSTED_NEWEST = page!(exhausted, "created_at desc, id desc");
    EXHAUSTED_OLDEST = page!(exhausted, "created_at, id");
    SUPPRESSED_NEWEST = page!(suppressed, "created_at desc, id desc");
    SUPPRESSED_OLDEST = page!(suppressed, "created_at, id");
    FEW_OF_TYPE_NEWEST = page!(of_type_sqlite, created desc), postgres page!(of_type_postgres, created desc);
    FEW_OF_TYPE_OLDEST = page!(of_type_sqlite, created asc), postgres page!(of_type_postgres, created asc);
    FEW_PENDING_NEWEST = page!(pending_sqlite, created desc), postgres page!(pending, created desc);
    FEW_PENDING_OLDEST = page!(pending_sqlite, created asc), postgres page!(pending, created asc);
    FEW_DELIVERED_NEWEST = page!(delivered_sqlite, created desc), postgres page!(delivered, created desc);
    FEW_DELIVERED_OLDEST = page!(delivered_sqlite, created asc), postgres page!(delivered, created asc);

    MANY_UPDATED_NEWEST = by_update!(delivered_sqlite, pending_sqlite, "updated_at desc, id desc", "created_at desc, id desc"),
        postgres by_update!(delivered, pending, "updated_at desc, id desc", "created_at desc, id desc");
    MANY_UPDATED_OLDEST = by_update!(delivered_sqlite, pending_sqlite, "updated_at, id", "created_at, id"),
        postgres by_update!(delivered, pending, "updated_at, id", "created_at, id");
    FEW_UPDATED_NEWEST = page!(all, updated desc);
    FEW_UPDATED_OLDEST = page!(all, updated asc);
    FEW_OF_TYPE_UPDATED_NEWEST = page!(of_type_sqlite, updated desc), postgres page!(of_type_postgres, updated desc);
    FEW_OF_TYPE_UPDATED_OLDEST = page!(of_type_sqlite, updated asc), postgres page!(of_type_postgres, updated asc);
    FEW_PENDING_UPDATED_NEWEST = page!(pending_sqlite, updated desc), postgres page!(pending, updated desc);
    FEW_PENDING_UPDATED_OLDEST = page!(pending_sqlite, updated asc), postgres page!(pending, updated asc);
    FEW_DELIVERED_UPDATED_NEWEST = page!(delivered_sqlite, updated desc), postgres page!(delivered, updated desc);
    FEW_DELIVERED_UPDATED_OLDEST = page!(delivered_sqlite, updated asc), postgres page!(delivered, updated asc);
    FEW_EXHAUSTED_UPDATED_NEWEST = page!(exhausted, updated desc);
    FEW_EXHAUSTED_UPDATED_OLDEST = page!(exhausted, updated asc);
    FEW_SUPPRESSED_UPDATED_NEWEST = page!(suppressed, updated desc);
    FEW_SUPPRESSED_UPDATED_OLDEST = page!(suppressed, updated asc);
}

/// The index that narrows a filter's matches most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    All,
    /// Few events are of the type that is asked for.
    FewOfType,
    Pending,
    Delivered,
    Exhausted,
    Suppressed,
}

/// For the newest first and for the oldest first.
type Pair = [&'static Sql; 2];

impl Access {
    /// What waits and what was delivered are as a rule more than what has a rare type.
    async fn of(tx: &mut Tx<'_>, org_id: OrgId, filter: DeliveryFilter) -> Result<Self> {
        match (filter.status, filter.event_type) {
            (Some(DeliveryStatus::Exhausted), _) => return Ok(Self::Exhausted),
            (Some(DeliveryStatus::Suppressed), _) => return Ok(Self::Suppressed),
            (_, Some(event_type)) => {
                let max = limits::LIST_COUNTED_MAX;
                let params = [org_id.into(), event_type.into(), max.into()];
                let (events,): (u64,) = tx.one(&EVENTS_OF_TYPE, &params).await?;
                if events < max {
                    return Ok(Self::FewOfType);
                }
            }
            _ => {}
        }
        Ok(match filter.status {
            Some(DeliveryStatus::Pending) => Self::Pending,
            Some(DeliveryStatus::Delivered) => Self::Delivered,
            _ => Self::All,
        })
    }

    const fn count(self) -> &'static Sql {
        match self {
            Self::All => &COUNT_ALL,
            Self::FewOfType => &COUNT_FEW_OF_TYPE,
            Self::Pending => &COUNT_PENDING,
            Self::Delivered => &COUNT_DELIVERED,
            Self::Exhausted => &COUNT_EXHAUSTED,
            Self::Suppressed => &COUNT_SUPPRESSED,
        }
    }

    const fn by_creation(self, few: bool, has_type: bool) -> Pair {
        match self {
            Self::All if !has_type => [&WHOLE_NEWEST, &WHOLE_OLDEST],
            Self::FewOfType => [&FEW_OF_TYPE_NEWEST, &FEW_OF_TYPE_OLDEST],
            Self::Pending if few => [&FEW_PENDING_NEWEST, &FEW_PENDING_OLDEST],
            Self::Delivered if few => [&FEW_DELIVERED_NEWEST, &FEW_DELIVERED_OLDEST],
            Self::Exhausted => [&EXHAUSTED_NEWEST, &EXHAUSTED_OLDEST],
            Self::Suppressed => [&SUPPRESSED_NEWEST, &SUPPRESSED_OLDEST],
            Self::All | Self::Pending | Self::Delivered => [&MANY_NEWEST, &MANY_OLDEST],
        }
    }

    const fn by_update(self, few: bool) -> Pair {
        match self {
            _ if !few => [&MANY_UPDATED_NEWEST, &MANY_UPDATED_OLDEST],
            Self::All => [&FEW_UPDATED_NEWEST, &FEW_UPDATED_OLDEST],
            Self::FewOfType => [&FEW_OF_TYPE_UPDATED_NEWEST, &FEW_OF_TYPE_UPDATED_OLDEST],
            Self::Pending => [&FEW_PENDING_UPDATED_NEWEST, &FEW_PENDING_UPDATED_OLDEST],
            Self::Delivered => [&FEW_DELIVERED_UPDATED_NEWEST, &FEW_DELIVERED_UPDATED_OLDEST],
            Self::Exhausted => [&FEW_EXHAUSTED_UPDATED_NEWEST, &FEW_EXHAUSTED_UPDATED_OLDEST],
            Self::Suppressed => [&FEW_SUPPRESSED_UPDATED_NEWEST, &FEW_SUPPRESSED_UPDATED_OLDEST],
        }
    }
}

impl Deliveries<'_> {
    /// A page of a subscription's deliveries, without attempts.
    pub async fn list(
        &self,
        org_id: OrgId,
        subscription_id: SubscriptionId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Paged<Delivery>> {
        let input = (org_id, subscription_id, filter, page);
        let list = self.0.db.read(input, |tx, (org_id, subscription_id, filter, page)| {
            Box::pin(list(tx, *org_id, *subscription_id, *filter, *page))
        });
        list.await
    }
}

async fn list(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    subscription_id: SubscriptionId,
    filter: DeliveryFilter,
    page: PageRequest,
) -> Result<Paged<Delivery>> {
    let filters = [
        org_id.into(),
        subscription_id.into(),
        filter.status.into(),
        filter.event_type.into(),
        filter.since.unwrap_or(Timestamp::from_ms(i64::MIN)).into(),
    ];
    let access = Access::of(tx, org_id, filter).await?;
    let max = limits::LIST_COUNTED_MAX;
    let (counted,): (u64,) = tx.one(access.count(), &[&filters[..], &[max.into()]].concat()).await?;
    let few = counted < max;
    let by_update = page.sort_by == SortBy::UpdatedAt;
    let pair = match by_update {
        true => access.by_update(few),
        false => access.by_creation(few, filter.event_type.is_some()),
    };
    let sql = pair[usize::from(page.direction == Direction::Ascending)];
    let mut rest: Vec<Param<'_>> = window(&page).to_vec();
    if by_update && !few {
        rest.push((page.offset() + u64::from(page.size)).into());
    }
    let data = tx.rows(sql, &[&filters[..], &rest].concat()).await?;
    let total = match few || filter != DeliveryFilter::default() {
        true => counted,
        false => tx.one::<(u64,)>(&NUMBERED, &[subscription_id.into()]).await?.0.max(counted),
    };
    // A page behind those that were counted shows that there are more.
    let shown = if data.is_empty() { 0 } else { page.offset() + data.len() as u64 };
    Ok(Paged::new(data, &page, total.max(shown)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db::Db, migrate::migrate};

    /// SQLite's plan of a statement, one line a step.
    async fn plan(db: &Db, sql: &'static Sql) -> String {
        let explain = move |tx: &mut Tx<'_>| -> Result<String> {
            let Tx::Sqlite(connection) = tx else { return Ok(String::new()) };
            let mut statement = connection.prepare(&format!("explain query plan {}", sql.sqlite)).unwrap();
            let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<Vec<_>>();
            Ok(steps.into_iter().map(|step| step.unwrap() + "\n").collect())
        };
        db.read((), move |tx, ()| Box::pin(std::future::ready(explain(tx)))).await.unwrap()
    }

    /// What no statement of a list may do is look at every delivery there is, or sort where an index has the order.
    #[tokio::test]
    async fn every_list_goes_by_the_index_that_was_made_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&directory.path().join("a.db")).unwrap();
        migrate(&db, Timestamp::from_ms(1)).await.unwrap();
        for sql in STATEMENTS {
            let plan = plan(&db, sql).await;
            assert!(
                !plan.contains("SCAN deliveries") && !plan.contains("SCAN events"),
                "{}:\n{plan}",
                sql.name
            );
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
            (&COUNT_DELIVERED, "deliveries_delivered", false),
            (&COUNT_EXHAUSTED, "deliveries_exhausted", false),
        ] {
            let plan = plan(&db, sql).await;
            assert!(plan.contains(index), "{} does not go by {index}:\n{plan}", sql.name);
            assert_eq!(plan.contains("TEMP B-TREE FOR ORDER BY"), sorts, "{}:\n{plan}", sql.name);
        }
    }
}
