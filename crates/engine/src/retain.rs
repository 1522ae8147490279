//! Forgetting: deliveries, attempts, events and ended replays that are older or more than the operator keeps.
//!
//! Once an hour, in small batches, each a transaction of its own: what is under way goes in between.

use crate::lifetime::Lifetime;
use domain::{
    context::Context,
    id::{SubscriptionId, UlidId},
};
use std::time::Duration;
use store::{Store, deliveries::Retention};

const PERIOD: Duration = Duration::from_secs(3600);
/// Rows in one transaction.
const BATCH_MAX: u32 = 200;
/// Subscriptions in one reading.
const SUBSCRIPTIONS_MAX: u32 = 100;

#[derive(Clone)]
pub(crate) struct Retain {
    pub store: Store,
    pub ctx: Context,
    pub lifetime: Lifetime,
    pub kept: Duration,
    pub kept_count: u64,
}

impl Retain {
    /// Forgets once an hour until the engine stops.
    pub(crate) async fn run(self) {
        while !self.lifetime.is_stopping() {
            let next = self.ctx.now().plus(PERIOD);
            tokio::select! {
                () = self.ctx.clock.sleep_until(next) => {}
                () = self.lifetime.stopping() => return,
            }
            match self.forget().await {
                Ok(0) => {}
                Ok(forgotten) => tracing::info!(forgotten, "what need not be kept any more was removed"),
                Err(error) => tracing::error!(%error, "what need not be kept could not be removed"),
            }
        }
    }

    /// Removes everything that need not be kept now; how many rows.
    async fn forget(&self) -> store::Result<u64> {
        let retention = Retention { oldest: self.ctx.now().minus(self.kept), count: self.kept_count };
        let deliveries = self.store.deliveries();
        let mut forgotten = 0;
        let mut after = SubscriptionId::from_bytes([0; 16]);
        loop {
            let ids = deliveries.subscriptions_after(after, SUBSCRIPTIONS_MAX).await?;
            for id in &ids {
                forgotten += self.drain(|| deliveries.purge(*id, retention, BATCH_MAX)).await?;
            }
            match ids.last() {
                Some(last) if !self.lifetime.is_stopping() => after = *last,
                _ => break,
            }
        }
        for org in self.store.orgs().list().await? {
            forgotten += self.drain(|| deliveries.purge_events(org.id, retention.oldest, BATCH_MAX)).await?;
        }
        let replays = self.store.replays();
        forgotten += self.drain(|| replays.purge(retention.oldest, BATCH_MAX)).await?;
        metrics::counter!("plextera_rows_forgotten_total").increment(forgotten);
        Ok(forgotten)
    }

    /// Repeats a removal until it finds less than a batch.
    async fn drain<F: Future<Output = store::Result<u64>>>(
        &self,
        remove: impl Fn() -> F,
    ) -> store::Result<u64> {
        let mut total = 0;
        loop {
            let removed = remove().await?;
            total += removed;
            if removed < u64::from(BATCH_MAX) || self.lifetime.is_stopping() {
                return Ok(total);
            }
        }
    }
}
