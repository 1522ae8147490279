//! How the engine stops: first it takes no new work, then what is still under way is dropped.

use tokio_util::sync::CancellationToken;

/// Shared by everything that runs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifetime {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Lifetime {
    /// No new work from now on.
    pub(crate) fn stop(&self) {
        self.soft.cancel();
    }

    /// Work under way is dropped from now on. Implies [`Lifetime::stop`].
    pub(crate) fn abandon(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    pub(crate) async fn stopping(&self) {
        self.soft.cancelled().await;
    }

    pub(crate) async fn abandoned(&self) {
        self.hard.cancelled().await;
    }
}
