//! What nodes decided about runs, many in one transaction.
//!
//! A decision is all that follows from what happened, up to where the run waits for something outside again. Its rows,
//! its state, what it begins and stops, and where it is the last one, the end with the event, its deliveries and the
//! word to the parent: all of it is committed, or nothing.

use super::{
    Runs,
    begin::{self, Begin, Begun, Of},
    claim::{ClaimedRun, RunLease},
    files as run_files, groups,
    mail::{Mail, MailId, post_all},
    show, values,
};
use crate::{
    db::Tx,
    deliveries::{self, DueDelivery, Hold, Outgoing},
    error::{Error, Result},
    events::NewEvent,
    files::{self, StoredFile},
    sql::statements,
};
use bytes::Bytes;
use domain::{
    context::Context,
    event,
    id::{OrgId, RunId},
    run::{Progress, RunStatus},
    time::Timestamp,
};
use flow::{
    ir::Definition,
    run::{Failure, Key, Output, Row, RunState},
};
use std::sync::Arc;

statements! {
    DECIDE = "update runs set state = $3, steps_completed = $4, steps_total = $5, computed_ms = computed_ms + $6,
            wake_at = $7, hot = $8, crashes = 0, started_at = coalesce(started_at, $9), updated_at = $9
        where id = $1 and fence = $2 and completed_at is null";
    END = "update runs set status = $2, completed_at = $3, updated_at = $3, error_code = $4, error_message = $5,
            lease_node = null, hot = false
        where id = $1";
    PARENT = "select parent_id, parent_key, parent_attempt from runs where id = $1 and parent_id is not null";
    SHOW_AS_FILE = "update run_rows set file_id = $3 where run_id = $1 and name = $2";
    TAKE_MAIL = "delete from run_mail where id = $1";
    END_MAIL = "delete from run_mail where run_id = $1";
    END_APPROVALS = "update approvals set status = 'CANCELLED', decided_at = $2 where run_id = $1 and status = 'PENDING'";
    END_TASKS = "update tasks set status = 'CANCELLED', fence = fence + 1, updated_at = $2
        where run_id = $1 and status = 'OPEN'";
}

/// A row of the journal, with its value as a file where that is large.
#[derive(Debug, Clone)]
pub struct NewRow {
    pub row: Row,
    /// Its blob is stored.
    pub file: Option<StoredFile>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub status: RunStatus,
    pub failure: Option<Failure>,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Decision {
    pub lease: RunLease,
    pub org_id: OrgId,
    pub workflow_id: String,
    pub definition: Arc<Definition>,
    pub state: RunState,
    pub progress: Progress,
    /// Time that the steps ending here took, added up.
    pub computed_ms: u64,
    /// When the run wants to be looked at, should no node have it.
    pub wake_at: Timestamp,
    /// Its node goes on to do something for it that another node would have to do again.
    pub hot: bool,
    pub rows: Vec<NewRow>,
    /// Rows of earlier decisions that are shown as files from now on. The blobs are stored.
    pub files: Vec<(String, StoredFile)>,
    /// The mail that it is about.
    pub taken: Vec<MailId>,
    pub begins: Vec<Begin>,
    pub cancels: Vec<(Key, u32)>,
    /// The concurrency group in which it asks for its turn.
    pub asks: Option<(String, u32)>,
    pub ended: Option<Ended>,
}

/// What became of a decision.
#[derive(Debug, Clone)]
pub enum Committed {
    Done {
        /// Deliveries of its event that are to be sent now, leased to the caller.
        deliveries: Vec<DueDelivery>,
        /// Nested runs that it began, which this node has.
        children: Vec<ClaimedRun>,
        /// Runs that have mail of it now, whichever node has them.
        told: Vec<RunId>,
    },
    /// The run was lost; nothing was written.
    Stale,
}

impl Runs<'_> {
    /// Commits decisions, all in one transaction; answers stand in their order. Hint `Topic::Runs` where
    /// others have mail, and `Topic::Events` where one is an end, and `Topic::Jobs` where one begins a job.
    pub async fn commit(
        &self,
        decisions: Vec<Decision>,
        hold: Hold,
        now: Timestamp,
    ) -> Result<Vec<Committed>> {
        let input = (decisions, hold, self.0.ctx.clone(), now);
        let commit = self
            .0
            .db
            .write(input, |tx, (decisions, hold, ctx, now)| Box::pin(commit(tx, decisions, hold, ctx, *now)));
        commit.await
    }
}

