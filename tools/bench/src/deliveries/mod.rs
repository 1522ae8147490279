//! Deliveries on the real binary: how many a second, at what cost, how soon after the commit, beside an endpoint that
//! hangs, and out of a backlog.
//!
//! Server, receiver, load generator and database are processes of their own, and the CPU of each is shown apart. All of
//! them share this machine's cores, so the rates are those of the whole circus; what travels between machines is the
//! efficiency: our rate as a share of R0, the rate at which a raw client posts the same body to the same receiver.

mod backlog;
pub mod generator;
mod history;
mod isolation;
mod latency;
mod lists;
mod paths;
pub mod peers;
pub mod receiver;
mod scene;
mod seed;

use anyhow::Result;
use clap::{Args, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// What is measured.
#[derive(Debug, Args)]
pub struct Deliveries {
    /// The binary to measure
    #[arg(long, default_value = "target/release/plextera")]
    binary: PathBuf,
    /// One of them alone; both without it
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// One of them alone; without it all but `lists`, which takes many minutes
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// A quick look: less time and smaller numbers, and figures to match
    #[arg(long)]
    short: bool,
    /// Lists alone, of a log of so many deliveries; what cannot be written in half an hour is left out
    #[arg(long, value_name = "DELIVERIES", conflicts_with = "part")]
    lists: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Paths,
    Isolation,
    Backlog,
    Lists,
}

/// How long things are measured, and how much of them.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Deliveries of a run as fast as it goes, at most.
    pub deliveries: usize,
    /// Of each other run.
    pub time: Duration,
    pub isolation_time: Duration,
    pub backlog: usize,
    pub backlog_time: Duration,
    pub listed: usize,
}

const LONG: Scale = Scale {
    deliveries: 40_000,
    time: Duration::from_secs(4),
    isolation_time: Duration::from_secs(10),
    backlog: 1_000_000,
    backlog_time: Duration::from_secs(10),
    listed: 10_000_000,
};

const SHORT: Scale = Scale {
    deliveries: 4000,
    time: Duration::from_millis(1500),
    isolation_time: Duration::from_secs(3),
    backlog: 20_000,
    backlog_time: Duration::from_secs(2),
    listed: 100_000,
};

impl Engine {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite, synchronous=FULL",
            Self::Postgres => "PostgreSQL, fsync and synchronous_commit on",
        }
    }

    /// CPU of a delivery, server and database together.
    pub const fn cpu_goal_us(self) -> f64 {
        match self {
            Self::Sqlite => 60.0,
            Self::Postgres => 100.0,
        }
    }

    pub const fn rate_goal(self) -> f64 {
        match self {
            Self::Sqlite => 20_000.0,
            Self::Postgres => 15_000.0,
        }
    }
}

pub async fn run(deliveries: &Deliveries) -> Result<()> {
    let scale = if deliveries.short { SHORT } else { LONG };
    let scale = Scale { listed: deliveries.lists.unwrap_or(scale.listed), ..scale };
    let part = deliveries.part.or(deliveries.lists.map(|_| Part::Lists));
    let engines = [Engine::Sqlite, Engine::Postgres];
    for engine in engines.into_iter().filter(|engine| deliveries.engine.is_none_or(|only| only == *engine)) {
        let wanted = |wanted| part.is_none_or(|only| only == wanted);
        println!("\n== {}", engine.as_str());
        if wanted(Part::Paths) {
            paths::run(engine, &deliveries.binary, scale).await?;
        }
        if wanted(Part::Isolation) {
            isolation::run(engine, &deliveries.binary, scale).await?;
        }
        if wanted(Part::Backlog) {
            backlog::run(engine, &deliveries.binary, scale).await?;
        }
        if part == Some(Part::Lists) {
            lists::run(engine, &deliveries.binary, scale).await?;
        }
    }
    Ok(())
}

/// Whether a goal is reached, as it is printed.
fn judge(reached: bool) -> &'static str {
    if reached { "reached" } else { "NOT reached" }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
