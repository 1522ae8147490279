//! The way of an event: as fast as it goes, and at rates that leave room.
//!
//! As fast as it goes, jobs are queued in the table before the server starts and end by themselves, so that nothing has
//! to come in by HTTP; at a rate, they are submitted over HTTP.

use super::{
    Engine, Scale, judge,
    latency::{self, Measured, microseconds, percentiles},
    megabytes, ms,
    peers::{Receiver, Sent},
    receiver,
    scene::{Cost, Scene},
};
use crate::machine::percentile;
use anyhow::{Result, ensure};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Tenants, and subscriptions of each: so many deliveries has an event.
const SHAPES: [(usize, usize); 5] = [(1, 1), (10, 1), (1000, 1), (1, 50), (20, 50)];
/// Deliveries a second where the latency of an idle server is measured.
const CALM: f64 = 200.0;
/// As fast as it goes, but not for ever.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(12);

/// A run as fast as it goes.
struct Fast {
    per_second: f64,
    received: usize,
    cost: Cost,
    receiver_cpu: Duration,
    /// Rows whose lease was renewed meanwhile; every other lease is written with a row that is written anyway.
    renewed: f64,
}

pub async fn run(engine: Engine, binary: &Path, scale: Scale) -> Result<()> {
    let receiver = Receiver::start()?;
    let alone = jobs_alone(engine, binary, &receiver, scale).await?;
    let mut raw: Option<(Sent, usize)> = None;
    let mut memory = 0;
    println!(
        "subscriptions, deliveries of an event │ delivered/s, where jobs come in by HTTP │ CPU of a delivery: server + database, receiver │ commit → receipt p50 / p99 at 200/s, at half of the lesser rate"
    );
    for (tenants, each) in SHAPES {
        let path = |number: usize| format!("/{number}");
        let mut scene = Scene::start(engine, binary, (tenants, each), &receiver, path).await?;
        let fast = as_fast_as_it_goes(&mut scene, &receiver, each, scale).await?;
        let calm = at_rate(&scene, &receiver, CALM, each, scale).await?;
        // Where a job has many deliveries, what is accepted beyond what can be delivered only waits.
        let offered = (each > 1).then(|| fast.per_second / each as f64);
        let by_http = latency::measure(&scene, &receiver, offered, scale.time, each).await?;
        let half = fast.per_second.min(by_http.per_second()) / 2.0;
        let half = at_rate(&scene, &receiver, half, each, scale).await?;
        println!("{}", line(tenants * each, each, &fast, &by_http, [&calm, &half]));
        if raw.is_none() {
            raw = Some(limit(&receiver, engine, scale, (&fast, alone), &by_http, &calm).await?);
        }
        memory = memory.max(scene.node.peak_memory()?);
        scene.check_log()?;
    }
    let reached = judge(megabytes(memory) <= 150.0);
    println!("memory of the server at most {:.0} MB; goal ≤ 150 MB, {reached}", megabytes(memory));
    Ok(())
}

/// CPU of a job of the kind that is used here, database included, where nobody is told of it.
async fn jobs_alone(engine: Engine, binary: &Path, receiver: &Receiver, scale: Scale) -> Result<Duration> {
    let mut scene = Scene::start(engine, binary, (1, 0), receiver, |_| "/".to_owned()).await?;
    let seed = scene.seed().await?;
    seed.jobs(&scene.tenants, scale.deliveries).await?;
    drop(seed);
    scene.launch().await?;
    let ended = async || anyhow::Ok(scene.metric("plextera_jobs_total").await? as usize);
    while ended().await? == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (first, started, cost) = (ended().await?, Instant::now(), scene.cost()?);
    while ended().await? < scale.deliveries && started.elapsed() < DRAIN_TIME_MAX * 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (time, cost, last) = (started.elapsed(), scene.cost()?.since(cost), ended().await?);
    let ended = u32::try_from(last - first)?.max(1);
    println!(
        "a job that nobody subscribes to: {:.0}/s, CPU {:.0} + {:.0} µs",
        f64::from(ended) / time.as_secs_f64(),
        microseconds(cost.node, ended as usize),
        microseconds(cost.database, ended as usize)
    );
    Ok(cost.total() / ended)
}

