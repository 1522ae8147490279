//! One action, from its first attempt to its end.

use serde_json::Value;

use super::super::state::{BranchState, Doing, Instance, Sequence};
use super::super::{Failure, Hop, Key, Output, RowStatus, Slot};
use super::sequence::{SequenceEnd, StepEnd, Stimulus, is_true};
use super::{Core, signal_row, time};
use crate::ir::{Action, OnReject, Step};

/// How an instance ended, its retries included.
pub(super) struct InstanceEnd {
    output: Option<Output>,
    failure: Option<Failure>,
}

impl InstanceEnd {
    pub(super) fn with(output: Option<Output>) -> Option<Self> {
        Some(Self { output, failure: None })
    }

    pub(super) fn failed(failure: Failure) -> Option<Self> {
        Some(Self { output: None, failure: Some(failure) })
    }
}

impl<'d> Core<'d> {
    pub(super) fn new_instance(&self, step: &Step, attempt: u32, resumes: bool) -> Instance {
        let doing = match &step.action {
            Action::Transform(_) | Action::Wait(_) => Doing::Evaluating,
            Action::Validate(_) => Doing::Asserting(0),
            Action::Switch(_) => Doing::Deciding(0),
            Action::Parallel(branches) => Doing::Branches(
                branches.iter().map(|_| BranchState { sequence: Sequence::default(), done: false }).collect(),
            ),
            _ => Doing::Performing,
        };
        Instance {
            attempt,
            started_at_ms: self.at_ms,
            deadline_ms: step.timeout_ms.map(|timeout| time::after(self.at_ms, timeout)),
            doing,
            resumes,
        }
    }

    /// Sets an instance going. `Some`: that was all.
    pub(super) fn launch(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
    ) -> Option<InstanceEnd> {
        self.changed = true;
        match (&mut instance.doing, &step.action) {
            (Doing::Deciding(case), Action::Switch(_)) => {
                let case = *case;
                self.decide(step, instance, hops, index, case)
            }
            (Doing::Branches(states), Action::Parallel(branches)) => {
                let mut states = std::mem::take(states);
                hops.push(hop(step, index));
                let mut end = None;
                for (state, branch) in states.iter_mut().zip(branches) {
                    match self.proceed(&branch.steps, &mut state.sequence, hops) {
                        SequenceEnd::Open => {}
                        SequenceEnd::Completed(_) => state.done = true,
                        SequenceEnd::Failed(failure) => {
                            end = InstanceEnd::failed(failure);
                            break;
                        }
                    }
                }
                hops.pop();
                let done = states.iter().all(|state| state.done);
                instance.doing = Doing::Branches(states);
                self.joined(step, instance, hops, index, end, done)
            }
            _ => {
                self.emit_instance(step, instance, hops, index);
                None
            }
        }
    }

    /// Brings a stimulus to an instance or to what it holds.
    pub(super) fn reach(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        key: &Key,
        stimulus: Stimulus,
    ) -> Option<InstanceEnd> {
        if key.within.len() > hops.len() {
            return self.reach_inside(step, instance, hops, index, key, stimulus);
        }
        let end = match stimulus {
            Stimulus::Evaluated { attempt, slot, result } if attempt == instance.attempt => {
                self.evaluated(step, instance, hops, index, slot, result)
            }
            Stimulus::Finished { attempt, result }
                if attempt == instance.attempt && matches!(instance.doing, Doing::Performing) =>
            {
                self.changed = true;
                match result {
                    Ok(output) => approved(step, output),
                    Err(failure) => InstanceEnd::failed(failure),
                }
            }
            Stimulus::Signal { name, number } => match &instance.doing {
                Doing::Listening { signal } if *signal == name => {
                    self.changed = true;
                    InstanceEnd::with(Some(Output::Row(signal_row(&name, number))))
                }
                _ => None,
            },
            Stimulus::Due => return self.due(step, instance, hops, index),
            _ => None,
        }?;
        self.or_retry(step, instance, hops, index, end)
    }

