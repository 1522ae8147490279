//! How many steps and starts a second, and how soon a started run does something.

use super::{FIRST_EFFECT_GOAL, STEPS_GOAL, endpoint::Endpoint, judge, milliseconds, scene::Scene};
use crate::{
    deliveries::peers::{self, Load},
    machine::percentile,
};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::program::KEY;

/// Requests under way at a time.
const CONNECTIONS: usize = 32;
/// Starts a second while the time to the first effect is measured.
const RATE: f64 = 50.0;

/// Runs of `each` steps, as many at a time as come; steps a second, from the first request to the last end.
pub async fn steps(scene: &Scene, workflow: &str, runs: usize, each: usize) -> Result<f64> {
    let (before, started) = (scene.cpu()?, Instant::now());
    let body = json!({});
    let begun = stream::iter(0..runs).map(|_| scene.begin(workflow, &body));
    begun.buffer_unordered(CONNECTIONS).try_for_each(|_| async { Ok(()) }).await?;
    scene.all_ended().await?;
    let (time, after) = (started.elapsed(), scene.cpu()?);
    let steps = (runs * each) as f64;
    let rate = steps / time.as_secs_f64();
    let microseconds = |cpu: Duration| cpu.as_secs_f64() * 1e6 / steps;
    println!(
        "  {workflow}: {rate:.0} steps/s ({runs} runs of {each} steps; goal {STEPS_GOAL:.0}: {}); CPU of a step: \
         server {:.0} us, database {:.0} us",
        judge(rate >= STEPS_GOAL),
        microseconds(after.0 - before.0),
        microseconds(after.1.saturating_sub(before.1)),
    );
    Ok(rate)
}

/// Starts of runs of one step, each answered before its connection sends the next; starts a second.
pub async fn starts(scene: &Scene, time: Duration) -> Result<f64> {
    let (body, headers) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
    std::fs::write(body.path(), "{}")?;
    std::fs::write(headers.path(), format!("Authorization: api-key {KEY}\n"))?;
    let to = scene.node.url();
    let to = to.strip_prefix("http://").context("a URL")?.parse()?;
    let load = Load {
        to,
        path: "/api/public/v1/workflows/single/runs",
        body: body.path(),
        headers: Some(headers.path()),
        connections: CONNECTIONS,
        rate: None,
        time,
    };
    let started = Instant::now();
    let sent = peers::generate(load).await?;
    ensure!(sent.refused == 0, "{} starts were refused", sent.refused);
    scene.all_ended().await?;
    let ended = sent.answered as f64 / started.elapsed().as_secs_f64();
    println!("  starts: {:.0} runs/s accepted, {ended:.0} runs/s ended", sent.per_second());
    // What counts is what is also done: a start that only fills a queue is none.
    Ok(ended)
}

/// From the request that begins a run to the arrival of its first call, at an even rate: p50 and p99.
pub async fn first_effect(
    scene: &Scene,
    endpoint: &Endpoint,
    time: Duration,
) -> Result<(Duration, Duration)> {
    let count = (RATE * time.as_secs_f64()) as u64;
    let started = Instant::now();
    let begun = stream::iter(0..count).map(|number| async move {
        let due = started + Duration::from_secs_f64(number as f64 / RATE);
        tokio::time::sleep_until(due.into()).await;
        let sent = Instant::now();
        scene.begin("first", &json!({"n": number})).await?;
        anyhow::Ok((number, sent))
    });
    let sent: Vec<(u64, Instant)> = begun.buffer_unordered(256).try_collect().await?;
    scene.all_ended().await?;
    let arrived = endpoint.firsts();
    let mut delays = Vec::with_capacity(sent.len());
    for (number, sent) in sent {
        let arrived = arrived.get(&number).context("a run without its effect")?;
        delays.push(arrived.saturating_duration_since(sent));
    }
    delays.sort_unstable();
    let first = (percentile(&delays, 0.5), percentile(&delays, 0.99));
    println!(
        "  start to first effect, {RATE:.0} starts/s: p50 / p99 {} ms (goal p50 {} ms: {})",
        milliseconds(first),
        FIRST_EFFECT_GOAL.as_millis(),
        judge(first.0 < FIRST_EFFECT_GOAL)
    );
    Ok(first)
}
