//! How jobs end: the terminal state, the output, the event and its deliveries in one transaction, for many jobs at once.
//!
//! Neither a terminal state without its event nor an event without its terminal state can exist, whatever crashes when.

use super::{
    Jobs, LOCK,
    row::{Bare, columns},
};
use crate::{
    db::Tx,
    deliveries::{self, DueDelivery, Ended, Hold, Outgoing},
    error::{Error, Result},
    events::NewEvent,
    learning::{NewSheet, sheets},
    runs,
    sql::statements,
    wake::Topic,
};
use bytes::Bytes;
use domain::{
    context::Context,
    event,
    id::{JobId, OrgId},
    job::{self, Failure, Job, JobStatus, Outcome},
    time::Timestamp,
};

statements! {
    END = "update jobs set status = $3, completed_at = $4, updated_at = $4, error_code = $5, error_message = $6,
            file_name = $7, mime_type = $8, size_bytes = $9, page_count = $10, hub_id = $11, hub_name = $12,
            review_recommended = $13, lease_until = 0, lease_node = null
        where id = $1 and fence = $2 and completed_at is null",
        postgres "update jobs set status = a.status, completed_at = a.at, updated_at = a.at, error_code = a.error_code,
            error_message = a.error_message, file_name = a.file_name, mime_type = a.mime_type,
            size_bytes = a.size_bytes, page_count = a.page_count, hub_id = a.hub_id, hub_name = a.hub_name,
            review_recommended = a.review_recommended, lease_until = 0, lease_node = null
        from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::boolean[]) with ordinality as a (id, fence,
            status, at, error_code, error_message, file_name, mime_type, size_bytes, page_count, hub_id, hub_name,
            review_recommended, number)
        where jobs.id = a.id and jobs.fence = a.fence and (jobs.completed_at is null) is true
        returning a.number";
    CURRENT = concat!("select ", columns!(), " from jobs where id = $1");
    FENCE = "update jobs set fence = fence + 1 where id = $1 returning fence";
    OUTPUT = "insert into job_outputs (job_id, output) values ($1, $2)";
}

/// A job that has ended, and the event that says so.
#[derive(Debug, Clone)]
pub struct Settlement {
    pub lease: super::JobLease,
    pub org_id: OrgId,
    /// Terminal, as `domain::job::settle` made it.
    pub job: Job,
    pub event: NewEvent,
    /// What learning keeps of the document; its blob is stored.
    pub sheet: Option<NewSheet>,
}

/// What became of a settlement.
#[derive(Debug, Clone)]
pub enum Settled {
    /// Committed; the deliveries that are to be sent now, leased to the caller. Suppressed ones are not among them.
    Done(Vec<DueDelivery>),
    /// The lease was lost or the job had ended; nothing was written.
    Stale,
}

/// What became of a cancellation.
#[derive(Debug, Clone)]
pub enum Cancelled {
    /// The job as it is now; hint `Topic::Deliveries` and `Topic::Events`.
    Done(Box<Job>),
    NotFound,
    AlreadyTerminal(JobStatus),
}

impl Jobs<'_> {
    /// Ends jobs, all in one transaction; answers stand in the order of `settlements`. Hint `Topic::Events` after; runs that
    /// wait for one of them are hinted here.
    pub async fn settle(
        &self,
        settlements: Vec<Settlement>,
        hold: Hold,
        now: Timestamp,
    ) -> Result<Vec<Settled>> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let input = (settlements, Some(hold), self.0.ctx.clone(), now);
        let settle = self.0.db.write_often(input, |tx, (settlements, hold, ctx, now)| {
            Box::pin(settle(tx, settlements, hold.as_ref(), ctx, *now))
        });
        let (settled, has_told) = settle.await?;
        if has_told {
            self.0.wake.hint(Topic::Runs);
        }
        Ok(settled)
    }

    /// Ends an open job as FAILED with `CANCELLED`, whoever works on it.
    pub async fn cancel(&self, org_id: OrgId, id: JobId, now: Timestamp) -> Result<Cancelled> {
        let input = (org_id, id, self.0.ctx.clone(), now);
        let cancel = self
            .0
            .db
            .write(input, |tx, (org_id, id, ctx, now)| Box::pin(cancel(tx, *org_id, *id, ctx, *now)));
        let (cancelled, has_told) = cancel.await?;
        if has_told {
            self.0.wake.hint(Topic::Runs);
        }
        Ok(cancelled)
    }
}

