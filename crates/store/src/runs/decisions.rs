//! What runs leave to others: approvals, which people decide, and tasks, which a user's own worker does under a lease.
//!
//! Each ends in one transaction with the mail to its run; the first to end it wins.

use super::{
    Runs,
    mail::{Mail, post_all},
};
use crate::{
    db::{FromRow, Row},
    error::{Error, Result},
    rows::{Json, window},
    sql::statements,
};
use domain::{
    id::{ApprovalId, OrgId, RunId, TaskId},
    page::{Direction, PageRequest, Paged},
    time::Timestamp,
};
use flow::run::{Failure, Output};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

macro_rules! approval {
    () => {
        "id, run_id, workflow_id, key, title, description, data, status, created_at, decided_at, decided_by, decision"
    };
}

macro_rules! listed {
    () => {
        " from approvals where org_id = $1 and (status = $2 or $2 is null) and (run_id = $3 or $3 is null) "
    };
}

statements! {
    GET_APPROVAL = concat!("select ", approval!(), " from approvals where org_id = $1 and id = $2");
    COUNT = concat!("select count(*)", listed!());
    NEWEST = concat!("select ", approval!(), listed!(), "order by created_at desc, id desc limit $4 offset $5");
    OLDEST = concat!("select ", approval!(), listed!(), "order by created_at, id limit $4 offset $5");
    DECIDE = "update approvals set status = $3, decided_at = $4, decided_by = $5, decision = $6
        where org_id = $1 and id = $2 and status = 'PENDING' returning run_id, key, attempt";
    CLAIM = "update tasks set lease_until = $4, fence = fence + 1, updated_at = $3
        where id in (select id from tasks where org_id = $1 and task = $2 and status = 'OPEN' and lease_until <= $3
            order by created_at, id limit $5)
        returning id, run_id, workflow_id, key, attempt, task, input, status, lease_until, fence, created_at",
        postgres "update tasks set lease_until = $4, fence = fence + 1, updated_at = $3
        where id = any(array(select id from tasks where org_id = $1 and task = $2 and status = 'OPEN' and lease_until <= $3
            order by created_at, id limit $5 for update skip locked))
        returning id, run_id, workflow_id, key, attempt, task, input, status, lease_until, fence, created_at";
    RENEW = "update tasks set lease_until = $4, updated_at = $5
        where org_id = $1 and id = $2 and fence = $3 and status = 'OPEN' returning lease_until";
    END = "update tasks set status = $4, updated_at = $5
        where org_id = $1 and id = $2 and fence = $3 and status = 'OPEN' returning run_id, key, attempt";
    TASK = "select status from tasks where org_id = $1 and id = $2";
}

macro_rules! statuses {
    ($name:ident: $($variant:ident = $text:literal),*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$(Self::$variant),*];
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.as_str() == text)
            }
        }
    };
}

statuses!(ApprovalStatus: Pending = "PENDING", Approved = "APPROVED", Rejected = "REJECTED", Cancelled = "CANCELLED");

/// A decision that a run waits for.
#[derive(Debug, Clone)]
pub struct Approval {
    pub id: ApprovalId,
    pub run_id: RunId,
    pub workflow_id: String,
    /// The step's place in the run.
    pub key: String,
    pub title: String,
    pub description: Option<String>,
    /// What the one who decides is shown.
    pub data: Option<Value>,
    pub status: ApprovalStatus,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub decision: Option<Value>,
}

impl FromRow for Approval {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            run_id: row.take()?,
            workflow_id: row.take()?,
            key: row.take()?,
            title: row.take()?,
            description: row.take()?,
            data: row.take::<Option<Json<Value>>>()?.map(|Json(data)| data),
            status: row.take()?,
            created_at: row.take()?,
            decided_at: row.take()?,
            decided_by: row.take()?,
            decision: row.take::<Option<Json<Value>>>()?.map(|Json(data)| data),
        })
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct ApprovalFilter {
    pub status: Option<ApprovalStatus>,
    pub run_id: Option<RunId>,
}

/// What became of a decision.
#[derive(Debug, Clone)]
pub enum Decided {
    /// Hint `Topic::Runs`.
    Done(Box<Approval>),
    NotFound,
    /// Somebody was faster, or the run ended.
    Already(ApprovalStatus),
}

/// Work for a user's own worker.
#[derive(Debug, Clone)]
pub struct Task {
    pub id: TaskId,
    pub run_id: RunId,
    pub workflow_id: String,
    pub key: String,
    pub attempt: u32,
    pub task: String,
    pub input: Value,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct ClaimedTask {
    pub task: Task,
    pub lease_until: Timestamp,
    pub fence: u32,
}

impl FromRow for ClaimedTask {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, run_id, workflow_id) = (row.take()?, row.take()?, row.take()?);
        let (key, attempt, task) = (row.take()?, row.take()?, row.take()?);
        let Json(input) = row.take()?;
        let _status: String = row.take()?;
        let (lease_until, fence) = (row.take()?, row.take()?);
        let task = Task { id, run_id, workflow_id, key, attempt, task, input, created_at: row.take()? };
        Ok(Self { task, lease_until, fence })
    }
}

/// What a worker must name in everything it says about a task.
#[derive(Debug, Clone, Copy)]
pub struct TaskLease {
    pub org_id: OrgId,
    pub task_id: TaskId,
    pub fence: u32,
}

#[derive(Debug, Clone)]
pub enum TaskEnd {
    Completed(Value),
    Failed(Failure),
}

/// What became of what a worker said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskUpdated {
    /// After an end, hint `Topic::Runs`. With the time until which the task is the worker's.
    Done(Option<Timestamp>),
    NotFound,
    /// The lease ran out and another worker has it, or it has ended.
    Lost,
}

