//! Finds deliveries that are due and that nobody holds: retries, what was given back, what did not fit into memory, what
//! a dead node left.

use super::Dispatcher;
use crate::{
    identity::Identity,
    turn::{Turn, Work},
};
use domain::{context::Context, id::SubscriptionId, limits, time::Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    Store,
    deliveries::{ClaimLimits, Hold},
};
use tokio::sync::Notify;

/// More alarms than this are not kept; the period remains.
const ALARMS_MAX: usize = 10_000;

/// When the next retries of this node are due, so that they need not wait for a period. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    times: Arc<Mutex<BTreeSet<Timestamp>>>,
    room: Arc<Notify>,
}

impl Alarm {
    pub(super) fn new(room: Arc<Notify>) -> Self {
        Self { times: Arc::default(), room }
    }

    pub(super) fn ring_at(&self, at: Timestamp) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = times.first().is_none_or(|first| at < *first);
        if times.len() < ALARMS_MAX {
            times.insert(at);
        }
        if earliest {
            self.room.notify_one();
        }
    }

    /// The next one after `now`; those up to `now` have rung.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        *times = times.split_off(&now.plus(Duration::from_millis(1)));
        times.first().copied()
    }
}

/// The poller's turn.
pub(crate) struct Poll {
    pub(super) store: Store,
    pub(super) ctx: Context,
    pub(super) identity: Identity,
    pub(super) dispatcher: Dispatcher,
    pub(super) alarm: Alarm,
    pub(super) lease: Duration,
}

impl Work for Poll {
    async fn turn(&mut self) -> store::Result<Turn> {
        let now = self.ctx.now();
        let next = self.alarm.next(now);
        let Some(room) = self.dispatcher.room() else { return Ok(Turn::IdleUntil(next)) };
        let tag = self.identity.tag();
        let hold = Hold::new(tag.node.clone(), now.plus(self.lease));
        let claim_limits = ClaimLimits {
            total: limits::DELIVERY_CLAIM_BATCH_MAX,
            per_subscription: limits::DELIVERY_CLAIM_PER_SUBSCRIPTION_MAX,
            room,
        };
        let claim = self.store.deliveries().claim_due(hold.clone(), claim_limits, now).await;
        let due = claim.inspect_err(|_| self.identity.doubt())?;
        let total = due.len();
        let mut counts: HashMap<SubscriptionId, u32> = HashMap::new();
        for delivery in &due {
            *counts.entry(delivery.subscription_id).or_default() += 1;
        }
        self.dispatcher.offer(due, &tag, hold.until).await;
        let more = total >= limits::DELIVERY_CLAIM_BATCH_MAX as usize
            || counts.values().any(|count| *count >= limits::DELIVERY_CLAIM_PER_SUBSCRIPTION_MAX);
        Ok(if more { Turn::More } else { Turn::IdleUntil(next) })
    }
}