/// What became of each, and whether runs have mail of them.
async fn settle(
    tx: &mut Tx<'_>,
    settlements: &[Settlement],
    hold: Option<&Hold>,
    ctx: &Context,
    now: Timestamp,
) -> Result<(Vec<Settled>, bool)> {
    let hub_ids: Vec<Option<String>> =
        settlements.iter().map(|settlement| settlement.job.hub_id.map(|id| id.to_string())).collect();
    let ends: Vec<_> =
        settlements.iter().zip(&hub_ids).map(|(it, hub_id)| end_params(it, hub_id.as_deref())).collect();
    let ended = tx.changed_bulk(&END, &ends).await?;
    let done =
        || settlements.iter().zip(&ended).filter(|(_, ended)| **ended).map(|(settlement, _)| settlement);

    let outputs: Vec<_> = done()
        .filter_map(|settlement| {
            settlement.job.output.as_ref().map(|output| (settlement.job.id, output.get()))
        })
        .map(|(id, output)| vec![id.into(), output.into()])
        .collect();
    tx.execute_many(&OUTPUT, &outputs).await?;

    let has_told = runs::tell_of_jobs(tx, done().map(|settlement| &settlement.job), ctx).await?;
    let kept: Vec<(OrgId, &NewSheet)> =
        done().filter_map(|settlement| Some((settlement.org_id, settlement.sheet.as_ref()?))).collect();
    sheets::insert(tx, &kept, now).await?;

    let outgoing: Vec<Outgoing<'_>> = done()
        .map(|settlement| Outgoing {
            org_id: settlement.org_id,
            event: &settlement.event,
            ended: Ended::Job(settlement.job.id, settlement.job.operation),
            occurred_at: settlement.job.completed_at.unwrap_or(now),
        })
        .collect();
    let mut deliveries = deliveries::fan_out(tx, &outgoing, hold, ctx, now).await?.into_iter();
    let settled = ended.iter().map(|ended| match ended {
        true => Settled::Done(deliveries.next().unwrap_or_default()),
        false => Settled::Stale,
    });
    Ok((settled.collect(), has_told))
}

fn end_params<'a>(settlement: &'a Settlement, hub_id: Option<&'a str>) -> Vec<crate::db::Param<'a>> {
    let job = &settlement.job;
    let error = job.error.as_ref();
    vec![
        job.id.into(),
        settlement.lease.fence.into(),
        job.status.into(),
        job.completed_at.into(),
        error.map(|error| &error.code).into(),
        error.map(|error| &error.message).into(),
        (&job.document.file_name).into(),
        job.document.mime_type.as_ref().into(),
        job.document.size_bytes.into(),
        job.document.page_count.into(),
        hub_id.into(),
        job.hub_name.as_ref().into(),
        job.review_recommended.into(),
    ]
}

/// Ends the job of a run's step, if it is still open.
pub(crate) async fn cancel_for_run(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    id: JobId,
    ctx: &Context,
    now: Timestamp,
) -> Result<()> {
    cancel(tx, org_id, id, ctx, now).await.map(drop)
}

async fn cancel(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    id: JobId,
    ctx: &Context,
    now: Timestamp,
) -> Result<(Cancelled, bool)> {
    let locked = tx.optional::<(JobStatus,)>(&LOCK, &[org_id.into(), id.into()]).await?;
    match locked {
        None => return Ok((Cancelled::NotFound, false)),
        Some((status,)) if status.is_terminal() => return Ok((Cancelled::AlreadyTerminal(status), false)),
        Some(_) => {}
    }
    let Bare(current) = tx.one(&CURRENT, &[id.into()]).await?;
    let outcome = Outcome::Failed(Failure::Cancelled, "the job was cancelled".to_owned());
    let (job, event_type) = job::settle(current, outcome, now).map_err(Error::corrupt)?;
    let (fence,) = tx.one(&FENCE, &[id.into()]).await?;
    let event_id = ctx.id();
    let body = Bytes::from(event::render_job(event_id, event_type, &job).map_err(Error::corrupt)?);
    let settlement = Settlement {
        lease: super::JobLease { job_id: id, fence },
        org_id,
        job,
        event: NewEvent { id: event_id, event_type, body },
        sheet: None,
    };
    let (_, has_told) = settle(tx, std::slice::from_ref(&settlement), None, ctx, now).await?;
    Ok((Cancelled::Done(Box::new(settlement.job)), has_told))
}
