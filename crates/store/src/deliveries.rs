//! Deliveries: each event's way to each subscription.
//!
//! - `fan_out`: the rows that are born with an event, already leased to the node that is to send them.
//! - `claim`: rows that are due and that nobody holds.
//! - `record`: what attempts made of them.
//! - `redeliver`: sending again, test events.
//! - `retain`: forgetting. `list`: pages.
//! - here: what clients read.

mod claim;
mod fan_out;
mod list;
mod record;
mod redeliver;
mod retain;

pub use claim::{ClaimLimits, DeliveryLease, DueDelivery, Hold};
pub(crate) use claim::{class, free_at};
pub(crate) use fan_out::{Ended, Outgoing, fan_out};
pub use record::{FinishedAttempt, Recorded};
pub use redeliver::{Redelivered, TestEvent};
pub use retain::Retention;

use crate::{
    Store,
    db::{FromRow, Row},
    error::Result,
    sql::statements,
};
use domain::{
    delivery::{Attempt, Delivery, DeliveryStatus},
    event::EventType,
    id::{DeliveryId, EventId, OrgId},
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, subscription_id, event_id, event_type, sequence, status, attempt_count, next_attempt_at, created_at, \
         updated_at, delivered_at"
    };
}

use columns;

/// Those of a subscription that was deleted are there for a while, and not for anybody.
macro_rules! of_somebody {
    () => {
        " and exists (select 1 from subscriptions s where s.id = deliveries.subscription_id)"
    };
}

/// When the first row of a class of subscription `s` may be taken.
macro_rules! first_free {
    ($engine:ident, $class:literal) => {
        concat!(
            "(select min(",
            free_at!($engine),
            ") from deliveries where subscription_id = s.id and status = 'PENDING' and ",
            class!(),
            " = ",
            $class,
            ")"
        )
    };
}

macro_rules! oldest_due {
    ($engine:ident) => {
        concat!(
            "select min(free_at) from (select ",
            first_free!($engine, "0"),
            " as free_at from subscriptions s where s.status = 'active' union all select ",
            first_free!($engine, "1"),
            " from subscriptions s where s.status = 'active' union all select ",
            first_free!($engine, "2"),
            " from subscriptions s where s.status = 'active') firsts"
        )
    };
}

statements! {
    GET = concat!("select ", columns!(), " from deliveries where org_id = $1
        and id in ($2, (select delivery_id from attempts where id = $2 and id <> delivery_id))", of_somebody!());
    ATTEMPTS = "select id, number, started_at, duration_ms, status_code, error, blame, response_body from attempts
        where delivery_id = $1 order by number";
    OF_EVENT = concat!("select ", columns!(), " from deliveries where org_id = $1 and event_id = $2", of_somebody!(),
        " order by created_at, id");
    BACKLOG = "select count(*) from (select 1 from deliveries where status = 'PENDING' limit $1) waiting";
    OLDEST_DUE = oldest_due!(sqlite), postgres oldest_due!(postgres);
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![
        STATEMENTS,
        claim::STATEMENTS,
        fan_out::STATEMENTS,
        list::STATEMENTS,
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
