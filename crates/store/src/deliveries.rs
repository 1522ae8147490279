//! Deliveries: each event's way to each subscription.
//!
//! - `fan_out`: the rows that are born with an event, already leased to the node that is to send them.
//! - `claim`: rows that are due and that nobody holds.
//! - `record`: what attempts made of them.
//! - `redeliver`: sending again, replays, test events.
//! - here: what clients read.

mod claim;
mod fan_out;
mod record;
mod redeliver;

pub use claim::{ClaimLimits, DeliveryLease, DueDelivery, Hold};
pub(crate) use fan_out::{Ended, Outgoing, fan_out};
pub use record::{FinishedAttempt, Recorded};
pub use redeliver::{Redelivered, Replay, TestEvent};

use crate::{
    Store,
    db::{FromRow, Row},
    error::Result,
    rows::window,
    sql::statements,
};
use domain::{
    delivery::{Attempt, Delivery, DeliveryStatus},
    event::EventType,
    id::{DeliveryId, EventId, OrgId, SubscriptionId},
    page::{Direction, PageRequest, Paged, SortBy},
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, subscription_id, event_id, event_type, sequence, status, attempt_count, next_attempt_at, created_at, \
         updated_at, delivered_at"
    };
}

macro_rules! filtered {
    () => {
        " from deliveries where org_id = $1 and subscription_id = $2 and (status = $3 or $3 is null) \
         and (event_type = $4 or $4 is null) and (created_at >= $5 or $5 is null) "
    };
}

statements! {
    GET = concat!("select ", columns!(), " from deliveries where org_id = $1
        and id in ($2, (select delivery_id from attempts where id = $2))");
    ATTEMPTS = "select id, number, started_at, duration_ms, status_code, error, blame, response_body from attempts
        where delivery_id = $1 order by number";
    OF_EVENT = concat!("select ", columns!(), " from deliveries where org_id = $1 and event_id = $2 order by created_at, id");
    COUNT = concat!("select count(*)", filtered!());
    CREATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by created_at desc, id desc limit $6 offset $7");
    CREATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by created_at, id limit $6 offset $7");
    UPDATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at desc, id desc limit $6 offset $7");
    UPDATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at, id limit $6 offset $7");
    BACKLOG = "select count(*) from deliveries where status = 'PENDING'";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![STATEMENTS, claim::STATEMENTS, fan_out::STATEMENTS, record::STATEMENTS, redeliver::STATEMENTS]
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
#[derive(Debug, Clone, Copy, Default)]
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
                let sql = match (page.sort_by, page.direction) {
                    (SortBy::UpdatedAt, Direction::Descending) => &UPDATED_DESCENDING,
                    (SortBy::UpdatedAt, Direction::Ascending) => &UPDATED_ASCENDING,
                    (_, Direction::Descending) => &CREATED_DESCENDING,
                    (_, Direction::Ascending) => &CREATED_ASCENDING,
                };
                let data = tx.rows(sql, &[&filters[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&COUNT, &filters).await?;
                Ok(Paged::new(data, page, total))
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

    /// How many deliveries wait for an attempt, of all organizations.
    pub async fn backlog(&self) -> Result<u64> {
        Ok(self.0.db.read((), |tx, ()| Box::pin(tx.one::<(u64,)>(&BACKLOG, &[]))).await?.0)
    }
}