async fn as_fast_as_it_goes(
    scene: &mut Scene,
    receiver: &Receiver,
    each: usize,
    scale: Scale,
) -> Result<Fast> {
    let jobs = scale.deliveries / each;
    let seed = scene.seed().await?;
    seed.jobs(&scene.tenants, jobs).await?;
    drop(seed);
    receiver.reset()?;
    scene.launch().await?;
    // From the first receipt on, so that the start of the process is not in it.
    receiver.wait(1, DRAIN_TIME_MAX).await?;
    let (first, started) = (receiver.count()?, Instant::now());
    let (cost, receiver_cpu) = (scene.cost()?, receiver.cpu()?);
    let last = receiver.wait(jobs * each, DRAIN_TIME_MAX).await?;
    let time = started.elapsed();
    let renewed = scene.metric("plextera_delivery_leases_renewed_total").await?;
    let fast = Fast {
        per_second: (last - first) as f64 / time.as_secs_f64(),
        received: last - first,
        cost: scene.cost()?.since(cost),
        receiver_cpu: receiver.cpu()? - receiver_cpu,
        renewed,
    };
    let all = receiver.wait(jobs * each, DRAIN_TIME_MAX * 5).await?;
    ensure!(all == jobs * each, "{all} deliveries instead of {}", jobs * each);
    Ok(fast)
}

async fn at_rate(
    scene: &Scene,
    receiver: &Receiver,
    rate: f64,
    each: usize,
    scale: Scale,
) -> Result<Measured> {
    let measured = latency::measure(scene, receiver, Some(rate / each as f64), scale.time, each).await?;
    ensure!(measured.sent.refused == 0, "{} submissions were refused", measured.sent.refused);
    Ok(measured)
}

fn line(
    subscriptions: usize,
    each: usize,
    fast: &Fast,
    by_http: &Measured,
    [calm, half]: [&Measured; 2],
) -> String {
    let all = |measured: &Measured| percentiles(&measured.latencies(|_| true));
    format!(
        "  {subscriptions:5}, {each:2} │ {:7.0}/s, {:7.0}/s │ {:4.0} + {:3.0} µs, {:3.0} µs │ {}, {} ({:.0}/s)",
        fast.per_second,
        by_http.per_second(),
        microseconds(fast.cost.node, fast.received),
        microseconds(fast.cost.database, fast.received),
        microseconds(fast.receiver_cpu, fast.received),
        all(calm),
        all(half),
        half.per_second(),
    )
}

/// R0, and what was measured beside it and beside the goals. One subscription.
async fn limit(
    receiver: &Receiver,
    engine: Engine,
    scale: Scale,
    (fast, alone): (&Fast, Duration),
    by_http: &Measured,
    calm: &Measured,
) -> Result<(Sent, usize)> {
    let body = receiver::ask(receiver.address, "body")?;
    let (raw, raw_receiver) = latency::raw(receiver, &body, scale.time).await?;
    let count = usize::try_from(raw.answered)?;
    println!(
        "  R0: a raw client posts the same {} bytes to the same receiver: {:.0}/s; CPU of a request: client {:.0} µs, receiver {:.0} µs",
        body.len(),
        raw.per_second(),
        microseconds(raw.cpu, count),
        microseconds(raw_receiver, count),
    );
    let inside = fast.per_second / raw.per_second();
    println!("  events that arise inside: {inside:.3} × R0; goal ≥ 0.25, {}", judge(inside >= 0.25));
    let http = by_http.per_second();
    let share = http / (raw.per_second() / 2.0);
    println!(
        "  events that come in by HTTP: {http:.0}/s, {share:.3} × R0/2; goal ≥ 0.4, {}; CPU of an event: server {:.0} + database {:.0} µs, generator {:.0} µs, receiver {:.0} µs",
        judge(share >= 0.4),
        microseconds(by_http.cost.node, by_http.received),
        microseconds(by_http.cost.database, by_http.received),
        microseconds(by_http.sent.cpu, by_http.received),
        microseconds(by_http.receiver_cpu, by_http.received),
    );
    println!(
        "  leases: {:.0} rows renewed while {} were delivered; all others were taken and given back in the writes that make and end a delivery",
        fast.renewed, fast.received
    );
    let goal = engine.rate_goal();
    println!("  goal ≥ {goal:.0} delivered/s: {}", judge(fast.per_second >= goal));
    let goal = engine.cpu_goal_us();
    let whole = microseconds(fast.cost.total(), fast.received);
    let cpu = whole - microseconds(alone, 1);
    println!(
        "  goal ≤ {goal:.0} µs CPU of a delivery, database included: {whole:.0} µs with the job whose end it tells, {cpu:.0} µs without what such a job costs when nobody subscribes, {}",
        judge(cpu <= goal)
    );
    let calm = calm.latencies(|_| true);
    let reached = ms(percentile(&calm, 0.5)) <= 1.0 && ms(percentile(&calm, 0.99)) <= 5.0;
    println!("  goal p50 ≤ 1 ms and p99 ≤ 5 ms at 200/s: {}, {}", percentiles(&calm), judge(reached));
    Ok((raw, body.len()))
}
