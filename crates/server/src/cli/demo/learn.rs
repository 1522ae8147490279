//! `plextera demo --learn`: one correction, and the next document of the same seller is read right.

use super::{JOBS, PATIENCE, POLL, Stage};
use crate::{
    progress::Progress,
    terminal::{self, Style},
};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::{process::ExitCode, time::Instant};

const FILES: &str = "/api/public/v1/files";
const HUBS: &str = "/api/studio/v1/hubs";
const FIRST: (&str, &[u8], &str) =
    ("order-1.pdf", include_bytes!("../../../assets/sample-order-1.pdf"), "QX-20417");
const SECOND: (&str, &[u8], &str) =
    ("order-2.pdf", include_bytes!("../../../assets/sample-order-2.pdf"), "QX-20999");
const FIELD: &str = "reference";

/// What was read of each document, and how long learning took.
pub(super) struct Lesson {
    before: Value,
    after: Value,
    learned_ms: u128,
}

pub(super) async fn play(stage: &Stage, progress: &Progress) -> anyhow::Result<Lesson> {
    let hub = json!({"name": "Orders", "fields": [
        {"id": FIELD, "name": "Reference", "type": "string"},
        {"id": "payable", "name": "Amount", "type": "money"}]});
    let hub = stage.client.post(HUBS, &hub).await?;
    let hub = hub["id"].as_str().context("the server's answer names no hub")?.to_owned();
    progress.done("a hub with the fields Reference and Amount, which has never seen a document")?;

    let first = read(stage, progress, &hub, FIRST).await?;
    let before = value(&first);
    progress.done(&format!("{}: Reference is read as {}", FIRST.0, shown(&before)))?;

    let begun = Instant::now();
    let id = first["id"].as_str().unwrap_or_default();
    let correction = json!({"message": "this is our reference", "fieldId": FIELD, "value": FIRST.2});
    stage.client.post(&format!("{JOBS}/{id}/feedback"), &correction).await?;
    progress.doing("the hub learns");
    let model =
        wait(&stage.client, &format!("{HUBS}/{hub}/model"), |model| model["upToDate"] == true).await?;
    let learned_ms = begun.elapsed().as_millis();
    let version = &model["version"];
    progress.done(&format!(
        "corrected to {}; the hub learned it in {learned_ms} ms (model {version})",
        FIRST.2
    ))?;

    let second = read(stage, progress, &hub, SECOND).await?;
    let after = value(&second);
    progress.done(&format!("{}: Reference is read as {}", SECOND.0, shown(&after)))?;
    Ok(Lesson { before, after, learned_ms })
}

impl Lesson {
    pub(super) fn print(&self) -> anyhow::Result<ExitCode> {
        let mut stdout = terminal::stdout();
        let learned = self.after == SECOND.2;
        let verdict = if learned {
            stdout.styled(Style::Good, "right")
        } else {
            stdout.styled(Style::Bad, "not what stands there")
        };
        stdout.line(format_args!(
            "\nBefore   {}: {} (it is {})\nTaught   one value, learned in {} ms\nAfter    {}: {} ({verdict})",
            FIRST.0,
            shown(&self.before),
            FIRST.2,
            self.learned_ms,
            SECOND.0,
            shown(&self.after),
        ))?;
        Ok(if learned { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn read(
    stage: &Stage,
    progress: &Progress,
    hub: &str,
    (name, bytes, _): (&str, &[u8], &str),
) -> anyhow::Result<Value> {
    progress.doing(&format!("reading {name}"));
    let file = stage.client.upload(FILES, name.to_owned(), bytes.to_vec()).await?;
    let request = json!({"document": {"fileId": file["id"]}, "hubId": hub});
    let job = stage.client.post(&format!("{JOBS}/extract"), &request).await?;
    let id = job["id"].as_str().context("the server's answer names no job")?;
    let job = wait(&stage.client, &format!("{JOBS}/{id}"), |job| job["completedAt"].is_string()).await?;
    if job["status"] != "COMPLETED" {
        bail!("{name} was not read: {}", job["error"]["message"].as_str().unwrap_or("?"));
    }
    Ok(job)
}

/// Asks until the answer is what is waited for.
async fn wait(
    client: &crate::client::ApiClient,
    path: &str,
    done: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let asking = async {
        loop {
            let answer = client.get(path).await?;
            if done(&answer) {
                return Ok(answer);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.context("the server takes too long")?
}

fn value(job: &Value) -> Value {
    let fields = job["output"]["fields"].as_array().into_iter().flatten();
    fields.into_iter().find(|field| field["id"] == FIELD).map_or(Value::Null, |field| field["value"].clone())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| "nothing".to_owned(), str::to_owned)
}
