//! Looks after the key pairs that sign deliveries: they are there from the first start on, and one follows another.

use crate::lifetime::Lifetime;
use domain::context::Context;
use std::time::Duration;
use store::Store;

/// How often it looks. The pairs are there after the first look, which is at once.
const PERIOD: Duration = Duration::from_secs(3600);
/// After a look that failed.
const RETRY: Duration = Duration::from_secs(5);

pub(crate) struct SigningKeys {
    pub store: Store,
    pub ctx: Context,
    pub lifetime: Lifetime,
    /// How long a pair signs until the next takes its place; for ever where it is absent.
    pub period: Option<Duration>,
}

impl SigningKeys {
    pub(crate) async fn run(self) {
        while !self.lifetime.is_stopping() {
            let wait = match self.store.signing_keys().tend(self.period, self.ctx.now()).await {
                Ok(tended) => {
                    if tended.rotated {
                        tracing::info!("deliveries are signed with the next key pair from now on");
                    }
                    PERIOD
                }
                Err(error) => {
                    tracing::error!(%error, "the key pairs that sign deliveries could not be looked after");
                    RETRY
                }
            };
            let next = self.ctx.now().plus(wait);
            tokio::select! {
                () = self.ctx.clock.sleep_until(next) => {}
                () = self.lifetime.stopping() => {}
            }
        }
    }
}
