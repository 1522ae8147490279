//! Deliveries: each event's way to each subscription.
//!
//! - `fan_out`: the rows that are born with an event, already leased to the node that is to send them.
//! - `claim`: rows that are due and that nobody holds.
//! - `record`: what attempts made of them.
//! - `redeliver`: sending again, test events.
//! - `retain`: forgetting.
//! - here: what clients read.

mod claim;
mod fan_out;
mod record;
mod redeliver;
mod retain;

pub use claim::{ClaimLimits, DeliveryLease, DueDelivery, Hold};
pub(crate) use fan_out::{Ended, Outgoing, fan_out};
pub use record::{FinishedAttempt, Recorded};
pub use redeliver::{Redelivered, TestEvent};
pub use retain::Retention;

use crate::{
    Store,
    db::{FromRow, Param, Row, Tx},
    error::Result,
    rows::window,
    sql::statements,
};
use domain::{
    delivery::{Attempt, Delivery, DeliveryStatus},
    event::EventType,
    id::{DeliveryId, EventId, OrgId, SubscriptionId},
    limits,
    page::{Direction, PageRequest, Paged, SortBy},
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, subscription_id, event_id, event_type, sequence, status, attempt_count, next_attempt_at, created_at, \
         updated_at, delivered_at"
    };
}

/// The rows of a list. Those that ended badly are few among many and have an index of their own, which the engines use
/// only where the statement names the state itself.
macro_rules! filtered {
    () => {
        filtered!("(status = $3 or $3 is null)")
    };
    ($status:literal) => {
        concat!(
            " from deliveries where org_id = $1 and subscription_id = $2 and ",
            $status,
            " \
            and (event_type = $4 or $4 is null) and (created_at >= $5 or $5 is null) "
        )
    };
}

macro_rules! exhausted {
    () => {
        filtered!("status = 'EXHAUSTED' and $3 = 'EXHAUSTED'")
    };
}

macro_rules! suppressed {
    () => {
        filtered!("status = 'SUPPRESSED' and $3 = 'SUPPRESSED'")
    };
}

statements! {
    GET = concat!("select ", columns!(), " from deliveries where org_id = $1
        and id in ($2, (select delivery_id from attempts where id = $2))");
    ATTEMPTS = "select id, number, started_at, duration_ms, status_code, error, blame, response_body from attempts
        where delivery_id = $1 order by number";
    OF_EVENT = concat!("select ", columns!(), " from deliveries where org_id = $1 and event_id = $2 order by created_at, id");
    COUNT = concat!("select count(*) from (select 1", filtered!(), "limit $6) counted");
    COUNT_EXHAUSTED = concat!("select count(*) from (select 1", exhausted!(), "limit $6) counted");
    COUNT_SUPPRESSED = concat!("select count(*) from (select 1", suppressed!(), "limit $6) counted");
    // Numbers have no gaps, and what retention removes it removes from the beginning.
    NUMBERED = "select coalesce((select max(sequence) from deliveries where subscription_id = $1)
            - (select min(sequence) from deliveries where subscription_id = $1) + 1, 0)";
    CREATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by created_at desc, id desc limit $6 offset $7");
    CREATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by created_at, id limit $6 offset $7");
    EXHAUSTED_DESCENDING = concat!("select ", columns!(), exhausted!(), "order by created_at desc, id desc limit $6 offset $7");
    EXHAUSTED_ASCENDING = concat!("select ", columns!(), exhausted!(), "order by created_at, id limit $6 offset $7");
    SUPPRESSED_DESCENDING = concat!("select ", columns!(), suppressed!(), "order by created_at desc, id desc limit $6 offset $7");
    SUPPRESSED_ASCENDING = concat!("select ", columns!(), suppressed!(), "order by created_at, id limit $6 offset $7");
    UPDATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at desc, id desc limit $6 offset $7");
    UPDATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at, id limit $6 offset $7");
    BACKLOG = "select count(*) from (select 1 from deliveries where status = 'PENDING' limit $1) waiting";
    OLDEST_DUE = "select min((select d.next_attempt_at from deliveries d where d.subscription_id = s.id
            and d.status = 'PENDING' order by d.next_attempt_at limit 1)) from subscriptions s where s.status = 'active'";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![
        STATEMENTS,
        claim::STATEMENTS,
        fan_out::STATEMENTS,
        record::STATEMENTS,
        redeliver::STATEMENTS,
        retain::STATEMENTS,
    ]
}

impl FromRow for Delivery {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            subscription_id: row.take()?,
            event_id: row.take()?,
            event_type: row.take()?,
            sequence: row.take()?,
            status: row.take()?,
            attempt_count: row.take()?,
            next_attempt_at: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
            delivered_at: row.take()?,
            attempts: None,
        })
    }
}

