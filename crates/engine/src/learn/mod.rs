//! Hubs are taught here: from an example to the model that the next document is read with.
//!
//! A claimed hub that wants a new model gets one: its lessons are folded to one set of confirmed values a document, a
//! child makes a model of them and says how well it does on documents left out, and the model is used from the commit
//! on, unless it does worse than the one before on the same decisions. A hub that wants none has documents of examples
//! to be read, which takes longer; so that happens a few at a time, and corrections never wait behind it.
//!
//! Training has a child of its own, so that it never waits for a long document either. Sheets and models lie on this
//! node's disk while they are of use; the object store and the database are the truth.

mod files;
mod read;
mod train;

pub(crate) use files::{Files, written};

use crate::{
    identity::Tag,
    jobs::Bench,
    sandbox::Sandbox,
    turn::{Turn, Work, backoff},
};
use domain::limits;
use std::sync::Arc;
use store::learning::ClaimedHub;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

/// Why teaching ends before its commit.
#[derive(Debug)]
enum Halt {
    /// Not done; the words are for the Studio.
    Failed(String),
    /// The hub is somebody else's now, or gone.
    Lost,
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Claims hubs and starts to teach them.
pub(crate) struct Teachers {
    bench: Arc<Bench>,
    /// For training alone.
    trainer: Sandbox,
    slots: Arc<Semaphore>,
    room: Arc<Notify>,
    tasks: TaskTracker,
}

impl Teachers {
    pub(crate) fn new(bench: Arc<Bench>, trainer: Sandbox, room: Arc<Notify>, tasks: TaskTracker) -> Self {
        let slots = Arc::new(Semaphore::new(limits::LEARN_HUBS_MAX));
        Self { bench, trainer, slots, room, tasks }
    }

    fn start(&self, claimed: ClaimedHub, tag: Arc<Tag>) {
        let permit = Arc::clone(&self.slots).try_acquire_owned();
        let permit = permit.expect("only this loop takes slots, and it claimed no more than were free");
        let (bench, trainer, room) = (Arc::clone(&self.bench), self.trainer.clone(), Arc::clone(&self.room));
        self.tasks.spawn(async move {
            let lifetime = bench.lifetime.clone();
            tokio::select! {
                biased;
                () = lifetime.abandoned() => {}
                () = teach(&bench, &trainer, claimed) => {}
            }
            drop((permit, tag));
            room.notify_one();
        });
    }
}

impl Work for Teachers {
    async fn turn(&mut self) -> store::Result<Turn> {
        let limit = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        if limit == 0 {
            return Ok(Turn::IdleUntil(None));
        }
        let bench = &self.bench;
        let tag = bench.identity.tag();
        let claim = bench.store.learning().claim(&tag.node, limit, bench.ctx.now(), bench.job_lease).await;
        let claimed = claim.inspect_err(|_| bench.identity.doubt())?;
        for hub in claimed {
            self.start(hub, Arc::clone(&tag));
        }
        Ok(Turn::IdleUntil(None))
    }
}

async fn teach(bench: &Bench, trainer: &Sandbox, claimed: ClaimedHub) {
    let learning = bench.store.learning();
    let done = match bench.store.hubs().get(claimed.lease.org_id, claimed.lease.hub_id).await {
        Ok(Some(hub)) if claimed.trained < claimed.wanted => train::train(bench, trainer, claimed, hub).await,
        Ok(Some(hub)) => read::read_documents(bench, claimed, &hub).await,
        Ok(None) => Err(Halt::Lost),
        Err(error) => Err(error.into()),
    };
    let ended = match done {
        Ok(()) => return,
        Err(Halt::Lost) => learning.release(claimed.lease).await,
        Err(Halt::Failed(why)) => {
            let failures = claimed.failures + 1;
            tracing::error!(hub_id = %claimed.lease.hub_id, failures, why, "a hub could not be taught");
            let pause = backoff(limits::LEARN_PAUSE, failures);
            let until = (failures < limits::LEARN_FAILURES_MAX).then(|| bench.ctx.now().plus(pause));
            learning.fail(claimed, why, until).await
        }
    };
    if let Err(error) = ended {
        tracing::error!(%error, hub_id = %claimed.lease.hub_id, "a hub is given back when its lease runs out");
    }
}
