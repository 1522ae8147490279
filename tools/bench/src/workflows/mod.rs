//! Workflow runs on the real binary: steps and starts a second, from a start to the first effect, ten thousand nested
//! runs of one parent, and DBOS Transact doing the same work beside it.
//!
//! Server, database and peer share this machine's cores with the client and the endpoint, which are this process. What
//! travels between machines is the ratio to the peer, on the same database and in the same run.

mod definitions;
mod endpoint;
mod nested;
mod peer;
mod rates;
mod scene;

use crate::deliveries::Engine;
use anyhow::Result;
use clap::Args;
use endpoint::Endpoint;
use scene::Scene;
use std::{path::PathBuf, time::Duration};

const STEPS_GOAL: f64 = 5000.0;
const FIRST_EFFECT_GOAL: Duration = Duration::from_millis(8);
const NESTED_GOAL: Duration = Duration::from_secs(10);
/// What a parent's node may grow by between a thousand and ten thousand nested runs, to count as flat.
const NESTED_GROWTH_BYTES_MAX: u64 = 20_000_000;

/// What is measured.
#[derive(Debug, Args)]
pub struct Workflows {
    /// The binary to measure
    #[arg(long, default_value = "target/release/plextera")]
    binary: PathBuf,
    /// The Python that has DBOS; without it there is no peer
    #[arg(long)]
    peer: Option<PathBuf>,
    /// One of them alone; both without it
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// A quick look: smaller numbers, and figures to match
    #[arg(long)]
    short: bool,
}

/// How much of each.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Runs of [`definitions::STEPS`] computing steps.
    computing: usize,
    /// Runs of [`definitions::CALLS`] calls.
    calling: usize,
    /// Of starts, and of each of the peer's parts.
    time: Duration,
    nested: usize,
}

const LONG: Scale = Scale { computing: 400, calling: 400, time: Duration::from_secs(6), nested: 10_000 };
const SHORT: Scale = Scale { computing: 40, calling: 40, time: Duration::from_millis(1500), nested: 1000 };

/// The same figures of either program.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Computing steps a second.
    steps: f64,
    /// Steps with a call each, a second.
    calls: f64,
    starts: f64,
    /// From a start to the first effect: p50 and p99.
    first: (Duration, Duration),
    /// Nested runs of one parent a second.
    nested: f64,
}

pub async fn run(workflows: &Workflows) -> Result<()> {
    let scale = if workflows.short { SHORT } else { LONG };
    let engines = [Engine::Sqlite, Engine::Postgres];
    for engine in engines.into_iter().filter(|engine| workflows.engine.is_none_or(|only| only == *engine)) {
        println!("\n== {}", engine.as_str());
        let ours = ours(engine, workflows, scale).await?;
        if let Some(python) = &workflows.peer {
            let theirs = peer::measure(engine, python, scale).await?;
            compare(&ours, &theirs);
        }
    }
    Ok(())
}

async fn ours(engine: Engine, workflows: &Workflows, scale: Scale) -> Result<Figures> {
    let endpoint = Endpoint::start().await?;
    let scene = Scene::start(engine, &workflows.binary).await?;
    definitions::publish(&scene, &endpoint).await?;
    let steps = rates::steps(&scene, "computing", scale.computing, definitions::STEPS).await?;
    let calls = rates::steps(&scene, "calling", scale.calling, definitions::CALLS).await?;
    let starts = rates::starts(&scene, scale.time).await?;
    let first = rates::first_effect(&scene, &endpoint, scale.time).await?;
    let nested = nested::measure(&scene, scale.nested).await?;
    scene.check_log()?;
    Ok(Figures { steps, calls, starts, first, nested })
}

fn compare(ours: &Figures, theirs: &Figures) {
    println!("  beside {} on the same database, ours as a multiple of its:", peer::NAME);
    let line = |what: &str, ours: f64, theirs: f64| {
        println!("    {what:<28} {ours:>9.0} /s against {theirs:>7.0} /s: {:.1}", ours / theirs);
    };
    line("steps", ours.steps, theirs.steps);
    line("steps with a call each", ours.calls, theirs.calls);
    line("starts", ours.starts, theirs.starts);
    line("nested runs of one parent", ours.nested, theirs.nested);
    let (ours, theirs) = (ours.first, theirs.first);
    println!(
        "    start to first effect       {} against {} ms (p50 / p99; the peer's is a function call to a function call, \
         ours a request to a request)",
        milliseconds(ours),
        milliseconds(theirs)
    );
}

fn milliseconds((p50, p99): (Duration, Duration)) -> String {
    format!("{:.1} / {:.1}", p50.as_secs_f64() * 1000.0, p99.as_secs_f64() * 1000.0)
}

/// Whether a goal is reached, as it is printed.
const fn judge(reached: bool) -> &'static str {
    if reached { "reached" } else { "NOT reached" }
}
