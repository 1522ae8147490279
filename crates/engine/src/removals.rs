//! Deleted subscriptions: what is left of them is removed step by step (`store::removals`), so that nothing else waits.

use crate::turn::{Turn, Work};
use store::Store;

/// Deliveries in one transaction.
const BATCH_MAX: u32 = 500;

pub(crate) struct Removals {
    pub store: Store,
}

impl Work for Removals {
    async fn turn(&mut self) -> store::Result<Turn> {
        let Some(removed) = self.store.removals().step(BATCH_MAX).await? else {
            return Ok(Turn::IdleUntil(None));
        };
        metrics::counter!("plextera_rows_forgotten_total").increment(removed.deliveries);
        if removed.completed {
            tracing::info!(subscription_id = %removed.subscription_id, "nothing of a deleted subscription is left");
        }
        Ok(Turn::More)
    }
}
