//! What a run does, event by event.

use flow::ir::{Definition, FailureClass};
use flow::run::{self, Event, Failure, Output, RowStatus, RunState, RunStatus, StepStatus};
use serde_json::{Value, json};

use crate::world::World;

/// A definition from its canonical form, with `version` and `name` added.
pub fn definition(mut parts: Value) -> Definition {
    parts["version"] = json!(1);
    parts["name"] = json!("Test");
    serde_json::from_value(parts).expect("a definition")
}

fn custom(id: &str) -> Value {
    json!({"id": id, "uses": "custom", "with": {"task": "work"}})
}

fn transform(id: &str, source: &str) -> Value {
    json!({"id": id, "uses": "transform", "with": {"expr": source}})
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
}

fn down(class: FailureClass) -> Failure {
    Failure::new("DOWN", class, "no answer")
}

#[test]
fn steps_follow_each_other_and_pure_ones_cost_no_commit_of_their_own() {
    let definition = definition(json!({
        "steps": [custom("a"), transform("b", "steps.a.output.n + 1"), transform("c", "[steps.b.output, body]"), custom("d")],
        "outputs": {"object": [["all", {"expr": "steps.c.output"}]]},
    }));
    let mut world = World::start(&definition, json!("x"));
    assert_eq!(world.performing().len(), 1);
    world.finish("a/0", Ok(json!({"n": 1})));
    assert_eq!(world.row_output("c/0"), json!([2, "x"]));
    assert!(world.terminals.is_empty());
    world.finish("d/0", Ok(json!(null)));
    assert_eq!(world.output(), json!({"all": [2, "x"]}));
    assert_eq!(world.terminals.len(), 1);
    assert_eq!(world.state.status, RunStatus::Completed);
}

#[test]
fn what_arrives_twice_late_or_for_nobody_changes_nothing() {
    let definition = definition(json!({"steps": [
        with(with(custom("a"), "timeoutMs", json!(1000)), "retry", json!({"maxAttempts": 2, "backoff": "constant", "initialMs": 100,
            "maxMs": 100, "on": ["timeout"]})), custom("b")]}));
    let mut world = World::start(&definition, json!(null));
    let (key, first) = world.performing()[0].clone();
    world.wait(1000);
    assert_eq!(world.cancelled, std::slice::from_ref(&key));
    assert_eq!(world.performing(), []);
    world.wait(200);
    assert_eq!(world.performing(), [(key.clone(), 2)]);
    assert!(!world.finished(key.clone(), first, Ok(json!("late"))));
    assert!(world.finish("a/0", Ok(json!("second"))));
    assert!(!world.finished(key, 2, Ok(json!("again"))));
    assert_eq!(world.row_output("a/0"), json!("second"));
    assert!(!world.finished("nobody/0".parse().expect("a key"), 1, Ok(json!(1))));
    world.finish("b/0", Ok(json!(1)));
    let done = world.state.clone();
    assert!(!world.feed(Event::Close { at_ms: world.now_ms }));
    assert_eq!((world.state.clone(), world.terminals.len()), (done, 1));
}

#[test]
fn a_loop_keeps_its_window_and_its_state_stays_small() {
    let definition = definition(json!({"steps": [
        {"id": "items", "uses": "custom", "with": {"task": "work", "input": {"expr": "item"}},
         "forEach": {"items": {"expr": "body"}, "maxParallel": 3, "tolerate": {"percent": 20}}}],
        "outputs": {"expr": "[steps.items.output[] | {index, status, output}]"}}));
    let body: Vec<u32> = (0..10).collect();
    let mut world = World::start(&definition, json!(body));
    let mut widest = 0;
    while !world.state.is_terminal() {
        let open = world.performing();
        assert!(open.len() <= 3);
        let (key, _) = open[open.len() / 2].clone();
        let index = key.index.expect("an item");
        let result = if index % 5 == 2 { Err(down(FailureClass::Permanent)) } else { Ok(json!(index * 2)) };
        world.finish(&key.to_string(), result);
        widest = widest.max(serde_json::to_string(&world.state).expect("JSON").len());
    }
    assert_eq!(world.state.status, RunStatus::Completed);
    assert_eq!(world.output()[3], json!({"index": 3, "status": "COMPLETED", "output": 6}));
    assert_eq!(world.output()[2]["status"], json!("FAILED"));

    let body: Vec<u32> = (0..5000).collect();
    let mut world = World::start(&definition, json!(body));
    for _ in 0..4000 {
        let (key, _) = world.performing()[1].clone();
        world.finish(&key.to_string(), Ok(json!(1)));
    }
    assert!(serde_json::to_string(&world.state).expect("JSON").len() < widest + 200);
}