impl Runs<'_> {
    /// A page of approvals by their time of creation.
    pub async fn approvals(
        &self,
        org_id: OrgId,
        filter: ApprovalFilter,
        page: PageRequest,
    ) -> Result<Paged<Approval>> {
        let list = self.0.db.read((org_id, filter, page), |tx, (org_id, filter, page)| {
            Box::pin(async move {
                let filters = [(*org_id).into(), filter.status.into(), filter.run_id.into()];
                let sql = if page.direction == Direction::Ascending { &OLDEST } else { &NEWEST };
                let data = tx.rows(sql, &[&filters[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&COUNT, &filters).await?;
                Ok(Paged::new(data, page, total))
            })
        });
        list.await
    }

    pub async fn approval(&self, org_id: OrgId, id: ApprovalId) -> Result<Option<Approval>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET_APPROVAL, &[(*org_id).into(), (*id).into()]).await })
        });
        get.await
    }

    /// Decides an approval that nobody has decided yet.
    pub async fn decide(
        &self,
        (org_id, id): (OrgId, ApprovalId),
        approved: bool,
        by: Option<String>,
        data: Option<Value>,
        now: Timestamp,
    ) -> Result<Decided> {
        let input = (org_id, id, approved, by, data, self.0.ctx.clone(), now);
        let decide = self.0.db.write(input, |tx, (org_id, id, approved, by, data, ctx, now)| {
            Box::pin(async move {
                let status = if *approved { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
                let text = data.as_ref().map(Value::to_string);
                let key = [(*org_id).into(), (*id).into()];
                let set = [status.into(), (*now).into(), by.as_ref().into(), text.as_ref().into()];
                let decided: Option<(RunId, String, u32)> =
                    tx.optional(&DECIDE, &[&key[..], &set].concat()).await?;
                let approval: Option<Approval> = tx.optional(&GET_APPROVAL, &key).await?;
                let Some(approval) = approval else { return Ok(Decided::NotFound) };
                let Some((run_id, place, attempt)) = decided else {
                    return Ok(Decided::Already(approval.status));
                };
                let mut output = json!({"approved": approved});
                for (name, value) in [("by", by.as_ref().map(|by| json!(by))), ("data", data.clone())] {
                    if let Some(value) = value {
                        output[name] = value;
                    }
                }
                let place = place.parse().map_err(Error::corrupt)?;
                let mail = Mail::Finished { key: place, attempt, result: Ok(Output::Inline(output)) };
                post_all(tx, &[(run_id, mail)], ctx).await?;
                Ok(Decided::Done(Box::new(approval)))
            })
        });
        decide.await
    }

    /// Hands tasks to a worker until `now + lease`: those that nobody has, and those whose worker let its lease run out.
    pub async fn claim_tasks(
        &self,
        org_id: OrgId,
        task: &str,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<ClaimedTask>> {
        let input = (org_id, task.to_owned(), now, now.plus(lease), limit);
        let claim = self.0.db.write(input, |tx, (org_id, task, now, until, limit)| {
            Box::pin(async move {
                let params = [(*org_id).into(), task.into(), (*now).into(), (*until).into(), (*limit).into()];
                tx.rows::<ClaimedTask>(&CLAIM, &params).await
            })
        });
        let mut tasks = claim.await?;
        tasks.sort_by_key(|claimed| (claimed.task.created_at, claimed.task.id));
        Ok(tasks)
    }

    /// Extends a worker's lease to `now + lease`.
    pub async fn renew_task(&self, task: TaskLease, lease: Duration, now: Timestamp) -> Result<TaskUpdated> {
        let renew = self.0.db.write((task, now.plus(lease), now), |tx, (task, until, now)| {
            Box::pin(async move {
                let key = [task.org_id.into(), task.task_id.into()];
                let params = [&key[..], &[task.fence.into(), (*until).into(), (*now).into()]].concat();
                if let Some((until,)) = tx.optional::<(Timestamp,)>(&RENEW, &params).await? {
                    return Ok(TaskUpdated::Done(Some(until)));
                }
                let there = tx.optional::<(String,)>(&TASK, &key).await?.is_some();
                Ok(if there { TaskUpdated::Lost } else { TaskUpdated::NotFound })
            })
        });
        renew.await
    }

    /// Ends a task as its worker says. A worker that lost its lease changes nothing.
    pub async fn end_task(&self, task: TaskLease, end: TaskEnd, now: Timestamp) -> Result<TaskUpdated> {
        let input = (task, end, self.0.ctx.clone(), now);
        let ended = self.0.db.write(input, |tx, (task, end, ctx, now)| {
            Box::pin(async move {
                let (status, result) = match end {
                    TaskEnd::Completed(output) => ("COMPLETED", Ok(Output::Inline(output.clone()))),
                    TaskEnd::Failed(failure) => ("FAILED", Err(failure.clone())),
                };
                let key = [task.org_id.into(), task.task_id.into()];
                let params = [&key[..], &[task.fence.into(), status.into(), (*now).into()]].concat();
                let ended: Option<(RunId, String, u32)> = tx.optional(&END, &params).await?;
                let Some((run_id, place, attempt)) = ended else {
                    let there = tx.optional::<(String,)>(&TASK, &key).await?.is_some();
                    return Ok(if there { TaskUpdated::Lost } else { TaskUpdated::NotFound });
                };
                let key = place.parse().map_err(Error::corrupt)?;
                post_all(tx, &[(run_id, Mail::Finished { key, attempt, result })], ctx).await?;
                Ok(TaskUpdated::Done(None))
            })
        });
        ended.await
    }
}
