//! How a subscription has been doing lately, read from its newest deliveries.

use super::Subscriptions;
use crate::{error::Result, sql::statements};
use domain::{id::SubscriptionId, limits, subscription::Recent, time::Timestamp};

statements! {
    ATTEMPTS = "select a.duration_ms, a.status_code from (select id from deliveries where subscription_id = $1
            order by created_at desc, id desc limit $2) d join attempts a on a.delivery_id = d.id
        order by a.started_at desc, a.id desc limit $2";
    WAITING = "select count(*), min(next_attempt_at) from (select next_attempt_at from deliveries
        where subscription_id = $1 and status = 'PENDING' order by next_attempt_at limit $2) waiting";
}

/// Deliveries that are looked at, and attempts.
const NEWEST_MAX: u32 = 100;

impl Subscriptions<'_> {
    /// What the last attempts say, and what waits; `None` where there is nothing to say.
    pub async fn recent(&self, id: SubscriptionId) -> Result<Option<Recent>> {
        let recent = self.0.db.read(id, |tx, id| {
            Box::pin(async move {
                let attempts: Vec<(u64, Option<u16>)> =
                    tx.rows(&ATTEMPTS, &[(*id).into(), NEWEST_MAX.into()]).await?;
                let (waiting, next): (u64, Option<Timestamp>) =
                    tx.one(&WAITING, &[(*id).into(), limits::LIST_COUNTED_MAX.into()]).await?;
                Ok(Recent::of(&attempts, waiting, next))
            })
        });
        recent.await
    }
}
