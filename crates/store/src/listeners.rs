//! Listeners: temporary subscriptions that nothing is sent to, for whoever reads deliveries by pull.
//!
//! A listener is a subscription's row with a time at which it ends (`listening_until`). It is paused, so its events are
//! numbered and kept in its log like those of any paused subscription, in the transaction of their terminal states:
//! a reader that comes back after a while goes on where it was, and misses nothing. It ends when nobody has read for
//! [`limits::LISTENER_KEPT`], and is then cleared away with its log. Subscriptions do not list it.

use crate::{
    Store,
    db::{FromRow, Row},
    error::Result,
    sql::statements,
    subscriptions,
};
use bytes::Bytes;
use domain::{
    event::EventType,
    id::{EventId, OrgId, SubscriptionId},
    limits,
    subscription::Subscription,
    time::Timestamp,
};
use zeroize::Zeroizing;

statements! {
    LIVE = "select count(*) from subscriptions where org_id = $1 and listening_until > $2";
    MARK = "update subscriptions set listening_until = $2 where id = $1";
    KEEP = "update subscriptions set listening_until = $3 where org_id = $1 and id = $2 and listening_until > $4";
    LOG = "select d.sequence, e.id, e.event_type, e.occurred_at, e.body
        from deliveries d join events e on e.id = d.event_id
        where d.org_id = $1 and d.subscription_id = $2 and d.sequence > $3 order by d.sequence limit $4";
    ENDED = "select org_id, id from subscriptions where listening_until <= $1 limit $2";
}

/// A listener to be made.
pub struct NewListener {
    pub org_id: OrgId,
    /// Paused, or things would be sent to it.
    pub subscription: Subscription,
    pub secret: Zeroizing<String>,
}

/// An event in a listener's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub sequence: u64,
    pub event_id: EventId,
    pub event_type: EventType,
    pub occurred_at: Timestamp,
    /// Absent once the job was deleted.
    pub body: Option<Bytes>,
}

impl FromRow for Heard {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            sequence: row.take()?,
            event_id: row.take()?,
            event_type: row.take()?,
            occurred_at: row.take()?,
            body: row.take()?,
        })
    }
}

pub struct Listeners<'s>(&'s Store);

impl Store {
    pub fn listeners(&self) -> Listeners<'_> {
        Listeners(self)
    }
}

impl Listeners<'_> {
    /// Makes a listener; false where the organization has [`limits::LISTENERS_PER_ORG_MAX`] already.
    pub async fn insert(&self, new: NewListener, now: Timestamp) -> Result<bool> {
        let sealed = self.0.subscriptions().seal(new.subscription.id, &new.secret)?;
        let input = (new.org_id, new.subscription, sealed, now);
        let insert = self.0.db.write(input, |tx, (org_id, subscription, sealed, now)| {
            Box::pin(async move {
                let (live,): (u64,) = tx.one(&LIVE, &[(*org_id).into(), (*now).into()]).await?;
                if live >= limits::LISTENERS_PER_ORG_MAX {
                    return Ok(false);
                }
                subscriptions::insert(tx, *org_id, subscription, sealed).await?;
                let until = now.plus(limits::LISTENER_KEPT);
                tx.execute(&MARK, &[subscription.id.into(), until.into()]).await?;
                Ok(true)
            })
        });
        insert.await
    }

    /// Somebody reads: keeps the listener for another while. False where there is none, or it has ended.
    pub async fn keep(&self, org_id: OrgId, id: SubscriptionId, now: Timestamp) -> Result<bool> {
        let keep = self.0.db.write((org_id, id, now), |tx, (org_id, id, now)| {
            Box::pin(async move {
                let until = now.plus(limits::LISTENER_KEPT);
                let params = [(*org_id).into(), (*id).into(), until.into(), (*now).into()];
                Ok(tx.execute(&KEEP, &params).await? > 0)
            })
        });
        keep.await
    }

    /// What a listener was to be told after `sequence`, in order.
    pub async fn log(&self, org_id: OrgId, id: SubscriptionId, after: u64, limit: u32) -> Result<Vec<Heard>> {
        let log = self.0.db.read((org_id, id, after, limit), |tx, (org_id, id, after, limit)| {
            Box::pin(async move {
                tx.rows(&LOG, &[(*org_id).into(), (*id).into(), (*after).into(), (*limit).into()]).await
            })
        });
        log.await
    }

    /// Clears away some of the listeners that have ended; how many they were.
    pub async fn reap(&self, now: Timestamp, limit: u32) -> Result<usize> {
        let ended = self.0.db.read((now, limit), |tx, (now, limit)| {
            Box::pin(async move {
                tx.rows::<(OrgId, SubscriptionId)>(&ENDED, &[(*now).into(), (*limit).into()]).await
            })
        });
        let ended = ended.await?;
        for (org_id, id) in &ended {
            self.0.subscriptions().delete(*org_id, *id, now).await?;
        }
        Ok(ended.len())
    }
}
