//! What a step begins that lives in the database: nested runs, jobs, approvals, tasks. Made in the transaction of the
//! decision, so that there is no moment at which a step waits for something that nobody knows of.

use super::{
    accept::{self, Parent, WorkflowRef},
    claim::ClaimedRun,
    commit::{Decision, Done},
    groups,
    mail::{Mail, post_all},
    retry, row,
};
use crate::{
    db::Tx,
    error::Result,
    jobs::{self, NewJob},
    sql::statements,
};
use domain::{
    context::Context,
    id::{ApprovalId, JobId, OrgId, RunId, TaskId},
    time::Timestamp,
};
use flow::run::{Failure, Key, RunState};
use serde_json::Value;

statements! {
    LINK_JOB = "insert into run_jobs (job_id, run_id, key, attempt) values ($1, $2, $3, $4)";
    APPROVAL = "insert into approvals (id, org_id, run_id, workflow_id, key, attempt, title, description, data, status, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'PENDING', $10)";
    TASK = "insert into tasks (id, org_id, run_id, workflow_id, key, attempt, task, input, status, lease_until, fence,
            created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'OPEN', 0, 0, $9, $9)";
    CHILDREN = "select id from runs where parent_id = $1 and parent_path = $2 and parent_key = $3
        and parent_attempt = $4 and completed_at is null";
    JOBS = "select job_id from run_jobs where run_id = $1 and key = $2 and attempt = $3";
    CANCEL_APPROVAL = "update approvals set status = 'CANCELLED', decided_at = $4
        where run_id = $1 and key = $2 and attempt = $3 and status = 'PENDING'";
    CANCEL_TASK = "update tasks set status = 'CANCELLED', fence = fence + 1, updated_at = $4
        where run_id = $1 and key = $2 and attempt = $3 and status = 'OPEN'";
}

#[derive(Debug, Clone)]
pub enum Begin {
    Run { key: Key, attempt: u32, child: ChildRun },
    Job { key: Key, attempt: u32, job: Box<NewJob> },
    Approval { key: Key, attempt: u32, title: String, description: Option<String>, data: Option<Value> },
    Task { key: Key, attempt: u32, task: String, input: Value },
}

#[derive(Debug, Clone)]
pub struct ChildRun {
    pub workflow: WorkflowRef,
    pub body: Value,
    pub depth: u32,
    /// The run of the parent that is retried, whose nested run at this place is taken up.
    pub resumes: Option<RunId>,
}

/// The run whose step it is.
pub(super) struct Of<'a> {
    pub org_id: OrgId,
    pub run_id: RunId,
    pub workflow_id: &'a str,
    /// Nested runs are its from the beginning.
    pub node: &'a str,
}

/// Stops and begins what decisions ask for. Nested runs that are new are `node`'s at once.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    decisions: &[&Decision],
    node: &str,
    ctx: &Context,
    now: Timestamp,
) -> Result<Vec<Done>> {
    let mut done: Vec<Done> = decisions.iter().map(|_| Done::default()).collect();
    let mut children = Vec::new();
    for (index, decision) in decisions.iter().enumerate() {
        let of = Of {
            org_id: decision.org_id,
            run_id: decision.lease.run_id,
            workflow_id: &decision.workflow_id,
            node,
        };
        for (key, attempt) in &decision.cancels {
            done[index].told.extend(cancel(tx, &of, (key, *attempt), ctx, now).await?);
        }
        for begin in &decision.begins {
            match begin {
                Begin::Run { key, attempt, child } => {
                    match resumed(tx, &of, (key, *attempt), child, now).await? {
                        Some(again) => done[index].children.push(again),
                        None => children.push((index, NewChild::new(&of, (key, *attempt), child))),
                    }
                }
                begin => {
                    if begin_other(tx, &of, begin, ctx, now).await? == Begun::Told {
                        done[index].told.push(of.run_id);
                    }
                }
            }
        }
        if let Some((group, limit)) = &decision.asks {
            done[index].told.extend(groups::ask(tx, of.run_id, group, *limit, ctx).await?);
        }
    }
    begin_children(tx, &children, node, &mut done, now).await?;
    Ok(done)
}

#[derive(PartialEq)]
enum Begun {
    Waits,
    /// It could not begin, and its run has mail of that.
    Told,
}

