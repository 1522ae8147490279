//! The main path on the real binary: upload, extraction, event, delivery.
//!
//! When a terminal state was committed is read from the server's own log, whose clock is this machine's; so the time
//! from commit to receipt is measured without a server made for measuring.

use crate::{
    log,
    machine::{self, percentile},
};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
};

/// What is submitted, and how.
#[derive(Debug, Args)]
pub struct Load {
    /// The binary to measure
    #[arg(long, default_value = "target/release/plextera")]
    binary: PathBuf,
    /// How many documents
    #[arg(long, default_value_t = 2000)]
    count: usize,
    /// Clients that submit at once
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Subscriptions that each event goes to
    #[arg(long, default_value_t = 1)]
    subscriptions: usize,
    /// Submissions a second; as many as there is room for without it
    #[arg(long)]
    rate: Option<u32>,
    /// `empty` ends at once as REJECTED and leaves the deliveries to be measured
    #[arg(long, value_enum, default_value_t = Document::Invoice)]
    document: Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    Invoice,
    Empty,
}

pub async fn run(load: &Load) -> Result<()> {
    let variables = [("PLEXTERA_LOG__FILTER", "warn,engine::jobs=info")];
    let node = Program::start(&load.binary, &variables).await;
    let node = node.with_context(|| format!("{} does not start", load.binary.display()))?;
    let receiver = Receiver::start().await?;
    receiver.always(Behavior::status(204));
    for number in 0..load.subscriptions {
        node.subscribe(&receiver.url(&format!("/{number}")), "for measuring").await?;
    }
    let (cpu_before, _) = machine::tree(node.pid()?)?;
    let (started, started_at) = (Instant::now(), SystemTime::now());
    let accepted: Vec<(String, Instant)> = stream::iter(0..load.count)
        .map(|number| submit(&node, load, started, number))
        .buffer_unordered(load.clients)
        .try_collect()
        .await?;
    let submitted = started.elapsed();
    let deliveries = load.count * load.subscriptions;
    receiver.request(deliveries).await;
    let elapsed = started.elapsed();
    let (cpu, memory) = machine::tree(node.pid()?)?;

    let received = receiver.received();
    ensure!(received.len() == deliveries, "{} deliveries instead of {deliveries}", received.len());
    let accepted: HashMap<String, Instant> = accepted.into_iter().collect();
    let committed = log::commits(&node.log_path(), 0)?;
    let (mut from_answer, mut from_commit) = (Vec::new(), Vec::new());
    for request in &received {
        let body = request.json();
        let id = body["data"]["jobId"].as_str().context("a delivery without a job")?;
        // Small jobs can end before the answer to their submission has arrived here.
        from_answer
            .push(request.at.saturating_duration_since(*accepted.get(id).context("a job nobody submitted")?));
        let receipt = started_at + request.at.duration_since(started);
        if let Some(commit) = committed.get(id) {
            from_commit.push(receipt.duration_since(*commit).unwrap_or_default());
        }
    }
    from_answer.sort();
    from_commit.sort();
    println!(
        "jobs: {} × {:?}, {} clients{}, {} subscriptions, SQLite; loader and endpoint on the same machine",
        load.count,
        load.document,
        load.clients,
        load.rate.map(|rate| format!(", {rate} a second")).unwrap_or_default(),
        load.subscriptions,
    );
    let per_second = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    println!("  accepted                          {:8.0} jobs/s", per_second(load.count, submitted));
    println!("  accepted, ended and delivered     {:8.0} jobs/s", per_second(load.count, elapsed));
    println!("  deliveries                        {:8.0} a second", per_second(deliveries, elapsed));
    println!("  CPU of the node and its workers   {:8.2} ms a job", ms(cpu - cpu_before) / load.count as f64);
    print_percentiles("answer → webhook, p50 / p99", &from_answer);
    print_percentiles("commit → webhook, p50 / p99", &from_commit);
    println!(
        "  resident memory, server / largest {:8.0} / {:.0} MB",
        megabytes(node.peak_memory()?),
        megabytes(memory)
    );
    Ok(())
}

fn print_percentiles(name: &str, sorted: &[Duration]) {
    println!("  {name}       {:8.1} / {:.1} ms", ms(percentile(sorted, 0.5)), ms(percentile(sorted, 0.99)));
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Submits a document. Invoices differ in a comment behind their end, so that none is a duplicate.
async fn submit(node: &Program, load: &Load, started: Instant, number: usize) -> Result<(String, Instant)> {
    if let Some(rate) = load.rate {
        let due = started + Duration::from_secs_f64(number as f64 / f64::from(rate));
        tokio::time::sleep_until(due.into()).await;
    }
    let bytes = match load.document {
        Document::Invoice => [&testkit::hostile::invoice()[..], format!("%{number}\n").as_bytes()].concat(),
        Document::Empty => Vec::new(),
    };
    Ok((node.submit("document.pdf", bytes).await?, Instant::now()))
}