    fn reach_inside(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        key: &Key,
        stimulus: Stimulus,
    ) -> Option<InstanceEnd> {
        let own = hop(step, index);
        if key.within.get(hops.len()) != Some(&own) {
            return None;
        }
        let next = key.within.get(hops.len() + 1).map_or(&key.step, |hop| &hop.step);
        match (&mut instance.doing, &step.action) {
            (Doing::Case { case, sequence }, Action::Switch(cases)) => {
                let (case, mut sequence) = (*case, std::mem::take(sequence));
                hops.push(own);
                let end = self.route(&cases[case].steps, &mut sequence, hops, key, stimulus);
                hops.pop();
                instance.doing = Doing::Case { case, sequence };
                block_end(end)
            }
            (Doing::Branches(states), Action::Parallel(branches)) => {
                let number = branches.iter().position(|b| b.steps.iter().any(|step| step.id == *next))?;
                let mut states = std::mem::take(states);
                hops.push(own);
                let steps = &branches[number].steps;
                let end = self.route(steps, &mut states[number].sequence, hops, key, stimulus);
                hops.pop();
                states[number].done |= matches!(end, SequenceEnd::Completed(_));
                let failed = match end {
                    SequenceEnd::Failed(failure) => InstanceEnd::failed(failure),
                    _ => None,
                };
                let done = states.iter().all(|state| state.done);
                instance.doing = Doing::Branches(states);
                self.joined(step, instance, hops, index, failed, done)
            }
            _ => None,
        }
    }

    /// The end of a parallel: a failed branch takes the others with it.
    fn joined(
        &mut self,
        step: &'d Step,
        instance: &Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        failed: Option<InstanceEnd>,
        done: bool,
    ) -> Option<InstanceEnd> {
        if failed.is_some() {
            self.cancel_instance(step, instance, hops, index);
            return failed;
        }
        if done { InstanceEnd::with(None) } else { None }
    }

    fn evaluated(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        slot: Slot,
        result: Result<Value, Failure>,
    ) -> Option<InstanceEnd> {
        let awaited = match instance.doing {
            Doing::Evaluating => Slot::Value,
            Doing::Asserting(number) => Slot::Assert(number),
            Doing::Explaining(number) => Slot::Message(number),
            Doing::Deciding(number) => Slot::When(number),
            _ => return None,
        };
        if slot != awaited {
            return None;
        }
        self.changed = true;
        match (slot, result, &step.action) {
            (Slot::Message(_), Ok(Value::String(text)), _) => {
                InstanceEnd::failed(Failure::permanent("ASSERTION_FAILED", text))
            }
            (Slot::Message(number), _, Action::Validate(assertions)) => {
                let source = assertions[number as usize].assert.source().trim();
                let message = format!("this does not hold: {source}");
                InstanceEnd::failed(Failure::permanent("ASSERTION_FAILED", message))
            }
            (_, Err(failure), _) => InstanceEnd::failed(failure),
            (Slot::Value, Ok(value), Action::Wait(wait)) => self.wait(wait, instance, &value),
            (Slot::Value, Ok(value), _) => InstanceEnd::with(Some(Output::Inline(value))),
            (Slot::Assert(number), Ok(value), Action::Validate(assertions)) => {
                if !is_true(&value) {
                    instance.doing = Doing::Explaining(number);
                } else if number as usize + 1 < assertions.len() {
                    instance.doing = Doing::Asserting(number + 1);
                } else {
                    return InstanceEnd::with(None);
                }
                self.emit_instance(step, instance, hops, index);
                None
            }
            (Slot::When(number), Ok(value), _) => {
                if is_true(&value) {
                    self.take_case(step, instance, hops, index, number as usize)
                } else {
                    self.decide(step, instance, hops, index, number + 1)
                }
            }
            _ => None,
        }
    }

    /// Asks for the condition of a case, or takes it where it has none.
    fn decide(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        number: u32,
    ) -> Option<InstanceEnd> {
        let Action::Switch(cases) = &step.action else { return None };
        match cases.get(number as usize) {
            None => InstanceEnd::with(None),
            Some(case) if case.when.is_none() => self.take_case(step, instance, hops, index, number as usize),
            Some(_) => {
                instance.doing = Doing::Deciding(number);
                self.emit_instance(step, instance, hops, index);
                None
            }
        }
    }

