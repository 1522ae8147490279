//! The one loop of the engine: woken by a hint or by its period, it claims what is due and begins to work on it.
//!
//! A hint is for latency, the period is for correctness: with every hint lost, everything still happens, one period
//! later. When the database fails, the loop waits longer with every failure and says so once per try; nothing else in
//! the process needs to know.

use crate::lifetime::Lifetime;
use domain::{context::Context, time::Timestamp};
use std::{future::Future, sync::Arc, time::Duration};
use store::wake::Waiter;
use tokio::sync::Notify;

/// The longest wait between two tries while the database fails.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What a turn found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There may be more right now.
    More,
    /// Nothing is left, or there is no room for it; there will be something at this time, where one is known.
    IdleUntil(Option<Timestamp>),
}

/// What is done in each turn.
pub(crate) trait Work: Send {
    fn turn(&mut self) -> impl Future<Output = store::Result<Turn>> + Send;
}

/// When turns are taken.
pub(crate) struct Rhythm {
    pub name: &'static str,
    pub ctx: Context,
    pub period: Duration,
    pub waiter: Waiter,
    /// There is room again.
    pub room: Arc<Notify>,
    pub lifetime: Lifetime,
}

impl Rhythm {
    /// Takes turns until the engine stops. A turn that has begun is finished.
    pub(crate) async fn run(mut self, mut work: impl Work) {
        let mut failures = 0;
        while !self.lifetime.is_stopping() {
            let until = match work.turn().await {
                Ok(Turn::More) => {
                    failures = 0;
                    continue;
                }
                Ok(Turn::IdleUntil(known)) => {
                    failures = 0;
                    let period = self.ctx.now().plus(self.period);
                    known.map_or(period, |known| known.min(period))
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(%error, failures, name = self.name, "a turn failed");
                    self.ctx.now().plus(backoff(self.period, failures))
                }
            };
            tokio::select! {
                () = self.lifetime.stopping() => {}
                () = self.waiter.hinted(), if failures == 0 => {}
                () = self.room.notified(), if failures == 0 => {}
                () = self.ctx.clock.sleep_until(until) => {}
            }
        }
    }
}

/// Twice as long with each failure in a row (from 1), from `first` to [`BACKOFF_MAX`].
pub(crate) fn backoff(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX)
}
