//! Jobs end in batches: whatever finished while the last commit ran is the next commit.
//!
//! The terminal state, the output, the event and its deliveries are one transaction of the store; the deliveries come
//! back leased to this node and go to the dispatcher through memory.

use super::{Bench, failed};
use crate::{deliver::Dispatcher, identity::Tag, turn::backoff};
use bytes::Bytes;
use domain::{
    event,
    id::OrgId,
    job::{Failure, Job, JobStatus, Outcome, settle},
    limits,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use store::{
    deliveries::Hold,
    jobs::{JobLease, NewEvent, Settled, Settlement},
    learning::NewSheet,
    wake::Topic,
};
use tokio::sync::mpsc;

/// The first wait after a failed commit.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// A job whose work is done.
pub(super) struct Finished {
    pub lease: JobLease,
    pub org_id: OrgId,
    /// Not terminal yet.
    pub job: Job,
    pub outcome: Outcome,
    /// What learning keeps of the document.
    pub sheet: Option<NewSheet>,
    /// The name under which it was claimed, which is kept until it is committed.
    pub _tag: Arc<Tag>,
}

pub(super) struct Settler {
    bench: Arc<Bench>,
    dispatcher: Dispatcher,
}

impl Settler {
    pub(super) fn new(bench: Arc<Bench>, dispatcher: Dispatcher) -> Self {
        Self { bench, dispatcher }
    }

    pub(super) async fn run(self, mut queue: mpsc::Receiver<Finished>) {
        let mut finished = Vec::with_capacity(limits::JOB_SETTLE_BATCH_MAX);
        while queue.recv_many(&mut finished, limits::JOB_SETTLE_BATCH_MAX).await > 0 {
            let now = self.bench.ctx.now();
            let settlements = finished.iter().filter_map(|finished| self.settlement(finished, now)).collect();
            self.commit(settlements).await;
            finished.clear();
        }
    }

    /// The job in its terminal state, and its event. `None` where not even that can be made: the job's lease runs out.
    fn settlement(&self, finished: &Finished, now: Timestamp) -> Option<Settlement> {
        let settled = settle(finished.job.clone(), finished.outcome.clone(), now).or_else(|illegal| {
            tracing::error!(%illegal, job_id = %finished.job.id, "a job cannot end as its work did");
            let outcome = failed(Failure::ProcessingFailed, "the document could not be processed");
            settle(finished.job.clone(), outcome, now)
        });
        let (job, event_type) = settled.ok()?;
        let id = self.bench.ctx.id();
        let body = event::render_job(id, event_type, &job)
            .inspect_err(|error| tracing::error!(%error, job_id = %job.id, "an event cannot be written"))
            .ok()?;
        let event = NewEvent { id, event_type, body: Bytes::from(body) };
        let sheet = finished.sheet.clone();
        Some(Settlement { lease: finished.lease, org_id: finished.org_id, job, event, sheet })
    }

    /// Commits all, or where one of them is refused, each by itself. Tries until it succeeds or fails for good.
    async fn commit(&self, settlements: Vec<Settlement>) {
        let bench = &self.bench;
        let mut failures = 0;
        loop {
            let now = bench.ctx.now();
            let tag = bench.identity.tag();
            let hold = Hold {
                full: self.dispatcher.full(),
                ..Hold::new(tag.node.clone(), now.plus(bench.delivery_lease))
            };
            let until = hold.until;
            match bench.store.jobs().settle(settlements.clone(), hold, now).await {
                Ok(settled) => {
                    bench.store.wake().hint(Topic::Events);
                    let mut all = Vec::with_capacity(settled.len());
                    for (settlement, settled) in settlements.iter().zip(settled) {
                        self.note(&settlement.job, &settled);
                        if let Settled::Done(due) = settled {
                            all.extend(due);
                        }
                    }
                    self.dispatcher.offer(all, &tag, until).await;
                    return;
                }
                Err(error) if error.is_transient() => {
                    bench.identity.doubt();
                    failures += 1;
                    tracing::warn!(%error, failures, "finished jobs could not be committed yet");
                    let until = bench.ctx.now().plus(backoff(RETRY_FIRST, failures));
                    tokio::select! {
                        () = bench.lifetime.abandoned() => return,
                        () = bench.ctx.clock.sleep_until(until) => {}
                    }
                }
                Err(error) if settlements.len() > 1 => {
                    tracing::error!(%error, "a batch of finished jobs is committed one by one");
                    for settlement in settlements {
                        Box::pin(self.commit(vec![settlement])).await;
                    }
                    return;
                }
                Err(error) => {
                    // Under a name that is not renewed any more its lease runs out, and that counts as a crash.
                    bench.identity.doubt();
                    tracing::error!(%error, job_id = %settlements[0].job.id, "a finished job cannot be committed");
                    return;
                }
            }
        }
    }

    fn note(&self, job: &Job, settled: &Settled) {
        if matches!(settled, Settled::Stale) {
            tracing::info!(job_id = %job.id, "a job was cancelled or taken over");
            return;
        }
        let code = job.error.as_ref().map_or("", |error| error.code.as_str());
        let status = job.status.as_str();
        tracing::info!(job_id = %job.id, status, code, "a job ended");
        metrics::counter!("plextera_jobs_total", "status" => status, "code" => code.to_owned()).increment(1);
        if let (JobStatus::Completed, Some(started_at), Some(completed_at)) =
            (job.status, job.started_at, job.completed_at)
        {
            let processing_ms = completed_at.since(started_at).as_millis();
            metrics::histogram!("plextera_job_processing_seconds").record(processing_ms as f64 / 1000.0);
        }
    }
}
