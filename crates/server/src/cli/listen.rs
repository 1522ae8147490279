//! `plextera listen`: deliveries on your own machine, printed, verified and passed on.
//!
//! Two ways lead here: an endpoint on this machine ([`Receiver`]), for a server that can reach it; and a listener on
//! the server that is read from here ([`remote`]), for a machine without an address.

mod forward;
mod remote;
mod show;

use crate::{
    client::ApiClient,
    receiver::{Received, Receiver},
    terminal::{self, advise},
};
use clap::Args;
use domain::key::ApiKey;
use forward::Forward;
use hyper::StatusCode;
use plextera_webhooks::Verifier;
use remote::{Remote, Wanted};
use show::{Delivery, Show};
use std::{net::SocketAddr, process::ExitCode};
use url::Url;

/// Receive deliveries on this machine, print and verify them
///
/// With --api-url and --api-key they come through the server: no subscription, no address of your own. Without, this is
/// an endpoint that answers 204 to what verifies, 401 to what does not. With --forward-to each request is passed on.
#[derive(Debug, Args)]
pub struct Listen {
    /// The signing secret of the subscription; through the server one is made where none is given
    #[arg(long, value_name = "SECRET", env = "PLEXTERA_SIGNING_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Listen through the server at this address
    #[arg(long, value_name = "URL", env = "PLEXTERA_API_URL", hide_env_values = true, requires = "api_key")]
    api_url: Option<Url>,
    /// A key of that server
    #[arg(long, value_name = "KEY", env = "PLEXTERA_API_KEY", hide_env_values = true, value_parser = api_key)]
    api_key: Option<ApiKey>,
    /// Through the server: only these event types, as in `document-insights.job.completed` [default: all]
    #[arg(long, value_name = "TYPE", value_delimiter = ',', requires = "api_url")]
    events: Vec<String>,
    /// Through the server: narrow them, as in `workflowId=claim-intake` or `documentInsightsOperation=extract`
    #[arg(long = "filter", value_name = "KEY=VALUE", value_parser = super::pair, requires = "api_url")]
    filters: Vec<(String, String)>,
    /// Be an endpoint on this port of 127.0.0.1, 0 for a free one [default: 8787, where there is no --api-url]
    #[arg(long)]
    port: Option<u16>,
    /// Pass each request on to this URL, headers and bytes unchanged
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
    /// Print all headers
    #[arg(long)]
    headers: bool,
    /// End after this many deliveries
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Where the endpoint is unless --port says otherwise.
const PORT: u16 = 8787;

fn api_key(text: &str) -> Result<ApiKey, String> {
    ApiKey::parse(text).map_err(|error| error.to_string())
}

impl Listen {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let forward = self.forward_to.clone().map(Forward::new).transpose()?;
        if let (Some(url), Some(key), None) = (self.api_url, self.api_key, self.port) {
            let filters = self.filters.into_iter().collect();
            let wanted = Wanted { secret: self.secret, event_types: self.events, filters };
            let client = ApiClient::new(url, key)?;
            let remote = Remote { client, wanted, show_headers: self.headers, forward, left: self.count };
            remote.run().await?;
            return Ok(ExitCode::SUCCESS);
        }
        let address = SocketAddr::from(([127, 0, 0, 1], self.port.unwrap_or(PORT)));
        let mut receiver = Receiver::bind(address).await.map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("cannot listen on {address}"));
            advise(error, "choose another port with --port, or --port 0 for a free one")
        })?;
        greet(receiver.address, self.secret.is_some())?;
        let show = Show { verifier: self.secret.as_deref().map(Verifier::new), headers: self.headers };
        let mut left = self.count;
        while left != Some(0) {
            let received = tokio::select! {
                received = receiver.next() => received,
                _ = tokio::signal::ctrl_c() => None,
            };
            let Some(received) = received else { break };
            handle(received, &show, forward.as_ref()).await?;
            left = left.map(|left| left - 1);
        }
        receiver.finish().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn greet(address: SocketAddr, checked: bool) -> anyhow::Result<()> {
    let mut stderr = terminal::stderr();
    stderr.line(format_args!("listening on http://{address}/, ends with Ctrl-C"))?;
    if !checked {
        stderr.line("signatures are not checked: give the subscription's secret with --secret")?;
    }
    stderr.line(
        "a server on this machine delivers here when started with PLEXTERA_DELIVERY__ALLOW_HTTP=true and \
         PLEXTERA_DELIVERY__ALLOWED_NETWORKS=127.0.0.0/8; one elsewhere is listened to with --api-url and --api-key",
    )?;
    Ok(())
}

async fn handle(received: Received, show: &Show, forward: Option<&Forward>) -> anyhow::Result<()> {
    let mut stdout = terminal::stdout();
    let delivery = Delivery {
        method: &received.method,
        path: &received.path,
        headers: &received.headers,
        body: &received.body,
    };
    let verified = show.print(&mut stdout, &delivery)?;
    let (status, body) = match forward {
        Some(forward) => forward.pass_on(&mut stdout, &delivery).await?.unwrap_or_else(no_answer),
        None if verified => (StatusCode::NO_CONTENT, bytes::Bytes::new()),
        None => (StatusCode::UNAUTHORIZED, bytes::Bytes::new()),
    };
    received.answer(status, body);
    Ok(())
}

fn no_answer() -> (StatusCode, bytes::Bytes) {
    (StatusCode::BAD_GATEWAY, bytes::Bytes::new())
}
