//! What happened to a run outside of the node that has it.

use super::Runs;
use crate::{
    NodeId,
    db::Tx,
    error::{Error, Result},
    sql::statements,
};
use domain::{
    context::Context,
    id::{EventId, JobId, OrgId, RunId},
    job::{Job, JobStatus},
    run::RunStatus,
};
use flow::{
    ir::FailureClass,
    run::{Failure, Key, Output},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub type MailId = EventId;

statements! {
    POST = "insert into run_mail (id, run_id, mail) select $1, id, $3 from runs where id = $2 and completed_at is null",
        postgres "insert into run_mail (id, run_id, mail)
        select new.id, runs.id, mail from unnest($1::uuid[], $2::uuid[], $3::text[])
            with ordinality as new (id, run_id, mail, number)
        join runs on runs.id = new.run_id where (completed_at is null) is true order by number";
    WAKE = "update runs set wake_at = 0 where id = $1 and completed_at is null",
        postgres "update runs set wake_at = 0 where id = any($1::uuid[]) and completed_at is null";
    // In the order of arrival.
    READ = "select id, mail from run_mail where run_id = $1 order by rowid limit $2",
        postgres "select id, mail from run_mail where run_id = $1 order by arrival limit $2";
    OF_NODE = "select distinct m.run_id from run_mail m join runs r on r.id = m.run_id where r.lease_node = $1 limit $2";
    JOB = "select run_id, key, attempt from run_jobs where job_id = $1",
        postgres "select a.number, run_id, key, attempt from unnest($1::uuid[]) with ordinality as a (job_id, number)
        join run_jobs on run_jobs.job_id = a.job_id";
    STATUS = "select status from runs where org_id = $1 and id = $2",
        postgres "select status from runs where org_id = $1 and id = $2 for key share";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mail {
    /// What a step had begun has ended.
    Finished {
        key: Key,
        attempt: u32,
        result: std::result::Result<Output, Failure>,
    },
    Signal {
        name: String,
        data: Value,
    },
    /// It is its turn in its concurrency group.
    Acquired,
    Close,
}

/// What became of a message to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// Hint `Topic::Runs`.
    Done,
    NotFound,
    /// It has ended.
    AlreadyTerminal(RunStatus),
}

impl Runs<'_> {
    /// Tells a run something from outside.
    pub async fn post(&self, org_id: OrgId, id: RunId, mail: Mail) -> Result<Posted> {
        let input = (org_id, id, mail, self.0.ctx.clone());
        let post = self.0.db.write(input, |tx, (org_id, id, mail, ctx)| {
            Box::pin(async move {
                match tx.optional::<(RunStatus,)>(&STATUS, &[(*org_id).into(), (*id).into()]).await? {
                    None => Ok(Posted::NotFound),
                    Some((status,)) if status.is_terminal() => Ok(Posted::AlreadyTerminal(status)),
                    Some(_) => {
                        post_all(tx, &[(*id, mail.clone())], ctx).await?;
                        Ok(Posted::Done)
                    }
                }
            })
        });
        post.await
    }

    /// What a run has not looked at yet, the oldest first.
    pub async fn mail(&self, id: RunId, limit: u32) -> Result<Vec<(MailId, Mail)>> {
        let read = self.0.db.read((id, limit), |tx, (id, limit)| {
            Box::pin(
                async move { tx.rows::<(MailId, String)>(&READ, &[(*id).into(), (*limit).into()]).await },
            )
        });
        let decode =
            |(id, text): (MailId, String)| Ok((id, serde_json::from_str(&text).map_err(Error::corrupt)?));
        read.await?.into_iter().map(decode).collect()
    }

    /// The runs of a node that have mail.
    pub async fn with_mail(&self, node: &NodeId, limit: u32) -> Result<Vec<RunId>> {
        let find = self.0.db.read((node.clone(), limit), |tx, (node, limit)| {
            Box::pin(
                async move { tx.rows::<(RunId,)>(&OF_NODE, &[node.as_str().into(), (*limit).into()]).await },
            )
        });
        Ok(find.await?.into_iter().map(|(id,)| id).collect())
    }
}

/// Leaves mail for open runs. The row of each is locked, so that a node that gives it back at the same time knows.
pub(super) async fn post_all(tx: &mut Tx<'_>, mails: &[(RunId, Mail)], ctx: &Context) -> Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    let mut texts = Vec::with_capacity(mails.len());
    for (_, mail) in mails {
        texts.push(serde_json::to_string(mail).map_err(Error::corrupt)?);
    }
    let posts: Vec<_> = mails
        .iter()
        .zip(&texts)
        .map(|((run_id, _), text)| vec![ctx.id::<MailId>().into(), (*run_id).into(), text.into()])
        .collect();
    tx.execute_bulk(&POST, &posts).await?;
    // In the order of the ids, so that two such transactions seldom wait for each other in a circle.
    let mut ids: Vec<RunId> = mails.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let wakes: Vec<_> = ids.into_iter().map(|id| vec![id.into()]).collect();
    tx.execute_bulk(&WAKE, &wakes).await.map(drop)
}

/// Tells the runs whose steps began these jobs how they ended: part of the jobs' own transaction. Whether there were any:
/// then hint `Topic::Runs`.
pub(crate) async fn tell_of_jobs<'a>(
    tx: &mut Tx<'_>,
    jobs: impl Iterator<Item = &'a Job>,
    ctx: &Context,
) -> Result<bool> {
    let jobs: Vec<&Job> = jobs.collect();
    let keys: Vec<_> = jobs.iter().map(|job| vec![job.id.into()]).collect();
    let found: Vec<Option<(RunId, String, u32)>> = tx.optional_bulk(&JOB, &keys).await?;
    let mut mails = Vec::new();
    for (job, link) in jobs.iter().zip(found) {
        let Some((run_id, key, attempt)) = link else { continue };
        let key: Key = key.parse().map_err(Error::corrupt)?;
        mails.push((run_id, Mail::Finished { key, attempt, result: result(job) }));
    }
    post_all(tx, &mails, ctx).await?;
    Ok(!mails.is_empty())
}

fn result(job: &Job) -> std::result::Result<Output, Failure> {
    if job.status == JobStatus::Completed {
        return Ok(Output::Stored(job_output(job.id)));
    }
    let (code, message) = match &job.error {
        Some(error) => (error.code.as_str(), error.message.as_str()),
        None => ("JOB_FAILED", "the document could not be read"),
    };
    let class = match code {
        "PROCESSING_TIMEOUT" => FailureClass::Timeout,
        "PROCESSING_FAILED" | "RESOURCE_LIMIT" => FailureClass::ServerError,
        "DOCUMENT_UNREACHABLE" => FailureClass::Connection,
        _ => FailureClass::Permanent,
    };
    Err(Failure::new(code, class, message))
}

/// The name under which a job is read as an output.
pub(super) fn job_output(id: JobId) -> String {
    format!("job:{id}")
}
