//! Events on their way to their subscriptions.
//!
//! A delivery is born in the transaction of its event, leased to this node, and comes here through memory; what memory
//! cannot take, what is to be retried and what another node left is claimed from the table by the poller ([`poll`]).
//! Either way it waits in its subscription's lane ([`lanes`]), is sent to where the subscription points at that moment
//! ([`targets`], [`attempt`]), and what became of it is written down in batches ([`ledger`]). The memory is a hint, the
//! table is the truth: a process that dies here loses nothing and repeats at most what was under way.

mod attempt;
mod lanes;
mod ledger;
mod poll;
mod targets;

pub(crate) use poll::Poll;

use crate::{
    client::{Client, Failure},
    identity::{Identity, Tag},
    lifetime::Lifetime,
};
use attempt::Circumstances;
use domain::{
    context::Context,
    delivery::{Answer, Attempt, RetryPolicy},
    id::SubscriptionId,
    limits,
    subscription::SubscriptionStatus,
    time::Timestamp,
};
use lanes::{Bounds, End, Lanes};
use ledger::{Ledger, Writer};
use poll::Alarm;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{
    Store,
    deliveries::{DueDelivery, FinishedAttempt},
};
use targets::Targets;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// What the dispatcher is made of.
pub(crate) struct Parts {
    pub store: Store,
    pub ctx: Context,
    pub client: Client,
    pub identity: Identity,
    pub lifetime: Lifetime,
    pub tasks: TaskTracker,
    /// Wakes the poller.
    pub room: Arc<Notify>,
    pub retry: RetryPolicy,
    /// Of an attempt, to the end of the answer.
    pub timeout: Duration,
    /// Longer than two timeouts.
    pub lease: Duration,
}

/// Takes deliveries and sends them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
}

struct Shared {
    lanes: Mutex<Lanes<SubscriptionId, Held>>,
    ctx: Context,
    client: Client,
    targets: Targets,
    ledger: Ledger,
    lifetime: Lifetime,
    tasks: TaskTracker,
    room: Arc<Notify>,
    timeout: Duration,
}

/// A delivery that this node holds.
struct Held {
    due: DueDelivery,
    tag: Arc<Tag>,
    until: Timestamp,
}

/// The dispatcher and the poller that feeds it.
pub(crate) fn start(parts: Parts) -> (Dispatcher, Poll) {
    let alarm = Alarm::new(Arc::clone(&parts.room));
    let writer = Writer {
        store: parts.store.clone(),
        ctx: parts.ctx.clone(),
        policy: parts.retry,
        alarm: alarm.clone(),
        lifetime: parts.lifetime.clone(),
    };
    let bounds = Bounds {
        at_once: limits::DELIVERY_ATTEMPTS_AT_ONCE_MAX,
        width: limits::DELIVERY_LANE_CONCURRENCY_MAX,
        queue: limits::DELIVERY_LANE_QUEUE_MAX,
        bytes: limits::DELIVERY_QUEUE_BYTES_MAX,
    };
    let shared = Shared {
        lanes: Mutex::new(Lanes::new(bounds)),
        targets: Targets::start(parts.store.clone(), parts.ctx.clone(), &parts.tasks),
        ledger: Ledger::start(writer, &parts.tasks),
        ctx: parts.ctx.clone(),
        client: parts.client,
        lifetime: parts.lifetime,
        tasks: parts.tasks,
        room: parts.room,
        timeout: parts.timeout,
    };
    let dispatcher = Dispatcher { shared: Arc::new(shared) };
    let poll = Poll {
        store: parts.store,
        ctx: parts.ctx,
        identity: parts.identity,
        dispatcher: dispatcher.clone(),
        alarm,
        lease: parts.lease,
    };
    (dispatcher, poll)
}

