//! What compiling and advancing cost, counted in bytes that are allocated: a clock would say something about the machine.
//!
//! A definition of twice the size costs about twice as much. An event of a loop costs the same at its beginning and after
//! ninety thousand items, whatever the number of items is: only what is under way counts.

#![allow(unsafe_code, reason = "a global allocator that counts is the only way to see every allocation")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use flow::ir::Definition;
use flow::run::{self, Effect, Event, Failure, Key, Output, RunState, RunStatus, Slot};
use flow::{Known, compile};
use serde_json::{Value, json};

struct Counting;

thread_local! {
    static ALLOCATED_BYTES: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    // After the thread's end nobody asks any more.
    let _ = ALLOCATED_BYTES.try_with(|total| total.set(total.get() + bytes as u64));
}

// SAFETY: everything is the system allocator's; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of `work`, and the bytes that it allocated on this thread.
fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = ALLOCATED_BYTES.with(Cell::get);
    let result = work();
    (result, ALLOCATED_BYTES.with(Cell::get) - before)
}

fn source(steps: usize) -> String {
    let mut text = "version: 1\nname: Long\nsteps:\n  - { id: s0, uses: custom, with: { task: t, input: \"${{ body }}\" } }\n".to_owned();
    for n in 1..steps {
        let _ = writeln!(
            text,
            "  - {{ id: s{n}, uses: custom, with: {{ task: t, input: \"${{{{ steps.s{}.output.n + 1 }}}}\" }} }}",
            n - 1
        );
    }
    text
}

fn compiled(steps: usize) -> (Definition, u64) {
    let text = source(steps);
    let (definition, bytes) = counted(|| compile(&text, &Known::default()));
    (definition.expect("it compiles"), bytes)
}

#[test]
fn compiling_costs_in_proportion_to_the_text() {
    let (_, half) = compiled(250);
    let (_, whole) = compiled(500);
    assert!(whole < half * 5 / 2, "{half} bytes for half, {whole} for all");
    assert!(whole < 100 * source(500).len() as u64, "{whole} bytes");
}

/// Runs a definition whose effects all succeed; the bytes of each event that ends one, in order.
fn costs(definition: &Definition, answer: &Value) -> (Vec<u64>, usize) {
    let mut state = RunState::new();
    let mut queue = vec![Event::Start { at_ms: 1 }];
    let mut open: std::collections::VecDeque<(Key, u32)> = std::collections::VecDeque::new();
    let mut found = Vec::new();
    let mut largest = 0;
    loop {
        let Some(event) = queue.pop() else {
            if state.is_terminal() {
                assert_eq!(state.status, RunStatus::Completed);
                return (found, largest);
            }
            let (key, attempt) = open.pop_front().expect("something is under way");
            if found.len().is_multiple_of(1000) {
                largest = largest.max(serde_json::to_string(&state).expect("plain data").len());
            }
            queue.push(Event::Finished {
                at_ms: 1,
                key,
                attempt,
                result: Ok(Output::Inline(json!({"n": 1}))),
            });
            continue;
        };
        let ends = matches!(event, Event::Finished { .. });
        let (advanced, bytes) = counted(|| run::advance(definition, state, event));
        if ends {
            found.push(bytes);
        }
        state = advanced.state;
        for effect in advanced.effects {
            match effect {
                Effect::Evaluate { key, attempt, slot, .. } => {
                    let value = if slot == Slot::Items { answer.clone() } else { json!(true) };
                    queue.push(Event::Evaluated { at_ms: 1, key, attempt, slot, result: Ok(value) });
                }
                Effect::Perform { key, attempt, .. } => open.push_back((key, attempt)),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn median(costs: &[u64]) -> u64 {
    let mut sorted = costs.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[test]
fn an_item_costs_the_same_first_and_last_however_many_there_are() {
    let text = "version: 1\nname: Loop\nsteps:\n  - { id: each, uses: custom, for_each: \"${{ body }}\", max_parallel: 50, with: { task: t, input: \"${{ item }}\" } }\n";
    let definition = compile(text, &Known::default()).expect("it compiles");
    let of = |items: u32| costs(&definition, &(0..items).collect());
    let (few, small) = of(1000);
    let (many, large) = of(100_000);
    assert_eq!(many.len(), 100_000);
    let (first, last) = (median(&many[1000..2000]), median(&many[90_000..99_000]));
    assert!(last <= first + first / 10, "{first} bytes at first, {last} at last");
    assert!(median(&few) * 11 / 10 >= first, "{} bytes with few items, {first} with many", median(&few));
    assert!(large <= small + small / 10, "a state of {small} bytes became one of {large}");
}

#[test]
fn items_that_fail_here_and_there_do_not_make_the_state_grow_without_bound() {
    let text = "version: 1\nname: Loop\nsteps:\n  - id: each\n    for_each: \"${{ body }}\"\n    tolerate_failures: 100%\n    switch:\n      - when: \"${{ true }}\"\n        steps:\n          - { id: one, uses: custom, with: { task: t } }\n          - { id: two, uses: custom, with: { task: t } }\n";
    let definition = compile(text, &Known::default()).expect("it compiles");
    let items = 20_000;
    let mut state = RunState::new();
    let mut queue = vec![Event::Start { at_ms: 1 }];
    while let Some(event) = queue.pop() {
        let advanced = run::advance(&definition, state, event);
        state = advanced.state;
        for effect in advanced.effects {
            queue.push(match effect {
                Effect::Evaluate { key, attempt, slot, .. } => {
                    let value = if slot == Slot::Items { (0..items).collect() } else { json!(true) };
                    Event::Evaluated { at_ms: 1, key, attempt, slot, result: Ok(value) }
                }
                Effect::Perform { key, attempt, .. } => {
                    let fails = key.step == "two" && key.within[0].index.is_some_and(|index| index & 1 == 0);
                    let failure = Failure::permanent("DOWN", "down");
                    let result = if fails { Err(failure) } else { Ok(Output::Inline(json!(1))) };
                    Event::Finished { at_ms: 1, key, attempt, result }
                }
                other => panic!("{other:?}"),
            });
        }
    }
    assert_eq!(state.status, RunStatus::Completed);
    let bytes = serde_json::to_string(&state).expect("plain data").len();
    assert!(bytes < 1_000_000, "a state of {bytes} bytes");
}

#[test]
fn a_step_costs_the_same_early_and_late_in_a_long_definition() {
    let (definition, _) = compiled(500);
    let (each, _) = costs(&definition, &Value::Null);
    assert_eq!(each.len(), 500);
    let (early, late) = (median(&each[10..100]), median(&each[400..490]));
    assert!(late <= early * 2, "{early} bytes early, {late} late");
}