    fn take_case(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
        case: usize,
    ) -> Option<InstanceEnd> {
        let Action::Switch(cases) = &step.action else { return None };
        let mut sequence = Sequence::default();
        hops.push(hop(step, index));
        let end = self.proceed(&cases[case].steps, &mut sequence, hops);
        hops.pop();
        instance.doing = Doing::Case { case, sequence };
        block_end(end)
    }

    /// Its timer ran out: the attempt's, the backoff's or the wait's.
    fn due(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &mut Vec<Hop>,
        index: u32,
    ) -> Option<InstanceEnd> {
        let past = |time: i64| time <= self.at_ms;
        match instance.doing {
            Doing::Sleeping { until_ms } if past(until_ms) => InstanceEnd::with(None),
            Doing::BackingOff { until_ms } if past(until_ms) => {
                let started_at_ms = instance.started_at_ms;
                *instance = self.new_instance(step, instance.attempt + 1, instance.resumes);
                instance.started_at_ms = started_at_ms;
                self.launch(step, instance, hops, index)
            }
            _ if instance.deadline_ms.is_some_and(past) => {
                self.cancel_instance(step, instance, hops, index);
                let failure = Failure::new(
                    "STEP_TIMEOUT",
                    crate::ir::FailureClass::Timeout,
                    format!("step {} took longer than its timeout", step.id),
                );
                self.or_retry(
                    step,
                    instance,
                    hops,
                    index,
                    InstanceEnd { output: None, failure: Some(failure) },
                )
            }
            _ => None,
        }
    }

    /// The end, unless the step tries again.
    fn or_retry(
        &mut self,
        step: &'d Step,
        instance: &mut Instance,
        hops: &[Hop],
        index: u32,
        end: InstanceEnd,
    ) -> Option<InstanceEnd> {
        let (Some(failure), Some(retry)) = (&end.failure, &step.retry) else { return Some(end) };
        if instance.attempt >= retry.max_attempts || !retry.on.contains(&failure.class) {
            return Some(end);
        }
        let key = self.key(step, hops, Some(index));
        let delay_ms = time::backoff_ms(retry, instance.attempt, failure.retry_after_ms, &key);
        instance.deadline_ms = None;
        instance.doing = Doing::BackingOff { until_ms: time::after(self.at_ms, delay_ms) };
        None
    }

    /// Writes the row of an instance that ended.
    pub(super) fn close_instance(
        &mut self,
        step: &Step,
        instance: &Instance,
        hops: &[Hop],
        index: u32,
        end: InstanceEnd,
    ) -> StepEnd {
        let key = self.key(step, hops, Some(index));
        let status = if end.failure.is_some() { RowStatus::Failed } else { RowStatus::Completed };
        let failure = end.failure.clone();
        self.step_row(&key, status, end.output, failure, instance.attempt, instance.started_at_ms);
        end.failure.map_or(StepEnd::Completed, StepEnd::Failed)
    }
}

fn hop(step: &Step, index: u32) -> Hop {
    Hop { step: step.id.clone(), index: step.for_each.as_ref().map(|_| index) }
}

fn block_end(end: SequenceEnd) -> Option<InstanceEnd> {
    match end {
        SequenceEnd::Open => None,
        SequenceEnd::Completed(last) => InstanceEnd::with(last.map(|key| Output::Row(key.to_string()))),
        SequenceEnd::Failed(failure) => InstanceEnd::failed(failure),
    }
}

/// An approval that was refused is a failure, unless the step says otherwise.
fn approved(step: &Step, output: Output) -> Option<InstanceEnd> {
    let refused = match (&step.action, &output) {
        (Action::Approval { on_reject: OnReject::Fail, .. }, Output::Inline(value)) => {
            value.get("approved").and_then(Value::as_bool) == Some(false)
        }
        _ => false,
    };
    let failure = refused.then(|| Failure::permanent("APPROVAL_REJECTED", "the approval was refused"));
    Some(InstanceEnd { output: Some(output), failure })
}
