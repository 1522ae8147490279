//! A failed run is taken up by a new one: what ended well is kept, the rest is done again.

use super::{
    Runs,
    accept::{self, Parent, WorkflowRef},
    begin::Of,
    claim::ClaimedRun,
    row,
};
use crate::{
    db::Tx,
    error::Result,
    idempotency::{self, Idempotency, Once},
    sql::statements,
};
use domain::{
    id::{OrgId, RunId},
    run::RunStatus,
    time::Timestamp,
};
use flow::run::RunState;
use std::sync::Arc;

statements! {
    EARLIER = "select workflow_id, workflow_name, definition_hash, state, status from runs where org_id = $1 and id = $2";
    CHILD = "select id from runs where parent_id = $1 and parent_path = $2 and parent_key = $3
        order by created_at desc, id desc limit 1";
    COPY_ROWS = "insert into run_rows (run_id, name, status, output, file_id, failure, attempts, started_at, ended_at)
        select $1, name, status, output, file_id, failure, attempts, started_at, ended_at from run_rows
        where run_id = $2 and name <> 'outputs'";
    COPY_VALUES = "insert into run_values (run_id, name, chunk, value)
        select $1, name, chunk, value from run_values where run_id = $2 and name <> 'outputs'";
}

/// What became of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// Hint `Topic::Runs`.
    Done,
    NotFound,
    /// Only a FAILED run can be taken up.
    NotFailed(RunStatus),
    /// The other definition does not fit what is kept.
    Refused(String),
}

struct Earlier {
    workflow: WorkflowRef,
    state: RunState,
    status: RunStatus,
}

impl Runs<'_> {
    /// Begins run `new_id` where the FAILED run `id` stopped: with its own definition, or with `latest`.
    pub async fn retry(
        &self,
        (org_id, id, new_id): (OrgId, RunId, RunId),
        latest: Option<WorkflowRef>,
        request: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Once<Retried>> {
        let input = (org_id, id, new_id, latest, request, now);
        let retry = self.0.db.write(input, |tx, (org_id, id, new_id, latest, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                let retried = retry(tx, (*org_id, *id, *new_id), latest.as_ref(), *now).await?;
                if retried != Retried::Done {
                    idempotency::forget(tx, request.as_ref()).await?;
                }
                Ok(Once::First(retried))
            })
        });
        retry.await
    }

    /// What a run is a run of.
    pub async fn workflow_of(&self, org_id: OrgId, id: RunId) -> Result<Option<WorkflowRef>> {
        let read = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { Ok(earlier(tx, *org_id, *id).await?.map(|earlier| earlier.workflow)) })
        });
        read.await
    }
}

async fn earlier(tx: &mut Tx<'_>, org_id: OrgId, id: RunId) -> Result<Option<Earlier>> {
    type Found = (String, String, String, String, RunStatus);
    let found: Option<Found> = tx.optional(&EARLIER, &[org_id.into(), id.into()]).await?;
    let Some((workflow_id, name, hash, state, status)) = found else { return Ok(None) };
    let definition = Arc::new(row::definition(tx, &hash).await?);
    let workflow = WorkflowRef { id: workflow_id, name, hash, definition };
    Ok(Some(Earlier { workflow, state: row::state(&state)?, status }))
}

async fn retry(
    tx: &mut Tx<'_>,
    (org_id, id, new_id): (OrgId, RunId, RunId),
    latest: Option<&WorkflowRef>,
    now: Timestamp,
) -> Result<Retried> {
    let Some(earlier) = earlier(tx, org_id, id).await? else { return Ok(Retried::NotFound) };
    if earlier.status != RunStatus::Failed {
        return Ok(Retried::NotFailed(earlier.status));
    }
    let workflow = latest.unwrap_or(&earlier.workflow);
    let state = match flow::run::retry(&workflow.definition, &earlier.state) {
        Ok(state) => state,
        Err(refused) => return Ok(Retried::Refused(refused.to_string())),
    };
    let new = accept::NewRow {
        org_id,
        id: new_id,
        workflow,
        retry_of: Some(id),
        parent: None,
        depth: 0,
        state: &state,
        node: None,
    };
    accept::insert(tx, new, now).await?;
    copy(tx, id, new_id).await?;
    Ok(Retried::Done)
}

async fn copy(tx: &mut Tx<'_>, from: RunId, to: RunId) -> Result<()> {
    tx.execute(&COPY_ROWS, &[to.into(), from.into()]).await?;
    tx.execute(&COPY_VALUES, &[to.into(), from.into()]).await.map(drop)
}

/// The nested run at the same place of the run that is retried, taken up as `id`; `None` where it is none that failed.
pub(super) async fn child(
    tx: &mut Tx<'_>,
    earlier_parent: RunId,
    parent: &Parent,
    id: RunId,
    (of, depth): (&Of<'_>, u32),
    now: Timestamp,
) -> Result<Option<ClaimedRun>> {
    let key = [earlier_parent.into(), (&parent.path).into(), (&parent.key).into()];
    let Some((earlier_id,)) = tx.optional::<(RunId,)>(&CHILD, &key).await? else { return Ok(None) };
    let Some(earlier) = earlier(tx, of.org_id, earlier_id).await? else { return Ok(None) };
    let Ok(state) = flow::run::retry(&earlier.workflow.definition, &earlier.state) else { return Ok(None) };
    let new = accept::NewRow {
        org_id: of.org_id,
        id,
        workflow: &earlier.workflow,
        retry_of: Some(earlier_id),
        parent: Some(parent),
        depth,
        state: &state,
        node: Some(of.node),
    };
    if accept::insert(tx, new, now).await? {
        copy(tx, earlier_id, id).await?;
    }
    let new = ClaimedRun::new((of.org_id, id), &earlier.workflow, true);
    Ok(Some(ClaimedRun { state, depth, retry_of: Some(earlier_id), ..new }))
}
