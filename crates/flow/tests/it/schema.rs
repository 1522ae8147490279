//! The published schema of the canonical form says what the compiler says, as far as a schema can.

use std::sync::LazyLock;

use flow::ir::Definition;
use flow::{Known, compile};
use jsonschema::{Draft, Validator};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::generate::{self, Wanted};

const SCHEMA: &str = include_str!("../../../../docs/workflow.schema.json");

static PUBLISHED: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).expect("the schema is one")
});

fn canonical(definition: &Definition) -> Value {
    serde_json::from_slice(&definition.canonical_bytes()).expect("the canonical form is JSON")
}

fn mistakes(value: &Value) -> Vec<String> {
    PUBLISHED.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Every type of step, every key that a step may have.
const EVERYTHING: &str = r#"
version: 1
name: Everything
description: One of each
input: { type: object }
secrets: [TOKEN]
timeout: 7d
concurrency: { key: "${{ body.id }}", limit: 2 }
steps:
  - { id: extract, uses: document_insights, with: { document: "${{ body.document[0] }}", hub: invoices, metadata: { a: b } }, retry: { max_attempts: 2 } }
  - id: call
    name: A call
    uses: web_function
    delivery: at_most_once
    with: { method: PUT, url: "https://x.example/${{ body.id }}", headers: { A: "Bearer ${{ secrets.TOKEN }}" }, query: { q: 1 }, body: [1, "${{ body }}"] }
    timeout: 5m
    retry: { max_attempts: 4, backoff: linear, initial: 2s, max: 60s, on: [timeout, rate_limited, server_error, connection, permanent] }
  - { id: value, uses: transform, with: { a: 1, b: "${{ body }}", c: "x ${{ body.id }}", d: [null, true] } }
  - { id: check, uses: validate, continue_on_error: true, with: [{ assert: "${{ true }}", message: no }, { assert: "${{ body.id }}" }] }
  - { id: read, uses: file, with: { operation: read, file: "${{ body.file }}", as: csv, encoding: windows-1252 } }
  - { id: write, uses: file, with: { operation: write, name: a.txt, content: "${{ body }}" } }
  - { id: convert, uses: file, with: { operation: convert, file: "${{ body.file }}", to: json, encoding: utf-16le } }
  - { id: zip, uses: file, with: { operation: zip, name: a.zip, files: ["${{ body.file }}"] } }
  - { id: child, uses: workflow, for_each: "${{ body.items }}", max_parallel: 3, tolerate_failures: 10%, with: { workflow: other-one@2, body: "${{ item }}" } }
  - { id: pause, uses: wait, with: { duration: 5m } }
  - { id: late, uses: wait, with: { until: "2026-01-31T08:00:00Z" } }
  - { id: sign, uses: wait, with: { signal: "a-${{ body.id }}" }, timeout: 1h }
  - { id: ask, uses: approval, with: { title: "?", description: why, data: "${{ body }}", on_reject: continue } }
  - { id: work, uses: custom, if: "${{ body.go }}", for_each: [1, 2], tolerate_failures: 1, with: { task: t, input: "${{ item }}" } }
  - id: route
    switch:
      - { when: "${{ body.a }}", steps: [{ id: one, uses: transform, with: 1 }] }
      - { else: true, steps: [{ id: two, uses: transform, with: 2 }] }
  - id: both
    parallel:
      - steps: [{ id: left, uses: transform, with: 1 }]
      - steps: [{ id: right, uses: transform, with: 2 }]
finally:
  - { id: tidy, uses: transform, with: "${{ run.status }}" }
outputs: { id: "${{ body.id }}", read: "${{ steps.read.output.content }}" }
"#;

#[test]
fn whatever_compiles_is_of_the_schema() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/workflows");
    let mut sources = vec![EVERYTHING.to_owned()];
    for entry in std::fs::read_dir(folder).expect("the examples are there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            sources.push(std::fs::read_to_string(path).expect("text"));
        }
    }
    for source in sources {
        let definition = compile(&source, &Known::default()).unwrap_or_else(|found| panic!("{found:#?}"));
        assert_eq!(mistakes(&canonical(&definition)), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn definitions_by_chance_are_of_the_schema(numbers in prop::collection::vec(any::<u8>(), 0..150), strict in any::<bool>()) {
        let (definition, _) = generate::definition(&numbers, Wanted { strict });
        prop_assert_eq!(mistakes(&canonical(&definition)), Vec::<String>::new());
    }
}

/// The same mistake in YAML and in the canonical form.
fn refused() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("version: 1", "version: 2", json!({"version": 2})),
        ("name: Small", "name: ''", json!({"name": ""})),
        ("name: Small", "nmae: Small", json!({"name": null, "nmae": "Small"})),
        ("version: 1", "version: 1\ntimeout: 0s", json!({"timeoutMs": 0})),
        ("version: 1", "version: 1\ntimeout: 367d", json!({"timeoutMs": 367_u64 * 86_400_000})),
        ("version: 1", "version: 1\nsecrets: [1a]", json!({"secrets": ["1a"]})),
        ("version: 1", "version: 1\nsecrets: [A, A]", json!({"secrets": ["A", "A"]})),
        ("version: 1", "version: 1\ninput: []", json!({"input": []})),
        ("version: 1", "version: 1\nfinally: []", json!({"finally": []})),
        (
            "version: 1",
            "version: 1\nconcurrency: { key: a, limit: 0 }",
            json!({"concurrency": {"key": {"literal": "a"}, "limit": 0}}),
        ),
        (
            "STEP",
            "id: A, uses: custom, with: { task: t }",
            json!({"id": "A", "uses": "custom", "with": {"task": "t"}}),
        ),
        ("STEP", "uses: custom, with: { task: t }", json!({"uses": "custom", "with": {"task": "t"}})),
        (
            "STEP",
            "id: a, uses: costum, with: { task: t }",
            json!({"id": "a", "uses": "costum", "with": {"task": "t"}}),
        ),
        ("STEP", "id: a, uses: custom", json!({"id": "a", "uses": "custom"})),
        (
            "STEP",
            "id: a, uses: custom, with: { task: t, x: 1 }",
            json!({"id": "a", "uses": "custom", "with": {"task": "t", "x": 1}}),
        ),
        (
            "STEP",
            "id: a, uses: custom, with: { task: '' }",
            json!({"id": "a", "uses": "custom", "with": {"task": ""}}),
        ),
        (
            "STEP",
            "id: a, uses: custom, with: { task: t }, wehn: 1",
            json!({"id": "a", "uses": "custom", "with": {"task": "t"}, "wehn": 1}),
        ),
        (
            "STEP",
            "id: a, uses: custom, with: { task: t }, if: 3",
            json!({"id": "a", "uses": "custom", "with": {"task": "t"}, "if": 3}),
        ),
        (
            "STEP",
            "id: a, uses: custom, with: { task: t }, retry: { max_attempts: 1 }",
            json!({"id": "a", "uses": "custom", "with": {"task": "t"},
            "retry": {"maxAttempts": 1, "backoff": "linear", "initialMs": 1, "maxMs": 1, "on": []}}),
        ),
        (
            "STEP",
            "id: a, uses: transform, with: 1, retry: { max_attempts: 2 }",
            json!({"id": "a", "uses": "transform", "with": {"literal": 1},
            "retry": {"maxAttempts": 2, "backoff": "linear", "initialMs": 1, "maxMs": 1, "on": []}}),
        ),
        (
            "STEP",
            "id: a, uses: transform, with: 1, timeout: 1s",
            json!({"id": "a", "uses": "transform", "with": {"literal": 1}, "timeoutMs": 1000}),
        ),
        (
            "STEP",
            "id: a, uses: transform, for_each: [1], max_parallel: 1001, with: 1",
            json!({"id": "a", "uses": "transform", "with": {"literal": 1},
            "forEach": {"items": {"literal": [1]}, "maxParallel": 1001, "tolerate": {"count": 0}}}),
        ),
        (
            "STEP",
            "id: a, uses: transform, for_each: [1], tolerate_failures: 101%, with: 1",
            json!({"id": "a", "uses": "transform", "with": {"literal": 1},
            "forEach": {"items": {"literal": [1]}, "maxParallel": 1, "tolerate": {"percent": 101}}}),
        ),
        ("STEP", "id: a, uses: validate, with: []", json!({"id": "a", "uses": "validate", "with": []})),
        ("STEP", "id: a, switch: []", json!({"id": "a", "uses": "switch", "with": []})),
        (
            "STEP",
            "id: a, parallel: [{ steps: [] }]",
            json!({"id": "a", "uses": "parallel", "with": [{"steps": []}]}),
        ),
        (
            "STEP",
            "id: a, uses: wait, with: { duration: 1s, signal: x }",
            json!({"id": "a", "uses": "wait", "with": {"duration": {"literal": "1s"}, "signal": {"literal": "x"}}}),
        ),
        (
            "STEP",
            "id: a, uses: file, with: { operation: write, name: x }",
            json!({"id": "a", "uses": "file", "with": {"operation": "write", "name": {"literal": "x"}}}),
        ),
        (
            "STEP",
            "id: a, uses: file, with: { operation: delete, file: x }",
            json!({"id": "a", "uses": "file", "with": {"operation": "delete", "file": {"literal": "x"}}}),
        ),
        (
            "STEP",
            "id: a, uses: workflow, with: { workflow: Other }",
            json!({"id": "a", "uses": "workflow", "with": {"workflow": "Other"}}),
        ),
        (
            "STEP",
            "id: a, uses: workflow, with: { workflow: other@0 }",
            json!({"id": "a", "uses": "workflow", "with": {"workflow": "other", "version": 0}}),
        ),
        (
            "STEP",
            "id: a, uses: web_function, with: { method: TRACE, url: 'https://x' }",
            json!({"id": "a", "uses": "web_function",
            "with": {"method": "TRACE", "url": {"literal": "https://x"}, "delivery": "at_least_once"}}),
        ),
        (
            "STEP",
            "id: a, uses: approval, with: { on_reject: fail }",
            json!({"id": "a", "uses": "approval", "with": {"onReject": "fail"}}),
        ),
    ]
}

#[test]
fn what_the_compiler_refuses_for_its_form_the_schema_refuses_too() {
    let source = "version: 1\nname: Small\nsteps:\n  - { STEP }\n";
    let step = "id: a, uses: transform, with: 1";
    let small = compile(&source.replace("STEP", step), &Known::default()).expect("it compiles");
    assert!(mistakes(&canonical(&small)).is_empty());
    for (place, wrong, changes) in refused() {
        let yaml = source.replace(place, wrong).replace("STEP", step);
        assert!(compile(&yaml, &Known::default()).is_err(), "{yaml}");
        let mut form = canonical(&small);
        if place == "STEP" {
            form["steps"] = json!([changes]);
        } else {
            for (key, value) in changes.as_object().expect("an object") {
                form[key] = value.clone();
            }
        }
        assert!(!mistakes(&form).is_empty(), "the schema takes {form}");
    }
}
