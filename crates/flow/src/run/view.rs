//! A run as the API shows it: the steps that were reached, and how far it is.

use std::collections::BTreeMap;

use super::advance::{Walk, walk};
use super::state::{Doing, Finished, Phase, RunState, StepStatus};
use super::{Hop, RowStatus};
use crate::ir::{Action, Definition, Step};

/// A step that was reached. Steps inside a `for_each` are shown by the loop alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    pub id: String,
    pub name: String,
    /// `uses`.
    pub kind: &'static str,
    pub status: StepStatus,
    pub message: Option<String>,
    /// The row of its output.
    pub row: Option<String>,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    /// Its path; with `/{index}` the key of one of its items.
    pub path: String,
    /// Items of a `for_each` that were begun.
    pub items: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub steps_completed: u32,
    /// Of a `switch` whose case is not known yet, the longest counts.
    pub steps_total: u32,
}

/// The steps that were reached, in the order of the definition.
pub fn view(definition: &Definition, state: &RunState) -> Vec<StepView> {
    let running = running(definition, state);
    let mut found = Vec::new();
    for steps in [&definition.steps, &definition.finally] {
        collect(steps, "", state, &running, &mut found);
    }
    found
}

pub fn progress(definition: &Definition, state: &RunState) -> Progress {
    let mut progress = Progress { steps_completed: 0, steps_total: 0 };
    for steps in [&definition.steps, &definition.finally] {
        count(steps, "", state, &mut progress);
    }
    progress
}

fn collect(
    steps: &[Step],
    prefix: &str,
    state: &RunState,
    running: &BTreeMap<String, Running>,
    found: &mut Vec<StepView>,
) {
    for step in steps {
        let path = format!("{prefix}{}", step.id);
        let (finished, running_here) = (state.finished.get(&path), running.get(&path));
        if let Some(running) = running_here.filter(|_| finished.is_none()) {
            found.push(step_view(step, &path, None, Some(running)));
        } else if finished.is_some() {
            found.push(step_view(step, &path, finished, None));
        }
        if step.for_each.is_none() {
            let inside = format!("{path}/");
            for block in step.action.blocks() {
                collect(block, &inside, state, running, found);
            }
        }
    }
}

fn step_view(step: &Step, path: &str, finished: Option<&Finished>, running: Option<&Running>) -> StepView {
    let status = match (finished.map(|finished| finished.status), running) {
        (Some(RowStatus::Skipped), _) => StepStatus::Skipped,
        (Some(RowStatus::Failed), _) => StepStatus::Failed,
        (Some(_), _) => StepStatus::Completed,
        (None, Some(running)) => running.status,
        (None, None) => StepStatus::Queued,
    };
    let message = match (finished, running) {
        (Some(finished), _) => finished.failure.as_ref().map(|failure| failure.message.clone()),
        (None, Some(running)) => running.message.clone(),
        (None, None) => None,
    };
    let started = finished.map(|finished| finished.started_at_ms);
    let begun = finished.and_then(|finished| finished.items).or(running.and_then(|running| running.items));
    StepView {
        id: step.id.clone(),
        name: step.name.clone().unwrap_or_else(|| step.id.clone()),
        kind: step.action.kind(),
        status,
        message,
        row: finished.and_then(|finished| finished.row.clone()),
        started_at_ms: started.or(running.map(|running| running.started_at_ms)).unwrap_or_default(),
        ended_at_ms: finished.map(|finished| finished.ended_at_ms),
        path: path.to_owned(),
        items: begun,
    }
}

/// A step under way.
struct Running {
    status: StepStatus,
    message: Option<String>,
    started_at_ms: i64,
    items: Option<u32>,
}

fn running(definition: &Definition, state: &RunState) -> BTreeMap<String, Running> {
    let (steps, sequence) = match state.phase {
        Phase::Steps => (&definition.steps, &state.main),
        Phase::Finally => (&definition.finally, &state.finally),
        _ => return BTreeMap::new(),
    };
    let mut found = BTreeMap::new();
    walk(steps, sequence, &mut Vec::new(), &mut |step, hops: &[Hop], started_at_ms, place| {
        if hops.iter().any(|hop| hop.index.is_some()) {
            return;
        }
        let ids = hops.iter().map(|hop| hop.step.as_str()).chain([step.id.as_str()]);
        let path = ids.collect::<Vec<_>>().join("/");
        let (status, message, items) = match place {
            Walk::Stage(_) => (StepStatus::Processing, None, None),
            Walk::Loop(each) => {
                let done = each.succeeded + each.failed.len();
                let failed = match each.failed.len() {
                    0 => String::new(),
                    failed => format!(", {failed} failed"),
                };
                let message = format!("{done} of {} items{failed}", each.total);
                (StepStatus::Processing, Some(message), Some(each.cursor))
            }
            Walk::Instance(_, _) if step.for_each.is_some() => return,
            Walk::Instance(instance, _) => match &instance.doing {
                Doing::BackingOff { .. } => {
                    let message = format!("attempt {} failed, the next one is due", instance.attempt);
                    (StepStatus::Queued, Some(message), None)
                }
                Doing::Listening { signal } => {
                    (StepStatus::Processing, Some(format!("waits for the signal {signal}")), None)
                }
                _ => (StepStatus::Processing, None, None),
            },
        };
        found.insert(path, Running { status, message, started_at_ms, items });
    });
    found
}

fn count(steps: &[Step], prefix: &str, state: &RunState, progress: &mut Progress) {
    for step in steps {
        let path = format!("{prefix}{}", step.id);
        let finished = state.finished.contains_key(&path);
        progress.steps_total += 1;
        progress.steps_completed += u32::from(finished);
        if step.for_each.is_some() {
            continue;
        }
        let inside = format!("{path}/");
        let blocks = step.action.blocks();
        let of = |block: &[Step]| {
            let mut sum = Progress { steps_completed: 0, steps_total: 0 };
            count(block, &inside, state, &mut sum);
            sum
        };
        let mut sums: Vec<Progress> = blocks.into_iter().map(of).collect();
        if matches!(step.action, Action::Switch(_)) {
            // Of the cases one is taken; none, once it ended without.
            let taken = sums.iter().copied().find(|sum| sum.steps_completed > 0);
            let longest = sums.iter().copied().max_by_key(|sum| sum.steps_total).filter(|_| !finished);
            sums = taken.or(longest).into_iter().collect();
        }
        for sum in sums {
            progress.steps_total += sum.steps_total;
            progress.steps_completed += sum.steps_completed;
        }
    }
}
