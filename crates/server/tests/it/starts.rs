//! What starts runs besides a client's request: schedules and triggers.

use crate::support::{error, on_both_databases};
use engine::Engine;
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use testkit::platform::{Answer, Platform, send};

on_both_databases!(
    a_schedule_says_when_it_is_due_and_what_is_wrong_with_it,
    of_two_nodes_one_begins_the_run_of_a_due_time,
    a_trigger_starts_runs_without_a_key_until_it_is_replaced,
);

const WORKFLOWS: &str = "//api/studio/v1/workflows";
const ECHO: &str =
    "version: 1\nname: Echo\nsteps:\n  - id: said\n    uses: transform\n    with: ${{ body }}\n";

async fn put(platform: &Platform, path: &str, body: Value) -> Answer {
    send(platform.client().request(Method::PUT, &format!("{WORKFLOWS}/{path}")).json(&body)).await
}

async fn publish(platform: &Platform) {
    let request = platform.client().request(Method::PUT, &format!("{WORKFLOWS}/echo"));
    assert_eq!(send(request.header("Content-Type", "application/yaml").body(ECHO)).await.status, 200);
    assert_eq!(platform.client().post(&format!("{WORKFLOWS}/echo/publish"), json!({})).await.status, 200);
}

async fn a_schedule_says_when_it_is_due_and_what_is_wrong_with_it(platform: Platform) {
    let client = platform.client();
    assert_eq!(put(&platform, "echo/schedules/daily", json!({"cron": "@daily"})).await.status, 404);
    publish(&platform).await;
    let made =
        put(&platform, "echo/schedules/daily", json!({"cron": "30 2 * * *", "timeZone": "europe/berlin"}))
            .await;
    assert_eq!(
        (made.status, made.text("timeZone"), made.text("catchUp")),
        (200, "Europe/Berlin".into(), "latest".into())
    );
    assert!(made.json()["nextAt"].is_string() && made.json()["body"] == json!({}), "{made:?}");
    let off =
        put(&platform, "echo/schedules/daily", json!({"cron": "@daily", "enabled": false, "body": [1]}))
            .await;
    assert!(off.json().get("nextAt").is_none() && off.json()["body"] == json!([1]), "{off:?}");
    for (body, fields) in [
        (json!({}), vec!["cron"]),
        (json!({"cron": "61 * * * *"}), vec!["cron"]),
        (json!({"cron": "0 0 30 2 *"}), vec!["cron"]),
        (
            json!({"cron": "@daily", "timeZone": "Mars", "catchUp": "x", "enabled": 1, "note": 1}),
            vec!["timeZone", "enabled", "catchUp", "note"],
        ),
    ] {
        assert_eq!(put(&platform, "echo/schedules/daily", body.clone()).await.fields(), fields, "{body}");
    }
    assert_eq!(
        put(&platform, "echo/schedules/Not%20A%20Slug", json!({"cron": "@daily"})).await.fields(),
        ["name"]
    );
    assert_eq!(client.get(&format!("{WORKFLOWS}/echo/schedules")).await.counts(), (1, 1));
    let stranger = platform.stranger().await;
    assert_eq!(
        stranger.get(&format!("{WORKFLOWS}/echo/schedules/daily")).await.error(),
        error(404, "NOT_FOUND")
    );
    assert_eq!(client.delete(&format!("{WORKFLOWS}/echo/schedules/daily")).await.status, 204);
    assert_eq!(client.delete(&format!("{WORKFLOWS}/echo/schedules/daily")).await.status, 404);
}

async fn of_two_nodes_one_begins_the_run_of_a_due_time(mut platform: Platform) {
    publish(&platform).await;
    let body = json!({"cron": "0 * * * *", "body": {"n": 1}, "catchUp": "all"});
    let made = put(&platform, "echo/schedules/hourly", body).await;
    let due: domain::time::Timestamp = made.text("nextAt").parse().unwrap();
    // Three due times pass while no node runs.
    platform.clock.advance(due.since(platform.context.now()) + Duration::from_secs(2 * 3600 + 10));
    let program = Path::new(env!("CARGO_BIN_EXE_plextera"));
    platform.run_engine(program);
    let folder = tempfile::tempdir().unwrap();
    let settings = engine::Settings::new(program.to_owned(), folder.path().to_owned());
    let other = Engine::start(platform.store.clone(), settings, platform.context.clone()).unwrap();
    let client = platform.client();
    let ended = || async {
        let runs = client.get("/workflow-runs?status=COMPLETED").await;
        (runs.counts().1 >= 3).then_some(runs)
    };
    platform.until(ended).await;
    let schedule = client.get(&format!("{WORKFLOWS}/echo/schedules/hourly")).await.json();
    assert!(schedule["lastRunId"].is_string() && schedule.get("lastError").is_none(), "{schedule}");
    assert_eq!(client.get("/workflow-runs").await.counts().1, 3, "one run for each due time");
    drop(other);
}

async fn a_trigger_starts_runs_without_a_key_until_it_is_replaced(platform: Platform) {
    let (client, nobody) = (platform.client(), platform.client_with(None));
    let path = format!("{WORKFLOWS}/echo/trigger");
    assert_eq!(client.post(&path, json!({})).await.status, 404);
    publish(&platform).await;
    assert_eq!(client.get(&path).await.status, 404);
    let made = client.post(&path, json!({})).await;
    assert_eq!(made.status, 201);
    let first = format!("/{}", made.text("path"));
    let run = nobody.post_once(&first, "call 1", json!({"order": 7})).await;
    assert_eq!((run.status, run.text("workflow/id")), (202, "echo".into()), "{run:?}");
    let again = nobody.post_once(&first, "call 1", json!({"order": 7})).await;
    assert_eq!((again.text("id"), again.header("idempotency-replayed")), (run.text("id"), "true"));
    assert_eq!(client.get("/workflow-runs").await.counts(), (1, 1));
    assert!(client.get(&path).await.json()["lastUsedAt"].is_string());

    let second = format!("/{}", client.post(&path, json!({})).await.text("path"));
    assert_eq!(nobody.post(&first, json!({})).await.error(), error(404, "NOT_FOUND"));
    assert_eq!(nobody.post(&second, json!({})).await.status, 202);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(nobody.post(&second, json!({})).await.status, 404);
    assert_eq!(client.delete(&path).await.status, 404);
}
