//! The receiver and the generator as processes, and what they cost.

use super::receiver;
use crate::machine;
use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running receiver; it ends with this.
pub struct Receiver {
    child: Child,
    pub address: SocketAddr,
}

impl Receiver {
    pub fn start() -> Result<Self> {
        let mut child = own().arg("receiver").stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut port)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port.trim().parse().context("its port")?));
        Ok(Self { child, address })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn cpu(&self) -> Result<Duration> {
        Ok(machine::used(self.child.id())?.0)
    }

    pub fn count(&self) -> Result<usize> {
        Ok(receiver::count(self.address)?.0)
    }

    /// Forgets everything.
    pub fn reset(&self) -> Result<()> {
        receiver::ask(self.address, "reset").map(drop)
    }

    /// Waits for so many requests, at most so long; how many there are.
    pub async fn wait(&self, wanted: usize, time_max: Duration) -> Result<usize> {
        let deadline = Instant::now() + time_max;
        loop {
            let count = self.count()?;
            if count >= wanted || Instant::now() >= deadline {
                return Ok(count);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing more arrives: jobs whose answer the generator did not wait for have deliveries too.
    pub async fn quiet(&self) -> Result<()> {
        let mut before = self.count()?;
        loop {
            // Longer than a database stands still while it writes its checkpoint.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let count = self.count()?;
            if count == before {
                return Ok(());
            }
            before = count;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the generator is told.
pub struct Load<'l> {
    pub to: SocketAddr,
    pub path: &'l str,
    pub body: &'l Path,
    /// A line for each request in turn.
    pub headers: Option<&'l Path>,
    pub connections: usize,
    pub rate: Option<f64>,
    pub time: Duration,
}

/// What the generator did.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub answered: u64,
    pub refused: u64,
    pub time: Duration,
    pub cpu: Duration,
}

impl Sent {
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.time.as_secs_f64()
    }
}

/// Runs the generator to its end.
pub async fn generate(load: Load<'_>) -> Result<Sent> {
    let mut command = own();
    command.arg("generator").args(["--to", &load.to.to_string(), "--path", load.path]);
    command.arg("--body").arg(load.body).args(["--connections", &load.connections.to_string()]);
    command.args(["--seconds", &load.time.as_secs_f64().to_string()]);
    if let Some(headers) = load.headers {
        command.arg("--headers").arg(headers);
    }
    if let Some(rate) = load.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    tokio::task::spawn_blocking(move || {
        let before = machine::children_cpu()?;
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut figures = String::new();
        child.stdout.take().context("a pipe")?.read_to_string(&mut figures)?;
        ensure!(child.wait()?.success(), "the generator failed");
        let cpu = machine::children_cpu()? - before;
        let figures: Vec<f64> = figures.split_whitespace().filter_map(|text| text.parse().ok()).collect();
        let [answered, refused, seconds] = figures[..] else { anyhow::bail!("no figures: {figures:?}") };
        let time = Duration::from_secs_f64(seconds);
        Ok(Sent { answered: answered as u64, refused: refused as u64, time, cpu })
    })
    .await?
}

fn own() -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| "bench".into());
    Command::new(program)
}
