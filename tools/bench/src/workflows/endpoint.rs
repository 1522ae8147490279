//! What the measured calls go to: an HTTP/1.1 endpoint in this process that answers 204 and notes when it was told of
//! which run's first effect.

use crate::deliveries::receiver::{content_length, find};
use anyhow::Result;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const MARK: &[u8] = b"\"first\":";

type Firsts = Arc<Mutex<HashMap<u64, Instant>>>;

/// It ends with the runtime.
pub struct Endpoint {
    pub address: SocketAddr,
    firsts: Firsts,
}

impl Endpoint {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = Self { address: listener.local_addr()?, firsts: Firsts::default() };
        let firsts = Arc::clone(&endpoint.firsts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&firsts)));
            }
        });
        Ok(endpoint)
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// When each first effect came, by the number in its body.
    pub fn firsts(&self) -> HashMap<u64, Instant> {
        self.firsts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection that breaks is the other side's affair.
async fn serve(mut stream: TcpStream, firsts: Firsts) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer: Vec<u8> = Vec::with_capacity(4096);
    loop {
        while let Some(head) = find(&buffer, b"\r\n\r\n").map(|at| at + 4) {
            let length = head + content_length(&buffer[..head]);
            let Some(body) = buffer.get(head..length) else { break };
            if let Some(number) = number(body) {
                let mut firsts = firsts.lock().unwrap_or_else(PoisonError::into_inner);
                firsts.entry(number).or_insert_with(Instant::now);
            }
            buffer.drain(..length);
            stream.write_all(ANSWER).await?;
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

fn number(body: &[u8]) -> Option<u64> {
    let digits = &body[find(body, MARK)? + MARK.len()..];
    let length = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}
