//! Expressions that are made to harm whoever evaluates them. Each ends, with a failure that says why; the next one is
//! answered.

use crate::worker;
use domain::limits;
use engine::expressions::{Expressions, Settings};
use flow::{
    expr::Env,
    ir::{Expr, FailureClass, Part, Template},
    run::Failure,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Far more than any innocent expression here needs, on a machine that is busy with other tests too.
const PLENTY: Duration = Duration::from_secs(60);

struct World {
    expressions: Expressions,
    _folder: tempfile::TempDir,
}

fn world(time: Duration) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings { time, ..Settings::new(worker::program(folder.path())) };
    settings.sandbox.processes = 1;
    settings.sandbox.environment = vec![("PLEXTERA_TEST_SECRET".into(), "from the environment".into())];
    World { expressions: Expressions::new(settings).unwrap(), _folder: folder }
}

fn expression(source: &str) -> Template {
    Template::Expr(Expr(source.to_owned()))
}

impl World {
    async fn evaluate(&self, source: &str, body: Value) -> Result<Value, Failure> {
        let env = Env { body, ..Env::default() };
        self.expressions.evaluate(&expression(source), &env).await
    }

    async fn fails(&self, source: &str, body: Value) -> String {
        let failure = self.evaluate(source, body).await.expect_err(source);
        assert_eq!(failure.code, "EXPRESSION_FAILED");
        failure.message
    }

    /// The next expression is answered, by whichever child.
    async fn goes_on(&self) {
        assert_eq!(self.evaluate("[body.n, 1] | add", json!({"n": 2})).await, Ok(json!(3)));
    }
}

#[tokio::test]
async fn paths_need_no_child_and_everything_else_has_one() {
    let world = world(PLENTY);
    let template = Template::Object(vec![
        ("plain".into(), expression("body.items[1]")),
        (
            "text".into(),
            Template::Text(vec![Part::Text("n=".into()), Part::Expr(Expr("body.items | length".into()))]),
        ),
        (
            "list".into(),
            Template::Array(vec![expression("body.items | map(. * 2)"), Template::Literal(json!(null))]),
        ),
    ]);
    let env = Env { body: json!({"items": [1, 2, 3]}), ..Env::default() };
    let value = world.expressions.evaluate(&template, &env).await;
    assert_eq!(value, Ok(json!({"plain": 2, "text": "n=3", "list": [[2, 4, 6], null]})));

    let nothing = Expressions::new(Settings::new("/nonexistent/program".into())).unwrap();
    assert_eq!(nothing.evaluate(&expression("body.items[0] == 1"), &env).await, Ok(json!(true)));
}

#[tokio::test]
async fn without_a_child_the_failure_is_not_the_authors() {
    let settings = Settings { pauses: Vec::new(), ..Settings::new("/nonexistent/program".into()) };
    let nothing = Expressions::new(settings).unwrap();
    let failure = nothing.evaluate(&expression("1 + 1"), &Env::default()).await.unwrap_err();
    let expected = ("EXPRESSION_UNAVAILABLE", FailureClass::ServerError);
    assert_eq!((failure.code.as_str(), failure.class), expected);
}

#[tokio::test]
async fn what_takes_too_long_is_killed() {
    let world = world(Duration::from_millis(300));
    let many: Value = (0..300).collect();
    let bombs = [
        "[.. | body[] as $a | body[] as $b | body[] as $c | body[] as $d | $a + $b + $c + $d] | length",
        "reduce (body[] | body[] as $x | body[] as $y | $x + $y) as $n (0; . + $n) | tostring | . as $t | [body[] | body[] | body[] | $t] | unique | length",
    ];
    for bomb in bombs {
        let message = world.fails(bomb, many.clone()).await;
        assert!(message.contains("longer than 300ms") || message.contains("memory"), "{message}");
    }
}

