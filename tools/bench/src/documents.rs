//! The main path on the real binary: upload, extraction, event, delivery.

use crate::{
    machine::{self, percentile},
    node::{KEY, Node},
};
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};
use testkit::receiver::{Behavior, Receiver};

pub async fn run(binary: &Path, count: usize, clients: usize) -> Result<()> {
    let node = Node::start(binary).await?;
    let receiver = Receiver::start().await?;
    receiver.always(Behavior::status(204));
    let client = reqwest::Client::new();
    subscribe(&client, &node, &receiver).await?;
    let invoice = testkit::hostile::invoice();

    let (cpu_before, _) = machine::tree(node.pid())?;
    let started = Instant::now();
    let accepted: HashMap<String, Instant> = stream::iter(0..count)
        .map(|number| submit(&client, &node, &invoice, number))
        .buffer_unordered(clients)
        .try_collect()
        .await?;
    let submitted = started.elapsed();
    for number in 1..=count {
        receiver.request(number).await;
    }
    let elapsed = started.elapsed();
    let (cpu, memory) = machine::tree(node.pid())?;
    let (_, server_memory) = machine::process(node.pid())?;

    let received = receiver.received();
    ensure!(received.len() == count, "{} deliveries for {count} jobs", received.len());
    let completed = received
        .iter()
        .filter(|request| request.header("x-plextera-event-type").ends_with("completed"))
        .count();
    let mut waits: Vec<Duration> = received
        .iter()
        .filter_map(|request| {
            let id = request.json()["data"]["jobId"].as_str()?.to_owned();
            Some(request.at.duration_since(*accepted.get(&id)?))
        })
        .collect();
    waits.sort();
    println!(
        "jobs: {count} one-page invoices with a text layer, {clients} clients, SQLite, one subscription, loader on the same machine"
    );
    println!("  completed                         {completed}");
    println!("  accepted                          {:8.0} jobs/s", count as f64 / submitted.as_secs_f64());
    println!("  accepted, read and delivered      {:8.0} jobs/s", count as f64 / elapsed.as_secs_f64());
    println!(
        "  CPU of the node and its workers   {:8.2} ms a job",
        (cpu - cpu_before).as_secs_f64() * 1000.0 / count as f64
    );
    println!(
        "  answer → webhook, p50 / p99       {:8.1} / {:.1} ms (queue included)",
        ms(percentile(&waits, 0.5)),
        ms(percentile(&waits, 0.99))
    );
    println!(
        "  resident memory, server / largest {:8.0} / {:.0} MB",
        megabytes(server_memory),
        megabytes(memory)
    );
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

async fn subscribe(client: &reqwest::Client, node: &Node, receiver: &Receiver) -> Result<()> {
    let types = ["completed", "failed", "rejected"].map(|end| format!("document-insights.job.{end}"));
    let body =
        json!({"endpointUrl": receiver.url("/hook"), "eventTypes": types, "signingSecret": "for measuring"});
    let request = client
        .post(format!("{}/api/public/v1/event-subscriptions", node.url))
        .header("authorization", format!("api-key {KEY}"));
    request.json(&body).send().await?.error_for_status()?;
    Ok(())
}

/// Submits a copy that differs in a comment behind its end, so that it is no duplicate.
async fn submit(
    client: &reqwest::Client,
    node: &Node,
    invoice: &[u8],
    number: usize,
) -> Result<(String, Instant)> {
    let bytes = [invoice, format!("%{number}\n").as_bytes()].concat();
    let part = reqwest::multipart::Part::bytes(bytes).file_name("invoice.pdf");
    let form = reqwest::multipart::Form::new().part("file", part);
    let url = format!("{}/api/public/v1/document-insights/jobs/extract/upload", node.url);
    let request = client.post(url).header("authorization", format!("api-key {KEY}"));
    let job: Value = request.multipart(form).send().await?.error_for_status()?.json().await?;
    Ok((job["id"].as_str().context("an answer without id")?.to_owned(), Instant::now()))
}