#[test]
fn one_failure_too_many_ends_a_loop_and_stops_what_is_under_way() {
    let definition = definition(json!({"steps": [
        {"id": "items", "uses": "custom", "with": {"task": "work"},
         "forEach": {"items": {"expr": "body"}, "maxParallel": 4, "tolerate": {"count": 1}}}]}));
    let mut world = World::start(&definition, json!([0, 1, 2, 3, 4, 5, 6]));
    world.finish("items/1", Err(down(FailureClass::Permanent)));
    assert!(!world.state.is_terminal());
    world.finish("items/0", Ok(json!(0)));
    world.finish("items/2", Err(down(FailureClass::Permanent)));
    assert_eq!(world.state.status, RunStatus::Failed);
    assert_eq!(world.state.failure().map(|f| f.code.as_str()), Some("TOO_MANY_FAILURES"));
    assert_eq!(world.cancelled.len(), 3);

    // The retry does the two that failed, the three that were stopped and the one never begun.
    let state = run::retry(&definition, &world.state).expect("it failed");
    let mut again = World { state, ..World::new(&definition, world.body.clone()) };
    again.journal = world.journal.clone();
    again.feed(Event::Start { at_ms: 5_000_000 });
    let mut done = Vec::new();
    while let Some((key, _)) = again.performing().first().cloned() {
        done.push(key.index.expect("an item"));
        again.finish(&key.to_string(), Ok(json!("again")));
    }
    assert_eq!(done, [1, 2, 3, 4, 5, 6]);
    assert_eq!(again.state.status, RunStatus::Completed);
    assert_eq!(again.row_output("items/0"), json!(0));
}

#[test]
fn a_switch_takes_one_case_and_a_parallel_all_branches() {
    let definition = definition(json!({"steps": [
        {"id": "route", "uses": "switch", "with": [
            {"when": "body > 10", "steps": [custom("high")]},
            {"steps": [transform("low", "body * 2"), transform("lower", "steps.low.output + 1")]}]},
        {"id": "both", "uses": "parallel", "with": [{"steps": [custom("left")]}, {"steps": [custom("right"), transform("sum", "steps.right.output + body")]}]},
        transform("end", "[steps.route.output, steps.left.output, steps.sum.output]")],
        "outputs": {"expr": "steps.end.output"}}));
    let mut world = World::start(&definition, json!(4));
    assert_eq!(run::progress(&definition, &world.state).steps_total, 8);
    let mut keys: Vec<String> = world.performing().iter().map(|(key, _)| key.to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["both/left/0", "both/right/0"]);
    world.finish("both/right/0", Ok(json!(5)));
    world.finish("both/left/0", Ok(json!("l")));
    assert_eq!(world.output(), json!([9, "l", 9]));
    assert_eq!(run::progress(&definition, &world.state).steps_completed, 8);

    let mut world = World::start(&definition, json!(11));
    assert_eq!(world.performing()[0].0.to_string(), "route/high/0");
    world.finish("route/high/0", Ok(json!("h")));
    world.finish("both/left/0", Err(down(FailureClass::Permanent)));
    assert_eq!(world.state.status, RunStatus::Failed);
    assert_eq!(world.cancelled[0].to_string(), "both/right/0");
}

#[test]
fn blocks_inside_a_loop_have_names_of_their_own() {
    let definition = definition(json!({"steps": [
        {"id": "batch", "uses": "switch", "forEach": {"items": {"expr": "body"}, "maxParallel": 2, "tolerate": {"count": 0}},
         "with": [{"when": "item > 1", "steps": [custom("big"), transform("twice", "steps.big.output * item")]},
                  {"steps": [transform("small", "item + index")]}]}],
        "outputs": {"expr": "[steps.batch.output[].output]"}}));
    let mut world = World::start(&definition, json!([1, 5, 7]));
    assert_eq!(
        world.performing().iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>(),
        ["batch.1/big/0", "batch.2/big/0"]
    );
    world.finish("batch.2/big/0", Ok(json!(2)));
    world.finish("batch.1/big/0", Ok(json!(3)));
    assert_eq!(world.output(), json!([1, 15, 14]));
}

