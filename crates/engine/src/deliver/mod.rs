//! Events on their way to their subscriptions.
//!
//! A delivery is born in the transaction of its event, leased to this node, and comes here through memory; what memory
//! cannot take, what is to be retried and what another node left is claimed from the table by the poller ([`poll`]).
//! Either way it waits in its subscription's lane ([`lanes`]), is sent to where the subscription points at that moment
//! ([`targets`], [`attempt`]), and what became of it is written down in batches ([`ledger`]). The memory is a hint, the
//! table is the truth: a process that dies here loses nothing and repeats at most what was under way.

mod attempt;
mod group;
mod lane;
mod lanes;
mod ledger;
mod meter;
mod poll;
mod route;
mod targets;
mod turn;

pub(crate) use poll::Poll;

use crate::{
    client::Client,
    identity::{Identity, Tag},
    lifetime::Lifetime,
};
use domain::{
    context::Context,
    delivery::RetryPolicy,
    id::{OrgId, SubscriptionId},
    limits,
    time::Timestamp,
};
use lanes::{Bounds, Lanes, Ticket};
use ledger::{Ledger, Writer};
use meter::Meter;
use poll::Alarm;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::{Store, deliveries::DueDelivery};
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
    lanes: Mutex<Table>,
    /// A lane has to be looked at sooner than was known.
    timer: Notify,
    ctx: Context,
    client: Client,
    targets: Targets,
    ledger: Ledger,
    lifetime: Lifetime,
    tasks: TaskTracker,
    room: Arc<Notify>,
    timeout: Duration,
    meter: Meter,
    /// Nodes that share what a subscription asks for as a limit.
    nodes: AtomicU32,
}

type Table = Lanes<OrgId, SubscriptionId, Held>;

/// An attempt that has its place and is to be made.
type Begun = (Ticket<OrgId, SubscriptionId>, Held);

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
        timer: Notify::new(),
        targets: Targets::start(parts.store.clone(), parts.ctx.clone(), &parts.tasks),
        ledger: Ledger::start(writer, &parts.tasks),
        ctx: parts.ctx.clone(),
        client: parts.client,
        lifetime: parts.lifetime,
        tasks: parts.tasks,
        room: parts.room,
        timeout: parts.timeout,
        meter: Meter::new(),
        nodes: AtomicU32::new(1),
    };
    let dispatcher = Dispatcher { shared: Arc::new(shared) };
    dispatcher.shared.tasks.spawn(dispatcher.clone().ring());
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

impl Shared {
    fn distance(&self, per_second: u32) -> Duration {
        lane::distance(per_second, self.nodes.load(Ordering::Relaxed))
    }
}

impl Dispatcher {
    /// Takes deliveries that are leased under `tag` until `until`; what does not fit is given back to the table.
    pub(crate) async fn offer(&self, due: Vec<DueDelivery>, tag: &Arc<Tag>, until: Timestamp) {
        let mut refused = Vec::new();
        let now = self.shared.ctx.now();
        {
            let mut lanes = self.lanes();
            for due in due {
                let place = (due.org_id, due.host, due.subscription_id);
                let (class, bytes) = (due.class, due.body.len());
                let held = Held { due, tag: Arc::clone(tag), until };
                if let Err(held) = lanes.push(place, class, bytes, held, now) {
                    refused.push(held.due.lease);
                }
            }
        }
        self.pump();
        for lease in refused {
            self.shared.ledger.release(lease).await;
        }
    }

    /// Subscriptions of which nothing more fits into memory now: whatever arises for them waits in the table.
    pub(crate) fn full(&self) -> HashSet<SubscriptionId> {
        self.lanes().full()
    }

    /// The lanes that can take little or nothing now; `None` where nothing at all can be taken.
    fn room(&self) -> Option<HashMap<SubscriptionId, u32>> {
        let mut lanes = self.lanes();
        if lanes.is_crowded() {
            lanes.note_hunger();
            return None;
        }
        Some(lanes.rooms(limits::DELIVERY_CLAIM_PER_SUBSCRIPTION_MAX as usize))
    }

    /// Starts every attempt that there is room for.
    fn pump(&self) {
        let begun = self.next(&mut self.lanes());
        self.start(begun);
    }

    /// Everything that may begin now, which the caller is to begin.
    fn next(&self, lanes: &mut Table) -> Vec<Begun> {
        let before = lanes.next_timer();
        let mut begun = Vec::new();
        while !self.shared.lifetime.is_stopping()
            && let Some(next) = lanes.next(self.shared.ctx.now())
        {
            begun.push(next);
        }
        let after = lanes.next_timer();
        if after.is_some() && after != before {
            self.shared.timer.notify_one();
        }
        begun
    }

    fn start(&self, begun: Vec<Begun>) {
        for next in begun {
            self.shared.tasks.spawn(turn::work(self.clone(), next));
        }
    }

    /// Looks at lanes that wait for a time when it comes, until the engine stops.
    async fn ring(self) {
        while !self.shared.lifetime.is_stopping() {
            let at = self.lanes().next_timer();
            let rung = async {
                match at {
                    Some(at) => self.shared.ctx.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = rung => self.pump(),
                () = self.shared.timer.notified() => {}
                () = self.shared.lifetime.stopping() => {}
            }
        }
    }

    /// Each of so many nodes keeps to its share of a subscription's own limit, so that together they keep to the limit.
    /// One that has just started counts as soon as it has said that it is alive.
    pub(crate) fn share_limits_among(&self, nodes: u32) {
        self.shared.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    /// What is in hand: lanes, those with an open circuit, deliveries that wait.
    pub(crate) fn census(&self) -> (usize, usize, usize) {
        self.lanes().census()
    }

    fn lanes(&self) -> MutexGuard<'_, Table> {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a delivery waits.
fn place(due: &DueDelivery) -> (OrgId, SubscriptionId) {
    (due.org_id, due.subscription_id)
}
