//! The state of a run, small and without data: where it stands, and what it waits for.
//!
//! Serialized as JSON beside the run. Its size depends on what is under way, on the steps of the definition and on the
//! items of a `for_each` that failed, never on how many items there are.

use std::collections::BTreeMap;

pub use domain::run::{RunStatus, StepStatus};
use serde::{Deserialize, Serialize};

use super::{Failure, Key};

/// The state of one run. Made by [`RunState::new`], changed by [`advance`](super::advance()) alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunState {
    pub status: RunStatus,
    pub(super) phase: Phase,
    pub(super) started_at_ms: i64,
    /// Of the run; of `finally` once that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deadline_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
    pub(super) main: Sequence,
    pub(super) finally: Sequence,
    /// Steps that ended, by path with iterations (`batch.3/upload`); those of an iteration only while it lasts.
    pub(super) finished: BTreeMap<String, Finished>,
    /// Numbers of signals that no step has taken yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) signals: BTreeMap<String, Vec<u32>>,
    #[serde(default)]
    pub(super) signals_seen: u32,
    #[serde(default)]
    pub(super) has_output: bool,
    /// The key of its concurrency group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) concurrency: Option<String>,
    /// What the run that this one retries had finished, by path; taken from here as the steps come up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) resume: BTreeMap<String, Finished>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    New,
    Input,
    ConcurrencyKey,
    Acquire,
    Steps,
    Outputs,
    Finally,
    Done,
}

/// Where a list of steps stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sequence {
    /// The step that is active, else the one to begin.
    pub next: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Box<Active>>,
    /// The row of the last step that completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Key>,
}

/// The step under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Active {
    pub started_at_ms: i64,
    pub stage: Stage,
    /// Continues what a retried run left behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Stage {
    Condition,
    Items,
    Loop(Loop),
    One(Instance),
}

/// A `for_each` under way. `0..cursor` have been begun (or stand in `redo`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Loop {
    pub total: u32,
    pub cursor: u32,
    /// Below the cursor and to be done again, because the run that this one retries did not complete them.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub redo: Ranges,
    pub in_flight: BTreeMap<u32, Instance>,
    pub succeeded: u32,
    pub failed: Ranges,
    /// The failure of the lowest item that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<(u32, Failure)>,
    /// Continues what a retried run left behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
}

/// One action under way: a step, or one item of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instance {
    /// From 1.
    pub attempt: u32,
    pub started_at_ms: i64,
    /// When this attempt times out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
    pub doing: Doing,
    /// Continues what a retried run left behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Doing {
    /// The value of a transform or of a wait.
    Evaluating,
    Asserting(u32),
    Explaining(u32),
    Deciding(u32),
    Performing,
    Sleeping {
        until_ms: i64,
    },
    Listening {
        signal: String,
    },
    BackingOff {
        until_ms: i64,
    },
    /// Case `case` of a switch.
    Case {
        case: usize,
        sequence: Sequence,
    },
    /// The branches of a parallel, by position.
    Branches(Vec<BranchState>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BranchState {
    pub sequence: Sequence,
    pub done: bool,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finished {
    pub status: super::RowStatus,
    /// The row with the output; a skipped step has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    /// Items of a `for_each` that were begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u32>,
    /// The step's `uses`, for a retry with another definition.
    pub kind: String,
    /// How far a `for_each` came that failed, for a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Loop>>,
}

/// A set of numbers, as ranges `[from, to)` in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> u32 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        after > 0 && number < self.0[after - 1].1
    }

    pub fn insert(&mut self, number: u32) {
        if self.contains(number) {
            return;
        }
        let at = self.0.partition_point(|(from, _)| *from < number);
        let joins_before = at > 0 && self.0[at - 1].1 == number;
        let joins_after = at < self.0.len() && self.0[at].0 == number + 1;
        match (joins_before, joins_after) {
            (true, true) => self.0[at - 1].1 = self.0.remove(at).1,
            (true, false) => self.0[at - 1].1 = number + 1,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number + 1)),
        }
    }

    /// All of another set.
    pub fn merge(&mut self, other: &Ranges) {
        for (from, to) in &other.0 {
            (*from..*to).for_each(|number| self.insert(number));
        }
    }

    /// The lowest, taken out.
    pub fn pop(&mut self) -> Option<u32> {
        let (from, to) = self.0.first_mut()?;
        let number = *from;
        *from += 1;
        if from == to {
            self.0.remove(0);
        }
        Some(number)
    }
}

impl Default for RunState {
    fn default() -> Self {
        Self::new()
    }
}

impl RunState {
    pub fn new() -> Self {
        Self {
            status: RunStatus::Processing,
            phase: Phase::New,
            started_at_ms: 0,
            deadline_ms: None,
            failure: None,
            main: Sequence::default(),
            finally: Sequence::default(),
            finished: BTreeMap::new(),
            signals: BTreeMap::new(),
            signals_seen: 0,
            has_output: false,
            concurrency: None,
            resume: BTreeMap::new(),
        }
    }

    pub fn is_terminal(&self) -> bool {
        self.status != RunStatus::Processing
    }

    /// Why it failed, once it has.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_are_a_set(numbers in prop::collection::vec(0u32..40, 0..60)) {
            let mut ranges = Ranges::default();
            let mut set = BTreeSet::new();
            for number in numbers {
                ranges.insert(number);
                set.insert(number);
                prop_assert_eq!(ranges.len() as usize, set.len());
                prop_assert!((0..42).all(|n| ranges.contains(n) == set.contains(&n)));
            }
            prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
            while let Some(number) = ranges.pop() {
                prop_assert_eq!(Some(number), set.pop_first());
            }
            prop_assert!(set.is_empty());
        }
    }
}
