//! What is under way is stopped: by a timeout, by a sibling's failure, by the one who closes the run.

use super::super::state::{Doing, Finished, Instance, Loop, Sequence};
use super::super::{Effect, Failure, Hop, RowStatus};
use super::emit::{Walk, walk, walk_instance};
use super::{Core, Part, path_of};
use crate::ir::Step;

impl<'d> Core<'d> {
    pub(super) fn cancel_part(&mut self, part: Part) {
        let (steps, mut sequence) = match part {
            Part::Main => (&self.definition.steps, std::mem::take(&mut self.state.main)),
            Part::Finally => (&self.definition.finally, std::mem::take(&mut self.state.finally)),
        };
        self.cancel_sequence(steps, &sequence, &mut Vec::new());
        sequence.active = None;
        match part {
            Part::Main => self.state.main = sequence,
            Part::Finally => self.state.finally = sequence,
        }
    }

    fn cancel_sequence(&mut self, steps: &'d [Step], sequence: &Sequence, hops: &mut Vec<Hop>) {
        walk(steps, sequence, hops, &mut |step, hops, started, found| {
            self.cancel_found(step, hops, started, found);
        });
    }

    /// An instance and all that it holds. It is its own caller's to note how it ended.
    pub(super) fn cancel_instance(
        &mut self,
        step: &'d Step,
        instance: &Instance,
        hops: &mut Vec<Hop>,
        index: u32,
    ) {
        let depth = hops.len();
        walk_instance(step, instance, index, hops, &mut |step, hops, started, found| {
            if hops.len() > depth {
                self.cancel_found(step, hops, started, found);
            } else if let Walk::Instance(instance, index) = found {
                self.cancel_effect(step, hops, instance, index);
            }
        });
    }

    pub(super) fn cancel_items(&mut self, step: &'d Step, each: &Loop, hops: &mut Vec<Hop>) {
        for (index, instance) in &each.in_flight {
            self.cancel_instance(step, instance, hops, *index);
        }
    }

    fn cancel_found(&mut self, step: &Step, hops: &[Hop], started_at_ms: i64, found: Walk<'_>) {
        let kept: Option<Box<Loop>> = match &found {
            Walk::Loop(each) => Some(Box::new(each.left_behind())),
            _ => None,
        };
        if let Walk::Instance(instance, index) = &found {
            self.cancel_effect(step, hops, instance, *index);
            if step.for_each.is_some() {
                return;
            }
        }
        let failure = Some(Failure::permanent("CANCELLED", "stopped before its end"));
        let ended_at_ms = self.at_ms;
        let items = kept.as_ref().map(|kept| kept.cursor);
        let (status, kind) = (RowStatus::Failed, step.action.kind().to_owned());
        let finished = Finished { status, row: None, failure, started_at_ms, ended_at_ms, items, kind, kept };
        self.state.finished.insert(path_of(hops, &step.id), finished);
    }

    fn cancel_effect(&mut self, step: &Step, hops: &[Hop], instance: &Instance, index: u32) {
        if matches!(instance.doing, Doing::Performing) {
            let key = self.key(step, hops, Some(index));
            self.effects.push(Effect::Cancel { key, attempt: instance.attempt });
        }
    }
}
