//! The queue: who works on which job, and proof that it still does.
//!
//! A claim gives a node a lease and raises the job's fence. While the node works it renews all its leases in one
//! statement; when it dies, they run out and another node claims the jobs with a higher fence, which makes every later
//! write of the first one a no-op. Leases save work; the fence gives correctness.

use super::{
    Jobs,
    marks::{self, Marks},
    row::{Bare, columns},
};
use crate::{
    NodeId,
    db::{FromRow, Row, Tx},
    error::Result,
    files::{self, StoredFile},
    sql::statements,
};
use domain::{
    id::{HubId, JobId, OrgId},
    job::Job,
    time::Timestamp,
};
use sha2::{Digest, Sha256};
use std::time::Duration;

statements! {
    CLAIM = concat!("update jobs set lease_until = $1, lease_node = $2, fence = fence + 1,
            crashes = crashes + case when lease_until > 0 then 1 else 0 end
        where id in (select id from jobs where completed_at is null and lease_until <= $3 order by id limit $4)
        returning ", columns!(), ", org_id, fence, crashes, sha256, source_url, language"),
        postgres concat!("update jobs set lease_until = $1, lease_node = $2, fence = fence + 1,
            crashes = crashes + case when lease_until > 0 then 1 else 0 end
        where id = any(array(select id from jobs where completed_at is null and lease_until <= $3
            order by id limit $4 for update skip locked))
        returning ", columns!(), ", org_id, fence, crashes, sha256, source_url, language");
    RENEW = "update jobs set lease_until = $2 where lease_node = $1 and completed_at is null";
    RELEASE = "update jobs set lease_until = 0, lease_node = null
        where id = $1 and fence = $2 and completed_at is null";
    RELEASE_ALL = "update jobs set lease_until = 0, lease_node = null where lease_node = $1 and completed_at is null";
    HOLD = "select id from jobs where id = $1 and fence = $2 and completed_at is null",
        postgres "select id from jobs where id = $1 and fence = $2 and completed_at is null for update";
    // Two jobs on the same bytes must not both find the other not yet begun.
    SERIALIZE = "select 1 where $1 is not null", postgres "select pg_advisory_xact_lock($1)";
    DUPLICATE = "select other.id from jobs other, jobs mine
        where mine.id = $1 and other.org_id = mine.org_id and other.id <> mine.id and other.sha256 = $2
            and ((other.status in ('PROCESSING', 'COMPLETED') and other.hub_id = $3)
                or (other.status = 'QUEUED' and (other.created_at, other.id) < (mine.created_at, mine.id)
                    and (other.hub_id = $3 or (other.hub_id is null and mine.hub_id is null
                        and other.metadata is not distinct from mine.metadata))))
        order by other.created_at, other.id limit 1";
    DOCUMENT = "update jobs set file_name = $3, mime_type = $4, size_bytes = $5, sha256 = $6
        where id = $1 and fence = $2 and completed_at is null";
    BEGIN = concat!("update jobs set status = 'PROCESSING', started_at = coalesce(started_at, $2), updated_at = $2,
            hub_id = $3, hub_name = $4, page_count = $5, language = $6, hub_version = $7
        where id = $1 returning ", columns!());
}

/// What a worker must name in everything it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobLease {
    pub job_id: JobId,
    /// Higher with every claim of the job.
    pub fence: u32,
}

/// A job to work on, with all that the work needs.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    pub lease: JobLease,
    pub org_id: OrgId,
    /// QUEUED, or PROCESSING where an earlier worker began it and was lost.
    pub job: Job,
    /// How many workers were lost over it. At `limits::JOB_ATTEMPTS_MAX` it is to be given up.
    pub crashes: u32,
    /// Absent until a document given by URL is fetched.
    pub sha256: Option<[u8; 32]>,
    /// Where the document is to be fetched, if by URL.
    pub source_url: Option<String>,
    /// As found by an earlier worker that began it.
    pub language: Option<String>,
}

impl FromRow for ClaimedJob {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let Bare(job) = Bare::from_row(row)?;
        let org_id = row.take()?;
        let lease = JobLease { job_id: job.id, fence: row.take()? };
        Ok(Self {
            lease,
            org_id,
            job,
            crashes: row.take()?,
            sha256: row.take()?,
            source_url: row.take()?,
            language: row.take()?,
        })
    }
}

/// What validation found out about a job that may now be processed.
#[derive(Debug, Clone)]
pub struct Begin {
    pub lease: JobLease,
    pub org_id: OrgId,
    pub hub_id: HubId,
    pub hub_name: String,
    pub hub_version: u32,
    pub page_count: Option<u32>,
    pub language: Option<String>,
    /// The document's SHA-256.
    pub sha256: [u8; 32],
    /// The hub refuses documents it has seen.
    pub reject_duplicates: bool,
    /// By what else the document is known again.
    pub marks: Marks,
}

/// What became of the step to PROCESSING.
#[derive(Debug, Clone)]
pub enum Begun {
    /// The job as it is now.
    Processing(Box<Job>),
    /// An earlier job on the same bytes; this one is still QUEUED and to be settled as REJECTED.
    Duplicate(JobId),
    /// The same of an earlier job on the same text.
    SameText(JobId),
    /// The same of an earlier job on the same transaction.
    SameKey(JobId),
    /// The lease was lost or the job has ended; nothing was written.
    Stale,
}

