//! Jobs: the table that is also the queue.
//!
//! - `claim`: free jobs and jobs whose lease ran out are handed to a node, each with a fence number.
//! - `settle`: jobs end, many in one transaction, with their events and deliveries.
//! - here: what clients create, read and delete.

mod claim;
mod list;
mod marks;
mod row;
mod settle;

pub use crate::events::NewEvent;
pub use claim::{Begin, Begun, ClaimedJob, JobLease};
pub use list::JobFilter;
pub use marks::Marks;
pub(crate) use settle::cancel_for_run;
pub use settle::{Cancelled, Settled, Settlement};

use crate::{
    Store,
    db::{Engine, Params, Tx},
    error::{Error, Result},
    files::{self, StoredFile},
    idempotency::{self, Idempotency, Once},
    learning::{self, SheetKey},
    rows::to_json_optional,
    sql::statements,
};
use domain::{
    id::{JobId, OrgId},
    job::{Job, JobStatus},
    time::Timestamp,
};
use row::{Bare, WithOutput, columns};

statements! {
    INSERT = concat!("insert into jobs (", columns!(), ", org_id, sha256, source_url, lease_until, fence, crashes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0, 0)"),
        postgres concat!("insert into jobs (", columns!(), ", org_id, sha256, source_url, lease_until, fence, crashes)
        select *, 0, 0, 0 from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::uuid[], $13::text[], $14::text[],
            $15::bigint[], $16::bigint[], $17::bigint[], $18::boolean[], $19::uuid[], $20::bytea[], $21::text[])");
    GET = concat!("select ", columns!(), ", output from jobs left join job_outputs on job_id = id
        where org_id = $1 and id = $2");
    GET_BARE = concat!("select ", columns!(), " from jobs where org_id = $1 and id = $2");
    LOCK = "select status from jobs where org_id = $1 and id = $2",
        postgres "select status from jobs where org_id = $1 and id = $2 for update";
    DELETE = "delete from jobs where id = $1";
    DELETE_OUTPUT = "delete from job_outputs where job_id = $1";
    DELETE_FEEDBACK = "delete from feedback where job_id = $1";
    ERASE_EVENT = "update events set body = null where resource_id = $1 returning id";
    END_DELIVERIES = "update deliveries set status = 'EXHAUSTED', next_attempt_at = null, lease_until = 0,
            lease_node = null, fence = fence + 1, updated_at = $2
        where event_id = $1 and status in ('PENDING', 'SUPPRESSED')";
    ERASE_ANSWERS = "update attempts set response_body = null where response_body is not null
        and delivery_id in (select id from deliveries where event_id = $1)";
    BACKLOG = "select count(*) from jobs where completed_at is null";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![STATEMENTS, claim::STATEMENTS, list::STATEMENTS, marks::STATEMENTS, settle::STATEMENTS]
}

/// Where a new job's document is.
#[derive(Debug, Clone)]
pub enum JobDocument {
    /// Uploaded with the job: its row is made with it.
    New(StoredFile),
    /// A file that exists already.
    Existing(StoredFile),
    /// Still to be fetched, under the file id that the job names.
    Url(String),
}

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub org_id: OrgId,
    /// Must be QUEUED.
    pub job: Job,
    pub document: JobDocument,
    pub request: Option<Idempotency>,
}

/// What became of a new job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobInserted {
    Queued,
    /// The existing file was deleted meanwhile; there is no job.
    FileGone,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobDeleted {
    Done,
    NotFound,
    /// Only terminal jobs can be deleted.
    NotTerminal(JobStatus),
}

pub struct Jobs<'s>(&'s Store);

impl Store {
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }
}

impl Jobs<'_> {
    /// Queues a job together with its file's row and the idempotency record of its request; hint `Topic::Jobs` after.
    pub async fn insert(&self, new: NewJob, now: Timestamp) -> Result<Once<JobInserted>> {
        let db = self.0.db.clone();
        let insert = move |all: Vec<(NewJob, Timestamp)>| {
            let db = db.clone();
            async move { db.write(all, |tx, all| Box::pin(insert_all(tx, all))).await }
        };
        match self.0.db.engine() {
            // Its writer covers all that waits with one commit anyway.
            Engine::Sqlite => {
                let inserted = insert(vec![(new, now)]).await?.pop();
                inserted.ok_or_else(|| Error::corrupt("nothing became of a job"))
            }
            Engine::Postgres => self.0.new_jobs.ask((new, now), insert).await,
        }
    }

    /// A job with its output.
    pub async fn get(&self, org_id: OrgId, id: JobId) -> Result<Option<Job>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional::<WithOutput>(&GET, &[(*org_id).into(), (*id).into()]).await })
        });
        Ok(get.await?.map(|WithOutput(job)| job))
    }

    /// A job without its output.
    pub async fn get_bare(&self, org_id: OrgId, id: JobId) -> Result<Option<Job>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional::<Bare>(&GET_BARE, &[(*org_id).into(), (*id).into()]).await })
        });
        Ok(get.await?.map(|Bare(job)| job))
    }

    /// Deletes a terminal job, its output, its feedback, what a hub learned from it and the body of its event. The event itself and its deliveries
    /// stay as entries without content, so that a subscription's sequence keeps its numbers; deliveries that were
    /// still to be sent end as EXHAUSTED. The file is a resource of its own and stays.
    pub async fn delete(&self, org_id: OrgId, id: JobId, now: Timestamp) -> Result<JobDeleted> {
        let delete = self.0.db.write((org_id, id, now), |tx, (org_id, id, now)| {
            Box::pin(async move {
                let locked = tx.optional::<(JobStatus,)>(&LOCK, &[(*org_id).into(), (*id).into()]).await?;
                match locked {
                    None => Ok((JobDeleted::NotFound, Vec::new())),
                    Some((status,)) if !status.is_terminal() => {
                        Ok((JobDeleted::NotTerminal(status), Vec::new()))
                    }
                    Some(_) => Ok((JobDeleted::Done, erase(tx, *id, *now).await?)),
                }
            })
        });
        let (deleted, sheets) = delete.await?;
        for sheet in sheets {
            if let Err(error) = self.0.blobs.delete_sheet(org_id, sheet).await {
                tracing::warn!(%error, job_id = %id, "a deleted job's sheet is left to the sweep");
            }
        }
        Ok(deleted)
    }

    /// How many jobs are open, of all organizations.
    pub async fn backlog(&self) -> Result<u64> {
        Ok(self.0.db.read((), |tx, ()| Box::pin(tx.one::<(u64,)>(&BACKLOG, &[]))).await?.0)
    }
}

