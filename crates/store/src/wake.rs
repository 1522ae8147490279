//! Hints that there is something to do.
//!
//! A hint says "look now", nothing more: the table is the truth, and whoever waits here also looks once per period. So
//! a lost hint costs time and never work. Hints of one node reach its own waiters directly and, under PostgreSQL, the
//! other nodes through `NOTIFY`. Many hints in quick succession become one.
//!
//! To lose none: take a [`Waiter`] (or call [`Waiter::hinted`] again) before querying, not after.

mod relay;

use crate::db::PostgresUrl;
use std::sync::Arc;
use tokio::sync::watch;

/// What a hint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A job was queued or given back.
    Jobs,
    /// A delivery is due.
    Deliveries,
    /// An event was committed.
    Events,
    /// A run waits for a node or has mail.
    Runs,
    /// A hub has something to learn.
    Learning,
}

impl Topic {
    pub const ALL: [Topic; 5] = [Topic::Jobs, Topic::Deliveries, Topic::Events, Topic::Runs, Topic::Learning];

    const fn as_str(self) -> &'static str {
        match self {
            Topic::Jobs => "jobs",
            Topic::Deliveries => "deliveries",
            Topic::Events => "events",
            Topic::Runs => "runs",
            Topic::Learning => "learning",
        }
    }

    fn parse(text: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

/// Gives hints and waits for them. Cheap to clone.
#[derive(Clone)]
pub struct Wake {
    local: Arc<Senders>,
    remote: Option<relay::Relay>,
}

/// One per topic, in the order of [`Topic::ALL`].
struct Senders([watch::Sender<u64>; Topic::ALL.len()]);

impl Senders {
    fn of(&self, topic: Topic) -> &watch::Sender<u64> {
        &self.0[topic as usize]
    }

    fn hint(&self, topic: Topic) {
        self.of(topic).send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Wake {
    /// Hints within this process only.
    pub fn local() -> Self {
        Self { local: Arc::new(Senders(std::array::from_fn(|_| watch::channel(0).0))), remote: None }
    }

    /// Hints between all servers on one PostgreSQL. Its task ends when the last clone is dropped; a connection that is
    /// lost is made again, and meanwhile there are just fewer hints.
    pub fn between_nodes(url: PostgresUrl) -> Self {
        let local = Self::local();
        let remote = relay::Relay::start(url, Arc::downgrade(&local.local));
        Self { remote: Some(remote), ..local }
    }

    /// Says that there is something to do; to be called after the commit.
    pub fn hint(&self, topic: Topic) {
        self.local.hint(topic);
        if let Some(remote) = &self.remote {
            remote.hint(topic);
        }
    }

    /// Hints from now on.
    pub fn waiter(&self, topic: Topic) -> Waiter {
        Waiter { receiver: self.local.of(topic).subscribe() }
    }
}

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.remote.is_some() { "Wake(between nodes)" } else { "Wake(local)" })
    }
}

/// Waits for hints of one topic.
pub struct Waiter {
    receiver: watch::Receiver<u64>,
}

impl Waiter {
    /// Returns at once when there was a hint since the last return, else at the next one.
    pub async fn hinted(&mut self) {
        if self.receiver.changed().await.is_err() {
            // Nobody is left who could hint: the caller's own period remains.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hint_given_before_waiting_is_not_lost_and_many_are_one() {
        let wake = Wake::local();
        let mut jobs = wake.waiter(Topic::Jobs);
        let mut events = wake.waiter(Topic::Events);
        wake.hint(Topic::Jobs);
        wake.hint(Topic::Jobs);
        jobs.hinted().await;
        assert!(futures::FutureExt::now_or_never(jobs.hinted()).is_none());
        assert!(futures::FutureExt::now_or_never(events.hinted()).is_none());
    }
}
