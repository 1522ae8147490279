//! What deleted subscriptions leave behind: their deliveries and attempts, removed a few at a time.
//!
//! Deleting a subscription is one small transaction however long its log is: its row goes, which ends it for everybody
//! (nothing is sent, nothing more is written, lists and ids do not find it), and a row here says that the rest is still to
//! go. A step removes a small batch in a transaction of its own; the last one removes the row here. A node that dies in a
//! step has done nothing, and any other takes the next one.

use crate::{Store, db::Tx, error::Result, sql::statements};
use domain::{
    id::{DeliveryId, SubscriptionId},
    time::Timestamp,
};

statements! {
    INSERT = "insert into removals (subscription_id, created_at) values ($1, $2)";
    NEXT = "select subscription_id from removals order by created_at, subscription_id limit 1";
    LOCK = "select subscription_id from removals where subscription_id = $1",
        postgres "select subscription_id from removals where subscription_id = $1 for update skip locked";
    SOME = "select id from deliveries where subscription_id = $1 order by created_at, id limit $2";
    DELETE_ATTEMPTS = "delete from attempts where delivery_id = $1";
    DELETE_DELIVERY = "delete from deliveries where id = $1";
    DELETE = "delete from removals where subscription_id = $1";
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub subscription_id: SubscriptionId,
    pub deliveries: u64,
    /// Nothing of the subscription is left.
    pub completed: bool,
}

pub struct Removals<'s>(&'s Store);

impl Store {
    pub fn removals(&self) -> Removals<'_> {
        Removals(self)
    }
}

impl Removals<'_> {
    /// Removes at most `limit` deliveries of the subscription that was deleted first, with their attempts; `None` where
    /// there is nothing to do, or another node does it.
    pub async fn step(&self, limit: u32) -> Result<Option<Removed>> {
        // Nearly every look finds nothing; it need not pass through the writer.
        let next = self.0.db.read((), |tx, ()| Box::pin(tx.optional::<(SubscriptionId,)>(&NEXT, &[])));
        let Some((id,)) = next.await? else { return Ok(None) };
        let step = self.0.db.write((id, limit), |tx, (id, limit)| Box::pin(step(tx, *id, *limit)));
        step.await
    }
}

/// To be called in the transaction that removes the subscription's row.
pub(crate) async fn begin(tx: &mut Tx<'_>, id: SubscriptionId, now: Timestamp) -> Result<()> {
    tx.execute(&INSERT, &[id.into(), now.into()]).await.map(drop)
}

async fn step(tx: &mut Tx<'_>, id: SubscriptionId, limit: u32) -> Result<Option<Removed>> {
    if tx.optional::<(SubscriptionId,)>(&LOCK, &[id.into()]).await?.is_none() {
        return Ok(None);
    }
    let found: Vec<(DeliveryId,)> = tx.rows(&SOME, &[id.into(), limit.into()]).await?;
    let keys: Vec<_> = found.iter().map(|(id,)| vec![(*id).into()]).collect();
    tx.execute_many(&DELETE_ATTEMPTS, &keys).await?;
    let deliveries = tx.execute_many(&DELETE_DELIVERY, &keys).await?.iter().sum();
    let completed = found.len() < limit as usize;
    if completed {
        tx.execute(&DELETE, &[id.into()]).await?;
    }
    Ok(Some(Removed { subscription_id: id, deliveries, completed }))
}
