//! A server that starts with a great many deliveries due that nobody holds: after a long pause of the database, of the
//! network, of everybody's endpoints.

use super::{Engine, Scale, judge, megabytes, ms, peers::Receiver, receiver, scene::Scene};
use crate::machine::percentile;
use anyhow::Result;
use reqwest::Method;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Several, so that PostgreSQL's rows of one do not keep the seeding of the others waiting.
const TENANTS: usize = 10;
/// Of each.
const SUBSCRIPTIONS: usize = 10;
const PAGES: usize = 40;

pub async fn run(engine: Engine, binary: &Path, scale: Scale) -> Result<()> {
    let receiver = Receiver::start()?;
    let path = |number: usize| format!("/{number}");
    let mut scene = Scene::start(engine, binary, (TENANTS, SUBSCRIPTIONS), &receiver, path).await?;
    let seed = scene.seed().await?;
    seed.undelivered(&scene.tenants, scale.backlog / SUBSCRIPTIONS).await?;
    drop(seed);
    receiver.reset()?;
    let launched_us = receiver::now_us();
    scene.launch().await?;
    receiver.wait(1, Duration::from_secs(60)).await?;
    let (_, first_us) = receiver::count(receiver.address)?;
    let to_first = Duration::from_micros(first_us.saturating_sub(launched_us));

    let started = Instant::now();
    let before = receiver.count()?;
    let mut pages = Vec::with_capacity(PAGES);
    while started.elapsed() < scale.backlog_time {
        if pages.len() < PAGES {
            pages.push(page(&scene, pages.len()).await?);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let drained = (receiver.count()? - before) as f64 / started.elapsed().as_secs_f64();
    let memory = scene.node.peak_memory()?;
    pages.sort_unstable();
    let (slow, slowest) = (percentile(&pages, 0.99), percentile(&pages, 1.0));
    println!(
        "backlog: {} deliveries due and held by nobody, of {} subscriptions; then {drained:.0} delivered/s",
        scale.backlog,
        scene.subscriptions.len()
    );
    println!(
        "  start of the process → first delivery {:.2} s; goal ≤ 2 s, {}",
        to_first.as_secs_f64(),
        judge(to_first <= Duration::from_secs(2))
    );
    println!(
        "  list pages of 100 meanwhile: p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms; goal ≤ 50 ms, {}",
        ms(percentile(&pages, 0.5)),
        ms(slow),
        ms(slowest),
        judge(ms(slow) <= 50.0)
    );
    println!(
        "  memory of the server at most {:.0} MB; goal ≤ 150 MB, {}",
        megabytes(memory),
        judge(megabytes(memory) <= 150.0)
    );
    scene.check_log()
}

/// How long one list page takes: the newest, the oldest, the waiting, the delivered in turn.
async fn page(scene: &Scene, number: usize) -> Result<Duration> {
    // Those of the first tenant come first.
    let id = &scene.subscriptions[number % SUBSCRIPTIONS];
    let query = ["", "&sort=asc", "&status=PENDING", "&status=DELIVERED"][number % 4];
    let request =
        scene.request(Method::GET, &format!("/event-subscriptions/{id}/deliveries?size=100{query}"), 0);
    let started = Instant::now();
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(started.elapsed())
}
