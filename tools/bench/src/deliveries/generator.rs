//! `bench generator`: a raw HTTP/1.1 client in a process of its own, as cheap as a client can be.
//!
//! Each connection has one request under way. With a rate, requests have their times from the start on, whatever the
//! answers take; without one, the next follows the answer at once.

use super::receiver::{content_length, find};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What is sent, where, and how fast.
#[derive(Debug, Args)]
pub struct Generator {
    /// Host and port
    #[arg(long)]
    to: String,
    #[arg(long)]
    path: String,
    /// The body of every request
    #[arg(long)]
    body: PathBuf,
    /// Header lines, one of them for each request in turn
    #[arg(long)]
    headers: Option<PathBuf>,
    #[arg(long)]
    connections: usize,
    /// Requests a second, over all connections
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long)]
    seconds: f64,
}

struct Plan {
    to: String,
    requests: Vec<Vec<u8>>,
    connections: usize,
    rate: Option<f64>,
    started: Instant,
    ends: Instant,
    answered: Cell<u64>,
    refused: Cell<u64>,
}

/// Prints how many requests were answered with 2xx, how many otherwise, and the seconds it took.
#[expect(clippy::print_stdout, reason = "the figures are for the process that started it")]
pub async fn run(arguments: &Generator) -> Result<()> {
    let started = Instant::now();
    let plan = Rc::new(Plan {
        to: arguments.to.clone(),
        requests: requests(arguments)?,
        connections: arguments.connections,
        rate: arguments.rate,
        started,
        ends: started + Duration::from_secs_f64(arguments.seconds),
        answered: Cell::new(0),
        refused: Cell::new(0),
    });
    let tasks = tokio::task::LocalSet::new();
    for number in 0..plan.connections {
        let plan = Rc::clone(&plan);
        tasks.spawn_local(async move { plan.send(number).await });
    }
    tasks.await;
    println!("{} {} {}", plan.answered.get(), plan.refused.get(), started.elapsed().as_secs_f64());
    Ok(())
}

fn requests(arguments: &Generator) -> Result<Vec<Vec<u8>>> {
    let body = fs::read(&arguments.body).context("the body")?;
    let headers = match &arguments.headers {
        Some(file) => fs::read_to_string(file).context("the headers")?.lines().map(str::to_owned).collect(),
        None => vec!["Accept: */*".to_owned()],
    };
    let request = |header: String| {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{header}\r\nContent-Length: {}\r\n\r\n",
            arguments.path,
            arguments.to,
            body.len()
        );
        [head.as_bytes(), &body].concat()
    };
    Ok(headers.into_iter().map(request).collect())
}

impl Plan {
    async fn send(&self, number: usize) {
        let mut turn = number;
        let mut connection = None;
        loop {
            if let Some(rate) = self.rate {
                let due = self.started + Duration::from_secs_f64(turn as f64 / rate);
                if due >= self.ends {
                    return;
                }
                tokio::time::sleep_until(due.into()).await;
            }
            if Instant::now() >= self.ends {
                return;
            }
            let sent = self.exchange(&mut connection, &self.requests[turn % self.requests.len()]).await;
            let counter = if matches!(sent, Ok(200..300)) { &self.answered } else { &self.refused };
            counter.set(counter.get() + 1);
            if sent.is_err() {
                connection = None;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            turn += self.connections;
        }
    }

    /// The status of the answer.
    async fn exchange(&self, connection: &mut Option<TcpStream>, request: &[u8]) -> Result<u16> {
        if connection.is_none() {
            let stream = TcpStream::connect(&self.to).await?;
            stream.set_nodelay(true)?;
            *connection = Some(stream);
        }
        let stream = connection.as_mut().context("it was just made")?;
        stream.write_all(request).await?;
        let mut answer: Vec<u8> = Vec::with_capacity(4096);
        loop {
            ensure!(stream.read_buf(&mut answer).await? > 0, "no answer");
            if let Some(head) = find(&answer, b"\r\n\r\n").map(|at| at + 4)
                && answer.len() >= head + content_length(&answer[..head])
            {
                let status = answer.get(9..12).and_then(|text| std::str::from_utf8(text).ok());
                return Ok(status.and_then(|text| text.parse().ok()).unwrap_or(0));
            }
        }
    }
}
