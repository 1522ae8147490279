//! What nodes decided about runs, many in one transaction.
//!
//! A decision is all that follows from what happened, up to where the run waits for something outside again. Its rows,
//! its state, what it begins and stops, and where it is the last one, the end with the event, its deliveries and the
//! word to the parent: all of it is committed, or nothing.

use super::{
    Runs,
    begin::{self, Begin},
    claim::{ClaimedRun, RunLease},
    end, files as run_files,
    mail::MailId,
    values,
};
use crate::{
    db::Tx,
    deliveries::{DueDelivery, Hold},
    error::{Error, Result},
    files::{self, StoredFile},
    sql::statements,
};
use domain::{
    context::Context,
    id::{OrgId, RunId},
    run::{Progress, RunStatus},
    time::Timestamp,
};
use flow::{
    ir::Definition,
    run::{Failure, Key, Row, RunState},
};
use std::sync::Arc;

statements! {
    DECIDE = "update runs set state = $3, steps_completed = $4, steps_total = $5, computed_ms = computed_ms + $6,
            wake_at = $7, hot = $8, crashes = 0, started_at = coalesce(started_at, $9), updated_at = $9
        where id = $1 and fence = $2 and completed_at is null",
        postgres "update runs set state = new.state, steps_completed = new.steps_completed, steps_total = new.steps_total,
            computed_ms = runs.computed_ms + new.computed_ms, wake_at = new.wake_at, hot = new.hot, crashes = 0,
            started_at = coalesce(started_at, new.now), updated_at = new.now
        from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[],
            $9::bigint[]) with ordinality as new (id, fence, state, steps_completed, steps_total, computed_ms, wake_at, hot,
            now, number)
        where runs.id = new.id and runs.fence = new.fence and completed_at is null returning new.number";
    SHOW_AS_FILE = "update run_rows set file_id = $3 where run_id = $1 and name = $2";
    TAKE_MAIL = "delete from run_mail where id = $1", postgres "delete from run_mail where id = any($1::uuid[])";
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

/// What a decision led to.
#[derive(Default)]
pub(super) struct Done {
    pub deliveries: Vec<DueDelivery>,
    pub children: Vec<ClaimedRun>,
    pub told: Vec<RunId>,
}

/// Each kind of statement runs once, over all decisions.
async fn commit(
    tx: &mut Tx<'_>,
    decisions: &[Decision],
    hold: &Hold,
    ctx: &Context,
    now: Timestamp,
) -> Result<Vec<Committed>> {
    // In the order of the ids, so that two such transactions seldom wait for each other in a circle.
    let mut order: Vec<usize> = (0..decisions.len()).collect();
    order.sort_unstable_by_key(|index| decisions[*index].lease.run_id);
    let sorted: Vec<&Decision> = order.iter().map(|index| &decisions[*index]).collect();
    let holds = decide(tx, &sorted, now).await?;
    order = order.into_iter().zip(holds).filter_map(|(index, holds)| holds.then_some(index)).collect();
    let held: Vec<&Decision> = order.iter().map(|index| &decisions[*index]).collect();
    write(tx, &held).await?;
    let mut done = begin::all(tx, &held, hold.node.as_str(), ctx, now).await?;
    end::all(tx, &held, &mut done, hold, (ctx, now)).await?;
    let mut committed: Vec<Committed> = decisions.iter().map(|_| Committed::Stale).collect();
    for (index, Done { deliveries, children, told }) in order.into_iter().zip(done) {
        committed[index] = Committed::Done { deliveries, children, told };
    }
    Ok(committed)
}

/// The states; false for each run that was lost.
async fn decide(tx: &mut Tx<'_>, decisions: &[&Decision], now: Timestamp) -> Result<Vec<bool>> {
    let mut states = Vec::with_capacity(decisions.len());
    for decision in decisions {
        states.push(serde_json::to_string(&decision.state).map_err(Error::corrupt)?);
    }
    let params: Vec<_> = decisions
        .iter()
        .zip(&states)
        .map(|(decision, state)| {
            vec![
                decision.lease.run_id.into(),
                decision.lease.fence.into(),
                state.into(),
                decision.progress.steps_completed.into(),
                decision.progress.steps_total.into(),
                decision.computed_ms.into(),
                decision.wake_at.into(),
                decision.hot.into(),
                now.into(),
            ]
        })
        .collect();
    tx.changed_bulk(&DECIDE, &params).await
}

/// The rows, and the mail that was taken.
async fn write(tx: &mut Tx<'_>, decisions: &[&Decision]) -> Result<()> {
    let mut rows = Vec::new();
    let mut taken = Vec::new();
    for decision in decisions {
        for new in &decision.rows {
            if let Some(file) = &new.file {
                files::insert_if_new(tx, decision.org_id, file).await?;
            }
            let file_id = new.file.as_ref().map(|file| file.file.id);
            rows.push((decision.lease.run_id, &new.row, file_id));
        }
        taken.extend(decision.taken.iter().map(|id| vec![(*id).into()]));
    }
    values::write(tx, &rows).await?;
    for decision in decisions {
        show_as_files(tx, decision).await?;
    }
    tx.execute_bulk(&TAKE_MAIL, &taken).await.map(drop)
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
