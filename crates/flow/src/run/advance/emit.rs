//! From what a state waits for to the effects that say so; the same for the first time and after a crash.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::state::{Doing, Finished, Instance, Phase, Sequence, Stage};
use super::super::{Effect, Hop, ItemRef, Key, RunStatus, Scope, Slot, StepRef};
use super::loops::items_row;
use super::{Core, Part, path_of};
use crate::expr;
use crate::ir::{Action, Definition, Step, Template, Wait};

/// Something under way, with where it is.
pub(in super::super) enum Walk<'s> {
    /// A step whose condition or items are asked for.
    Stage(&'s Stage),
    /// A loop, before its items.
    Loop(&'s super::super::state::Loop),
    Instance(&'s Instance, u32),
}

/// Told of each: its step, what holds it, since when.
type Visit<'v, 'd, 's> = dyn FnMut(&'d Step, &[Hop], i64, Walk<'s>) + 'v;

/// Everything under way in a list, outer before inner.
pub(in super::super) fn walk<'d, 's>(
    steps: &'d [Step],
    sequence: &'s Sequence,
    hops: &mut Vec<Hop>,
    visit: &mut Visit<'_, 'd, 's>,
) {
    let Some(active) = &sequence.active else { return };
    let Some(step) = steps.get(sequence.next) else { return };
    let started = active.started_at_ms;
    match &active.stage {
        Stage::Condition | Stage::Items => visit(step, hops, started, Walk::Stage(&active.stage)),
        Stage::One(instance) => walk_instance(step, instance, 0, hops, visit),
        Stage::Loop(each) => {
            visit(step, hops, started, Walk::Loop(each));
            for (index, instance) in &each.in_flight {
                walk_instance(step, instance, *index, hops, visit);
            }
        }
    }
}

pub(super) fn walk_instance<'d, 's>(
    step: &'d Step,
    instance: &'s Instance,
    index: u32,
    hops: &mut Vec<Hop>,
    visit: &mut Visit<'_, 'd, 's>,
) {
    visit(step, hops, instance.started_at_ms, Walk::Instance(instance, index));
    let hop = Hop { step: step.id.clone(), index: step.for_each.as_ref().map(|_| index) };
    hops.push(hop);
    match (&instance.doing, &step.action) {
        (Doing::Case { case, sequence }, Action::Switch(cases)) => {
            if let Some(case) = cases.get(*case) {
                walk(&case.steps, sequence, hops, visit);
            }
        }
        (Doing::Branches(states), Action::Parallel(branches)) => {
            for (state, branch) in states.iter().zip(branches) {
                walk(&branch.steps, &state.sequence, hops, visit);
            }
        }
        _ => {}
    }
    hops.pop();
}

impl<'d> Core<'d> {
    pub(super) fn key(&self, step: &Step, hops: &[Hop], index: Option<u32>) -> Key {
        Key { within: hops.to_vec(), step: step.id.clone(), index }
    }

    /// The effect of a phase that belongs to no step.
    pub(super) fn emit_phase(&mut self) {
        let none = Template::Literal(Value::Null);
        let (slot, template) = match self.state.phase {
            Phase::Input => (Slot::Input, none),
            Phase::ConcurrencyKey => {
                (Slot::Concurrency, self.definition.concurrency.as_ref().map_or(none, |c| c.key.clone()))
            }
            Phase::Outputs => (Slot::Outputs, self.definition.outputs.clone().unwrap_or(none)),
            Phase::Acquire => {
                let limit = self.definition.concurrency.as_ref().map_or(1, |concurrency| concurrency.limit);
                let concurrency = self.state.concurrency.clone().unwrap_or_default();
                return self.effects.push(Effect::Acquire { concurrency, limit });
            }
            _ => return,
        };
        let scope = self.scope(&[&template], &[], None);
        self.effects.push(Effect::Evaluate { key: None, attempt: 1, slot, template, scope });
    }

    pub(super) fn emit_stage(&mut self, step: &Step, stage: &Stage, hops: &[Hop]) {
        let (slot, template) = match (stage, &step.condition, &step.for_each) {
            (Stage::Condition, Some(condition), _) => (Slot::Condition, condition.clone().into()),
            (Stage::Items, _, Some(each)) => (Slot::Items, each.items.clone()),
            _ => return,
        };
        let index = if step.for_each.is_some() { None } else { Some(0) };
        let key = self.key(step, hops, index);
        let scope = self.scope(&[&template], hops, None);
        self.effects.push(Effect::Evaluate { key: Some(key), attempt: 1, slot, template, scope });
    }

    /// The effect that an instance waits for, where it waits for one.
    pub(super) fn emit_instance(&mut self, step: &Step, instance: &Instance, hops: &[Hop], index: u32) {
        let asks = match (&instance.doing, &step.action) {
            (Doing::Evaluating, Action::Transform(template)) => Some((Slot::Value, template.clone())),
            (
                Doing::Evaluating,
                Action::Wait(Wait::Duration(template) | Wait::Until(template) | Wait::Signal(template)),
            ) => Some((Slot::Value, template.clone())),
            (Doing::Asserting(number), Action::Validate(assertions)) => {
                let assertion = &assertions[*number as usize];
                Some((Slot::Assert(*number), assertion.assert.clone().into()))
            }
            (Doing::Explaining(number), Action::Validate(assertions)) => {
                let message = assertions[*number as usize].message.clone();
                Some((Slot::Message(*number), message.unwrap_or(Template::Literal(Value::Null))))
            }
            (Doing::Deciding(number), Action::Switch(cases)) => {
                let when = cases[*number as usize].when.clone();
                when.map(|when| (Slot::When(*number), when.into()))
            }
            (Doing::Performing, _) => return self.emit_perform(step, instance, hops, index),
            _ => None,
        };
        if let Some((slot, template)) = asks {
            let scope = self.scope(&[&template], hops, Some((step, index)));
            let key = Some(self.key(step, hops, Some(index)));
            self.effects.push(Effect::Evaluate { key, attempt: instance.attempt, slot, template, scope });
        }
    }

    fn emit_perform(&mut self, step: &Step, instance: &Instance, hops: &[Hop], index: u32) {
        let scope = self.scope(&step.action.templates(), hops, Some((step, index)));
        self.effects.push(Effect::Perform {
            key: self.key(step, hops, Some(index)),
            attempt: instance.attempt,
            action: step.action.clone(),
            scope,
            deadline_ms: instance.deadline_ms,
            resumes: instance.resumes,
        });
    }

    /// What the state waits for, all of it.
    pub(super) fn emit_pending(&mut self) {
        self.emit_phase();
        let Some(part) = self.part() else { return };
        let definition: &'d Definition = self.definition;
        let (steps, sequence) = match part {
            Part::Main => (&definition.steps, self.state.main.clone()),
            Part::Finally => (&definition.finally, self.state.finally.clone()),
        };
        walk(steps, &sequence, &mut Vec::new(), &mut |step, hops, _, found| match found {
            Walk::Stage(stage) => self.emit_stage(step, stage, hops),
            Walk::Instance(instance, index) => self.emit_instance(step, instance, hops, index),
            Walk::Loop(_) => {}
        });
    }

    /// What the names in these templates stand for at this place.
    fn scope(&self, templates: &[&Template], hops: &[Hop], at: Option<(&Step, u32)>) -> Scope {
        let reads = expr::Reads::of(templates);
        let mut steps = BTreeMap::new();
        for id in reads.steps {
            if let Some(finished) = self.find(&id, hops) {
                steps.insert(id, reference(finished));
            }
        }
        let item = if reads.item { self.innermost_item(hops, at) } else { None };
        let ended = (self.state.phase == Phase::Finally).then(|| {
            let failure = self.state.failure.clone();
            (if failure.is_some() { RunStatus::Failed } else { RunStatus::Completed }, failure)
        });
        Scope { steps, item, ended, now_ms: self.at_ms }
    }

    /// The end of step `id` as seen from inside `hops`.
    fn find(&self, id: &str, hops: &[Hop]) -> Option<&Finished> {
        let above = locate(self.definition, id)?;
        let within: Vec<Hop> = above
            .into_iter()
            .enumerate()
            .map(|(depth, step)| match hops.get(depth) {
                Some(hop) if hop.step == step => hop.clone(),
                _ => Hop { step: step.to_owned(), index: None },
            })
            .collect();
        self.state.finished.get(&path_of(&within, id))
    }

    fn innermost_item(&self, hops: &[Hop], at: Option<(&Step, u32)>) -> Option<ItemRef> {
        if let Some((step, index)) = at
            && step.for_each.is_some()
        {
            return Some(ItemRef { row: items_row(hops, &step.id), index });
        }
        let depth = hops.iter().rposition(|hop| hop.index.is_some())?;
        let hop = &hops[depth];
        Some(ItemRef { row: items_row(&hops[..depth], &hop.step), index: hop.index? })
    }
}

fn reference(finished: &Finished) -> StepRef {
    StepRef { status: finished.status, row: finished.row.clone(), failure: finished.failure.clone() }
}

/// The ids of the steps that hold step `id`, outermost first.
fn locate<'d>(definition: &'d Definition, id: &str) -> Option<Vec<&'d str>> {
    fn search<'d>(steps: &'d [Step], id: &str, above: &mut Vec<&'d str>) -> bool {
        for step in steps {
            if step.id == id {
                return true;
            }
            above.push(&step.id);
            if step.action.blocks().into_iter().any(|block| search(block, id, above)) {
                return true;
            }
            above.pop();
        }
        false
    }
    let mut above = Vec::new();
    let found = search(&definition.steps, id, &mut above) || search(&definition.finally, id, &mut above);
    found.then_some(above)
}
