//! `bench receiver`: an endpoint in a process of its own, as cheap as an endpoint can be.
//!
//! It reads HTTP/1.1 by hand, answers 204 and remembers when it was told of which job. Requests below `/hang` get no
//! answer and are not counted. What it knows is asked for below `/-/`: `count`, `records`, `body`, `reset`.

use anyhow::{Context, Result};
use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{SocketAddr, TcpStream as BlockingStream},
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Microseconds since 1970, the number in the path (`/17`), the job's id as text.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    pub at_us: u64,
    pub path: u32,
    pub job_id: [u8; ID_BYTES],
}

const ID_BYTES: usize = "dijob_".len() + 26;
const RECORD_BYTES: usize = 8 + 4 + ID_BYTES;
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

#[derive(Default)]
struct Known {
    records: Vec<Record>,
    body: Vec<u8>,
}

/// Serves until it is killed. The first line it prints is its port.
#[expect(clippy::print_stdout, reason = "the port is for the process that started it")]
pub async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let known = Rc::new(RefCell::new(Known::default()));
    let tasks = tokio::task::LocalSet::new();
    tasks
        .run_until(async move {
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let known = Rc::clone(&known);
                tokio::task::spawn_local(async move {
                    // A connection that breaks is the other side's affair.
                    let _ = serve(stream, &known).await;
                });
            }
        })
        .await
}

async fn serve(mut stream: TcpStream, known: &RefCell<Known>) -> std::io::Result<()> {
    let mut buffer: Vec<u8> = Vec::with_capacity(16_384);
    let mut answers: Vec<u8> = Vec::new();
    loop {
        let mut taken = 0;
        while let Some(request) = Request::parse(&buffer[taken..]) {
            taken += request.length;
            if request.path.starts_with(b"/hang") {
                std::future::pending::<()>().await;
            } else if let Some(question) = request.path.strip_prefix(b"/-/") {
                let body = known.borrow_mut().answer(question);
                answers.extend(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).bytes());
                answers.extend(body);
            } else {
                known.borrow_mut().note(&request);
                answers.extend(ANSWER);
            }
        }
        buffer.drain(..taken);
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

impl Known {
    fn note(&mut self, request: &Request<'_>) {
        let head = &request.body[..request.body.len().min(400)];
        let found = find(head, b"dijob_").and_then(|at| request.body.get(at..at + ID_BYTES));
        let job_id = found.and_then(|id| id.try_into().ok()).unwrap_or([0; ID_BYTES]);
        let path = std::str::from_utf8(&request.path[1..]).ok().and_then(|text| text.parse().ok());
        self.records.push(Record { at_us: now_us(), path: path.unwrap_or(0), job_id });
        if self.body.is_empty() {
            self.body = request.body.to_vec();
        }
    }

    fn answer(&mut self, question: &[u8]) -> Vec<u8> {
        match question {
            b"count" => {
                let first = self.records.first().map_or(0, |record| record.at_us);
                format!("{} {first}", self.records.len()).into_bytes()
            }
            b"records" => self.records.iter().copied().flat_map(Record::to_bytes).collect(),
            b"body" => self.body.clone(),
            b"reset" => {
                *self = Self::default();
                Vec::new()
            }
            _ => b"unknown".to_vec(),
        }
    }
}

impl Record {
    fn to_bytes(self) -> Vec<u8> {
        [&self.at_us.to_le_bytes()[..], &self.path.to_le_bytes(), &self.job_id].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (at_us, rest) = bytes.split_first_chunk()?;
        let (path, job_id) = rest.split_first_chunk()?;
        let job_id = job_id.try_into().ok()?;
        Some(Self { at_us: u64::from_le_bytes(*at_us), path: u32::from_le_bytes(*path), job_id })
    }

    pub fn job_id(&self) -> &str {
        std::str::from_utf8(&self.job_id).unwrap_or_default()
    }
}

/// A whole request at the beginning of a buffer.
struct Request<'b> {
    path: &'b [u8],
    body: &'b [u8],
    length: usize,
}

impl<'b> Request<'b> {
    fn parse(buffer: &'b [u8]) -> Option<Self> {
        let head_length = find(buffer, b"\r\n\r\n")? + 4;
        let head = &buffer[..head_length];
        let length = head_length + content_length(head);
        let body = buffer.get(head_length..length)?;
        let path = head.split(|byte| *byte == b' ').nth(1)?;
        Some(Self { path, body, length })
    }
}

/// What the header says; 0 where it says nothing.
pub fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME));
    let text = line.and_then(|line| std::str::from_utf8(&line[NAME.len()..]).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Asks a receiver; see the module.
pub fn ask(address: SocketAddr, question: &str) -> Result<Vec<u8>> {
    let mut stream = BlockingStream::connect(address)?;
    write!(stream, "GET /-/{question} HTTP/1.1\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut chunk = [0; 65_536];
    loop {
        if let Some(head) = find(&answer[..answer.len().min(200)], b"\r\n\r\n").map(|at| at + 4)
            && answer.len() >= head + content_length(&answer[..head])
        {
            return Ok(answer.split_off(head));
        }
        let read = stream.read(&mut chunk)?;
        anyhow::ensure!(read > 0, "the receiver has gone");
        answer.extend_from_slice(&chunk[..read]);
    }
}

/// How many requests it got, and when the first one came.
pub fn count(address: SocketAddr) -> Result<(usize, u64)> {
    let text = String::from_utf8(ask(address, "count")?)?;
    let (count, first) = text.split_once(' ').context("two numbers")?;
    Ok((count.parse()?, first.parse()?))
}

pub fn records(address: SocketAddr) -> Result<Vec<Record>> {
    let bytes = ask(address, "records")?;
    Ok(bytes.chunks(RECORD_BYTES).filter_map(Record::from_bytes).collect())
}
