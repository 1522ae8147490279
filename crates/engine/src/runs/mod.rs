//! From an accepted run to its end.
//!
//! A run is driven by one task on one node ([`drive`]): it takes what happened, has the core of [`flow`] decide what
//! follows ([`decide`], with the values that expressions name from [`values`]), has that committed together with what
//! other runs decided ([`ledger`]), and only then does what is to be done outside ([`call`], [`files`]). What lives in
//! the database (nested runs, jobs, approvals, tasks) is begun in the decision's own transaction ([`begin`]).
//!
//! A node keeps the runs it has begun: one that was accepted here ([`host`]) or is nested in another is its from the
//! insertion on. The claim loop here finds those that
//! nobody has, and tells the node's own runs that they have mail. Memory is a hint and the table is the truth: a node
//! that dies here leaves runs that another one takes up where the last commit left them.

mod begin;
mod call;
mod csv;
mod decide;
mod drive;
mod encoding;
mod files;
mod host;
mod large;
mod ledger;
mod under_way;
mod values;
mod zip;

use crate::{
    client::Client,
    deliver::Dispatcher,
    expressions::Expressions,
    identity::{Identity, Tag},
    lifetime::Lifetime,
    turn::{Turn, Work},
};
use domain::{context::Context, id::RunId, limits};
use flow::ir::Definition;
use futures::FutureExt;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use store::{
    Store,
    runs::{ClaimedRun, Host},
    wake::Topic,
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

/// Definitions kept in memory.
const DEFINITIONS_MAX: usize = 500;
/// Of the runs that have mail, as many are told in one look.
const TOLD_MAX: u32 = 1000;

/// What driving runs needs.
pub(crate) struct Parts {
    pub store: Store,
    pub ctx: Context,
    pub identity: Identity,
    pub lifetime: Lifetime,
    pub tasks: TaskTracker,
    pub client: Client,
    pub expressions: Expressions,
    pub dispatcher: Dispatcher,
    pub room: Arc<Notify>,
    pub node_lease: Duration,
    pub delivery_lease: Duration,
    pub allow_http: bool,
}

/// What all runs of a node share.
pub(crate) struct Desk {
    pub parts: Parts,
    itself: Weak<Desk>,
    ledger: ledger::Ledger,
    /// Calls and file operations under way.
    outside: Arc<Semaphore>,
    held: Mutex<HashMap<RunId, Arc<Notify>>>,
    definitions: Mutex<HashMap<String, Arc<Definition>>>,
}

/// Takes runs that nobody has, and tells those that are here of their mail.
pub(crate) struct Claims(Arc<Desk>);

impl Claims {
    pub(crate) fn new(parts: Parts) -> Self {
        let (ledger, queue) = ledger::Ledger::new();
        let desk = Arc::new_cyclic(|itself| Desk {
            itself: Weak::clone(itself),
            ledger,
            outside: Arc::new(Semaphore::new(limits::RUN_EFFECTS_AT_ONCE_MAX)),
            held: Mutex::default(),
            definitions: Mutex::default(),
            parts,
        });
        // Not tracked: it ends with the last run, whose commits it makes.
        tokio::spawn(ledger::commit(Arc::downgrade(&desk), queue));
        let host: Weak<dyn Host> = Arc::<Desk>::downgrade(&desk);
        desk.parts.store.runs().host(host);
        Self(desk)
    }
}

impl Work for Claims {
    async fn turn(&mut self) -> store::Result<Turn> {
        let desk = &self.0;
        let parts = &desk.parts;
        for tag in parts.identity.held() {
            for id in parts.store.runs().with_mail(&tag.node, TOLD_MAX).await? {
                desk.look(id);
            }
        }
        let room = limits::RUNS_HELD_MAX.saturating_sub(desk.held().len());
        let limit = u32::try_from(room).unwrap_or(u32::MAX).min(limits::RUN_CLAIM_BATCH_MAX);
        if limit == 0 {
            return Ok(Turn::IdleUntil(None));
        }
        let tag = parts.identity.tag();
        let now = parts.ctx.now();
        let claim = parts.store.runs().claim(&tag.node, limit, now, parts.node_lease).await;
        let (claimed, next) = claim.inspect_err(|_| parts.identity.doubt())?;
        if !claimed.is_empty() {
            tag.lives(now.plus(parts.node_lease));
        }
        let all = claimed.len() == limit as usize;
        for run in claimed {
            desk.start(run, Arc::clone(&tag));
        }
        Ok(if all { Turn::More } else { Turn::IdleUntil(next) })
    }
}

impl Desk {
    /// Drives a run from now on.
    fn start(self: &Arc<Self>, claimed: ClaimedRun, tag: Arc<Tag>) {
        let look = Arc::new(Notify::new());
        self.held().insert(claimed.lease.run_id, Arc::clone(&look));
        let desk = Arc::clone(self);
        self.parts.tasks.spawn(async move {
            let place = Place { desk: Arc::clone(&desk), id: claimed.lease.run_id, look: Arc::clone(&look) };
            let lifetime = desk.parts.lifetime.clone();
            tokio::select! {
                biased;
                () = lifetime.abandoned() => {}
                () = drive::drive(&desk, claimed, &look) => {}
            }
            drop((place, tag));
        });
    }

    /// Tells a run of this node that it has mail; false where it is not here.
    fn look(&self, id: RunId) -> bool {
        let held = self.held();
        held.get(&id).inspect(|look| look.notify_one()).is_some()
    }

    /// So that it need not be read again.
    fn know(&self, hash: &str, definition: &Arc<Definition>) {
        let mut known = self.definitions();
        if known.len() >= DEFINITIONS_MAX {
            known.clear();
        }
        known.insert(hash.to_owned(), Arc::clone(definition));
    }

    fn known_definition(&self, hash: &str) -> Option<Arc<Definition>> {
        self.definitions().get(hash).cloned()
    }

    async fn definition(&self, hash: &str) -> store::Result<Arc<Definition>> {
        if let Some(known) = self.definitions().get(hash) {
            return Ok(Arc::clone(known));
        }
        let definition = Arc::new(self.parts.store.runs().definition(hash).await?);
        self.know(hash, &definition);
        Ok(definition)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Notify>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn definitions(&self) -> MutexGuard<'_, HashMap<String, Arc<Definition>>> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place among those that the node has, given up however its task ends.
struct Place {
    desk: Arc<Desk>,
    id: RunId,
    look: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.desk.held();
        // Given back and claimed again meanwhile, it is another task's.
        if held.get(&self.id).is_some_and(|look| Arc::ptr_eq(look, &self.look)) {
            held.remove(&self.id);
        }
        // Told of mail when nobody listened any more: whoever claims it next is to know.
        if self.look.notified().now_or_never().is_some() {
            self.desk.parts.store.wake().hint(Topic::Runs);
        }
        if held.len() + 1 == limits::RUNS_HELD_MAX {
            self.desk.parts.room.notify_one();
        }
    }
}