/// A job with its output.
pub(crate) async fn with_output(tx: &mut Tx<'_>, org_id: OrgId, id: JobId) -> Result<Option<Job>> {
    let found = tx.optional::<WithOutput>(&GET, &[org_id.into(), id.into()]).await?;
    Ok(found.map(|WithOutput(job)| job))
}

/// Queues a job for a run's step; false where its file was deleted.
pub(crate) async fn insert_for_run(tx: &mut Tx<'_>, new: &NewJob, now: Timestamp) -> Result<bool> {
    let inserted = insert_all(tx, &[(new.clone(), now)]).await?;
    Ok(inserted.contains(&Once::First(JobInserted::Queued)))
}

/// What became of each. Two of one idempotency key are the first and its repetition, as they would be one after the other.
async fn insert_all(tx: &mut Tx<'_>, all: &[(NewJob, Timestamp)]) -> Result<Vec<Once<JobInserted>>> {
    let mut became = Vec::with_capacity(all.len());
    let mut uploaded = Vec::new();
    let mut queued = Vec::with_capacity(all.len());
    for (new, now) in all {
        if let Some(earlier) = idempotency::begin(tx, new.request.as_ref(), *now).await? {
            became.push(earlier);
            continue;
        }
        match &new.document {
            JobDocument::Existing(stored) if !files::hold(tx, new.org_id, stored.file.id).await? => {
                idempotency::forget(tx, new.request.as_ref()).await?;
                became.push(Once::First(JobInserted::FileGone));
                continue;
            }
            JobDocument::New(stored) => uploaded.push((new.org_id, stored)),
            JobDocument::Existing(_) | JobDocument::Url(_) => {}
        }
        became.push(Once::First(JobInserted::Queued));
        queued.push(new);
    }
    files::insert_many(tx, &uploaded).await?;
    let texts: Vec<(Option<String>, Option<String>)> = queued
        .iter()
        .map(|new| {
            let hub_id = new.job.hub_id.map(|id| id.to_string());
            Ok((hub_id, to_json_optional(new.job.metadata.as_ref())?))
        })
        .collect::<Result<_>>()?;
    let rows: Vec<_> = queued.iter().zip(&texts).map(|(new, texts)| params(new, texts)).collect();
    tx.execute_bulk(&INSERT, &rows).await?;
    Ok(became)
}

fn params<'a>(new: &'a NewJob, (hub_id, metadata): &'a (Option<String>, Option<String>)) -> Params<'a> {
    let (sha256, source_url) = match &new.document {
        JobDocument::New(stored) | JobDocument::Existing(stored) => (Some(&stored.sha256), None),
        JobDocument::Url(url) => (None, Some(url)),
    };
    let job = &new.job;
    let error = job.error.as_ref();
    vec![
        job.id.into(),
        job.status.into(),
        job.created_at.into(),
        job.updated_at.into(),
        job.started_at.into(),
        job.completed_at.into(),
        error.map(|error| &error.code).into(),
        error.map(|error| &error.message).into(),
        hub_id.as_ref().into(),
        job.hub_name.as_ref().into(),
        metadata.as_ref().into(),
        job.document.file_id.into(),
        (&job.document.file_name).into(),
        job.document.mime_type.as_ref().into(),
        job.document.size_bytes.into(),
        job.document.page_count.into(),
        job.hub_version.into(),
        job.review_recommended.into(),
        new.org_id.into(),
        sha256.into(),
        source_url.into(),
    ]
}

async fn erase(tx: &mut Tx<'_>, id: JobId, now: Timestamp) -> Result<Vec<SheetKey>> {
    let sheets = learning::forget_job(tx, id).await?;
    marks::forget(tx, id).await?;
    let key = [id.into()];
    tx.execute(&DELETE_OUTPUT, &key).await?;
    tx.execute(&DELETE_FEEDBACK, &key).await?;
    for (event_id,) in tx.rows::<(domain::id::EventId,)>(&ERASE_EVENT, &key).await? {
        tx.execute(&END_DELIVERIES, &[event_id.into(), now.into()]).await?;
        // Endpoints may repeat what they were sent.
        tx.execute(&ERASE_ANSWERS, &[event_id.into()]).await?;
    }
    tx.execute(&DELETE, &key).await?;
    Ok(sheets)
}
