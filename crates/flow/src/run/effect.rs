//! What a run asks of the engine: what to write, and what to do once it is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Failure, Key, Output, RunStatus};
use crate::ir::{Action, Template};

/// Written in one transaction, together with the state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// Rows of the journal: inserted, or replaced by key.
    pub rows: Vec<Row>,
    /// The run is over: its status and its event belong into the same transaction.
    pub terminal: Option<Terminal>,
}

impl Commit {
    /// What `later` asks for, after this.
    pub fn join(&mut self, later: Commit) {
        self.rows.extend(later.rows);
        self.terminal = later.terminal.or(self.terminal.take());
    }
}

/// A row of the journal. Its name in a run is `name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// A key, or one of `key#items` (the array of a `for_each`, stored once), `signal:<name>:<n>`, `outputs`.
    pub name: String,
    /// Of a step's row.
    pub key: Option<Key>,
    pub status: RowStatus,
    pub output: Option<Output>,
    pub failure: Option<Failure>,
    /// Attempts that were made.
    pub attempts: u32,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RowStatus {
    Completed,
    Failed,
    Skipped,
    /// No step's end: data that later steps read.
    Data,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Terminal {
    /// Completed, Failed or Closed.
    pub status: RunStatus,
    pub failure: Option<Failure>,
    pub at_ms: i64,
    /// Where the run's output stands: row `outputs`.
    pub has_output: bool,
}

/// What to do after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Compute `template` over `scope`; nothing outside changes. Answered by [`Event::Evaluated`](super::Event::Evaluated) with the same key,
    /// attempt and slot. [`Slot::Input`] means: check the body against the definition's `input`.
    Evaluate { key: Option<Key>, attempt: u32, slot: Slot, template: Template, scope: Scope },
    /// Do what `action` says: evaluate its templates over `scope` (secrets included: their values go nowhere else), then a
    /// job, a call, an approval, a task, a child run or a file operation. Answered by [`Event::Finished`](super::Event::Finished).
    /// Never a transform, validate, wait, switch or parallel: those the core does itself.
    Perform {
        key: Key,
        attempt: u32,
        action: Action,
        scope: Scope,
        /// The end of this attempt, where the step has a timeout; the core ends it with a [`Effect::Cancel`].
        deadline_ms: Option<i64>,
        /// The run retries an earlier one in which this child run failed: resume that child instead of a new one.
        resumes: bool,
    },
    /// Stop what an earlier `Perform` began; its end is not waited for.
    Cancel { key: Key, attempt: u32 },
    /// Wait until fewer than `limit` other runs of this workflow hold `concurrency` (the text that [`Slot::Concurrency`]
    /// yielded). Held until the run's terminal state. Answered by [`Event::Acquired`](super::Event::Acquired).
    Acquire { concurrency: String, limit: u32 },
}

/// What an evaluation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Slot {
    /// Check of the body; no key.
    Input,
    /// Key of the concurrency group; no key.
    Concurrency,
    /// `if`.
    Condition,
    /// The array of a `for_each`.
    Items,
    /// The value of a transform, the text of a wait.
    Value,
    /// `when` of a case, by number.
    When(u32),
    /// The assertion of this number.
    Assert(u32),
    /// Its message.
    Message(u32),
    /// The run's output; no key.
    Outputs,
}

/// What the names in an expression stand for. Only what the templates at hand name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// `steps.<id>`.
    pub steps: BTreeMap<String, StepRef>,
    /// `item` and `index`.
    pub item: Option<ItemRef>,
    /// `run.status` and `run.error` inside `finally`; elsewhere `PROCESSING` and nothing.
    pub ended: Option<(RunStatus, Option<Failure>)>,
    /// `run.now`.
    pub now_ms: i64,
}

/// `{status, output, error}` of an earlier step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRef {
    pub status: RowStatus,
    /// The row that holds the output; none was written for a skipped step.
    pub row: Option<String>,
    pub failure: Option<Failure>,
}

/// One element of the array in row `row`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRef {
    pub row: String,
    pub index: u32,
}
