//! `LISTEN` and `NOTIFY`: one connection beside the pool.

use super::postgres::{self, PostgresUrl};
use crate::error::{Error, Result};
use futures::{StreamExt, stream::poll_fn};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, config::SslMode};

const CHANNEL: &str = "plextera";
const QUEUE_MAX: usize = 256;

/// A connection that hears what other nodes say, and says things to them.
pub struct Listener {
    client: Client,
    heard: mpsc::Receiver<String>,
    /// What this connection itself says carries this number and is not heard here.
    process_id: i32,
    driver: tokio::task::JoinHandle<()>,
}

impl Listener {
    pub async fn connect(url: &PostgresUrl) -> Result<Self> {
        let config = url.config()?;
        let (say, heard) = mpsc::channel(QUEUE_MAX);
        let (client, driver) = match config.get_ssl_mode() {
            SslMode::Require => {
                let (client, connection) = config.connect(postgres::tls()?).await.map_err(postgres::error)?;
                (client, tokio::spawn(drive(connection, say)))
            }
            _ => {
                let (client, connection) = config.connect(NoTls).await.map_err(postgres::error)?;
                (client, tokio::spawn(drive(connection, say)))
            }
        };
        let mut listener = Self { client, heard, process_id: 0, driver };
        let row = listener.client.query_one("select pg_backend_pid()", &[]).await.map_err(postgres::error)?;
        listener.process_id = row.try_get(0).map_err(Error::corrupt)?;
        listener.client.batch_execute("listen plextera").await.map_err(postgres::error)?;
        Ok(listener)
    }

    /// What another node said; `None` for this node's own words.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let said = self.heard.recv().await;
        let said =
            said.ok_or_else(|| Error::Unavailable("the listening connection was closed".to_owned()))?;
        let (from, text) = said.split_once(' ').unwrap_or(("", &said));
        Ok((from != self.process_id.to_string()).then(|| text.to_owned()))
    }

    pub async fn notify(&self, text: &str) -> Result<()> {
        let text = format!("{} {text}", self.process_id);
        let said = self.client.execute("select pg_notify($1, $2)", &[&CHANNEL, &text]).await;
        said.map(drop).map_err(postgres::error)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, say: mpsc::Sender<String>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut messages = poll_fn(move |ctx| connection.poll_message(ctx));
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notification(note) = message
            // A full queue means hints enough are waiting.
            && let Err(mpsc::error::TrySendError::Closed(_)) = say.try_send(note.payload().to_owned())
        {
            return;
        }
    }
}