impl Jobs<'_> {
    /// Hands at most `limit` jobs to `node` until `now + lease`, the oldest first.
    pub async fn claim(
        &self,
        node: &NodeId,
        limit: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<ClaimedJob>> {
        let input = (node.clone(), limit, now, now.plus(lease));
        let claim = self.0.db.write(input, |tx, (node, limit, now, until)| {
            Box::pin(async move {
                let params = [(*until).into(), node.as_str().into(), (*now).into(), (*limit).into()];
                tx.rows::<ClaimedJob>(&CLAIM, &params).await
            })
        });
        let mut jobs = claim.await?;
        jobs.sort_by_key(|claimed| (claimed.job.created_at, claimed.job.id));
        Ok(jobs)
    }

    /// Extends all leases of `node` to `now + lease`; how many there are.
    pub async fn renew(&self, node: &NodeId, now: Timestamp, lease: Duration) -> Result<u64> {
        let renew = self.0.db.write((node.clone(), now.plus(lease)), |tx, (node, until)| {
            Box::pin(async move { tx.execute(&RENEW, &[node.as_str().into(), (*until).into()]).await })
        });
        renew.await
    }

    /// Gives one job back, not counted as a crash; false where the lease was lost.
    pub async fn release(&self, lease: JobLease) -> Result<bool> {
        let release = self.0.db.write(lease, |tx, lease| {
            Box::pin(async move { tx.execute(&RELEASE, &[lease.job_id.into(), lease.fence.into()]).await })
        });
        Ok(release.await? == 1)
    }

    /// Gives everything back that `node` holds: on shutdown. How many jobs it were.
    pub async fn release_all(&self, node: &NodeId) -> Result<u64> {
        let release = self.0.db.write(node.clone(), |tx, node| {
            Box::pin(async move { tx.execute(&RELEASE_ALL, &[node.as_str().into()]).await })
        });
        release.await
    }

    /// Notes the document that was fetched for a job given by URL, once its blob is stored under the job's file id;
    /// false where the lease was lost. A later claim finds it and need not fetch again.
    pub async fn attach_document(
        &self,
        lease: JobLease,
        org_id: OrgId,
        document: StoredFile,
    ) -> Result<bool> {
        let attach = self.0.db.write((lease, org_id, document), |tx, (lease, org_id, document)| {
            Box::pin(async move {
                let file = &document.file;
                let params = [
                    lease.job_id.into(),
                    lease.fence.into(),
                    (&file.name).into(),
                    (&file.mime_type).into(),
                    file.size_bytes.into(),
                    (&document.sha256).into(),
                ];
                let attached = tx.execute(&DOCUMENT, &params).await? == 1;
                if attached {
                    files::insert_if_new(tx, *org_id, document).await?;
                }
                Ok(attached)
            })
        });
        attach.await
    }

    /// Steps a validated job to PROCESSING, unless an earlier job on the same bytes stands in its way. Of two such
    /// jobs at the same time exactly one passes. For a job that is PROCESSING already it only renews what is known.
    pub async fn begin_processing(&self, begin: Begin, now: Timestamp) -> Result<Begun> {
        self.0.db.write((begin, now), |tx, (begin, now)| Box::pin(begin_processing(tx, begin, *now))).await
    }
}

async fn begin_processing(tx: &mut Tx<'_>, begin: &Begin, now: Timestamp) -> Result<Begun> {
    let id = begin.lease.job_id;
    let hub_id = begin.hub_id.to_string();
    if begin.reject_duplicates {
        let lock = same_document_lock(begin.org_id, &hub_id, &begin.sha256);
        tx.rows::<()>(&SERIALIZE, &[lock.into()]).await?;
    }
    if begin.marks.decide() {
        // One at a time in a hub: the earlier ones are compared with, not looked up.
        let lock = same_document_lock(begin.org_id, &hub_id, &[0; 32]);
        tx.rows::<()>(&SERIALIZE, &[lock.into()]).await?;
    }
    if tx.optional::<(JobId,)>(&HOLD, &[id.into(), begin.lease.fence.into()]).await?.is_none() {
        return Ok(Begun::Stale);
    }
    if begin.reject_duplicates {
        let params = [id.into(), (&begin.sha256).into(), (&hub_id).into()];
        if let Some((earlier,)) = tx.optional(&DUPLICATE, &params).await? {
            return Ok(Begun::Duplicate(earlier));
        }
    }
    if begin.marks.decide()
        && let Some(twin) = marks::twin(tx, begin, &hub_id).await?
    {
        return Ok(twin);
    }
    marks::note(tx, begin, &hub_id, now).await?;
    let params = [
        id.into(),
        now.into(),
        (&hub_id).into(),
        (&begin.hub_name).into(),
        begin.page_count.into(),
        begin.language.as_ref().into(),
        begin.hub_version.into(),
    ];
    let Bare(job) = tx.one(&BEGIN, &params).await?;
    Ok(Begun::Processing(Box::new(job)))
}

/// A number that two jobs share only if they are about the same document (or by an accident that costs a short wait).
fn same_document_lock(org_id: OrgId, hub_id: &str, sha256: &[u8; 32]) -> i64 {
    use domain::id::UlidId;
    let digest = Sha256::new()
        .chain_update(org_id.to_bytes())
        .chain_update(hub_id.as_bytes())
        .chain_update(sha256)
        .finalize();
    i64::from_le_bytes(std::array::from_fn(|i| digest[i]))
}
