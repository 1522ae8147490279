//! The core against the simplest interpreter there is: whatever the order in which things end, however often they are
//! told, wherever a node dies and another takes over, a run comes to what its definition means.

use std::collections::BTreeSet;

use flow::ir::{Definition, FailureClass};
use flow::run::{self, Effect, Event, Failure, Key, Output, RowStatus, RunState, RunStatus};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::generate::{self, Wanted};
use crate::naive::{self, End, Oracle};
use crate::world::World;

/// Outcomes by a number: which of the things outside fail, and at which attempts.
#[derive(Clone, Copy)]
struct Chance {
    seed: u64,
    /// Of 256.
    failures: u8,
}

/// A number from a text, the same every time.
fn digest(text: &str, seed: u64) -> u64 {
    text.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}

impl Oracle for Chance {
    fn outcome(&self, key: &str, attempt: u32) -> Result<Value, Failure> {
        let number = digest(&format!("{key}#{attempt}"), self.seed);
        if (number >> 16) as u8 >= self.failures {
            // What is given does not depend on the attempt: a retry comes to the same value.
            let number = digest(key, 1);
            return Ok(json!({"approved": number & 1 == 0, "n": number % 5}));
        }
        let class = if number & 1 == 0 { FailureClass::Connection } else { FailureClass::Permanent };
        Err(Failure::new("DOWN", class, "down"))
    }
}

/// What happens next, drawn from numbers.
struct Schedule<'d, 'o> {
    world: World<'d>,
    oracle: &'o dyn Oracle,
    numbers: u64,
    /// Ends that were told; any of them may be told again.
    told: Vec<(Key, u32, Result<Value, Failure>)>,
    signals: Vec<String>,
}

const TURNS_MAX: usize = 4000;

impl<'d, 'o> Schedule<'d, 'o> {
    fn new(world: World<'d>, oracle: &'o dyn Oracle, seed: u64, signals: &[String]) -> Self {
        Self { world, oracle, numbers: seed, told: Vec::new(), signals: signals.to_vec() }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.numbers =
            self.numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.numbers >> 33) as usize % bound.max(1)
    }

    /// Until the run is over.
    fn finish(&mut self) {
        self.world.feed(Event::Start { at_ms: self.world.now_ms });
        for _ in 0..TURNS_MAX {
            self.pending_is_what_is_open();
            if self.world.state.is_terminal() {
                return self.nothing_changes_any_more();
            }
            self.turn();
        }
        panic!("no end: {:?}", self.world.open);
    }

    fn turn(&mut self) {
        match self.below(8) {
            0 if !self.told.is_empty() => {
                let at = self.below(self.told.len());
                let (key, attempt, result) = self.told[at].clone();
                let changed = self.world.finished(key, attempt, result);
                assert!(!changed, "an end that was told twice");
            }
            1 => self.world.take_over(),
            2 if !self.signals.is_empty() => {
                let at = self.below(self.signals.len());
                let name = self.signals.remove(at);
                let data = Output::Inline(json!({"signal": name}));
                self.world.feed(Event::Signal { at_ms: self.world.now_ms, name, data });
            }
            3 => self.world.wait(700),
            _ if self.world.open.is_empty() => self.world.wait(10_000),
            _ => {
                let at = self.below(self.world.open.len());
                self.end(at);
            }
        }
    }

    fn end(&mut self, at: usize) {
        match self.world.open.remove(at) {
            Effect::Perform { key, attempt, .. } => {
                let result = self.oracle.outcome(&key.to_string(), attempt);
                self.told.push((key.clone(), attempt, result.clone()));
                assert!(self.world.finished(key, attempt, result), "the first end counts");
            }
            Effect::Acquire { .. } => {
                self.world.feed(Event::Acquired { at_ms: self.world.now_ms });
            }
            other => panic!("{other:?}"),
        }
    }

    /// What another node would be told to do now is what this one has in hand.
    fn pending_is_what_is_open(&self) {
        let named = |effects: &[Effect]| -> BTreeSet<String> {
            let names = effects.iter().map(|effect| match effect {
                Effect::Perform { key, attempt, .. } => format!("{key}#{attempt}"),
                other => format!("{other:?}"),
            });
            names.collect()
        };
        let progress = run::progress(self.world.definition, &self.world.state);
        assert!(progress.steps_completed <= progress.steps_total, "{progress:?}");
        let pending = run::pending(self.world.definition, &self.world.state, self.world.now_ms);
        assert_eq!(pending.len(), self.world.open.len());
        assert_eq!(named(&pending), named(&self.world.open));
        if self.world.open.is_empty() && self.signals.is_empty() && !self.world.state.is_terminal() {
            assert!(self.world.state.next_due(self.world.definition).is_some(), "nothing wakes this run");
        }
    }

    fn nothing_changes_any_more(&mut self) {
        assert_eq!(self.world.terminals.len(), 1);
        assert_eq!(self.world.state.next_due(self.world.definition), None);
        for (key, attempt, result) in self.told.clone() {
            assert!(!self.world.finished(key, attempt, result));
        }
        let at_ms = self.world.now_ms;
        assert!(!self.world.feed(Event::Tick { at_ms }) && !self.world.feed(Event::Close { at_ms }));
        assert!(!self.world.feed(Event::Start { at_ms }));
    }

    fn end_of_run(&self) -> End {
        match self.world.state.status {
            RunStatus::Completed => End::Completed(self.world.output()),
            status => {
                assert_eq!(status, RunStatus::Failed);
                let failure = self.world.state.failure().expect("a failed run says why");
                End::Failed(BTreeSet::from([failure.code.clone()]))
            }
        }
    }
}

