//! A server on one engine, with everything durable as in life.

use crate::{deliveries::Engine, machine};
use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::{
    postgres::{Durability, Server},
    program::Program,
};

/// How long anything that is waited for may take.
const TIME_MAX: Duration = Duration::from_secs(100);
const POLL: Duration = Duration::from_millis(20);

/// Dropping it stops the server and removes its data.
pub struct Scene {
    pub node: Program,
    postgres: Option<Server>,
}

impl Scene {
    pub async fn start(engine: Engine, binary: &Path) -> Result<Self> {
        let postgres = database(engine).await?;
        // The database that initdb makes, so that nothing else has to.
        let url = postgres.as_ref().map(|server| format!("{}/postgres", server.url()));
        let variables: Vec<_> =
            url.as_deref().map(|url| ("PLEXTERA_DATABASE_URL", url)).into_iter().collect();
        let node = Program::start(binary, &variables).await;
        let node = node.with_context(|| format!("{} does not start", binary.display()))?;
        Ok(Self { node, postgres })
    }

    pub fn studio(&self, method: Method, path: &str) -> RequestBuilder {
        self.node.client().request(method, format!("{}/api/studio/v1{path}", self.node.url()))
    }

    /// Begins a run; its id.
    pub async fn begin(&self, workflow: &str, body: &Value) -> Result<String> {
        let request = self.node.request(Method::POST, &format!("/workflows/{workflow}/runs")).json(body);
        let run: Value = request.send().await?.error_for_status()?.json().await?;
        Ok(run["id"].as_str().context("an id")?.to_owned())
    }

    /// Waits until no run is open; none may have failed.
    pub async fn all_ended(&self) -> Result<()> {
        let deadline = Instant::now() + TIME_MAX;
        loop {
            let open = self.node.get("/workflow-runs?status=PROCESSING&size=1").await?;
            if open["data"].as_array().is_some_and(Vec::is_empty) {
                let failed = self.node.get("/workflow-runs?status=FAILED&size=1").await?;
                let failed = failed["data"].as_array().and_then(|runs| runs.first()).map(|run| &run["error"]);
                ensure!(failed.is_none(), "a run failed: {failed:?}");
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "runs do not end");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the run is COMPLETED.
    pub async fn completed(&self, id: &str) -> Result<()> {
        let deadline = Instant::now() + TIME_MAX;
        loop {
            let path = format!("/workflow-runs/{id}?nestedSize=1");
            let run = self.node.get(&path).await?;
            match run["status"].as_str() {
                Some("COMPLETED") => return Ok(()),
                Some("PROCESSING") => ensure!(Instant::now() < deadline, "the run does not end"),
                _ => anyhow::bail!("the run ended otherwise: {run}"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Processor time so far of the server with its children, and of the database.
    pub fn cpu(&self) -> Result<(Duration, Duration)> {
        let database = self.postgres.as_ref().map(|server| machine::tree(server.pid())).transpose()?;
        let database = database.map(|(cpu, _)| cpu).unwrap_or_default();
        Ok((machine::tree(self.node.pid()?)?.0, database))
    }

    /// Fails where the server wrote of an error, and says where it waited for the disk: then the figures are the disk's.
    pub fn check_log(&self) -> Result<()> {
        let log = std::fs::read_to_string(self.node.log_path())?;
        let slow: Vec<u64> = log.lines().filter_map(slow_commit_ms).collect();
        if !slow.is_empty() {
            let (count, ms) = (slow.len(), slow.iter().sum::<u64>());
            println!("  {count} commits waited longer than a second for the disk, {ms} ms together");
        }
        let bad = log.lines().find(|line| line.contains("ERROR"));
        ensure!(bad.is_none(), "the server is not well: {}", bad.unwrap_or_default());
        Ok(())
    }
}

/// How long a commit took, from the line by which the server tells of one that took long.
fn slow_commit_ms(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("a commit took long")?;
    let digits: String = rest.split_once("took_ms=")?.1.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A PostgreSQL that forgets nothing, where the engine is that.
pub async fn database(engine: Engine) -> Result<Option<Server>> {
    Ok(match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(tokio::task::spawn_blocking(|| Server::start(Durability::On)).await?),
    })
}
