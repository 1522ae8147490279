//! Replays go on: each turn takes one step of every replay that is due. The steps are transactions of their own
//! (`store::replays`), so any node may take any of them and a crash costs nothing.

use crate::turn::{Turn, Work};
use domain::context::Context;
use store::{Store, wake::Topic};

/// Replays in one turn.
const BATCH_MAX: u32 = 100;

pub(crate) struct Replays {
    pub store: Store,
    pub ctx: Context,
    pub per_second: u32,
}

impl Work for Replays {
    async fn turn(&mut self) -> store::Result<Turn> {
        let replays = self.store.replays();
        let due = replays.due(self.ctx.now(), BATCH_MAX).await?;
        let mut replayed = 0;
        for id in &due {
            let Some(step) = replays.step(*id, self.per_second, self.ctx.now()).await? else { continue };
            replayed += step.replayed;
            if step.completed {
                tracing::info!(replay_id = %id, "a replay is complete");
            }
        }
        if replayed > 0 {
            metrics::counter!("plextera_deliveries_replayed_total").increment(replayed);
            self.store.wake().hint(Topic::Deliveries);
        }
        // Another node may have them in hand: then they are not due any more at the next look.
        Ok(if due.is_empty() { Turn::IdleUntil(replays.next_at().await?) } else { Turn::More })
    }
}
