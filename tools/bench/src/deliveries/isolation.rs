//! One endpoint of a hundred that hangs: what the other 99 notice of it.

use super::{
    Engine, Scale, judge,
    latency::{self, percentiles},
    ms,
    peers::Receiver,
    scene::Scene,
};
use crate::machine::percentile;
use anyhow::Result;
use std::{path::Path, time::Duration};

const ENDPOINTS: usize = 100;
/// Over all endpoints.
const EVENTS_PER_SECOND: f64 = 1000.0;

pub async fn run(engine: Engine, binary: &Path, scale: Scale) -> Result<()> {
    println!(
        "isolation: {ENDPOINTS} endpoints, {EVENTS_PER_SECOND:.0} events/s over HTTP, one delivery each"
    );
    let well = measure(engine, binary, scale, false).await?;
    let beside = measure(engine, binary, scale, true).await?;
    let (before, after) = (percentile(&well, 0.99), percentile(&beside, 0.99));
    let moved = ms(after) - ms(before);
    let reached = moved < 5.0 && moved < ms(before) * 0.1;
    println!(
        "  the other 99, p50 / p99: {} while all are well, {} while one hangs: p99 moves by {moved:+.2} ms; goal < 10 % and < 5 ms, {}",
        percentiles(&well),
        percentiles(&beside),
        judge(reached),
    );
    Ok(())
}

/// Commit → receipt of all endpoints but the first.
async fn measure(engine: Engine, binary: &Path, scale: Scale, hangs: bool) -> Result<Vec<Duration>> {
    let receiver = Receiver::start()?;
    let path = |number: usize| if hangs && number == 0 { "/hang".to_owned() } else { format!("/{number}") };
    let scene = Scene::start(engine, binary, (ENDPOINTS, 1), &receiver, path).await?;
    // Warm: connections are open, statements prepared.
    let rate = Some(EVENTS_PER_SECOND);
    let each = |answered: usize| if hangs { answered - answered.div_ceil(ENDPOINTS) } else { answered };
    latency::measure_until(&scene, &receiver, rate, Duration::from_secs(1), each).await?;
    let measured = latency::measure_until(&scene, &receiver, rate, scale.isolation_time, each).await?;
    let answered = measured.sent.answered;
    println!(
        "  {}: {answered} events at {:.0}/s",
        if hangs { "one hangs" } else { "all are well" },
        measured.sent.per_second()
    );
    Ok(measured.latencies(|path| path != 0))
}
