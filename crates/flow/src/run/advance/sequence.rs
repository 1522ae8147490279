//! A list of steps: one after the other, each begun when the one before it ended.

use super::super::state::{Active, Finished, Sequence, Stage};
use super::super::{Failure, Hop, Key, Output, Row, RowStatus, Slot};
use super::{Core, Part, path_of};
use crate::ir::Step;
use serde_json::Value;

/// What reaches an instance.
#[derive(Debug, Clone)]
pub(super) enum Stimulus {
    Evaluated {
        attempt: u32,
        slot: Slot,
        result: Result<Value, Failure>,
    },
    Finished {
        attempt: u32,
        result: Result<Output, Failure>,
    },
    Signal {
        name: String,
        number: u32,
    },
    /// Its timer ran out.
    Due,
}

#[derive(Debug)]
pub(super) enum SequenceEnd {
    Open,
    /// With the last step that has a row.
    Completed(Option<Key>),
    Failed(Failure),
}

/// How a step ended.
#[derive(Debug)]
pub(super) enum StepEnd {
    Completed,
    Skipped,
    Failed(Failure),
}

impl<'d> Core<'d> {
    /// Begins steps until one has to be waited for.
    pub(super) fn proceed(
        &mut self,
        steps: &'d [Step],
        sequence: &mut Sequence,
        hops: &mut Vec<Hop>,
    ) -> SequenceEnd {
        while sequence.active.is_none() {
            let Some(step) = steps.get(sequence.next) else {
                return SequenceEnd::Completed(sequence.last.clone());
            };
            if let Some(end) = self.begin(step, sequence, hops)
                && let Some(failure) = self.step_ended(step, sequence, hops, end)
            {
                return SequenceEnd::Failed(failure);
            }
        }
        SequenceEnd::Open
    }

    /// Brings a stimulus to the step that `key` names, then goes on.
    pub(super) fn route(
        &mut self,
        steps: &'d [Step],
        sequence: &mut Sequence,
        hops: &mut Vec<Hop>,
        key: &Key,
        stimulus: Stimulus,
    ) -> SequenceEnd {
        let wanted = key.within.get(hops.len()).map_or(&key.step, |hop| &hop.step);
        let step = match steps.get(sequence.next) {
            Some(step) if sequence.active.is_some() && step.id == *wanted => step,
            _ => return SequenceEnd::Open,
        };
        let Some(mut active) = sequence.active.take() else { return SequenceEnd::Open };
        let end = self.stimulate(step, &mut active, hops, key, stimulus);
        let started_at_ms = active.started_at_ms;
        sequence.active = Some(active);
        match end {
            None => SequenceEnd::Open,
            Some(end) => {
                self.close_step(step, started_at_ms, hops, &end, sequence);
                match self.step_ended(step, sequence, hops, end) {
                    Some(failure) => SequenceEnd::Failed(failure),
                    None => self.proceed(steps, sequence, hops),
                }
            }
        }
    }

    /// Begins the step at `sequence.next`: what an earlier run finished is taken over and ends it at once.
    fn begin(&mut self, step: &'d Step, sequence: &mut Sequence, hops: &mut Vec<Hop>) -> Option<StepEnd> {
        self.changed = true;
        let path = path_of(hops, &step.id);
        let mut resumes = false;
        let mut kept = None;
        if let Some(earlier) = self.state.resume.remove(&path) {
            let cut_short = earlier.failure.as_ref().is_some_and(|failure| failure.code == "CANCELLED");
            if earlier.status != RowStatus::Failed || (step.continue_on_error && !cut_short) {
                let end = match (&earlier.status, &earlier.failure) {
                    (RowStatus::Skipped, _) => StepEnd::Skipped,
                    (_, Some(failure)) => StepEnd::Failed(failure.clone()),
                    _ => StepEnd::Completed,
                };
                sequence.last =
                    earlier.row.as_deref().and_then(|row| row.parse().ok()).or(sequence.last.take());
                self.adopt_inside(&path);
                self.state.finished.insert(path, earlier);
                return Some(end);
            }
            resumes = true;
            kept = earlier.kept;
        }
        let stage = if let Some(kept) = kept {
            Stage::Loop(kept.again())
        } else if step.condition.is_some() {
            Stage::Condition
        } else {
            self.first_stage(step, resumes)
        };
        let mut active = Box::new(Active { started_at_ms: self.at_ms, stage, resumes });
        let end = self.enter(step, &mut active, hops);
        sequence.active = Some(active);
        if let Some(end) = &end {
            self.close_step(step, self.at_ms, hops, end, sequence);
        }
        end
    }

    /// Takes over the ends of the steps that a block holds.
    fn adopt_inside(&mut self, path: &str) {
        let inside = format!("{path}/");
        let mut later = self.state.resume.split_off(&inside);
        while let Some(entry) = later.first_entry().filter(|entry| entry.key().starts_with(&inside)) {
            let (path, finished) = entry.remove_entry();
            self.state.finished.insert(path, finished);
        }
        self.state.resume.append(&mut later);
    }

    /// What a step does once its condition holds.
    fn first_stage(&mut self, step: &Step, resumes: bool) -> Stage {
        match step.for_each {
            Some(_) => Stage::Items,
            None => Stage::One(self.new_instance(step, 1, resumes)),
        }
    }

