//! Every state that can be reached, breadth first, so that what is found has the shortest history.

use crate::{
    design::{Design, Faults},
    model::{State, Step, steps},
    rules,
};
use std::collections::{HashMap, VecDeque, hash_map::Entry};

pub enum Found {
    Sound { states: usize },
    Broken { rule: &'static str, history: Vec<String> },
}

pub fn explore(design: Design, faults: Faults) -> Found {
    let start = State::new(faults);
    let mut came_from: HashMap<State, Option<(State, Step)>> = HashMap::from([(start, None)]);
    let mut waiting = VecDeque::from([start]);
    while let Some(state) = waiting.pop_front() {
        let next = steps(&state, &design);
        // A fault is nothing that anybody can count on.
        let quiet = next.iter().all(|(step, _)| step.is_fault());
        if let Some(rule) = rules::broken(&state, quiet) {
            return Found::Broken { rule, history: history(&came_from, state) };
        }
        for (step, reached) in next {
            if let Entry::Vacant(unknown) = came_from.entry(reached) {
                unknown.insert(Some((state, step)));
                waiting.push_back(reached);
            }
        }
    }
    Found::Sound { states: came_from.len() }
}

fn history(came_from: &HashMap<State, Option<(State, Step)>>, mut state: State) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(Some((earlier, step))) = came_from.get(&state) {
        steps.push(format!("{step:?}"));
        state = *earlier;
    }
    steps.reverse();
    steps
}