/// Makes what is no nested run.
async fn begin_other(
    tx: &mut Tx<'_>,
    of: &Of<'_>,
    begin: &Begin,
    ctx: &Context,
    now: Timestamp,
) -> Result<Begun> {
    match begin {
        // These are begun together.
        Begin::Run { .. } => {}
        Begin::Job { key, attempt, job } => {
            let key = key.to_string();
            if jobs::insert_for_run(tx, job, now).await? {
                let params = [job.job.id.into(), of.run_id.into(), (&key).into(), (*attempt).into()];
                tx.execute(&LINK_JOB, &params).await?;
            } else {
                let failure = Failure::permanent("FILE_GONE", "the document's file was deleted");
                let key = key.parse().map_err(crate::Error::corrupt)?;
                let mail = Mail::Finished { key, attempt: *attempt, result: Err(failure) };
                post_all(tx, &[(of.run_id, mail)], ctx).await?;
                return Ok(Begun::Told);
            }
        }
        Begin::Approval { key, attempt, title, description, data } => {
            let (key, data) = (key.to_string(), data.as_ref().map(Value::to_string));
            let params = [
                ctx.id::<ApprovalId>().into(),
                of.org_id.into(),
                of.run_id.into(),
                of.workflow_id.into(),
                (&key).into(),
                (*attempt).into(),
                title.into(),
                description.as_ref().into(),
                data.as_ref().into(),
                now.into(),
            ];
            tx.execute(&APPROVAL, &params).await?;
        }
        Begin::Task { key, attempt, task, input } => {
            let (key, input) = (key.to_string(), input.to_string());
            let params = [
                ctx.id::<TaskId>().into(),
                of.org_id.into(),
                of.run_id.into(),
                of.workflow_id.into(),
                (&key).into(),
                (*attempt).into(),
                task.into(),
                (&input).into(),
                now.into(),
            ];
            tx.execute(&TASK, &params).await?;
        }
    }
    Ok(Begun::Waits)
}

/// A nested run that begins anew.
struct NewChild<'a> {
    org_id: OrgId,
    id: RunId,
    parent: Parent,
    child: &'a ChildRun,
}

impl<'a> NewChild<'a> {
    fn new(of: &Of<'_>, (key, attempt): (&Key, u32), child: &'a ChildRun) -> Self {
        let text = key.to_string();
        let id = row::child_id(of.run_id, &text, attempt);
        let parent = Parent { run_id: of.run_id, path: key.path(), attempt, key: text };
        Self { org_id: of.org_id, id, parent, child }
    }
}

/// The nested run at the same place of an earlier run, taken up again; `None` where the place begins anew.
async fn resumed(
    tx: &mut Tx<'_>,
    of: &Of<'_>,
    place: (&Key, u32),
    child: &ChildRun,
    now: Timestamp,
) -> Result<Option<ClaimedRun>> {
    let Some(earlier) = child.resumes else { return Ok(None) };
    let new = NewChild::new(of, place, child);
    retry::child(tx, earlier, &new.parent, new.id, (of, child.depth), now).await
}

/// Nested runs of many decisions. One that is there already was begun before.
async fn begin_children(
    tx: &mut Tx<'_>,
    children: &[(usize, NewChild<'_>)],
    node: &str,
    done: &mut [Done],
    now: Timestamp,
) -> Result<()> {
    let state = RunState::new();
    let rows: Vec<_> = children
        .iter()
        .map(|(_, new)| accept::NewRow {
            org_id: new.org_id,
            id: new.id,
            workflow: &new.child.workflow,
            retry_of: None,
            parent: Some(&new.parent),
            depth: new.child.depth,
            state: &state,
            node: Some(node),
        })
        .collect();
    let are_new = accept::insert_many(tx, &rows, now).await?;
    let mut bodies = Vec::new();
    for ((index, new), is_new) in children.iter().zip(are_new) {
        if is_new {
            let NewChild { org_id, id, child, .. } = new;
            bodies.push((*id, &child.body));
            let run = ClaimedRun::new((*org_id, *id), &child.workflow, true);
            done[*index].children.push(ClaimedRun { depth: child.depth, ..run });
        }
    }
    accept::bodies(tx, &bodies, now).await
}

/// Stops what an attempt at a step had begun. Its end is not waited for. The runs that have mail of it.
async fn cancel(
    tx: &mut Tx<'_>,
    of: &Of<'_>,
    (key, attempt): (&Key, u32),
    ctx: &Context,
    now: Timestamp,
) -> Result<Vec<RunId>> {
    let (text, path) = (key.to_string(), key.path());
    let params = [of.run_id.into(), (&path).into(), (&text).into(), attempt.into()];
    let children: Vec<(RunId,)> = tx.rows(&CHILDREN, &params).await?;
    let mails: Vec<_> = children.into_iter().map(|(id,)| (id, Mail::Close)).collect();
    post_all(tx, &mails, ctx).await?;
    let params = [of.run_id.into(), (&text).into(), attempt.into(), now.into()];
    tx.execute(&CANCEL_APPROVAL, &params).await?;
    tx.execute(&CANCEL_TASK, &params).await?;
    for (id,) in tx.rows::<(JobId,)>(&JOBS, &params[..3]).await? {
        jobs::cancel_for_run(tx, of.org_id, id, ctx, now).await?;
    }
    Ok(mails.into_iter().map(|(id, _)| id).collect())
}