async fn commit(
    tx: &mut Tx<'_>,
    decisions: &[Decision],
    hold: &Hold,
    ctx: &Context,
    now: Timestamp,
) -> Result<Vec<Committed>> {
    // Rows are locked in the order of their ids, so that two such transactions never wait for each other in a circle.
    let mut order: Vec<usize> = (0..decisions.len()).collect();
    order.sort_unstable_by_key(|index| decisions[*index].lease.run_id);
    let mut committed: Vec<Committed> = decisions.iter().map(|_| Committed::Stale).collect();
    let mut ends = Vec::new();
    for index in order {
        let decision = &decisions[index];
        if !decide(tx, decision, now).await? {
            continue;
        }
        let of = Of {
            org_id: decision.org_id,
            run_id: decision.lease.run_id,
            workflow_id: &decision.workflow_id,
            node: hold.node.as_str(),
        };
        let (mut children, mut told) = (Vec::new(), Vec::new());
        for (key, attempt) in &decision.cancels {
            told.extend(begin::cancel(tx, &of, (key, *attempt), ctx, now).await?);
        }
        for begin in &decision.begins {
            match begin::begin(tx, &of, begin, ctx, now).await? {
                Begun::Run(child) => children.push(*child),
                Begun::Told => told.push(decision.lease.run_id),
                Begun::Waits => {}
            }
        }
        if let Some((group, limit)) = &decision.asks {
            told.extend(groups::ask(tx, decision.lease.run_id, group, *limit, ctx).await?);
        }
        if let Some(ended) = &decision.ended {
            let event = end(tx, decision, ended, &mut told, (ctx, now)).await?;
            ends.extend(event.map(|event| (index, event, ended.at)));
        }
        committed[index] = Committed::Done { deliveries: Vec::new(), children, told };
    }
    let outgoing: Vec<Outgoing<'_>> = ends
        .iter()
        .map(|(index, event, occurred_at)| Outgoing {
            org_id: decisions[*index].org_id,
            event,
            ended: deliveries::Ended::Run(decisions[*index].lease.run_id, &decisions[*index].workflow_id),
            occurred_at: *occurred_at,
        })
        .collect();
    let due = deliveries::fan_out(tx, &outgoing, Some(hold), ctx, now).await?;
    for ((index, ..), due) in ends.iter().zip(due) {
        if let Committed::Done { deliveries, .. } = &mut committed[*index] {
            *deliveries = due;
        }
    }
    Ok(committed)
}

/// The state and the rows; false where the run was lost.
async fn decide(tx: &mut Tx<'_>, decision: &Decision, now: Timestamp) -> Result<bool> {
    let run_id = decision.lease.run_id;
    let state = serde_json::to_string(&decision.state).map_err(Error::corrupt)?;
    let params = [
        run_id.into(),
        decision.lease.fence.into(),
        (&state).into(),
        decision.progress.steps_completed.into(),
        decision.progress.steps_total.into(),
        decision.computed_ms.into(),
        decision.wake_at.into(),
        decision.hot.into(),
        now.into(),
    ];
    if tx.execute(&DECIDE, &params).await? == 0 {
        return Ok(false);
    }
    for file in decision.rows.iter().filter_map(|row| row.file.as_ref()) {
        files::insert_if_new(tx, decision.org_id, file).await?;
    }
    let rows: Vec<_> = decision
        .rows
        .iter()
        .map(|new| (run_id, &new.row, new.file.as_ref().map(|file| file.file.id)))
        .collect();
    values::write(tx, &rows).await?;
    show_as_files(tx, decision).await?;
    let taken: Vec<_> = decision.taken.iter().map(|id| vec![(*id).into()]).collect();
    tx.execute_many(&TAKE_MAIL, &taken).await?;
    Ok(true)
}

async fn show_as_files(tx: &mut Tx<'_>, decision: &Decision) -> Result<()> {
    let run_id = decision.lease.run_id;
    for (name, stored) in &decision.files {
        files::insert_if_new(tx, decision.org_id, stored).await?;
        tx.execute(&SHOW_AS_FILE, &[run_id.into(), name.into(), stored.file.id.into()]).await?;
    }
    let named = decision.files.iter().map(|(_, stored)| (stored.file.id, run_id));
    run_files::name(tx, named.collect()).await
}

/// The terminal state, and the event. Who has mail of it is added to `told`.
async fn end(
    tx: &mut Tx<'_>,
    decision: &Decision,
    ended: &Ended,
    told: &mut Vec<RunId>,
    (ctx, now): (&Context, Timestamp),
) -> Result<Option<NewEvent>> {
    let run_id = decision.lease.run_id;
    let group = groups::of(tx, run_id).await?;
    let failure = ended.failure.as_ref();
    let params = [
        run_id.into(),
        ended.status.into(),
        ended.at.into(),
        failure.map(|failure| &failure.code).into(),
        failure.map(|failure| &failure.message).into(),
    ];
    tx.execute(&END, &params).await?;
    tx.execute(&END_MAIL, &[run_id.into()]).await?;
    tx.execute(&END_APPROVALS, &[run_id.into(), now.into()]).await?;
    tx.execute(&END_TASKS, &[run_id.into(), now.into()]).await?;
    if let Some(group) = group {
        told.extend(groups::left(tx, &group, ctx).await?);
    }
    let parent: Option<(RunId, String, u32)> = tx.optional(&PARENT, &[run_id.into()]).await?;
    if let Some((parent, key, attempt)) = parent {
        let key = key.parse().map_err(Error::corrupt)?;
        let mail = Mail::Finished { key, attempt, result: result(run_id, ended) };
        post_all(tx, &[(parent, mail)], ctx).await?;
        told.push(parent);
    }
    let Some(event_type) = ended.status.event_type() else { return Ok(None) };
    let run = show::told(tx, run_id, &decision.definition, &decision.state).await?;
    let id = ctx.id();
    let body = event::render_run(id, event_type, &run).map_err(Error::corrupt)?;
    Ok(Some(NewEvent { id, event_type, body: Bytes::from(body) }))
}

/// What a nested run's end is to the step that began it.
fn result(run_id: RunId, ended: &Ended) -> std::result::Result<Output, Failure> {
    match (&ended.failure, ended.status) {
        (_, RunStatus::Completed) => Ok(Output::Stored(format!("run:{run_id}"))),
        (Some(failure), _) => Err(failure.clone()),
        (None, _) => Err(Failure::permanent("RUN_CLOSED", "the nested run was closed")),
    }
}
