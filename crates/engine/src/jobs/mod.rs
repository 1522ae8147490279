//! Documents are worked on here, from the claim of their job to its terminal state.
//!
//! A claimed job is validated while clients still see it QUEUED: its document is brought here, opened in the sandbox,
//! routed to a hub, and refused if need be (REJECTED). Only then it becomes PROCESSING, under its fence, and is
//! extracted. However it ends, its settlement goes to the [`settle`] task, which commits whatever has gathered.
//!
//! A job whose workers were lost [`limits::JOB_ATTEMPTS_MAX`] times is FAILED unseen: a document must not take down one
//! node after the other. Where the platform and not the document is at fault (no database, no disk, no child process),
//! the job is given back after a pause, and nothing of it is seen outside.

mod document;
mod extract;
mod reader;
mod route;
mod settle;

pub(crate) use self::{document::Shelf, reader::Reader};
use crate::{
    SecondReader,
    client::Client,
    deliver::Dispatcher,
    identity::{Identity, Tag},
    learn::Files,
    lifetime::Lifetime,
    sandbox::Sandbox,
    turn::{Turn, Work},
};
use domain::{
    context::Context,
    job::{Failure, Job, Outcome, Rejection},
    limits,
};
use futures::FutureExt;
use insights::read::Limits;
use settle::Finished;
use std::{panic::AssertUnwindSafe, path::PathBuf, sync::Arc, time::Duration};
use store::{Store, jobs::ClaimedJob};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::task::TaskTracker;

/// How long a job is kept before it is given back for a fault of the platform.
const BACK_PAUSE: Duration = Duration::from_secs(5);
/// From the beginning of one claim to that of the next, at least; the first one after a pause waits for nothing. What a
/// claim costs, it costs for one job or for all that there is room for. A pace of the work, so the machine's time.
const CLAIMS_APART: Duration = Duration::from_millis(2);

/// Why work on a job ends before its output.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The job ends so.
    Ended(Outcome),
    /// The platform is at fault: give the job back, somebody may have more luck.
    Back(String),
    /// The lease was lost, or the job was cancelled: it is somebody else's now.
    Lost,
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Back(error.to_string())
    }
}

fn rejected(code: Rejection, message: impl Into<String>) -> Stop {
    Stop::Ended(Outcome::Rejected(code, message.into()))
}

fn failed(code: Failure, message: impl Into<String>) -> Outcome {
    Outcome::Failed(code, message.into())
}

/// What work on jobs needs.
pub(crate) struct Bench {
    pub store: Store,
    pub ctx: Context,
    pub identity: Identity,
    pub client: Client,
    pub sandbox: Sandbox,
    /// For documents while they are worked on.
    pub directory: PathBuf,
    /// What hubs have learned.
    pub files: Files,
    pub document: Limits,
    /// Whether invoices attached as data are a source of values.
    pub embedded_data: bool,
    pub second_reader: Option<SecondReader>,
    pub job_lease: Duration,
    pub delivery_lease: Duration,
    pub lifetime: Lifetime,
}

/// Claims jobs and starts the work on them.
pub(crate) struct Claims {
    bench: Arc<Bench>,
    slots: Arc<Semaphore>,
    room: Arc<Notify>,
    finished: mpsc::Sender<Finished>,
    tasks: TaskTracker,
    /// When the next claim may begin.
    next: Instant,
}

impl Claims {
    /// Also starts the task that settles; it ends when `tasks` and this are gone.
    pub(crate) fn new(
        bench: Arc<Bench>,
        dispatcher: Dispatcher,
        room: Arc<Notify>,
        tasks: TaskTracker,
    ) -> Self {
        let slots_max = bench.sandbox.processes() + limits::JOBS_IN_HAND_MAX;
        let (finished, queue) = mpsc::channel(slots_max);
        let settler = settle::Settler::new(Arc::clone(&bench), dispatcher);
        tasks.spawn(settler.run(queue));
        let slots = Arc::new(Semaphore::new(slots_max));
        Self { bench, slots, room, finished, tasks, next: Instant::now() }
    }

    fn start(&self, claimed: ClaimedJob, permit: OwnedSemaphorePermit, tag: Arc<Tag>) {
        let (bench, finished, room) =
            (Arc::clone(&self.bench), self.finished.clone(), Arc::clone(&self.room));
        self.tasks.spawn(async move {
            let _slot = Slot { permit: Some(permit), room };
            let lifetime = bench.lifetime.clone();
            tokio::select! {
                biased;
                () = lifetime.abandoned() => {}
                () = work(&bench, claimed, tag, &finished) => {}
            }
        });
    }
}

/// Room for one job, until it waits to be settled or is given back.
struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    room: Arc<Notify>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.room.notify_one();
    }
}

impl Work for Claims {
    async fn turn(&mut self) -> store::Result<Turn> {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + CLAIMS_APART;
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        let limit = free.min(limits::JOB_CLAIM_BATCH_MAX);
        if limit == 0 {
            return Ok(Turn::IdleUntil(None));
        }
        let bench = &self.bench;
        let tag = bench.identity.tag();
        let claim = bench.store.jobs().claim(&tag.node, limit, bench.ctx.now(), bench.job_lease).await;
        let claimed = claim.inspect_err(|_| bench.identity.doubt())?;
        let all = claimed.len() == limit as usize;
        for job in claimed {
            let permit = Arc::clone(&self.slots).try_acquire_owned();
            let permit = permit.expect("only this loop takes slots, and it claimed no more than were free");
            self.start(job, permit, Arc::clone(&tag));
        }
        Ok(if all { Turn::More } else { Turn::IdleUntil(None) })
    }
}

async fn work(bench: &Arc<Bench>, claimed: ClaimedJob, tag: Arc<Tag>, finished: &mpsc::Sender<Finished>) {
    let (lease, org_id) = (claimed.lease, claimed.org_id);
    let mut job = claimed.job.clone();
    let waited_ms = bench.ctx.now().since(job.created_at).as_millis();
    metrics::histogram!("plextera_job_queue_seconds").record(waited_ms as f64 / 1000.0);
    let mut sheet = None;
    // On the heap, because it is large and would be copied with each future around it.
    let extract = Box::pin(extract::extract(bench, claimed, &mut job, &mut sheet));
    let worked = AssertUnwindSafe(extract).catch_unwind().await;
    let stop = worked.unwrap_or_else(|_| {
        tracing::error!(job_id = %lease.job_id, "the work on a job panicked");
        Stop::Ended(failed(Failure::ProcessingFailed, "the document could not be processed"))
    });
    match stop {
        Stop::Ended(outcome) => {
            // The receiver ends after every sender; a send can only fail while the process is going down.
            let _ = finished.send(Finished { lease, org_id, job, outcome, sheet, _tag: tag }).await;
        }
        Stop::Back(reason) => {
            tracing::error!(job_id = %lease.job_id, reason, "a job is given back");
            bench.ctx.clock.sleep_until(bench.ctx.now().plus(BACK_PAUSE)).await;
            if let Err(error) = bench.store.jobs().release(lease).await {
                tracing::error!(%error, job_id = %lease.job_id, "a job could not be given back");
            }
        }
        Stop::Lost => tracing::info!(job_id = %lease.job_id, "a job was cancelled or taken over"),
    }
}

/// Whether clients have seen the job PROCESSING.
fn has_begun(job: &Job) -> bool {
    job.started_at.is_some()
}
