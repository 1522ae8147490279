//! The real binary as a node to measure, on a temporary data directory.

use anyhow::{Context, Result, bail};
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A key that exists only for the length of a measurement.
pub const KEY: &str = "sk_live_0000000000000000000000000000000000000000000";

pub struct Node {
    child: Child,
    pub url: String,
    _data: TempDir,
}

impl Node {
    pub async fn start(binary: &Path) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data-dir").arg(data.path()).arg("--listen").arg(address.to_string());
        command.env("PLEXTERA_BOOTSTRAP_API_KEY", KEY);
        command
            .env("PLEXTERA_DELIVERY__ALLOW_HTTP", "true")
            .env("PLEXTERA_DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.with_context(|| {
            format!("{} does not start; build it with cargo build --release", binary.display())
        })?;
        let node = Self { child, url: format!("http://{address}"), _data: data };
        node.ready().await?;
        Ok(node)
    }

    async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let answer = reqwest::get(format!("{}/healthz", self.url)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the node did not become ready in 60 s")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The data directory goes with it: there is nothing to close in order.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
