//! `plextera serve`: the server.

use super::SettingsArguments;
use crate::{bootstrap, metering, node::Node, open_files, shutdown, system, telemetry, terminal::advise};
use anyhow::Context;
use clap::Args;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Run the server: API, document reading and deliveries
///
/// Needs nothing but a directory. The first start makes an organization, the built-in hubs and an API key, which it
/// shows once. SIGTERM or Ctrl-C ends it well, a second one at once; nothing is lost either way.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.settings.load(self.listen)?.settings;
        telemetry::start(&settings)?;
        if let Err(error) = open_files::raise() {
            tracing::warn!(%error, "how many files may be open cannot be raised");
        }
        let shutdown = shutdown::on_signals().context("signals cannot be received")?;
        // First of all, so that a second start on one address fails before it touches any data.
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("cannot listen on {}", settings.listen));
            advise(error, "choose another address with --listen; port 0 takes a free one")
        })?;
        let address = listener.local_addr().context("the address is not known")?;
        let render = metering::start()?;
        let (inside, _outside) = match settings.metrics_listen {
            Some(own) => (None, Some(metering::serve(own, render).await?)),
            None => (Some(render), None),
        };
        let node = Node::start(&settings, &system::context(), inside).await?;
        if let Some(key) = &node.first_key {
            bootstrap::announce(key, &format!("http://{address}"))?;
        }
        tracing::info!(%address, data_dir = %settings.data_dir.display(), version = env!("CARGO_PKG_VERSION"), "listening");
        node.serve(listener, shutdown).await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
