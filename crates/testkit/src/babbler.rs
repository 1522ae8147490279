//! An endpoint that listens and does not speak HTTP as it should: it says what a test makes it say.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What is said to each connection, once its first bytes have come.
#[derive(Debug, Clone)]
pub struct Speech {
    /// At once.
    pub first: Vec<u8>,
    /// And then this, again and again, with a pause before each.
    pub then: Option<(Vec<u8>, Duration)>,
    /// The connection stays open after the last word.
    pub stays: bool,
}

impl Speech {
    /// These bytes, and the end of the connection.
    pub fn bytes(first: impl Into<Vec<u8>>) -> Self {
        Self { first: first.into(), then: None, stays: false }
    }

    /// Nothing, for as long as the other side waits.
    pub fn silence() -> Self {
        Self { stays: true, ..Self::bytes("") }
    }

    /// And then `bytes` without end.
    pub fn and_then(self, bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        Self { then: Some((bytes.into(), pause)), ..self }
    }
}

/// See the module. Dropping it closes the port.
pub struct Babbler {
    address: SocketAddr,
    server: AbortHandle,
}

impl Babbler {
    /// On a free port of 127.0.0.1.
    pub async fn start(speech: Speech) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(stream, speech.clone()));
            }
        });
        Ok(Self { address, server: server.abort_handle() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Babbler {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn speak(mut stream: TcpStream, speech: Speech) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut heard = vec![0; 65_536];
    if stream.read(&mut heard).await? == 0 {
        return Ok(());
    }
    stream.write_all(&speech.first).await?;
    while let Some((bytes, pause)) = &speech.then {
        if !pause.is_zero() {
            tokio::time::sleep(*pause).await;
        }
        stream.write_all(bytes).await?;
    }
    if speech.stays {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await
}
