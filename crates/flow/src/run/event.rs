//! What can happen to a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Key, Slot};
use crate::ir::FailureClass;

/// Each event carries its time, in milliseconds since 1970, as the journal will know it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The first event of a run.
    Start { at_ms: i64 },
    /// What an [`Effect::Evaluate`](super::Effect::Evaluate) asked for. `attempt` is the effect's.
    Evaluated { at_ms: i64, key: Option<Key>, attempt: u32, slot: Slot, result: Result<Value, Failure> },
    /// The end of what an [`Effect::Perform`](super::Effect::Perform) asked for: a job's, a call's, an approval's, a task's, a
    /// child run's, a file operation's. An approval ends with output `{"approved": bool, …}` inline.
    Finished { at_ms: i64, key: Key, attempt: u32, result: Result<Output, Failure> },
    /// It is this run's turn: [`Effect::Acquire`](super::Effect::Acquire) was granted.
    Acquired { at_ms: i64 },
    /// Somebody sent a signal. Kept where no step waits for it yet.
    Signal { at_ms: i64, name: String, data: Output },
    /// Time passed; [`RunState::next_due`](super::RunState::next_due) says when it is worth sending.
    Tick { at_ms: i64 },
    /// Somebody closed the run: it ends CLOSED at once, without `finally`.
    Close { at_ms: i64 },
    /// The engine gives the run up (`RUN_CRASH_LOOP`): it ends FAILED at once, without `finally`.
    Abort { at_ms: i64, failure: Failure },
}

impl Event {
    pub const fn at_ms(&self) -> i64 {
        match self {
            Self::Start { at_ms }
            | Self::Evaluated { at_ms, .. }
            | Self::Finished { at_ms, .. }
            | Self::Acquired { at_ms }
            | Self::Signal { at_ms, .. }
            | Self::Tick { at_ms }
            | Self::Close { at_ms }
            | Self::Abort { at_ms, .. } => *at_ms,
        }
    }
}

/// What a step gives. The core passes it on and does not look inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Output {
    Inline(Value),
    /// Stored by the engine under a name of its own (a large value, a child run's output).
    Stored(String),
    /// The same as that of another row of the run, by name.
    Row(String),
    /// An array of the items' `{index, status, output?, error?}`, made from their rows when somebody reads it.
    Items {
        key: Key,
        total: u32,
    },
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// For programs: `STEP_TIMEOUT`, `EXPRESSION_FAILED`.
    pub code: String,
    /// For people; never holds a secret.
    pub message: String,
    pub class: FailureClass,
    /// The other side asked to wait at least this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    pub fn new(code: &str, class: FailureClass, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(domain::limits::FAILURE_MESSAGE_CHARACTERS_MAX) {
            message.truncate(end);
        }
        Self { code: code.to_owned(), message, class, retry_after_ms: None }
    }

    /// One that trying again does not cure.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, FailureClass::Permanent, message)
    }
}
