//! `for_each`: items stored once, begun as the window has room, counted as they end.

use domain::limits;
use serde_json::Value;

use super::super::state::{Loop, Ranges};
use super::super::{Failure, Hop, Key, Output};
use super::sequence::{StepEnd, Stimulus};
use super::{Core, path_of};
use crate::ir::Step;

impl Loop {
    /// Of `total` items, none begun.
    fn of(total: u32) -> Self {
        Self { total, ..Self::default() }
    }

    /// What a retry needs of a loop that failed: items that ended well are not done again.
    pub(in super::super) fn left_behind(&self) -> Self {
        let mut redo = self.redo.clone();
        redo.merge(&self.failed);
        self.in_flight.keys().for_each(|index| redo.insert(*index));
        Self { total: self.total, cursor: self.cursor, redo, succeeded: self.succeeded, ..Self::default() }
    }

    pub(super) fn again(self) -> Self {
        Self { resumes: true, ..self }
    }

    /// The next item to begin.
    fn next(&mut self) -> Option<u32> {
        self.redo.pop().or_else(|| {
            let index = self.cursor;
            (index < self.total).then(|| {
                self.cursor += 1;
                index
            })
        })
    }
}

impl<'d> Core<'d> {
    /// The loop over what `for_each` yielded; the array becomes a row.
    pub(super) fn items(&mut self, step: &Step, value: Value, hops: &[Hop]) -> Result<Loop, Failure> {
        let Value::Array(items) = &value else {
            let message = format!("for_each of step {} did not yield an array", step.id);
            return Err(Failure::permanent("FOR_EACH_NOT_AN_ARRAY", message));
        };
        if items.len() > limits::WORKFLOW_ITEMS_MAX {
            let message = format!("{} items, {} are allowed", items.len(), limits::WORKFLOW_ITEMS_MAX);
            return Err(Failure::permanent("TOO_MANY_ITEMS", message));
        }
        let total = items.len() as u32;
        self.data_row(items_row(hops, &step.id), Output::Inline(value));
        Ok(Loop::of(total))
    }

    /// Begins items while there is room, and says how the step ended where none is left.
    pub(super) fn fill(&mut self, step: &'d Step, each: &mut Loop, hops: &mut Vec<Hop>) -> Option<StepEnd> {
        let window = step.for_each.as_ref().map_or(1, |each| each.max_parallel) as usize;
        while each.in_flight.len() < window {
            let Some(index) = each.next() else { break };
            let mut instance = self.new_instance(step, 1, each.resumes);
            match self.launch(step, &mut instance, hops, index) {
                None => {
                    each.in_flight.insert(index, instance);
                }
                Some(end) => {
                    let end = self.close_instance(step, &instance, hops, index, end);
                    if let Some(end) = self.item_ended(step, each, hops, index, end) {
                        return Some(end);
                    }
                }
            }
        }
        each.in_flight.is_empty().then_some(StepEnd::Completed)
    }

    /// Brings a stimulus to one item.
    pub(super) fn item(
        &mut self,
        step: &'d Step,
        each: &mut Loop,
        hops: &mut Vec<Hop>,
        key: &Key,
        index: u32,
        stimulus: Stimulus,
    ) -> Option<StepEnd> {
        let mut instance = each.in_flight.remove(&index)?;
        match self.reach(step, &mut instance, hops, index, key, stimulus) {
            None => {
                each.in_flight.insert(index, instance);
                None
            }
            Some(end) => {
                let end = self.close_instance(step, &instance, hops, index, end);
                self.item_ended(step, each, hops, index, end).or_else(|| self.fill(step, each, hops))
            }
        }
    }

    fn item_ended(
        &mut self,
        step: &'d Step,
        each: &mut Loop,
        hops: &mut Vec<Hop>,
        index: u32,
        end: StepEnd,
    ) -> Option<StepEnd> {
        let StepEnd::Failed(failure) = end else {
            each.succeeded += 1;
            self.forget_iteration(step, hops, index);
            return None;
        };
        each.failed.insert(index);
        // A retry begins such an item anew, rather than that a run's state grows with the items that failed.
        if self.state.finished.len() > limits::WORKFLOW_ENDS_KEPT_MAX {
            self.forget_iteration(step, hops, index);
        }
        if each.first_failure.as_ref().is_none_or(|(lowest, _)| index < *lowest) {
            each.first_failure = Some((index, failure));
        }
        let tolerated = step.for_each.as_ref().map_or(0, |spec| spec.tolerate.of(each.total));
        (each.failed.len() > tolerated).then(|| {
            self.cancel_items(step, each, hops);
            StepEnd::Failed(too_many(each, tolerated))
        })
    }

    /// The steps inside an iteration that ended well are not asked for again.
    fn forget_iteration(&mut self, step: &Step, hops: &[Hop], index: u32) {
        if step.action.blocks().is_empty() {
            return;
        }
        let prefix = format!("{}.{index}/", path_of(hops, &step.id));
        let inside = self.state.finished.range(prefix.clone()..);
        let inside: Vec<String> =
            inside.take_while(|(path, _)| path.starts_with(&prefix)).map(|(path, _)| path.clone()).collect();
        for path in inside {
            self.state.finished.remove(&path);
        }
    }
}

fn too_many(each: &Loop, tolerated: u32) -> Failure {
    let (index, first) = match &each.first_failure {
        Some((index, failure)) => (*index, failure.message.as_str()),
        None => (0, ""),
    };
    let message = format!(
        "{} of {} items failed, {tolerated} may; item {index}: {first}",
        Ranges::len(&each.failed),
        each.total
    );
    Failure::permanent("TOO_MANY_FAILURES", message)
}

/// The row with the array of a `for_each`.
pub(super) fn items_row(hops: &[Hop], step: &str) -> String {
    format!("{}#items", path_of(hops, step))
}