fn agree(engine: &End, naive: &End) -> bool {
    match (engine, naive) {
        (End::Completed(one), End::Completed(other)) => one == other,
        // Where several branches fail, the first ends them all.
        (End::Failed(one), End::Failed(possible)) => one.is_subset(possible),
        _ => false,
    }
}

fn body() -> Value {
    json!({"n": 3, "items": [4, 5, 6, 7]})
}

/// Items carry their error; which of several it is depends on the order, so it is left out of the comparison.
fn without_errors(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_errors).collect(),
        Value::Object(pairs) => {
            let pairs = pairs.into_iter().filter(|(key, _)| key != "error");
            Value::Object(pairs.map(|(key, value)| (key, without_errors(value))).collect())
        }
        scalar => scalar,
    }
}

fn comparable(end: End) -> End {
    match end {
        End::Completed(value) => End::Completed(without_errors(value)),
        failed => failed,
    }
}

fn completed_keys(world: &World<'_>) -> BTreeSet<String> {
    let rows = world.statuses().into_iter();
    rows.filter(|(_, status)| *status == RowStatus::Completed).map(|(key, _)| key).collect()
}

/// A run that takes up where another failed.
fn resumed<'d>(definition: &'d Definition, earlier: &World<'d>) -> World<'d> {
    let state: RunState = run::retry(definition, &earlier.state).expect("it failed, so it can be retried");
    let mut world = World::new(definition, earlier.body.clone());
    (world.state, world.journal) = (state, earlier.journal.clone());
    world.now_ms = earlier.now_ms + 1;
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn a_run_comes_to_what_its_definition_means_in_any_order(
        numbers in prop::collection::vec(any::<u8>(), 0..120),
        seed in any::<u64>(),
        orders in prop::collection::vec(any::<u64>(), 3),
        failures in prop::sample::select(vec![0u8, 30, 90]),
    ) {
        let (definition, signals) = generate::definition(&numbers, Wanted { strict: false });
        let oracle = Chance { seed, failures };
        let meaning = comparable(naive::run(&definition, &body(), &oracle));
        for order in orders {
            let mut schedule = Schedule::new(World::new(&definition, body()), &oracle, order, &signals);
            schedule.finish();
            let end = comparable(schedule.end_of_run());
            prop_assert!(agree(&end, &meaning), "{:?} instead of {:?}", end, meaning);
        }
    }

    #[test]
    fn retries_come_to_the_end_without_doing_anything_twice(
        numbers in prop::collection::vec(any::<u8>(), 0..120),
        seed in any::<u64>(),
        order in any::<u64>(),
    ) {
        let (definition, signals) = generate::definition(&numbers, Wanted { strict: true });
        let meaning = comparable(naive::run(&definition, &body(), &Chance { seed, failures: 0 }));
        let mut world = World::new(&definition, body());
        let mut signals = signals;
        for attempt in 0u8..6 {
            // Fewer fail each time; in the end none.
            let oracle = Chance { seed: seed.wrapping_add(u64::from(attempt)), failures: (5 - attempt) * 20 };
            let kept = completed_keys(&world);
            let mut schedule = Schedule::new(world, &oracle, order ^ u64::from(attempt), &signals);
            schedule.finish();
            let again: Vec<String> = schedule.told.iter().map(|(key, ..)| key.to_string()).collect();
            for key in again {
                let is_finally = definition.finally.iter().any(|step| key.starts_with(&format!("{}/", step.id)));
                prop_assert!(is_finally || !kept.contains(&key), "{} was done already", key);
            }
            signals = schedule.signals.clone();
            let end = comparable(schedule.end_of_run());
            if let End::Completed(_) = end {
                prop_assert_eq!(&end, &meaning);
                return Ok(());
            }
            world = resumed(&definition, &schedule.world);
        }
        prop_assert!(matches!(meaning, End::Failed(_)), "it never came to its end: {:?}", meaning);
    }

    #[test]
    fn the_same_events_make_the_same_state(
        numbers in prop::collection::vec(any::<u8>(), 0..120),
        seed in any::<u64>(),
        order in any::<u64>(),
    ) {
        let (definition, signals) = generate::definition(&numbers, Wanted { strict: false });
        let oracle = Chance { seed, failures: 30 };
        let mut schedule = Schedule::new(World::new(&definition, body()), &oracle, order, &signals);
        schedule.world.record = true;
        schedule.finish();
        let mut state = RunState::new();
        for (event, after) in &schedule.world.recorded {
            // Each prefix of the events alone decides where a run stands.
            state = run::advance(&definition, state, event.clone()).state;
            prop_assert_eq!(&state, after);
        }
        prop_assert_eq!(&state, &schedule.world.state);
    }
}
