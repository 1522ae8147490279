//! What became of deliveries, written down in batches.
//!
//! One task takes whatever has gathered while its last commit ran. It does not give up: an attempt that was made is
//! recorded, and a delivery that was not attempted is given back, however long the database is away. The queue is
//! bounded, so while it is away attempts wait instead of piling up.

use super::poll::Alarm;
use crate::{lifetime::Lifetime, turn::backoff};
use domain::{
    context::Context,
    delivery::{DeliveryStatus, RetryPolicy},
    limits,
};
use std::{future::Future, time::Duration};
use store::{
    Store,
    deliveries::{DeliveryLease, FinishedAttempt, Recorded},
    wake::Topic,
};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

/// The first wait after a failed commit.
const RETRY_FIRST: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Entry {
    Finished(FinishedAttempt),
    Released(DeliveryLease),
}

/// Takes entries. Cheap to clone; the task behind it ends with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    entries: mpsc::Sender<Entry>,
}

pub(super) struct Writer {
    pub store: Store,
    pub ctx: Context,
    pub policy: RetryPolicy,
    pub alarm: Alarm,
    pub lifetime: Lifetime,
}

impl Ledger {
    pub(super) fn start(writer: Writer, tasks: &TaskTracker) -> Self {
        let (entries, queue) = mpsc::channel(limits::DELIVERY_RECORD_BATCH_MAX);
        tasks.spawn(writer.run(queue));
        Self { entries }
    }

    /// Waits for room, not for the commit.
    pub(super) async fn record(&self, finished: FinishedAttempt) {
        self.push(Entry::Finished(finished)).await;
    }

    /// Gives a delivery back unattempted. Waits for room, not for the commit.
    pub(super) async fn release(&self, lease: DeliveryLease) {
        self.push(Entry::Released(lease)).await;
    }

    async fn push(&self, entry: Entry) {
        // The task outlives every sender; a send can only fail while the process is going down.
        let _ = self.entries.send(entry).await;
    }
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Entry>) {
        let mut entries = Vec::with_capacity(limits::DELIVERY_RECORD_BATCH_MAX);
        while queue.recv_many(&mut entries, limits::DELIVERY_RECORD_BATCH_MAX).await > 0 {
            let (mut finished, mut released) = (Vec::new(), Vec::new());
            for entry in entries.drain(..) {
                match entry {
                    Entry::Finished(attempt) => finished.push(attempt),
                    Entry::Released(lease) => released.push(lease),
                }
            }
            self.record(finished).await;
            self.release(released).await;
        }
    }

    async fn record(&self, finished: Vec<FinishedAttempt>) {
        let deliveries = self.store.deliveries();
        let record = || deliveries.record(finished.clone(), self.policy.clone(), self.ctx.now());
        match self.persist(record).await {
            Some(Ok(recorded)) => self.note(&finished, &recorded),
            Some(Err(error)) if finished.len() > 1 => {
                tracing::error!(%error, "a batch of attempts is recorded one by one");
                for attempt in finished {
                    Box::pin(self.record(vec![attempt])).await;
                }
            }
            Some(Err(error)) => {
                let lease = finished[0].lease;
                tracing::error!(%error, delivery_id = %lease.delivery_id, "an attempt could not be recorded");
                self.release(vec![lease]).await;
            }
            None => {}
        }
    }

    fn note(&self, finished: &[FinishedAttempt], recorded: &[Recorded]) {
        for (finished, recorded) in finished.iter().zip(recorded) {
            let Recorded::Done(transition) = recorded else {
                tracing::info!(delivery_id = %finished.lease.delivery_id, "an attempt came too late to count");
                continue;
            };
            if let Some(at) = transition.next_attempt_at {
                self.alarm.ring_at(at);
            }
            if let Some(reason) = transition.pause {
                let delivery_id = finished.lease.delivery_id;
                tracing::warn!(%delivery_id, reason = reason.as_str(), "a subscription was paused");
                metrics::counter!("plextera_subscriptions_paused_total", "reason" => reason.as_str())
                    .increment(1);
                // Operators who asked for it are told, by the poller.
                self.store.wake().hint(Topic::Deliveries);
                self.store.wake().hint(Topic::Events);
            }
            if transition.status == DeliveryStatus::Exhausted {
                metrics::counter!("plextera_deliveries_exhausted_total").increment(1);
            }
        }
    }

    async fn release(&self, released: Vec<DeliveryLease>) {
        if released.is_empty() {
            return;
        }
        let deliveries = self.store.deliveries();
        let release = || deliveries.release(released.clone());
        if let Some(Err(error)) = self.persist(release).await {
            tracing::error!(%error, "deliveries could not be given back");
        }
    }

    /// Tries until it succeeds or fails for good; `None` where the process is going down first.
    async fn persist<T, F: Future<Output = store::Result<T>>>(
        &self,
        operation: impl Fn() -> F,
    ) -> Option<store::Result<T>> {
        let mut failures = 0;
        loop {
            match operation().await {
                Err(error) if error.is_transient() => {
                    failures += 1;
                    tracing::warn!(%error, failures, "what became of deliveries could not be written down yet");
                    let until = self.ctx.now().plus(backoff(RETRY_FIRST, failures));
                    tokio::select! {
                        () = self.lifetime.abandoned() => return None,
                        () = self.ctx.clock.sleep_until(until) => {}
                    }
                }
                other => return Some(other),
            }
        }
    }
}
