//! One event applied to one state: the phases of a run. What happens inside a list of steps is in [`sequence`].

mod cancel;
mod emit;
mod instance;
mod loops;
mod sequence;
mod time;
mod wait;

use domain::limits;
use serde_json::Value;

use super::state::{Phase, RunState, RunStatus, Sequence};
use super::{Commit, Effect, Event, Failure, Hop, Key, Output, Row, RowStatus, Slot, Terminal};
use crate::ir::{Definition, Step};
use sequence::{SequenceEnd, Stimulus};

pub(super) use emit::{Walk, walk};

/// What [`advance`] answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Advanced {
    pub state: RunState,
    pub commit: Commit,
    pub effects: Vec<Effect>,
    /// False where the event meant nothing: there is nothing to write then.
    pub changed: bool,
}

/// Applies one event. Pure: the same arguments, the same answer.
pub fn advance(definition: &Definition, state: RunState, event: Event) -> Advanced {
    if state.is_terminal() {
        return Advanced { state, commit: Commit::default(), effects: Vec::new(), changed: false };
    }
    let mut core = Core::new(definition, state, event.at_ms());
    core.apply(event);
    Advanced { state: core.state, commit: core.commit, effects: core.effects, changed: core.changed }
}

/// Every effect that the state waits for, with the keys and attempts it had: what a node does that takes a run over.
pub fn pending(definition: &Definition, state: &RunState, now_ms: i64) -> Vec<Effect> {
    let mut core = Core::new(definition, state.clone(), now_ms);
    if !state.is_terminal() {
        core.emit_pending();
    }
    core.effects
}

/// The run while an event is applied to it.
pub(super) struct Core<'d> {
    definition: &'d Definition,
    state: RunState,
    at_ms: i64,
    commit: Commit,
    effects: Vec<Effect>,
    changed: bool,
}

/// Which of the two lists of steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Main,
    Finally,
}