#[test]
fn waits_end_by_time_and_by_signals_that_may_come_early() {
    let definition = definition(json!({"steps": [
        {"id": "pause", "uses": "wait", "with": {"duration": {"literal": "5m"}}},
        {"id": "answer", "uses": "wait", "with": {"signal": {"text": [{"text": "reply-"}, {"expr": "body"}]}}},
        {"id": "second", "uses": "wait", "with": {"signal": {"literal": "other"}}, "timeoutMs": 60000, "continueOnError": true},
        {"id": "past", "uses": "wait", "with": {"until": {"literal": "1970-01-01T00:00:01Z"}}}]}));
    let mut world = World::start(&definition, json!(7));
    let signal =
        |name: &str, at_ms| Event::Signal { at_ms, name: name.into(), data: Output::Inline(json!(name)) };
    assert!(world.feed(signal("reply-7", world.now_ms)));
    assert_eq!(world.state.next_due(&definition), Some(world.now_ms + 300_000));
    world.wait(299_999);
    assert!(!world.statuses().contains_key("pause/0"));
    world.wait(1);
    assert_eq!(world.row_output("answer/0"), json!("reply-7"));
    world.feed(signal("unrelated", world.now_ms));
    assert!(!world.state.is_terminal());
    world.wait(60_000);
    assert_eq!(world.statuses()["second/0"], RowStatus::Failed);
    assert_eq!(world.state.status, RunStatus::Completed);
}

#[test]
fn an_approval_refused_fails_unless_the_step_goes_on() {
    let approval = |on_reject: &str| {
        definition(
            json!({"steps": [{"id": "ok", "uses": "approval", "with": {"title": {"literal": "?"}, "onReject": on_reject}}],
            "outputs": {"expr": "steps.ok.output.approved"}}),
        )
    };
    let refused = || Ok(json!({"approved": false, "by": "key_1"}));
    let strict = approval("fail");
    let mut world = World::start(&strict, json!(null));
    world.finish("ok/0", refused());
    assert_eq!(world.state.failure().map(|f| f.code.as_str()), Some("APPROVAL_REJECTED"));
    assert_eq!(world.row_output("ok/0")["by"], json!("key_1"));
    let lenient = approval("continue");
    let mut world = World::start(&lenient, json!(null));
    world.finish("ok/0", refused());
    assert_eq!(world.output(), json!(false));
}

#[test]
fn finally_runs_however_the_steps_end_and_sees_how() {
    let definition = definition(json!({"timeoutMs": 100_000, "steps": [custom("a")],
        "finally": [transform("bad", "error(\"x\")"), transform("note", "[run.status, run.error.code]"), custom("tidy")]}));
    let mut world = World::start(&definition, json!(null));
    world.finish("a/0", Err(down(FailureClass::Permanent)));
    assert_eq!(world.row_output("note/0"), json!(["FAILED", "DOWN"]));
    world.finish("tidy/0", Ok(json!(1)));
    assert_eq!(world.state.failure().map(|f| f.code.as_str()), Some("DOWN"));

    let mut world = World::start(&definition, json!(null));
    world.wait(100_000);
    assert_eq!(world.cancelled[0].to_string(), "a/0");
    world.finish("tidy/0", Ok(json!(1)));
    assert_eq!(world.state.failure().map(|f| f.code.as_str()), Some("WORKFLOW_TIMEOUT"));

    let mut world = World::start(&definition, json!(null));
    world.finish("a/0", Ok(json!(1)));
    world.finish("tidy/0", Ok(json!(1)));
    assert_eq!(world.state.failure().map(|f| f.code.as_str()), Some("EXPRESSION_FAILED"));

    let mut world = World::start(&definition, json!(null));
    world.feed(Event::Close { at_ms: world.now_ms });
    assert_eq!((world.state.status, world.cancelled.len()), (RunStatus::Closed, 1));
    assert!(!world.statuses().contains_key("note/0"));
}

#[test]
fn a_retry_keeps_what_ended_well_inside_blocks_too() {
    let definition = definition(json!({"steps": [
        custom("a"), {"id": "skipped", "uses": "custom", "with": {"task": "work"}, "if": "false"},
        with(custom("soft"), "continueOnError", json!(true)),
        {"id": "route", "uses": "switch", "with": [{"when": "steps.a.output == 1", "steps": [custom("b"), custom("c")]}]},
        {"id": "child", "uses": "workflow", "with": {"workflow": "other"}}],
        "outputs": {"expr": "[steps.a.output, steps.soft.status, steps.route.output, steps.child.output]"}}));
    let mut world = World::start(&definition, json!(null));
    world.finish("a/0", Ok(json!(1)));
    world.finish("soft/0", Err(down(FailureClass::Permanent)));
    world.finish("route/b/0", Ok(json!(2)));
    world.finish("route/c/0", Err(down(FailureClass::Permanent)));
    assert_eq!(run::retry(&definition, &RunState::new()), Err(run::RetryRefused::NotFailed));

    let resume = |world: &World<'_>| {
        let state = run::retry(&definition, &world.state).expect("it failed");
        let mut again = World::new(&definition, world.body.clone());
        (again.state, again.journal) = (state, world.journal.clone());
        again.feed(Event::Start { at_ms: 9_000_000 });
        again
    };
    let mut second = resume(&world);
    assert_eq!(second.performing()[0].0.to_string(), "route/c/0");
    second.finish("route/c/0", Ok(json!(3)));
    second.finish("child/0", Err(down(FailureClass::Permanent)));
    let mut third = resume(&second);
    let resumed = third.open.iter().any(|e| matches!(e, run::Effect::Perform { resumes: true, .. }));
    assert!(resumed, "the child's own failed step is taken up");
    third.finish("child/0", Ok(json!(4)));
    assert_eq!(third.output(), json!([1, "FAILED", 3, 4]));
    let shown = run::view(&definition, &third.state);
    assert_eq!(
        shown.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(),
        ["a", "skipped", "soft", "route", "b", "c", "child"]
    );
    assert_eq!(shown[1].status, StepStatus::Skipped);
}

