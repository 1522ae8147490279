//! Expressions made to do harm, with the real binary as the child: its own allocator, its own size, its own limits.

use engine::expressions::{Expressions, Settings};
use flow::{
    expr::Env,
    ir::{Expr, Template},
    run::Failure,
};
use serde_json::{Value, json};
use std::time::Duration;

async fn evaluate(expressions: &Expressions, source: &str, body: Value) -> Result<Value, Failure> {
    let env = Env { body, ..Env::default() };
    expressions.evaluate(&Template::Expr(Expr(source.to_owned())), &env).await
}

#[tokio::test]
async fn hostile_expressions_end_within_their_limits() {
    // Longer than in production: this is an unoptimised build beside other tests, and innocent expressions must pass.
    let time = Duration::from_secs(10);
    let settings = Settings { time, ..Settings::new(env!("CARGO_BIN_EXE_plextera").into()) };
    let expressions = Expressions::new(settings).expect("a thread starts");
    let many: Value = (0..100_000).collect();
    let bombs = [
        (r#""x" * 4000000000 | length"#, json!(null)),
        (r#"reduce body[] as $n ("ab"; . + .) | length"#, (0..60).collect()),
        ("reduce body[] as $n (null; [.])", many.clone()),
        ("[body[] as $a | body[] as $b | [$a, $b]] | length", many),
    ];
    for (bomb, body) in bombs {
        let failure = evaluate(&expressions, bomb, body).await.expect_err(bomb);
        assert_eq!(failure.code, "EXPRESSION_FAILED", "{bomb}: {}", failure.message);
        let sum = evaluate(&expressions, "body | map(. * 2) | add", json!([1, 2, 3])).await;
        assert_eq!(sum, Ok(json!(12)), "after {bomb}");
    }
    // What one may read fits into a child's memory, with room to work.
    let rows: Value = (0..10_000).map(|n| json!({"sku": format!("sku-{n}"), "price": n})).collect();
    let sum = evaluate(&expressions, "[body[] | select(.price >= 10) | .price] | length", rows).await;
    assert_eq!(sum, Ok(json!(9_990)));
}
