//! What became of deliveries, written down in batches.
//!
//! One task takes whatever has gathered while its last commit ran, and not more often than every [`GATHERED_FOR`]: nobody
//! waits for these commits, and what one costs, it costs for one result or for a hundred. It does not give up: an attempt
//! that was made is recorded, and a delivery that was not attempted is given back, however long the database is away. The
//! queue is bounded, so while it is away attempts wait instead of piling up.

use super::poll::Alarm;
use crate::{lifetime::Lifetime, turn::backoff};
use domain::{
    context::Context,
    delivery::{DeliveryStatus, RetryPolicy},
    limits,
};
use std::{future::Future, pin::pin, time::Duration};
use store::{
    Store,
    deliveries::{DeliveryLease, FinishedAttempt, Recorded},
    wake::Topic,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::TaskTracker;

/// The first wait after a failed commit.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// From the beginning of one commit to that of the next, at least; the first one after a pause waits for nothing. A crash
/// has what was attempted in so much more time repeated. A pace of the work, not a time that anything is judged by: so it is
/// the machine's and not that of the context.
const GATHERED_FOR: Duration = Duration::from_millis(10);

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

/// Takes what there is at `next`, or as soon as a batch is full or the engine stops; false when nothing more will come.
async fn gather<T>(
    queue: &mut mpsc::Receiver<T>,
    entries: &mut Vec<T>,
    next: Instant,
    stopping: impl Future<Output = ()>,
) -> bool {
    let max = limits::DELIVERY_RECORD_BATCH_MAX;
    let mut waited = pin!(async {
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = stopping => {}
        }
    });
    if queue.recv_many(entries, max).await == 0 {
        return false;
    }
    while entries.len() < max {
        let left = max - entries.len();
        tokio::select! {
            biased;
            taken = queue.recv_many(entries, left) => if taken == 0 { break },
            () = &mut waited => break,
        }
    }
    true
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Entry>) {
        let mut entries = Vec::with_capacity(limits::DELIVERY_RECORD_BATCH_MAX);
        let mut next = Instant::now();
        while gather(&mut queue, &mut entries, next, self.lifetime.stopping()).await {
            next = Instant::now() + GATHERED_FOR;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    async fn gathered(queue: &mut mpsc::Receiver<u32>, next: Instant) -> Vec<u32> {
        let mut entries = Vec::new();
        gather(queue, &mut entries, next, pending()).await;
        entries
    }

    #[tokio::test]
    async fn after_a_pause_a_result_waits_for_nothing() {
        let (sender, mut queue) = mpsc::channel(9);
        sender.send(1).await.unwrap();
        assert_eq!(gathered(&mut queue, Instant::now()).await, [1]);
        drop(sender);
        assert!(gathered(&mut queue, Instant::now()).await.is_empty());
    }

    #[tokio::test]
    async fn right_after_a_commit_results_gather_until_the_next_or_until_a_batch_is_full() {
        let max = u32::try_from(limits::DELIVERY_RECORD_BATCH_MAX).unwrap();
        let (sender, mut queue) = mpsc::channel(9);
        let never = Instant::now() + Duration::from_secs(3600);
        let send = async {
            for number in 0..max {
                sender.send(number).await.unwrap();
            }
        };
        let (entries, ()) = tokio::join!(gathered(&mut queue, never), send);
        assert_eq!(entries.len(), limits::DELIVERY_RECORD_BATCH_MAX, "it took what came while it waited");
        sender.send(1).await.unwrap();
        drop(sender);
        assert_eq!(gathered(&mut queue, never).await, [1], "and does not wait for what cannot come");
    }

    #[tokio::test]
    async fn a_stop_waits_for_nothing() {
        let (sender, mut queue) = mpsc::channel(9);
        sender.send(1).await.unwrap();
        let mut entries = Vec::new();
        let never = Instant::now() + Duration::from_secs(3600);
        assert!(gather(&mut queue, &mut entries, never, async {}).await);
        assert_eq!(entries, [1]);
    }
}
