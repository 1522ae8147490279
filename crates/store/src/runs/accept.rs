//! How runs begin: the run, its body, its definition and the record of the request in one transaction.

use super::{Runs, row, values};
use crate::{
    db::{Param, Tx},
    error::{Error, Result},
    files::{self, StoredFile},
    idempotency::{self, Idempotency, Once},
    sql::statements,
};
use domain::{
    id::{OrgId, RunId},
    run::Progress,
    time::Timestamp,
};
use flow::{
    ir::Definition,
    run::{Output, RunState},
};
use serde_json::Value;
use std::sync::Arc;

statements! {
    INSERT = "insert into runs (id, org_id, workflow_id, workflow_name, definition_hash, status, created_at, updated_at,
            steps_completed, steps_total, computed_ms, retry_of, parent_id, parent_key, parent_path, parent_attempt,
            depth, state, group_held, wake_at, hot, lease_node, fence, crashes)
        values ($1, $2, $3, $4, $5, 'PROCESSING', $6, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15, $16, 0, $16,
            $17, $18, 0)
        on conflict (id) do nothing";
}

/// Which workflow, and what exactly it is for this run.
#[derive(Debug, Clone)]
pub struct WorkflowRef {
    pub id: String,
    pub name: String,
    pub definition: Arc<Definition>,
}

/// A run to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub org_id: OrgId,
    pub id: RunId,
    pub workflow: WorkflowRef,
    /// What expressions see as `body`.
    pub body: Value,
    /// Uploaded with it: their rows are made with the run.
    pub files: Vec<StoredFile>,
    pub request: Option<Idempotency>,
}

/// The step that begins a nested run.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub run_id: RunId,
    pub key: String,
    pub path: String,
    pub attempt: u32,
}

/// A row of `runs`.
pub(super) struct NewRow<'a> {
    pub org_id: OrgId,
    pub id: RunId,
    pub workflow: &'a WorkflowRef,
    pub retry_of: Option<RunId>,
    pub parent: Option<&'a Parent>,
    pub depth: u32,
    pub state: &'a RunState,
    /// The node that has it from the beginning.
    pub node: Option<&'a str>,
}

impl Runs<'_> {
    /// Begins a run; hint `Topic::Runs` after.
    pub async fn accept(&self, new: NewRun, now: Timestamp) -> Result<Once<()>> {
        self.0.db.write((new, now), |tx, (new, now)| Box::pin(accept(tx, new, *now))).await
    }
}

async fn accept(tx: &mut Tx<'_>, new: &NewRun, now: Timestamp) -> Result<Once<()>> {
    if let Some(earlier) = idempotency::begin(tx, new.request.as_ref(), now).await? {
        return Ok(earlier);
    }
    for file in &new.files {
        files::insert(tx, new.org_id, file).await?;
    }
    let row = NewRow {
        org_id: new.org_id,
        id: new.id,
        workflow: &new.workflow,
        retry_of: None,
        parent: None,
        depth: 0,
        state: &RunState::new(),
        node: None,
    };
    // A schedule that two nodes act on at once begins one run.
    if insert(tx, &row, now).await? {
        body(tx, new.id, &new.body, now).await?;
    }
    Ok(Once::First(()))
}

/// False where the run is there already.
pub(super) async fn insert(tx: &mut Tx<'_>, new: &NewRow<'_>, now: Timestamp) -> Result<bool> {
    let definition = &new.workflow.definition;
    let hash = definition.hash();
    row::keep_definition(tx, hash.as_str(), definition).await?;
    let progress = flow::run::progress(definition, new.state);
    let progress = Progress { steps_completed: progress.steps_completed, steps_total: progress.steps_total };
    let state = serde_json::to_string(new.state).map_err(Error::corrupt)?;
    let parent = new.parent;
    let params: [Param<'_>; 18] = [
        new.id.into(),
        new.org_id.into(),
        (&new.workflow.id).into(),
        (&new.workflow.name).into(),
        hash.as_str().into(),
        now.into(),
        progress.steps_completed.into(),
        progress.steps_total.into(),
        new.retry_of.into(),
        parent.map(|parent| parent.run_id).into(),
        parent.map(|parent| &parent.key).into(),
        parent.map(|parent| &parent.path).into(),
        parent.map(|parent| parent.attempt).into(),
        new.depth.into(),
        (&state).into(),
        false.into(),
        new.node.into(),
        u32::from(new.node.is_some()).into(),
    ];
    Ok(tx.execute(&INSERT, &params).await? == 1)
}

/// What the run began with, as the row `body` of its journal.
pub(super) async fn body(tx: &mut Tx<'_>, id: RunId, body: &Value, now: Timestamp) -> Result<()> {
    let row = flow::run::Row {
        name: "body".to_owned(),
        key: None,
        status: flow::run::RowStatus::Data,
        output: Some(Output::Inline(body.clone())),
        failure: None,
        attempts: 0,
        started_at_ms: now.as_ms(),
        ended_at_ms: now.as_ms(),
    };
    values::write(tx, &[(id, &row, None)]).await
}