#[tokio::test]
async fn what_takes_too_much_memory_fails_alone() {
    let world = world(PLENTY);
    let bombs = [
        r#""x" * 4000000000 | length"#,
        r#"reduce body[] as $n ("ab"; . + .) | length"#,
        "reduce body[] as $n ([1]; . + .) | length",
    ];
    for bomb in bombs {
        let message = world.fails(bomb, (0..60).collect()).await;
        assert!(message.contains("memory") || message.contains("longer"), "{bomb}: {message}");
        world.goes_on().await;
    }
    let message = world.fails(r#"reduce body[] as $n ("ab"; . + .)"#, (0..22).collect()).await;
    assert!(message.contains("larger than 4 MB"), "{message}");
    world.goes_on().await;
}

#[tokio::test]
async fn depth_without_end_fails_alone() {
    let world = world(Duration::from_secs(5));
    let many: Value = (0..100_000).collect();
    for bomb in [
        "reduce body[] as $n (null; [.])",
        "reduce body[] as $n (null; {a: .}) | tojson",
        r#"(reduce body[0:16][] as $n ("["; . + .)) | fromjson"#,
        "body | .[2000000000] = 1 | length",
    ] {
        let message = world.fails(bomb, many.clone()).await;
        assert!(!message.is_empty(), "{bomb}");
    }
    world.goes_on().await;
    let message = world.fails("reduce body[] as $n (null; [.])", (0..101).collect()).await;
    assert!(message.contains("nested more than 100 deep"), "{message}");
    let deep = world.evaluate("reduce body[] as $n (null; [.])", (0..100).collect()).await.unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&json!({"in": {"side": deep}}).to_string()).unwrap()["in"]["side"],
        deep
    );
}

#[tokio::test]
async fn what_comes_from_outside_may_be_deep_within_reason() {
    let world = world(PLENTY);
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let body: Value = serde_json::from_str(&nested(120)).unwrap();
    assert_eq!(world.evaluate("body | tojson | length", body).await, Ok(json!(241)));
    let body: Value = serde_json::from_str(&nested(127)).unwrap();
    let message = world.fails("body | tojson | length", body).await;
    assert!(message.contains("nested too deep"), "{message}");
    world.goes_on().await;
}

#[tokio::test]
async fn nothing_of_the_machine_can_be_read() {
    let world = world(PLENTY);
    for source in ["env", "$ENV", "env.PATH", "input", "[inputs]", "now", "$__prog_args", "get_search_list"] {
        world.fails(source, json!(null)).await;
    }
    world.goes_on().await;
}

#[tokio::test]
async fn what_is_read_has_a_limit_too() {
    let world = world(PLENTY);
    let body = json!("x".repeat(limits::EXPRESSION_REQUEST_BYTES_MAX));
    let message = world.fails("body | length", body).await;
    assert!(message.contains("16 MB"), "{message}");
    let half = json!({"a": "x".repeat(2_000_000)});
    assert_eq!(
        world.evaluate("body.a", half.clone()).await,
        Ok(half["a"].clone()),
        "too much for the walker alone"
    );
    let copies = Template::Array(vec![expression("body.a"); 3]);
    let env = Env { body: half, ..Env::default() };
    let failure = world.expressions.evaluate(&copies, &env).await.unwrap_err();
    assert!(failure.message.contains("larger than 4 MB"), "{}", failure.message);
    world.goes_on().await;
}

#[tokio::test]
async fn secrets_are_in_no_failure() {
    let world = world(PLENTY);
    let secrets = json!({"TOKEN": "hunter2"}).as_object().cloned().unwrap();
    let env = Env { secrets, ..Env::default() };
    for source in [
        "error(secrets.TOKEN)",
        "secrets.TOKEN + 1",
        "secrets.TOKEN.x",
        "[secrets[]] | first | .a",
        "{} | .[secrets.TOKEN][0] = 1 | .hunter2.a",
    ] {
        let failure = world.expressions.evaluate(&expression(source), &env).await.expect_err(source);
        let told = failure.message.replace(source, "");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn the_check_of_an_input_is_bounded_like_an_expression() {
    let world = world(PLENTY);
    let schema =
        json!({"type": "object", "required": ["claimId"], "properties": {"claimId": {"type": "string"}}});
    assert_eq!(world.expressions.check_input(&schema, &json!({"claimId": "C-1"})).await, Ok(()));
    let failure = world.expressions.check_input(&schema, &json!({"claimId": 1})).await.unwrap_err();
    assert_eq!(failure.code, "WORKFLOW_INPUT_INVALID");
    assert!(failure.message.contains("/claimId"), "{}", failure.message);

    let impatient = self::world(Duration::from_millis(300));
    let costly: Vec<Value> = (0..5000).map(|n| json!({"contains": {"const": n}})).collect();
    let body: Value = (5000..200_000).collect();
    let failure = impatient.expressions.check_input(&json!({"anyOf": costly}), &body).await.unwrap_err();
    assert_eq!(failure.code, "WORKFLOW_INPUT_INVALID");
}
