//! Hints between nodes: one PostgreSQL connection that listens and notifies.

use super::{Senders, Topic};
use crate::{
    db::{Listener, PostgresUrl},
    error::Result,
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

const RECONNECT_AFTER: Duration = Duration::from_secs(2);
/// From one notification to the next, at least; the first one after a pause waits for nothing. Under load there is always
/// something to hint at, and whoever was told looks at all there is.
const APART: Duration = Duration::from_millis(5);

/// The sending end. Topics waiting to be sent are flags, so however many hints there are, the work is bounded.
#[derive(Clone)]
pub(super) struct Relay {
    shared: Arc<Shared>,
    _guard: Arc<AbortOnDrop>,
}

struct Shared {
    pending: [Notify; Topic::ALL.len()],
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Relay {
    pub(super) fn start(url: PostgresUrl, local: Weak<Senders>) -> Self {
        let shared = Arc::new(Shared { pending: std::array::from_fn(|_| Notify::new()) });
        let task = tokio::spawn(run(url, local, shared.clone()));
        Self { shared, _guard: Arc::new(AbortOnDrop(task)) }
    }

    pub(super) fn hint(&self, topic: Topic) {
        self.shared.pending[topic as usize].notify_one();
    }
}

async fn run(url: PostgresUrl, local: Weak<Senders>, shared: Arc<Shared>) {
    loop {
        if let Err(error) = relay(&url, &local, &shared).await {
            tracing::debug!(%error, "hints between nodes are interrupted");
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

async fn relay(url: &PostgresUrl, local: &Weak<Senders>, shared: &Shared) -> Result<()> {
    let mut listener = Listener::connect(url).await?;
    // What happened while nobody listened is unknown: look at everything once.
    deliver(local, Topic::ALL);
    let [jobs, deliveries, events, runs, learning] = &shared.pending;
    let mut next = Instant::now();
    loop {
        let hinted = async {
            tokio::time::sleep_until(next).await;
            tokio::select! {
                () = jobs.notified() => Topic::Jobs,
                () = deliveries.notified() => Topic::Deliveries,
                () = learning.notified() => Topic::Learning,
                () = events.notified() => Topic::Events,
                () = runs.notified() => Topic::Runs,
            }
        };
        tokio::select! {
            heard = listener.next() => deliver(local, heard?.as_deref().and_then(Topic::parse)),
            topic = hinted => {
                listener.notify(topic.as_str()).await?;
                next = Instant::now() + APART;
            }
        }
    }
}

fn deliver(local: &Weak<Senders>, topics: impl IntoIterator<Item = Topic>) {
    let Some(local) = local.upgrade() else { return };
    for topic in topics {
        local.hint(topic);
    }
}
