//! How runs begin: the run, its body, its definition and the record of the request in one transaction.

use super::{Runs, claim::ClaimedRun, row, values};
use crate::{
    NodeId,
    db::{Params, Tx},
    error::{Error, Result},
    files::{self, StoredFile},
    idempotency::{self, Idempotency, Once},
    sql::statements,
    wake::Topic,
};
use domain::{
    id::{OrgId, RunId},
    time::Timestamp,
};
use flow::{
    ir::Definition,
    run::{Output, RunState},
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};

macro_rules! columns {
    () => {
        "insert into runs (id, org_id, workflow_id, workflow_name, definition_hash, status, created_at, updated_at, \
            steps_completed, steps_total, computed_ms, retry_of, parent_id, parent_key, parent_path, parent_attempt, \
            depth, state, group_held, wake_at, hot, lease_node, fence, crashes) "
    };
}

statements! {
    INSERT = concat!(columns!(), "values ($1, $2, $3, $4, $5, 'PROCESSING', $6, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15,
            false, 0, false, $16, $17, 0)
        on conflict (id) do nothing"),
        postgres concat!("with made as (", columns!(), "select id, org_id, workflow_id, workflow_name, definition_hash,
            'PROCESSING', now, now, steps_completed, steps_total, 0, retry_of, parent_id, parent_key, parent_path,
            parent_attempt, depth, state, false, 0, false, lease_node, fence, 0
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::text[], $16::text[],
            $17::bigint[]) as new (id, org_id, workflow_id, workflow_name, definition_hash, now, steps_completed,
            steps_total, retry_of, parent_id, parent_key, parent_path, parent_attempt, depth, state, lease_node, fence)
        on conflict (id) do nothing returning id)
        select number from made join unnest($1::uuid[]) with ordinality as new (id, number) using (id)");
}

/// Which workflow, and what exactly it is for this run.
#[derive(Debug, Clone)]
pub struct WorkflowRef {
    pub id: String,
    pub name: String,
    /// Of `definition`.
    pub hash: String,
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
    /// Begins a run: with the engine of this process, or else the next one that looks is told to.
    pub async fn accept(&self, new: NewRun, now: Timestamp) -> Result<Once<()>> {
        let store = self.0.clone();
        // Not given up with the request: an engine that has a run in the table has to hear of it.
        let accepted = tokio::spawn(async move { store.runs().accept_here(new, now).await }).await;
        accepted.map_err(Error::corrupt)?
    }

    async fn accept_here(&self, new: NewRun, now: Timestamp) -> Result<Once<()>> {
        let place = self.0.hosts.place();
        let node = place.as_ref().map(|place| place.node().clone());
        let run = ClaimedRun::new((new.org_id, new.id), &new.workflow, node.is_some());
        let accepted = self
            .0
            .db
            .write((new, node, now), |tx, (new, node, now)| Box::pin(accept(tx, new, node.as_ref(), *now)));
        let accepted = accepted.await?;
        let (is_new, accepted) = match accepted {
            Once::First(is_new) => (is_new, Once::First(())),
            Once::Replay(answer) => (false, Once::Replay(answer)),
            Once::Mismatch => (false, Once::Mismatch),
        };
        match place {
            Some(place) if is_new => place.take(run),
            Some(place) => place.free(),
            None if is_new => self.0.wake.hint(Topic::Runs),
            None => {}
        }
        Ok(accepted)
    }
}

/// Whether the run is new.
async fn accept(tx: &mut Tx<'_>, new: &NewRun, node: Option<&NodeId>, now: Timestamp) -> Result<Once<bool>> {
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
        node: node.map(NodeId::as_str),
    };
    // A schedule that two nodes act on at once begins one run.
    let is_new = insert(tx, row, now).await?;
    if is_new {
        bodies(tx, &[(new.id, &new.body)], now).await?;
    }
    Ok(Once::First(is_new))
}

/// False for each run that is there already.
pub(super) async fn insert_many(tx: &mut Tx<'_>, runs: &[NewRow<'_>], now: Timestamp) -> Result<Vec<bool>> {
    let mut hashes = HashSet::new();
    let mut texts = Vec::with_capacity(runs.len());
    for new in runs {
        let WorkflowRef { hash, definition, .. } = new.workflow;
        if hashes.insert(hash) {
            row::keep_definition(tx, hash, definition).await?;
        }
        texts.push(serde_json::to_string(new.state).map_err(Error::corrupt)?);
    }
    let params: Vec<_> = runs.iter().zip(&texts).map(|(new, state)| params(new, state, now)).collect();
    tx.changed_bulk(&INSERT, &params).await
}

/// False where the run is there already.
pub(super) async fn insert(tx: &mut Tx<'_>, new: NewRow<'_>, now: Timestamp) -> Result<bool> {
    Ok(insert_many(tx, &[new], now).await?.contains(&true))
}

fn params<'a>(new: &NewRow<'a>, state: &'a str, now: Timestamp) -> Params<'a> {
    let workflow = new.workflow;
    let progress = flow::run::progress(&workflow.definition, new.state);
    let parent = new.parent;
    vec![
        new.id.into(),
        new.org_id.into(),
        (&workflow.id).into(),
        (&workflow.name).into(),
        (&workflow.hash).into(),
        now.into(),
        progress.steps_completed.into(),
        progress.steps_total.into(),
        new.retry_of.into(),
        parent.map(|parent| parent.run_id).into(),
        parent.map(|parent| &parent.key).into(),
        parent.map(|parent| &parent.path).into(),
        parent.map(|parent| parent.attempt).into(),
        new.depth.into(),
        state.into(),
        new.node.into(),
        u32::from(new.node.is_some()).into(),
    ]
}

/// What runs began with, as the row `body` of their journals.
pub(super) async fn bodies(tx: &mut Tx<'_>, bodies: &[(RunId, &Value)], now: Timestamp) -> Result<()> {
    let row = |body: &Value| flow::run::Row {
        name: "body".to_owned(),
        key: None,
        status: flow::run::RowStatus::Data,
        output: Some(Output::Inline(body.clone())),
        failure: None,
        attempts: 0,
        started_at_ms: now.as_ms(),
        ended_at_ms: now.as_ms(),
    };
    let rows: Vec<_> = bodies.iter().map(|(id, body)| (*id, row(body))).collect();
    let rows: Vec<_> = rows.iter().map(|(id, row)| (*id, row, None)).collect();
    values::write(tx, &rows).await
}