#[test]
fn a_retry_with_another_definition_checks_what_it_keeps() {
    let before = definition(json!({"steps": [custom("a"), custom("b")]}));
    let mut world = World::start(&before, json!(null));
    world.finish("a/0", Ok(json!(1)));
    world.finish("b/0", Err(down(FailureClass::Permanent)));
    let fixed = definition(json!({"steps": [custom("a"), transform("b", "1")]}));
    assert!(run::retry(&fixed, &world.state).is_ok());
    let other = definition(json!({"steps": [transform("a", "1"), custom("b")]}));
    assert_eq!(run::retry(&other, &world.state), Err(run::RetryRefused::Changed("a".into())));
}

#[test]
fn a_run_waits_for_its_turn() {
    let definition =
        definition(json!({"concurrency": {"key": {"expr": "body.id"}, "limit": 1}, "steps": [custom("a")],
        "input": {"type": "object"}}));
    let mut world = World::start(&definition, json!({"id": "k1"}));
    assert!(
        matches!(&world.open[..], [run::Effect::Acquire { concurrency, limit: 1 }] if concurrency == "k1")
    );
    world.take_over();
    assert_eq!(world.open.len(), 1);
    world.feed(Event::Acquired { at_ms: world.now_ms });
    assert!(!world.feed(Event::Acquired { at_ms: world.now_ms }));
    world.finish("a/0", Ok(json!(1)));
    assert_eq!(world.state.status, RunStatus::Completed);
}

#[test]
fn a_missing_value_is_no_name() {
    let keyed =
        definition(json!({"concurrency": {"key": {"expr": "body.id"}, "limit": 1}, "steps": [custom("a")]}));
    let code = |world: &World<'_>| world.state.failure().map(|failure| failure.code.clone());
    for body in [json!({}), json!({"id": ""}), json!({"id": [1]}), json!({"id": "x".repeat(257)})] {
        assert_eq!(code(&World::start(&keyed, body)).as_deref(), Some("CONCURRENCY_KEY_INVALID"));
    }
    assert_eq!(World::start(&keyed, json!({"id": 7})).state.status, RunStatus::Processing);
    let waiting = definition(
        json!({"steps": [{"id": "a", "uses": "wait", "with": {"signal": {"expr": "body.name"}}}]}),
    );
    assert_eq!(code(&World::start(&waiting, json!({}))).as_deref(), Some("WAIT_INVALID"));
    assert_eq!(World::start(&waiting, json!({"name": "go"})).state.status, RunStatus::Processing);
}

#[test]
fn a_retry_of_a_retry_keeps_what_the_one_between_never_came_to() {
    let with_last = |last: &str| {
        definition(json!({"steps": [{"id": "both", "uses": "parallel", "with": [
            {"steps": [{"id": "block", "uses": "switch", "with": [{"when": "true", "steps": [custom("y"), custom("z")]}]}]},
            {"steps": [custom("a"), transform("t", last)]}]}]}))
    };
    let (broken, fixed) = (with_last("error(\"no\")"), with_last("1"));
    let mut first = World::start(&broken, json!(null));
    first.finish("both/block/y/0", Ok(json!(1)));
    first.finish("both/a/0", Ok(json!(1)));
    assert_eq!(first.state.status, RunStatus::Failed);
    let mut second = World::new(&broken, json!(null));
    (second.state, second.journal) =
        (run::retry(&broken, &first.state).expect("it failed"), first.journal.clone());
    second.feed(Event::Start { at_ms: second.now_ms });
    assert_eq!(second.state.status, RunStatus::Failed);
    let mut third = World::new(&fixed, json!(null));
    (third.state, third.journal) =
        (run::retry(&fixed, &second.state).expect("it failed"), second.journal.clone());
    third.feed(Event::Start { at_ms: third.now_ms });
    let keys: Vec<String> = third.performing().iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["both/block/z/0"]);
}
