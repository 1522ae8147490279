//! From the commit of a terminal state to the receipt of its event.

use super::{
    ms,
    peers::{self, Load, Receiver, Sent},
    receiver::{self, Record},
    scene::{Cost, Scene},
    seed,
};
use crate::{
    log,
    machine::{self, percentile},
};
use anyhow::{Context, Result};
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Connections of the generator: more than a second's worth of slow answers never waits for one.
const CONNECTIONS: usize = 32;
/// How long what was sent may take to arrive.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(20);

/// What a stretch of time at a rate showed.
pub struct Measured {
    pub sent: Sent,
    /// Per path number, sorted.
    pub by_path: HashMap<u32, Vec<Duration>>,
    pub received: usize,
    pub cost: Cost,
    pub receiver_cpu: Duration,
    pub time: Duration,
}

impl Measured {
    /// Deliveries received.
    pub fn per_second(&self) -> f64 {
        self.received as f64 / self.time.as_secs_f64()
    }

    /// Of all paths that `wanted` says yes to, sorted.
    pub fn latencies(&self, wanted: impl Fn(u32) -> bool) -> Vec<Duration> {
        let chosen = self.by_path.iter().filter(|(path, _)| wanted(**path));
        let mut all: Vec<Duration> = chosen.flat_map(|(_, latencies)| latencies).copied().collect();
        all.sort_unstable();
        all
    }
}

/// `p50 / p99 ms` of sorted durations.
pub fn percentiles(sorted: &[Duration]) -> String {
    format!("{:.2} / {:.2} ms", ms(percentile(sorted, 0.5)), ms(percentile(sorted, 0.99)))
}

/// Submits jobs over HTTP, `rate` a second over all tenants or as fast as they are answered, and waits for their
/// events; each has so many deliveries.
pub async fn measure(
    scene: &Scene,
    receiver: &Receiver,
    rate: Option<f64>,
    time: Duration,
    each: usize,
) -> Result<Measured> {
    measure_until(scene, receiver, rate, time, |answered| answered * each).await
}

/// The same, where `expected` says how many deliveries so many jobs have that are counted.
pub async fn measure_until(
    scene: &Scene,
    receiver: &Receiver,
    rate: Option<f64>,
    time: Duration,
    expected: impl Fn(usize) -> usize,
) -> Result<Measured> {
    receiver.quiet().await?;
    receiver.reset()?;
    let (log, from) = scene.log();
    let (cost, receiver_cpu, started) = (scene.cost()?, receiver.cpu()?, Instant::now());
    let body = body()?;
    let keys = scene.keys()?;
    let load = Load {
        to: scene.address()?,
        path: "/api/public/v1/document-insights/jobs/extract",
        body: body.path(),
        headers: Some(keys.path()),
        connections: CONNECTIONS,
        rate,
        time,
    };
    let sent = peers::generate(load).await?;
    let wanted = expected(usize::try_from(sent.answered)?);
    let received = receiver.wait(wanted, ARRIVAL_TIME_MAX).await?;
    let time = started.elapsed();
    let cost = scene.cost()?.since(cost);
    let receiver_cpu = receiver.cpu()? - receiver_cpu;
    let by_path = match_up(&receiver::records(receiver.address)?, &log, from)?;
    Ok(Measured { sent, by_path, received, cost, receiver_cpu, time })
}

fn match_up(records: &[Record], log: &Path, from: u64) -> Result<HashMap<u32, Vec<Duration>>> {
    let commits = log::commits(log, from)?;
    let mut by_path: HashMap<u32, Vec<Duration>> = HashMap::new();
    for record in records {
        let Some(commit) = commits.get(record.job_id()) else { continue };
        let receipt: SystemTime = UNIX_EPOCH + Duration::from_micros(record.at_us);
        // The line is written after the commit and may be later than a quick receipt.
        let latency = receipt.duration_since(*commit).unwrap_or_default();
        by_path.entry(record.path).or_default().push(latency);
    }
    by_path.values_mut().for_each(|latencies| latencies.sort_unstable());
    Ok(by_path)
}

/// The submission of a job that ends at once; see [`seed`].
fn body() -> Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new()?;
    let metadata: Vec<String> =
        seed::metadata().iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
    let text =
        format!(r#"{{"document":{{"url":"{}"}},"metadata":{{{}}}}}"#, seed::DOCUMENT_URL, metadata.join(","));
    std::fs::write(file.path(), text)?;
    Ok(file)
}

/// R0: a raw client posts `body` to the receiver.
pub async fn raw(receiver: &Receiver, body: &[u8], time: Duration) -> Result<(Sent, Duration)> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), body)?;
    receiver.reset()?;
    let before = receiver.cpu()?;
    let load = Load {
        to: receiver.address,
        path: "/0",
        body: file.path(),
        headers: None,
        connections: CONNECTIONS,
        rate: None,
        time,
    };
    let sent = peers::generate(load).await.context("R0")?;
    Ok((sent, receiver.cpu()? - before))
}

/// CPU of each process a piece, in microseconds.
pub fn microseconds(cpu: Duration, pieces: usize) -> f64 {
    machine::per_piece(cpu, pieces) * 1e6
}
