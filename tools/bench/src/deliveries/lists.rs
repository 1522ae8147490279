//! Lists of a long log: how long each kind of page takes, through the API of the real server.

use super::{Engine, Scale, judge, ms, peers::Receiver, scene::Scene};
use crate::machine::percentile;
use anyhow::Result;
use reqwest::Method;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const SUBSCRIPTIONS: usize = 10;
/// Of each kind of page, after one that is not counted.
const TIMES: usize = 20;
const GOAL_MS: f64 = 50.0;
/// For the log to be written in.
const WRITING_TIME_MAX: Duration = Duration::from_secs(30 * 60);

pub async fn run(engine: Engine, binary: &Path, scale: Scale) -> Result<()> {
    let receiver = Receiver::start()?;
    // What waits stays as it is: its endpoint gives no answer.
    let mut scene = Scene::start(engine, binary, (1, SUBSCRIPTIONS), &receiver, |_| "/hang".into()).await?;
    let seed = scene.seed().await?;
    let started = Instant::now();
    let events = seed.history(&scene.tenants, scale.listed / SUBSCRIPTIONS, WRITING_TIME_MAX).await?;
    drop(seed);
    println!(
        "lists: {} deliveries of {SUBSCRIPTIONS} subscriptions, written in {:.0} s",
        events * SUBSCRIPTIONS,
        started.elapsed().as_secs_f64()
    );
    scene.launch().await?;
    let mut missed = Vec::new();
    for (what, path) in pages(&scene, events) {
        let times = measure(&scene, &path).await?;
        let reached = ms(percentile(&times, 0.5)) <= GOAL_MS;
        println!(
            "  {what:32} p50 {:6.1} ms, slowest of {TIMES} {:6.1} ms; goal ≤ {GOAL_MS:.0} ms, {}",
            ms(percentile(&times, 0.5)),
            ms(percentile(&times, 1.0)),
            judge(reached)
        );
        if !reached {
            missed.push(what);
        }
    }
    let reached = judge(missed.is_empty());
    println!("  goal ≤ {GOAL_MS:.0} ms for every kind of page: {reached} {}", missed.join(", "));
    scene.check_log()
}

/// What is asked for, with its path.
fn pages(scene: &Scene, events: usize) -> Vec<(String, String)> {
    let id = &scene.subscriptions[0];
    let of_one = [
        ("newest", String::new()),
        ("oldest", "&sort=asc".to_owned()),
        ("PENDING", "&status=PENDING".to_owned()),
        ("DELIVERED", "&status=DELIVERED".to_owned()),
        ("DELIVERED, oldest", "&status=DELIVERED&sort=asc".to_owned()),
        ("EXHAUSTED", "&status=EXHAUSTED".to_owned()),
        ("SUPPRESSED (none)", "&status=SUPPRESSED".to_owned()),
        ("a rare event type", "&eventType=document-insights.job.failed".to_owned()),
        ("an event type of none", "&eventType=workflow.run.failed".to_owned()),
        ("rare and EXHAUSTED", "&eventType=document-insights.job.failed&status=EXHAUSTED".to_owned()),
        ("since a while ago", "&since=2020-01-01T00:00:00Z".to_owned()),
        ("by update, newest", "&sortBy=updatedAt".to_owned()),
        ("by update, oldest", "&sortBy=updatedAt&sort=asc".to_owned()),
        ("by update, PENDING", "&sortBy=updatedAt&status=PENDING".to_owned()),
        ("page 100", "&page=100".to_owned()),
        ("the middle", format!("&page={}", events / 200)),
        ("the last page", format!("&page={}", (events / 100).saturating_sub(1))),
    ];
    let mut pages: Vec<(String, String)> = of_one
        .into_iter()
        .map(|(what, query)| {
            (what.to_owned(), format!("/event-subscriptions/{id}/deliveries?size=100{query}"))
        })
        .collect();
    let feed = |after: usize| format!("/event-subscriptions/{id}/feed?after={after}&limit=100");
    pages.push(("feed, from the beginning".to_owned(), feed(0)));
    pages.push(("feed, from the middle".to_owned(), feed(events / 2)));
    pages.push(("events, newest".to_owned(), "/events?size=100".to_owned()));
    pages.push((
        "events of a rare type".to_owned(),
        "/events?size=100&eventType=document-insights.job.failed".to_owned(),
    ));
    pages.push(("one subscription with its health".to_owned(), format!("/event-subscriptions/{id}")));
    pages
}

async fn measure(scene: &Scene, path: &str) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(TIMES);
    for number in 0..=TIMES {
        let request = scene.request(Method::GET, path, 0);
        let started = Instant::now();
        request.send().await?.error_for_status()?.bytes().await?;
        if number > 0 {
            times.push(started.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times)
}
