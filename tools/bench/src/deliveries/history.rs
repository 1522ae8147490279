//! A long log before the server starts, put there through `store` as a busy year would: events with their deliveries,
//! nearly all of them delivered at the first attempt, a few waiting for a retry, a few given up.

use super::{scene::Tenant, seed::Seed};
use anyhow::{Context as _, Result, ensure};
use domain::{
    delivery::{Answer, Attempt, Blame, RetryPolicy},
    event::render_job,
    job::{Failure, Outcome, Rejection, settle},
};
use std::time::{Duration, Instant};
use store::{
    NodeId,
    deliveries::{DueDelivery, FinishedAttempt, Hold},
    jobs::{ClaimedJob, NewEvent, Settled, Settlement},
};

/// Events in one transaction.
const BATCH: usize = 500;
const LEASE: Duration = Duration::from_secs(600);
/// One event of so many is of another type than all the others.
const RARE: usize = 10_000;
/// Of so many deliveries one waits for a retry and one was given up.
const FAILED: usize = 1000;

/// What became of a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Waits,
    GivenUp,
}

impl Seed {
    /// So many events of each tenant, and their deliveries, or as many as there is time for; how many of each it were.
    pub async fn history(&self, tenants: &[Tenant], events: usize, time_max: Duration) -> Result<usize> {
        let node = NodeId::random(&self.ctx);
        let (mut number, started) = (0, Instant::now());
        for first in (0..events * tenants.len()).step_by(BATCH) {
            if started.elapsed() > time_max {
                return Ok(first / tenants.len());
            }
            let count = BATCH.min(events * tenants.len() - first);
            self.jobs(tenants, count).await?;
            let limit = u32::try_from(count)?;
            let claimed = self.store.jobs().claim(&node, limit, self.ctx.now(), LEASE).await?;
            ensure!(claimed.len() == count, "{} jobs were claimed instead of {count}", claimed.len());
            let ended: Result<Vec<Settlement>> =
                (first..).zip(claimed).map(|(number, claimed)| self.ended(number, claimed)).collect();
            let hold = Hold::new(node.clone(), self.ctx.now().plus(LEASE));
            let settled = self.store.jobs().settle(ended?, hold, self.ctx.now()).await?;
            let mut due = Vec::new();
            for settled in settled {
                let Settled::Done(more) = settled else { anyhow::bail!("a job was not ended") };
                due.extend(more);
            }
            self.attempt(&due, &mut number).await?;
        }
        Ok(events)
    }

    fn ended(&self, number: usize, claimed: ClaimedJob) -> Result<Settlement> {
        let outcome = match number % RARE {
            0 => Outcome::Failed(Failure::Cancelled, "the job was cancelled".to_owned()),
            _ => Outcome::Rejected(Rejection::DocumentUnreachable, "it could not be fetched".to_owned()),
        };
        let (job, event_type) =
            settle(claimed.job, outcome, self.ctx.now()).context("a job could not end")?;
        let id = self.ctx.id();
        let body = render_job(id, event_type, &job)?.into();
        let event = NewEvent { id, event_type, body };
        Ok(Settlement { lease: claimed.lease, org_id: claimed.org_id, job, event, sheet: None })
    }

    async fn attempt(&self, due: &[DueDelivery], number: &mut usize) -> Result<()> {
        let fates: Vec<(Fate, &DueDelivery)> = due
            .iter()
            .map(|due| {
                *number += 1;
                match *number % FAILED {
                    0 => (Fate::Waits, due),
                    1 => (Fate::GivenUp, due),
                    _ => (Fate::Delivered, due),
                }
            })
            .collect();
        let no_retries = RetryPolicy { schedule: "".parse()?, jitter: 0.0 };
        for (wanted, policy) in [
            (Fate::Delivered, RetryPolicy::default()),
            (Fate::Waits, RetryPolicy::default()),
            (Fate::GivenUp, no_retries),
        ] {
            let ended = fates.iter().filter(|(fate, _)| *fate == wanted);
            let finished: Vec<_> = ended.map(|(fate, due)| self.finished(*fate, due)).collect();
            self.store.deliveries().record(finished, policy, self.ctx.now()).await?;
        }
        Ok(())
    }

    fn finished(&self, fate: Fate, due: &DueDelivery) -> FinishedAttempt {
        let delivered = fate == Fate::Delivered;
        let status_code = Some(if delivered { 204 } else { 500 });
        let attempt = Attempt {
            id: self.ctx.id(),
            number: 1,
            started_at: self.ctx.now(),
            duration_ms: 12,
            status_code,
            error: (!delivered).then(|| "the endpoint answered 500".to_owned()),
            blame: (!delivered).then_some(Blame::Endpoint),
            response_body: None,
        };
        let answer = Answer { status_code, retry_after: None };
        FinishedAttempt { lease: due.lease, attempt, answer, unit: 0.5 }
    }
}