impl Dispatcher {
    /// Takes deliveries that are leased under `tag` until `until`; what does not fit is given back to the table.
    pub(crate) async fn offer(&self, due: Vec<DueDelivery>, tag: &Arc<Tag>, until: Timestamp) {
        let mut refused = Vec::new();
        {
            let mut lanes = self.lanes();
            for due in due {
                let (key, bytes) = (due.subscription_id, due.body.len());
                let held = Held { due, tag: Arc::clone(tag), until };
                if let Err(held) = lanes.push(key, bytes, held) {
                    refused.push(held.due.lease);
                }
            }
        }
        self.pump();
        for lease in refused {
            self.shared.ledger.release(lease).await;
        }
    }

    /// The lanes that can take nothing now; `None` where nothing at all can be taken.
    fn room(&self) -> Option<Vec<SubscriptionId>> {
        let mut lanes = self.lanes();
        let full = lanes.full();
        if lanes.is_crowded() || !full.is_empty() {
            lanes.note_thirst();
        }
        (!lanes.is_crowded()).then_some(full)
    }

    /// Starts every attempt that there is room for.
    fn pump(&self) {
        while !self.shared.lifetime.is_stopping() {
            let Some((key, held)) = self.lanes().next() else { return };
            let dispatcher = self.clone();
            self.shared.tasks.spawn(async move {
                let turn = Turn { dispatcher, key, end: End::Skipped };
                turn.take(held).await;
            });
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<SubscriptionId, Held>> {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane's place, given up when it is dropped, whatever happened.
struct Turn {
    dispatcher: Dispatcher,
    key: SubscriptionId,
    end: End,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let look = {
            let mut lanes = self.dispatcher.lanes();
            lanes.done(self.key, self.end);
            lanes.take_thirst(self.key)
        };
        if look {
            self.dispatcher.shared.room.notify_one();
        }
        self.dispatcher.pump();
    }
}

impl Turn {
    async fn take(mut self, held: Held) {
        let shared = Arc::clone(&self.dispatcher.shared);
        let lifetime = shared.lifetime.clone();
        let finished = tokio::select! {
            biased;
            () = lifetime.abandoned() => return,
            finished = shared.deliver(&held) => finished,
        };
        match finished {
            Some((attempt, answer)) => {
                self.end = if answer.status_code.is_some() { End::Answered } else { End::Silent };
                count(&attempt, &answer);
                let lease = held.due.lease;
                let finished = FinishedAttempt { lease, attempt, answer, unit: shared.ctx.unit() };
                shared.ledger.record(finished).await;
            }
            None => shared.ledger.release(held.due.lease).await,
        }
    }
}

impl Shared {
    /// Makes the attempt; `None` where nothing was to be sent now and the delivery is to be given back.
    async fn deliver(&self, held: &Held) -> Option<(Attempt, Answer)> {
        let found = self.targets.get(held.due.subscription_id).await;
        let now = self.ctx.now();
        let circumstances = Circumstances { id: self.ctx.id(), started_at: now, timeout: self.timeout };
        let target = match found {
            Ok(target) => target?,
            Err(error) if error.is_transient() => return None,
            // Its secret cannot be opened: that is to be seen in its log, and is no reason to try for ever.
            Err(error) => {
                tracing::error!(%error, subscription_id = %held.due.subscription_id, "a target cannot be read");
                let failure = Failure::Request("the signing secret cannot be read".to_owned());
                return Some(attempt::finish(&held.due, circumstances, 0, Err(failure)));
            }
        };
        // After a long stop of this process somebody else may hold it by now.
        let lease_ends = held.until.max(held.tag.renewed_until());
        if target.status == SubscriptionStatus::Paused || now.plus(self.timeout) > lease_ends {
            return None;
        }
        Some(attempt::attempt(&self.client, &held.due, &target, circumstances).await)
    }
}

fn count(attempt: &Attempt, answer: &Answer) {
    let outcome = if answer.is_success() { "delivered" } else { "failed" };
    let blame = attempt.blame.map_or("none", |blame| blame.as_str());
    metrics::counter!("plextera_delivery_attempts_total", "outcome" => outcome, "blame" => blame)
        .increment(1);
    metrics::histogram!("plextera_delivery_attempt_seconds").record(attempt.duration_ms as f64 / 1000.0);
}