impl FromRow for Attempt {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            number: row.take()?,
            started_at: row.take()?,
            duration_ms: row.take()?,
            status_code: row.take()?,
            error: row.take()?,
            blame: row.take()?,
            response_body: row.take()?,
        })
    }
}

/// Which deliveries of a subscription a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    pub status: Option<DeliveryStatus>,
    pub event_type: Option<EventType>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
}

pub struct Deliveries<'s>(&'s Store);

impl Store {
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries(self)
    }
}

impl Deliveries<'_> {
    /// A delivery with all its attempts, by its own id or by that of one of them.
    pub async fn get(&self, org_id: OrgId, id: DeliveryId) -> Result<Option<Delivery>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move {
                let found = tx.optional::<Delivery>(&GET, &[(*org_id).into(), (*id).into()]).await?;
                let Some(delivery) = found else { return Ok(None) };
                let attempts = tx.rows(&ATTEMPTS, &[delivery.id.into()]).await?;
                Ok(Some(Delivery { attempts: Some(attempts), ..delivery }))
            })
        });
        get.await
    }

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
            Box::pin(async move {
                let filters = [
                    (*org_id).into(),
                    (*subscription_id).into(),
                    filter.status.into(),
                    filter.event_type.into(),
                    filter.since.into(),
                ];
                let data = tx.rows(pages(*filter, page), &[&filters[..], &window(page)].concat()).await?;
                let total = total(tx, *subscription_id, *filter, &filters).await?;
                // A page behind those that were counted shows that there are more.
                let shown = if data.is_empty() { 0 } else { page.offset() + data.len() as u64 };
                Ok(Paged::new(data, page, total.max(shown)))
            })
        });
        list.await
    }

    /// All deliveries of one event, without attempts.
    pub async fn of_event(&self, org_id: OrgId, event_id: EventId) -> Result<Vec<Delivery>> {
        let list = self.0.db.read((org_id, event_id), |tx, (org_id, event_id)| {
            Box::pin(async move { tx.rows(&OF_EVENT, &[(*org_id).into(), (*event_id).into()]).await })
        });
        list.await
    }

    /// How many deliveries wait for an attempt, of all organizations, counted to `limit`; and since when the oldest one
    /// is due that a subscription is active for.
    pub async fn backlog(&self, limit: u64) -> Result<(u64, Option<Timestamp>)> {
        let backlog = self.0.db.read(limit, |tx, limit| {
            Box::pin(async move {
                let (waiting,): (u64,) = tx.one(&BACKLOG, &[(*limit).into()]).await?;
                let (oldest_due,) = tx.one(&OLDEST_DUE, &[]).await?;
                Ok((waiting, oldest_due))
            })
        });
        backlog.await
    }
}

fn pages(filter: DeliveryFilter, page: &PageRequest) -> &'static crate::sql::Sql {
    use DeliveryStatus::{Exhausted, Suppressed};
    match (page.sort_by, filter.status, page.direction) {
        (SortBy::UpdatedAt, _, Direction::Descending) => &UPDATED_DESCENDING,
        (SortBy::UpdatedAt, _, Direction::Ascending) => &UPDATED_ASCENDING,
        (_, Some(Exhausted), Direction::Descending) => &EXHAUSTED_DESCENDING,
        (_, Some(Exhausted), Direction::Ascending) => &EXHAUSTED_ASCENDING,
        (_, Some(Suppressed), Direction::Descending) => &SUPPRESSED_DESCENDING,
        (_, Some(Suppressed), Direction::Ascending) => &SUPPRESSED_ASCENDING,
        (_, _, Direction::Descending) => &CREATED_DESCENDING,
        (_, _, Direction::Ascending) => &CREATED_ASCENDING,
    }
}

/// How many match: counted to [`limits::LIST_COUNTED_MAX`]; where nothing is filtered, the sequence knows better.
async fn total(
    tx: &mut Tx<'_>,
    subscription_id: SubscriptionId,
    filter: DeliveryFilter,
    filters: &[Param<'_>],
) -> Result<u64> {
    let sql = match filter.status {
        Some(DeliveryStatus::Exhausted) => &COUNT_EXHAUSTED,
        Some(DeliveryStatus::Suppressed) => &COUNT_SUPPRESSED,
        _ => &COUNT,
    };
    let max = limits::LIST_COUNTED_MAX;
    let (counted,): (u64,) = tx.one(sql, &[filters, &[max.into()]].concat()).await?;
    if counted < max || filter != DeliveryFilter::default() {
        return Ok(counted);
    }
    let (numbered,): (u64,) = tx.one(&NUMBERED, &[subscription_id.into()]).await?;
    Ok(numbered.max(counted))
}
