//! Many nested runs of one parent: how long they take, and what they cost the process that holds the parent.

use super::{NESTED_GOAL, NESTED_GROWTH_BYTES_MAX, judge, scene::Scene};
use anyhow::Result;
use serde_json::json;
use std::time::{Duration, Instant};

/// Nested runs a second.
pub async fn measure(scene: &Scene, count: usize) -> Result<f64> {
    // A tenth first, so that what ten times as many cost is seen.
    let before = scene.node.peak_memory()?;
    run(scene, count / 10).await?;
    let few = scene.node.peak_memory()?;
    let time = run(scene, count).await?;
    let many = scene.node.peak_memory()?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "  nested: {count} runs of one parent in {:.1} s (goal {} s for 10 000: {}); peak memory of the process {:.0} MB \
         before, {:.0} MB after {}, {:.0} MB after {count} (goal flat: {})",
        time.as_secs_f64(),
        NESTED_GOAL.as_secs(),
        judge(time.as_secs_f64() * 10_000.0 / count as f64 <= NESTED_GOAL.as_secs_f64()),
        megabytes(before),
        megabytes(few),
        count / 10,
        megabytes(many),
        judge(many - few <= NESTED_GROWTH_BYTES_MAX)
    );
    Ok(count as f64 / time.as_secs_f64())
}

async fn run(scene: &Scene, count: usize) -> Result<Duration> {
    let items: Vec<usize> = (0..count).collect();
    let started = Instant::now();
    let id = scene.begin("parent", &json!({"items": items})).await?;
    scene.completed(&id).await?;
    Ok(started.elapsed())
}
