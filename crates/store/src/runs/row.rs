//! A run's columns, as clients see them.

use crate::{
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    id::RunId,
    run::{Progress, Run, RunError, RunStatus, WorkflowName},
    time::Timestamp,
};
use flow::{ir::Definition, run::RunState};

macro_rules! columns {
    () => {
        "id, status, created_at, updated_at, started_at, completed_at, error_code, error_message, workflow_id, \
         workflow_name, retry_of, parent_id, steps_completed, steps_total, computed_ms"
    };
}
pub(super) use columns;

statements! {
    HAS_DEFINITION = "select 1 from run_definitions where hash = $1";
    DEFINITION = "select definition from run_definitions where hash = $1";
    KEEP_DEFINITION = "insert into run_definitions (hash, definition) values ($1, $2) on conflict (hash) do nothing";
}

/// A run without steps and output. `duration_ms` of one that is open is still to be set.
pub(super) struct Bare(pub Run);

impl FromRow for Bare {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, status) = (row.take()?, row.take::<RunStatus>()?);
        let (created_at, updated_at) = (row.take()?, row.take()?);
        let (started_at, completed_at) = (row.take::<Option<Timestamp>>()?, row.take::<Option<Timestamp>>()?);
        let (code, message) = (row.take::<Option<String>>()?, row.take::<Option<String>>()?);
        let error = code.map(|code| RunError { code, message: message.unwrap_or_default() });
        let workflow = WorkflowName { id: row.take()?, name: row.take()? };
        let (retry_of, parent_run_id) = (row.take()?, row.take()?);
        let progress = Progress { steps_completed: row.take()?, steps_total: row.take()? };
        let duration = started_at.zip(completed_at).map(|(from, to)| to.since(from).as_millis());
        Ok(Self(Run {
            id,
            status,
            created_at,
            updated_at,
            started_at,
            completed_at,
            error,
            workflow,
            retry_of,
            parent_run_id,
            progress,
            duration_ms: duration.map_or(0, |ms| u64::try_from(ms).unwrap_or(u64::MAX)),
            computed_duration_ms: row.take()?,
            output: None,
            output_file: None,
            steps: None,
        }))
    }
}

impl Bare {
    /// With the time that an open run has taken until `now`.
    pub(super) fn at(self, now: Timestamp) -> Run {
        let Self(mut run) = self;
        if let (Some(started_at), None) = (run.started_at, run.completed_at) {
            run.duration_ms = u64::try_from(now.since(started_at).as_millis()).unwrap_or(u64::MAX);
        }
        run
    }
}

/// A run with what is needed to say more of it.
pub(super) struct Whole {
    pub bare: Bare,
    pub definition_hash: String,
    pub state: String,
}

impl FromRow for Whole {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { bare: Bare::from_row(row)?, definition_hash: row.take()?, state: row.take()? })
    }
}

pub(super) async fn definition(tx: &mut Tx<'_>, hash: &str) -> Result<Definition> {
    let (text,): (String,) = tx.one(&DEFINITION, &[hash.into()]).await?;
    serde_json::from_str(&text).map_err(Error::corrupt)
}

pub(super) async fn keep_definition(tx: &mut Tx<'_>, hash: &str, definition: &Definition) -> Result<()> {
    // Nearly always it is there, and its text may be long.
    if tx.optional::<(i64,)>(&HAS_DEFINITION, &[hash.into()]).await?.is_some() {
        return Ok(());
    }
    let text = String::from_utf8(definition.canonical_bytes()).map_err(Error::corrupt)?;
    tx.execute(&KEEP_DEFINITION, &[hash.into(), (&text).into()]).await.map(drop)
}

pub(super) fn state(text: &str) -> Result<RunState> {
    serde_json::from_str(text).map_err(Error::corrupt)
}

/// A nested run's id: the same for the same step, item and attempt, so that it is made once.
pub(super) fn child_id(parent: RunId, key: &str, attempt: u32) -> RunId {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new()
        .chain_update(parent.to_bytes())
        .chain_update(key.as_bytes())
        .chain_update(attempt.to_be_bytes())
        .finalize();
    // The parent's time first, so that a run's nested runs lie together.
    RunId::from_bytes(std::array::from_fn(|i| if i < 5 { parent.to_bytes()[i] } else { digest[i] }))
}
