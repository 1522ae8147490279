//! What expressions yield, what they refuse, and that both ways of evaluating them agree.

use flow::expr::{Checked, Env, Resolved, evaluate, resolve};
use flow::ir::{Expr, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

fn env() -> Env {
    Env {
        body: json!({"claimId": "C-7", "n": 3, "f": 2.5, "neg": -4, "flag": false, "none": null, "empty": {},
            "document": [{"fileId": "file_1"}, {"fileId": "file_2"}], "text": "größe"}),
        steps: json!({"claim": {"status": "COMPLETED", "output": {"total": 30, "lines": [
            {"sku": "a", "qty": 2, "price": 5}, {"sku": "b", "qty": 4, "price": 5}]}},
            "check": {"status": "FAILED", "output": null, "error": {"code": "X", "message": "no"}}})
        .as_object()
        .cloned()
        .unwrap_or_default(),
        item: json!({"k": [1, 2, 3]}),
        index: json!(4),
        run: json!({"id": "0123456789abcdef01234567", "now": "2026-11-24T05:00:00Z"}),
        ..Env::default()
    }
}

fn jq(source: &str) -> Result<Value, String> {
    evaluate(&Template::Expr(Expr(source.to_owned())), &env()).map_err(|failure| failure.message)
}

fn walk(source: &str) -> Option<Result<Value, String>> {
    match resolve(&Template::Expr(Expr(source.to_owned())), &env()) {
        Ok(Resolved::Value(value)) => Some(Ok(value)),
        Ok(Resolved::NeedsSandbox) => None,
        Err(failure) => Some(Err(failure.message)),
    }
}

#[test]
fn expressions_yield_what_the_guide_says() {
    let table = [
        (" body.claimId ", json!("C-7")),
        ("body.document[0].fileId", json!("file_1")),
        ("body.document[-1].fileId", json!("file_2")),
        ("body.missing.deep[3]", json!(null)),
        (r#"steps.check.status == "FAILED""#, json!(true)),
        ("(steps.claim.output.lines | map(.qty * .price) | add) == steps.claim.output.total", json!(true)),
        (
            "[steps.claim.output.lines[] | {sku, amount: (.qty * .price)}]",
            json!([{"sku": "a", "amount": 10}, {"sku": "b", "amount": 20}]),
        ),
        ("item.k[1] + index", json!(6)),
        (r#""\(body.claimId)-\(body.n)""#, json!("C-7-3")),
        ("body.n / 2", json!(1.5)),
        ("body.n as $x | [1, 2] | map(. + $x)", json!([4, 5])),
        (r#""12.5" | tonumber"#, json!(12.5)),
        ("reduce steps.claim.output.lines[] as $l (0; . + $l.qty)", json!(6)),
        ("body | .n += 1 | .n", json!(4)),
        (r#"body.text | ascii_upcase | test("GR")"#, json!(true)),
        ("run.now | fromdate | todate", json!("2026-11-24T05:00:00Z")),
        ("body.nothing // \"default\"", json!("default")),
        ("if body.flag then 1 else 2 end", json!(2)),
        ("-body.neg", json!(4)),
    ];
    for (source, expected) in table {
        assert_eq!(jq(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_json_cannot_hold_is_an_error_wherever_it_arises() {
    for source in [
        "1/0",
        "body.n / (body.n - 3)",
        "1 % 0",
        "9223372036854775807 + 1",
        "[9223372036854775807] | map(. * 2)",
        "(1/0) > 5",
        "[1, 0] | .[0] / .[1] | tostring",
        "pow(10; 400)",
        "-9223372036854775807 - 2",
        "[9223372036854775807, 1] | add",
        "0 | log",
        r#""99999999999999999999" | tonumber"#,
        "body | .n /= 0",
        "1e400",
        "18446744073709551615",
    ] {
        assert!(jq(source).is_err(), "{source} gave {:?}", jq(source));
        if let Some(walked) = walk(source) {
            assert!(walked.is_err(), "{source} walked to {walked:?}");
        }
    }
    assert_eq!(jq("9223372036854775807"), Ok(json!(i64::MAX)));
}

#[test]
fn an_expression_has_one_value() {
    assert!(jq("empty").is_err_and(|message| message.contains("nothing")));
    assert!(jq("body.document[]").is_err_and(|message| message.contains("more than one")));
    assert_eq!(jq("[body.document[].fileId]"), Ok(json!(["file_1", "file_2"])));
    assert!(jq(r#"error("told")"#).is_err_and(|message| message.contains("told")));
}

#[test]
fn what_is_not_on_the_list_does_not_exist() {
    for source in [
        "env",
        "$ENV",
        "$ENV.PATH",
        "now",
        "input",
        "inputs",
        "debug",
        "stderr",
        "halt",
        "halt_error",
        "range(10)",
        "repeat(1)",
        "until(true; .)",
        "while(true; .)",
        "recurse(.)",
        "def f: f; f",
        "nan",
        "infinite",
        "limit(1; repeat(1))",
        "workflow_main",
        "$__loc__",
        "localtime",
        "input_filename",
        "$body",
        "[.[] | $x]",
        "getpath(1;2)",
        "module",
        "include \"a\"; 1",
        "import \"a\" as a; 1",
        "tobytes",
        "strflocaltime(\"%Z\")",
        "env.PATH",
        "@sh",
        "key_values",
        "matches(1; 2)",
        "error_empty",
        "debug_empty",
        "range(0; 10; 0)",
    ] {
        assert!(Checked::parse(source).is_err(), "{source}");
        assert!(jq(source).is_err(), "{source}");
    }
    let error = Checked::parse("body.lines | mapp(.a)").expect_err("no such function");
    assert_eq!((error.span, error.hint.as_deref()), (13..17, Some("did you mean `map`?")));
    let error = Checked::parse("body.a && body.b").expect_err("no such operator");
    assert_eq!(error.hint.as_deref(), Some("write `and`, `or`, `not`"));
}

#[test]
fn deep_and_long_texts_are_refused_before_they_are_parsed() {
    let chains = [
        "- ",
        "try ",
        "not | ",
        "1 + ",
        "1, ",
        "if ",
        "reduce ",
        "-",
        ".a?",
        "$x as [",
        "@text ",
        "label $a | ",
        "\"\\(",
    ];
    for unit in chains {
        assert!(Checked::parse(&format!("{}1", unit.repeat(5000))).is_err(), "{unit}");
    }
    for (open, close) in [("[", "]"), ("(", ")"), ("{a:", "}")] {
        assert!(Checked::parse(&format!("{}1{}", open.repeat(30), close.repeat(30))).is_err(), "{open}");
        assert!(Checked::parse(&format!("{}1{}", open.repeat(18), close.repeat(18))).is_ok(), "{open}");
    }
    assert!(Checked::parse(&format!("body{}", ".a".repeat(2000))).is_ok());
}

fn plain() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "body",
        "body.n",
        "body.f",
        "body.neg",
        "body.flag",
        "body.none",
        "body.document[0]",
        "body.document[-1].fileId",
        "body.document[7]",
        "body.document",
        "body.claimId",
        "body.text",
        "body[\"text\"]",
        "body.n.x",
        "body.text[0]",
        "body.document.x",
        "steps.claim.output.total",
        "steps.check.status",
        "steps.nope.output",
        "item.k[2]",
        "index",
        "run.now",
        "secrets",
        "steps",
        "body.empty",
        "body.empty[0]",
        ".",
        "secrets.A",
        "steps[0]",
    ]);
    let literal = prop::sample::select(vec![
        "0",
        "3",
        "-4",
        "30",
        "null",
        "true",
        "false",
        "\"C-7\"",
        "\"\\u0067r\\n\"",
        "[]",
        "{}",
        "\"FAILED\"",
        "9223372036854775807",
        "2.5",
    ]);
    let leaf = prop_oneof![path, literal].prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 2, |inner| {
        let operator = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">=", "and", "or"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            inner.prop_map(|inner| format!("({inner} | not)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_walker_and_jq_agree(source in plain()) {
        if let Some(walked) = walk(&source) {
            match (walked, jq(&source)) {
                (Ok(walked), Ok(full)) => prop_assert_eq!(walked, full),
                (Err(_), Err(_)) => {}
                (walked, full) => prop_assert!(false, "{} walked to {:?}, jq says {:?}", source, walked, full),
            }
        } else {
            prop_assert!(source.contains("2.5"), "{} is not plain", source);
        }
    }

    #[test]
    fn no_text_breaks_the_front(source in "\\PC{0,80}") {
        let _ = Checked::parse(&source);
    }

    #[test]
    fn no_jumble_of_jq_breaks_the_front(words in prop::collection::vec(prop::sample::select(vec![
        "body", ".", ".a", "[", "]", "(", ")", "{", "}", "\"", "\\(", "|", ",", "reduce", "as", "$x", "if", "then", "else", "end",
        "try", "catch", "1", "-", "..", "?", "//", "map", ":", ";", "foreach", "label", "break", "@text", "and", "#", "\\",
    ]), 0..40)) {
        let _ = Checked::parse(&words.join(" "));
        let _ = Checked::parse(&words.concat());
    }
}