impl<'d> Core<'d> {
    fn new(definition: &'d Definition, state: RunState, at_ms: i64) -> Self {
        Self { definition, state, at_ms, commit: Commit::default(), effects: Vec::new(), changed: false }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Start { .. } => self.start(),
            Event::Evaluated { key: None, slot, result, .. } => self.evaluated_run(slot, result),
            Event::Evaluated { key: Some(key), attempt, slot, result, .. } => {
                self.deliver(&key, Stimulus::Evaluated { attempt, slot, result });
            }
            Event::Finished { key, attempt, result, .. } => {
                self.deliver(&key, Stimulus::Finished { attempt, result });
            }
            Event::Acquired { .. } => {
                if self.state.phase == Phase::Acquire {
                    self.begin_steps();
                }
            }
            Event::Signal { name, data, .. } => self.signal(name, data),
            Event::Tick { .. } => self.tick(),
            Event::Close { .. } => self.stop(RunStatus::Closed, None),
            Event::Abort { failure, .. } => self.stop(RunStatus::Failed, Some(failure)),
        }
    }

    fn start(&mut self) {
        if self.state.phase != Phase::New {
            return;
        }
        self.changed = true;
        self.state.started_at_ms = self.at_ms;
        self.state.deadline_ms = self.definition.timeout_ms.map(|timeout| time::after(self.at_ms, timeout));
        if self.definition.input.is_some() {
            self.state.phase = Phase::Input;
            self.emit_phase();
        } else {
            self.input_is_valid();
        }
    }

    fn input_is_valid(&mut self) {
        if self.definition.concurrency.is_some() {
            self.state.phase = Phase::ConcurrencyKey;
            self.emit_phase();
        } else {
            self.begin_steps();
        }
    }

    /// The result of an evaluation that belongs to no step.
    fn evaluated_run(&mut self, slot: Slot, result: Result<Value, Failure>) {
        let expected = match self.state.phase {
            Phase::Input => Slot::Input,
            Phase::ConcurrencyKey => Slot::Concurrency,
            Phase::Outputs => Slot::Outputs,
            _ => return,
        };
        if slot != expected {
            return;
        }
        self.changed = true;
        match (slot, result) {
            (Slot::Input, Ok(_)) => self.input_is_valid(),
            (Slot::Concurrency, Ok(value)) => match name_of(&value) {
                Some(name) => {
                    self.state.phase = Phase::Acquire;
                    self.state.concurrency = Some(name);
                    self.emit_phase();
                }
                None => {
                    let message = "the key of `concurrency` is no text or number of 1 to 256 characters";
                    let failure = Failure::permanent("CONCURRENCY_KEY_INVALID", message);
                    self.terminal(RunStatus::Failed, Some(failure));
                }
            },
            (Slot::Outputs, Ok(value)) => {
                self.state.has_output = true;
                self.data_row("outputs".to_owned(), Output::Inline(value));
                self.begin_finally(None);
            }
            (Slot::Outputs, Err(failure)) => self.begin_finally(Some(failure)),
            // No step has begun, so there is nothing to clean up after.
            (_, Err(failure)) => self.terminal(RunStatus::Failed, Some(failure)),
            (_, Ok(_)) => {}
        }
    }

    fn begin_steps(&mut self) {
        self.changed = true;
        self.state.phase = Phase::Steps;
        self.with(Part::Main, |core, steps, sequence| core.proceed(steps, sequence, &mut Vec::new()));
    }

    /// Runs `work` on one of the lists, and goes on to the next phase where that ended it.
    fn with(&mut self, part: Part, work: impl FnOnce(&mut Self, &'d [Step], &mut Sequence) -> SequenceEnd) {
        let (steps, mut sequence) = match part {
            Part::Main => (&self.definition.steps, std::mem::take(&mut self.state.main)),
            Part::Finally => (&self.definition.finally, std::mem::take(&mut self.state.finally)),
        };
        let end = work(self, steps, &mut sequence);
        match part {
            Part::Main => self.state.main = sequence,
            Part::Finally => self.state.finally = sequence,
        }
        match (part, end) {
            (_, SequenceEnd::Open) => {}
            (Part::Main, SequenceEnd::Completed(_)) if self.definition.outputs.is_some() => {
                self.state.phase = Phase::Outputs;
                self.emit_phase();
            }
            (Part::Main, SequenceEnd::Completed(_)) => self.begin_finally(None),
            (Part::Main, SequenceEnd::Failed(failure)) => self.begin_finally(Some(failure)),
            (Part::Finally, SequenceEnd::Completed(_) | SequenceEnd::Failed(_)) => self.finish(),
        }
    }

    /// The steps are over, one way or the other.
    fn begin_finally(&mut self, failure: Option<Failure>) {
        self.state.failure = failure;
        if self.definition.finally.is_empty() {
            return self.finish();
        }
        self.state.phase = Phase::Finally;
        let longest = limits::WORKFLOW_FINALLY_MAX.as_millis() as u64;
        self.state.deadline_ms = Some(time::after(self.at_ms, longest));
        self.with(Part::Finally, |core, steps, sequence| core.proceed(steps, sequence, &mut Vec::new()));
    }

    fn finish(&mut self) {
        let failure = self.state.failure.take();
        let status = if failure.is_some() { RunStatus::Failed } else { RunStatus::Completed };
        self.terminal(status, failure);
    }

    fn terminal(&mut self, status: RunStatus, failure: Option<Failure>) {
        self.changed = true;
        self.state.status = status;
        self.state.phase = Phase::Done;
        self.state.deadline_ms = None;
        let unused = std::mem::take(&mut self.state.resume);
        if status == RunStatus::Failed {
            // A retry of this retry keeps what this run never came to.
            for (path, finished) in unused {
                self.state.finished.entry(path).or_insert(finished);
            }
        }
        self.state.failure.clone_from(&failure);
        let has_output = self.state.has_output && status == RunStatus::Completed;
        self.commit.terminal = Some(Terminal { status, failure, at_ms: self.at_ms, has_output });
    }

    /// Ends the run at once.
    fn stop(&mut self, status: RunStatus, failure: Option<Failure>) {
        self.cancel_part(Part::Main);
        self.cancel_part(Part::Finally);
        self.terminal(status, failure);
    }

    /// The list of steps that is under way.
    fn part(&self) -> Option<Part> {
        match self.state.phase {
            Phase::Steps => Some(Part::Main),
            Phase::Finally => Some(Part::Finally),
            _ => None,
        }
    }

    /// Brings something to the instance that waits for it.
    fn deliver(&mut self, key: &Key, stimulus: Stimulus) {
        let Some(part) = self.part() else { return };
        self.with(part, |core, steps, sequence| core.route(steps, sequence, &mut Vec::new(), key, stimulus));
    }

    fn signal(&mut self, name: String, data: Output) {
        let waiting: usize = self.state.signals.values().map(Vec::len).sum();
        let listener = self.listener(&name);
        if listener.is_none() && waiting >= limits::WORKFLOW_SIGNALS_KEPT_MAX {
            return;
        }
        self.changed = true;
        let number = self.state.signals_seen;
        self.state.signals_seen += 1;
        self.data_row(signal_row(&name, number), data);
        match listener {
            Some(key) => self.deliver(&key, Stimulus::Signal { name, number }),
            None => self.state.signals.entry(name).or_default().push(number),
        }
    }

    fn tick(&mut self) {
        if self.state.deadline_ms.is_some_and(|deadline| deadline <= self.at_ms) {
            return self.run_timed_out();
        }
        for key in self.due_keys() {
            self.changed = true;
            // The end of one may have taken others with it; to those this means nothing any more.
            self.deliver(&key, Stimulus::Due);
        }
    }

    fn run_timed_out(&mut self) {
        self.changed = true;
        let failure = Failure::permanent("WORKFLOW_TIMEOUT", "the run took longer than its timeout");
        match self.state.phase {
            Phase::Finally => {
                self.cancel_part(Part::Finally);
                self.state.failure.get_or_insert(failure);
                self.finish();
            }
            Phase::Steps | Phase::Outputs => {
                self.cancel_part(Part::Main);
                self.begin_finally(Some(failure));
            }
            _ => self.terminal(RunStatus::Failed, Some(failure)),
        }
    }

    fn data_row(&mut self, name: String, output: Output) {
        self.commit.rows.push(Row {
            name,
            key: None,
            status: RowStatus::Data,
            output: Some(output),
            failure: None,
            attempts: 0,
            started_at_ms: self.at_ms,
            ended_at_ms: self.at_ms,
        });
    }
}

fn signal_row(name: &str, number: u32) -> String {
    format!("signal:{name}:{number}")
}

/// A value as the name of a signal or of a concurrency group. Null is none: runs that lack the value that their author
/// thought of would all share one.
fn name_of(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    (1..=limits::WORKFLOW_NAME_CHARACTERS_MAX).contains(&name.chars().count()).then_some(name)
}

/// The path of a step with its iterations: `batch.3/upload`.
fn path_of(hops: &[Hop], step: &str) -> String {
    let mut path = String::new();
    for hop in hops {
        path.push_str(&hop.step);
        if let Some(index) = hop.index {
            path.push('.');
            path.push_str(&index.to_string());
        }
        path.push('/');
    }
    path.push_str(step);
    path
}
