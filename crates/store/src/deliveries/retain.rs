//! What is kept, and for how long: deliveries that have ended, their attempts, events that nobody is to be told of.
//!
//! By age, and by count within a subscription, which its gapless sequence gives without counting. Each call removes a
//! small batch in a transaction of its own, found by an index, so that nothing that is under way waits for it. What is
//! still to be sent stays, however old it is.

use super::Deliveries;
use crate::{db::Tx, error::Result, sql::statements};
use domain::{
    id::{DeliveryId, EventId, OrgId, SubscriptionId},
    time::Timestamp,
};

statements! {
    SUBSCRIPTIONS = "select id from subscriptions where id > $1 order by id limit $2";
    AGED = "select id from deliveries where subscription_id = $1 and created_at < $2 and status <> 'PENDING'
        order by created_at, id limit $3";
    SURPLUS = "select id from deliveries where subscription_id = $1 and status <> 'PENDING' and sequence <=
            (select next_sequence - 1 - $2 from subscriptions where id = $1)
        order by sequence limit $3";
    DELETE_ATTEMPTS = "delete from attempts where delivery_id = $1";
    DELETE_DELIVERY = "delete from deliveries where id = $1 and status <> 'PENDING'";
    EVENTS = "select id from events e where org_id = $1 and occurred_at < $2
            and not exists (select 1 from deliveries d where d.event_id = e.id)
        order by occurred_at, id limit $3";
    DELETE_EVENT = "delete from events where id = $1 and not exists (select 1 from deliveries d where d.event_id = $1)";
}

/// What is kept of each subscription's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries made and events that occurred earlier than this are removed.
    pub oldest: Timestamp,
    /// The newest so many deliveries of a subscription are kept.
    pub count: u64,
}

impl Deliveries<'_> {
    /// The subscriptions after `after` in the order of their ids, listeners and paused ones included.
    pub async fn subscriptions_after(
        &self,
        after: SubscriptionId,
        limit: u32,
    ) -> Result<Vec<SubscriptionId>> {
        let list = self.0.db.read((after, limit), |tx, (after, limit)| {
            Box::pin(async move {
                tx.rows::<(SubscriptionId,)>(&SUBSCRIPTIONS, &[(*after).into(), (*limit).into()]).await
            })
        });
        Ok(list.await?.into_iter().map(|(id,)| id).collect())
    }

    /// Removes at most `limit` deliveries of a subscription that need not be kept, with their attempts; how many.
    pub async fn purge(&self, id: SubscriptionId, retention: Retention, limit: u32) -> Result<u64> {
        // Most looks find nothing; they need not pass through the writer.
        let found = self.0.db.read((id, retention, limit), |tx, (id, retention, limit)| {
            Box::pin(surplus(tx, *id, *retention, *limit))
        });
        let found = found.await?;
        if found.is_empty() {
            return Ok(0);
        }
        let purge = self.0.db.write(found, |tx, found| {
            Box::pin(async move {
                let keys: Vec<_> = found.iter().map(|id| vec![(*id).into()]).collect();
                let deleted: u64 = tx.execute_many(&DELETE_DELIVERY, &keys).await?.iter().sum();
                tx.execute_many(&DELETE_ATTEMPTS, &keys).await?;
                Ok(deleted)
            })
        });
        purge.await
    }

    /// Removes at most `limit` events of an organization that occurred before `oldest` and have no delivery left; how
    /// many.
    pub async fn purge_events(&self, org_id: OrgId, oldest: Timestamp, limit: u32) -> Result<u64> {
        let found = self.0.db.read((org_id, oldest, limit), |tx, (org_id, oldest, limit)| {
            Box::pin(async move {
                let params = [(*org_id).into(), (*oldest).into(), (*limit).into()];
                tx.rows::<(EventId,)>(&EVENTS, &params).await
            })
        });
        let found = found.await?;
        if found.is_empty() {
            return Ok(0);
        }
        let purge = self.0.db.write(found, |tx, found| {
            Box::pin(async move {
                let keys: Vec<_> = found.iter().map(|(id,)| vec![(*id).into()]).collect();
                Ok(tx.execute_many(&DELETE_EVENT, &keys).await?.iter().sum())
            })
        });
        purge.await
    }
}

async fn surplus(
    tx: &mut Tx<'_>,
    id: SubscriptionId,
    retention: Retention,
    limit: u32,
) -> Result<Vec<DeliveryId>> {
    let aged = tx.rows::<(DeliveryId,)>(&AGED, &[id.into(), retention.oldest.into(), limit.into()]).await?;
    let found = if aged.is_empty() {
        tx.rows(&SURPLUS, &[id.into(), retention.count.into(), limit.into()]).await?
    } else {
        aged
    };
    Ok(found.into_iter().map(|(id,)| id).collect())
}
