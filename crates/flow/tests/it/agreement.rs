//! The walker and jq, over expressions and values by chance: wherever both take an expression they say the same.

use flow::expr::{Env, Resolved, evaluate, resolve};
use flow::ir::{Expr, Part, Template};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

const KEYS: [&str; 5] = ["a", "b", "key", "ü", "0"];

fn scalar() -> impl Strategy<Value = Value> {
    let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, 2, 1 << 53, (1 << 53) + 1, i64::MAX];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(numbers.to_vec()).prop_map(Value::from),
        Just(json!(u64::MAX)),
        prop::sample::select(vec![-0.0, 0.5, 1.0, 2.5, 1e300, -1e-300, 9_007_199_254_740_993.0])
            .prop_map(Value::from),
        prop::sample::select(vec!["", "a", "ab", "b", "ü", "\u{0}", "1"]).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        let key = prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn env() -> impl Strategy<Value = Env> {
    (value(), value(), value(), value()).prop_map(|(body, a, b, item)| Env {
        body,
        steps: Map::from_iter([
            ("a".to_owned(), a),
            ("b".to_owned(), json!({"status": "COMPLETED", "output": b})),
        ]),
        item,
        index: json!(3),
        run: json!({"id": "0123", "now": "2026-01-31T08:00:00Z"}),
        ..Env::default()
    })
}

fn path() -> impl Strategy<Value = String> {
    let root = prop::sample::select(vec![
        "body",
        "steps.a",
        "steps.b.output",
        "steps.c",
        "item",
        "index",
        "run",
        "steps",
    ]);
    let part = prop::sample::select(vec![
        ".a", ".b", ".key", ".\"ü\"", ".\"0\"", "[0]", "[-1]", "[2]", "[\"a\"]", ".a?", "[0:1]", "[]",
        "[0][0]",
    ]);
    (root, prop::collection::vec(part, 0..4)).prop_map(|(root, parts)| format!("{root}{}", parts.concat()))
}

/// More than the walker takes: what it declines is of no interest here, what it wrongly takes is.
fn source() -> impl Strategy<Value = String> {
    let literal = prop::sample::select(vec![
        "0",
        "1",
        "-1",
        "-0",
        "2.5",
        "1e2",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "null",
        "true",
        "false",
        "\"\"",
        "\"a\"",
        "\"\\u00fc\"",
        "\"a\\(1)\"",
        "[]",
        "{}",
        "[1]",
        "{a: 1}",
        ".",
        "..",
    ]);
    let leaf = prop_oneof![3 => path(), 2 => literal.prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">=", "and", "or", "and", "or", "+", "//", "|", ","]);
        prop_oneof![
            6 => (inner.clone(), operator, inner.clone()).prop_map(|(one, op, other)| format!("({one} {op} {other})")),
            2 => inner.clone().prop_map(|inner| format!("({inner} | not)")),
            1 => inner.clone().prop_map(|inner| format!("-({inner})")),
            1 => inner.clone().prop_map(|inner| format!("[{inner}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(try {one} catch {other})")),
            1 => (inner.clone(), inner).prop_map(|(one, other)| format!("(if {one} then {other} else {one} end)")),
        ]
    })
}

fn both(template: &Template, env: &Env) -> Option<(Result<Value, String>, Result<Value, String>)> {
    let walked = match resolve(template, env) {
        Ok(Resolved::NeedsSandbox) => return None,
        Ok(Resolved::Value(value)) => Ok(value),
        Err(failure) => Err(failure.message),
    };
    Some((walked, evaluate(template, env).map_err(|failure| failure.message)))
}

fn same(one: &Result<Value, String>, other: &Result<Value, String>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn the_walker_and_jq_agree_on_every_expression_that_both_take(source in source(), env in env()) {
        if let Some((walked, full)) = both(&Template::Expr(Expr(source.clone())), &env) {
            prop_assert!(same(&walked, &full), "{}: {:?} and {:?}", source, walked, full);
        }
    }

    #[test]
    fn they_agree_on_whole_templates(paths in prop::collection::vec(path(), 1..4), env in env()) {
        let expr = |path: &String| Expr(path.clone());
        let text = paths.iter().flat_map(|path| [Part::Text("; ".into()), Part::Expr(expr(path))]).collect();
        let pairs = paths.iter().enumerate().map(|(n, path)| (format!("k{n}"), Template::Expr(expr(path)))).collect();
        for template in [Template::Text(text), Template::Object(pairs)] {
            if let Some((walked, full)) = both(&template, &env) {
                prop_assert!(same(&walked, &full), "{:?}: {:?} and {:?}", paths, walked, full);
            }
        }
    }
}

#[test]
fn what_is_too_much_to_look_up_here_is_left_to_the_child() {
    let large = json!("x".repeat(600_000));
    let env = Env { body: json!({"large": large}), ..Env::default() };
    let template = |sources: &[&str]| {
        Template::Array(sources.iter().map(|source| Template::Expr(Expr((*source).to_owned()))).collect())
    };
    assert!(matches!(resolve(&template(&["body.large"]), &env), Ok(Resolved::Value(_))));
    for sources in
        [&["body.large", "body.large"][..], &["body.large == body.large"], &["body", "body.large | not"]]
    {
        assert_eq!(resolve(&template(sources), &env), Ok(Resolved::NeedsSandbox), "{sources:?}");
    }
}

#[test]
fn no_failure_shows_a_secret() {
    let secrets = Map::from_iter([("TOKEN".to_owned(), json!("hunter2"))]);
    let env = Env { secrets, ..Env::default() };
    for source in [
        "error(secrets.TOKEN)",
        "secrets.TOKEN + 1",
        "secrets.TOKEN.x",
        "secrets.TOKEN[0]",
        "secrets | .TOKEN.a",
    ] {
        for template in [
            Template::Expr(Expr(source.to_owned())),
            Template::Text(vec![Part::Text("Bearer ".into()), Part::Expr(Expr(source.to_owned()))]),
        ] {
            let told = [evaluate(&template, &env).map(Resolved::Value), resolve(&template, &env)];
            for failure in told.into_iter().filter_map(Result::err) {
                assert!(!failure.message.contains("hunter2"), "{}", failure.message);
            }
        }
    }
}
