//! DBOS Transact as a process of its own, doing the same work on a database of the same kind.

use super::{Figures, Scale, endpoint::Endpoint, milliseconds, scene};
use crate::deliveries::Engine;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{path::Path, process::Stdio, time::Duration};

pub const NAME: &str = "DBOS Transact for Python";
const SCRIPT: &str = include_str!("../../peers/dbos_bench.py");

#[derive(Deserialize)]
struct Printed {
    steps: f64,
    calls: f64,
    starts: f64,
    /// Milliseconds: p50, p99.
    first: [f64; 2],
    nested: f64,
    /// The largest resident memory, in bytes.
    memory: u64,
}

pub async fn measure(engine: Engine, python: &Path, scale: Scale) -> Result<Figures> {
    let (endpoint, directory) = (Endpoint::start().await?, tempfile::tempdir()?);
    let postgres = scene::database(engine).await?;
    let url = match &postgres {
        Some(server) => format!("{}/postgres", server.url().replacen("postgres://", "postgresql://", 1)),
        None => format!("sqlite:///{}", directory.path().join("dbos.sqlite").display()),
    };
    // A tenth of ours: its rate is known by then, and all of them would take minutes.
    let nested = scale.nested / 10;
    // A virtual environment is known by the path of its Python, so links are not followed.
    let mut command = tokio::process::Command::new(std::path::absolute(python)?);
    command.args(["-c", SCRIPT, &url, &endpoint.address.port().to_string()]);
    command.args([scale.time.as_secs_f64().to_string(), nested.to_string()]);
    command.current_dir(directory.path()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await.context("the peer's Python does not start")?;
    ensure!(output.status.success(), "the peer failed: {}", output.status);
    let printed = String::from_utf8(output.stdout)?;
    let line = printed.lines().find(|line| line.starts_with('{')).context("the peer's figures")?;
    let printed: Printed = serde_json::from_str(line)?;
    let ms = |value: f64| Duration::from_secs_f64(value / 1000.0);
    let first = (ms(printed.first[0]), ms(printed.first[1]));
    println!(
        "  {NAME}: {:.0} steps/s, {:.0} steps/s with a call each, {:.0} starts/s, start to first step p50 / p99 {} ms at \
         20 starts/s, {:.0} nested runs/s of {nested}, peak memory {:.0} MB",
        printed.steps,
        printed.calls,
        printed.starts,
        milliseconds(first),
        printed.nested,
        printed.memory as f64 / 1e6
    );
    let Printed { steps, calls, starts, nested, .. } = printed;
    Ok(Figures { steps, calls, starts, first, nested })
}