    /// Asks for what the stage needs.
    fn enter(&mut self, step: &'d Step, active: &mut Active, hops: &mut Vec<Hop>) -> Option<StepEnd> {
        match &mut active.stage {
            Stage::Condition | Stage::Items => {
                self.emit_stage(step, &active.stage, hops);
                None
            }
            Stage::Loop(each) => self.fill(step, each, hops),
            Stage::One(instance) => {
                let end = self.launch(step, instance, hops, 0)?;
                Some(self.close_instance(step, instance, hops, 0, end))
            }
        }
    }

    fn stimulate(
        &mut self,
        step: &'d Step,
        active: &mut Active,
        hops: &mut Vec<Hop>,
        key: &Key,
        stimulus: Stimulus,
    ) -> Option<StepEnd> {
        let index = match key.within.get(hops.len()) {
            Some(hop) => hop.index,
            None => key.index,
        };
        match (&mut active.stage, stimulus) {
            (Stage::Condition, Stimulus::Evaluated { slot: Slot::Condition, result, .. }) => {
                self.changed = true;
                match result {
                    Err(failure) => return Some(StepEnd::Failed(failure)),
                    Ok(value) if !is_true(&value) => return Some(StepEnd::Skipped),
                    Ok(_) => active.stage = self.first_stage(step, active.resumes),
                }
                self.enter(step, active, hops)
            }
            (Stage::Items, Stimulus::Evaluated { slot: Slot::Items, result, .. }) => {
                self.changed = true;
                let each = match result.and_then(|value| self.items(step, value, hops)) {
                    Ok(each) => each,
                    Err(failure) => return Some(StepEnd::Failed(failure)),
                };
                active.stage = Stage::Loop(each);
                self.enter(step, active, hops)
            }
            (Stage::Loop(each), stimulus) => self.item(step, each, hops, key, index?, stimulus),
            (Stage::One(instance), stimulus) => {
                let own_index = if key.within.len() == hops.len() { Some(0) } else { None };
                if index != own_index {
                    return None;
                }
                let end = self.reach(step, instance, hops, 0, key, stimulus)?;
                Some(self.close_instance(step, instance, hops, 0, end))
            }
            _ => None,
        }
    }

    /// Notes how a step ended, where its instance has not done so.
    fn close_step(
        &mut self,
        step: &'d Step,
        started_at_ms: i64,
        hops: &[Hop],
        end: &StepEnd,
        sequence: &mut Sequence,
    ) {
        let path = path_of(hops, &step.id);
        let (status, failure) = match end {
            StepEnd::Completed => (RowStatus::Completed, None),
            StepEnd::Skipped => (RowStatus::Skipped, None),
            StepEnd::Failed(failure) => (RowStatus::Failed, Some(failure.clone())),
        };
        let stage = sequence.active.as_deref().map(|active| &active.stage);
        let index = if step.for_each.is_some() { None } else { Some(0) };
        let key = Key { within: hops.to_vec(), step: step.id.clone(), index };
        let mut row = Some(key.to_string());
        let (mut kept, mut items) = (None, None);
        match stage {
            Some(Stage::One(_)) => {}
            Some(Stage::Loop(each)) => {
                let all = Output::Items { key: key.clone(), total: each.total };
                let output = (status == RowStatus::Completed).then_some(all);
                items = Some(each.cursor);
                self.step_row(&key, status, output, failure.clone(), each.total, started_at_ms);
                kept = (status == RowStatus::Failed).then(|| Box::new(each.left_behind()));
            }
            // Nothing was done, so there is nothing to read.
            _ if status == RowStatus::Skipped => row = None,
            _ => self.step_row(&key, status, None, failure.clone(), 1, started_at_ms),
        }
        if status == RowStatus::Completed {
            sequence.last = Some(key);
        }
        let (ended_at_ms, kind) = (self.at_ms, step.action.kind().to_owned());
        let finished = Finished { status, row, failure, started_at_ms, ended_at_ms, items, kind, kept };
        self.state.finished.insert(path, finished);
    }

    /// Goes past a step that ended. `Some`: the list ends with this failure.
    fn step_ended(
        &mut self,
        step: &Step,
        sequence: &mut Sequence,
        hops: &[Hop],
        end: StepEnd,
    ) -> Option<Failure> {
        sequence.active = None;
        sequence.next += 1;
        let StepEnd::Failed(failure) = end else { return None };
        if step.continue_on_error {
            return None;
        }
        if self.part() == Some(Part::Finally) && hops.is_empty() {
            // Every one of them is tried; the first failure is the run's, where it has none.
            self.state.failure.get_or_insert(failure);
            return None;
        }
        Some(failure)
    }

    pub(super) fn step_row(
        &mut self,
        key: &Key,
        status: RowStatus,
        output: Option<Output>,
        failure: Option<Failure>,
        attempts: u32,
        started_at_ms: i64,
    ) {
        self.commit.rows.push(Row {
            name: key.to_string(),
            key: Some(key.clone()),
            status,
            output,
            failure,
            attempts,
            started_at_ms,
            ended_at_ms: self.at_ms,
        });
    }
}

/// As jq has it: everything but null and false.
pub(super) fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}
