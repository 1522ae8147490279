//! Listening through the server: deliveries on a machine that nobody can reach.
//!
//! The server keeps a listener's log by sequence number, and this side remembers the last number it has handled. So
//! what happens while the connection is gone arrives when it is back, and nothing arrives twice.

use super::{
    forward::Forward,
    show::{Delivery, Show},
};
use crate::{
    client::{ApiClient, Refused},
    system,
    terminal::{self, Style, advise},
};
use anyhow::Context;
use domain::context::Context as DomainContext;
use hyper::{HeaderMap, Method, StatusCode};
use plextera_webhooks::Verifier;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const LISTENERS: &str = "/api/public/v1/event-listeners";
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What is asked of the server.
pub struct Wanted {
    pub secret: Option<String>,
    pub event_types: Vec<String>,
    pub filters: BTreeMap<String, String>,
}

pub struct Remote {
    pub client: ApiClient,
    pub wanted: Wanted,
    pub show_headers: bool,
    pub forward: Option<Forward>,
    /// How many deliveries are still wanted; `None` for all.
    pub left: Option<u64>,
}

/// A listener on the server, and how far it was read.
struct Listener {
    id: String,
    after: u64,
    show: Show,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Item>,
    next: u64,
}

#[derive(Deserialize)]
struct Item {
    sequence: u64,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Remote {
    /// Listens until enough was heard or somebody presses Ctrl-C.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut listener = self.begin().await.map_err(|error| {
            advise(error, "give the server's address with --api-url and one of its keys with --api-key")
        })?;
        let ended = tokio::select! {
            ended = self.listen(&mut listener) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
        // Where it cannot be told, the server ends it by itself.
        let _ = self.client.delete(&format!("{LISTENERS}/{}", listener.id)).await;
        ended
    }

    async fn begin(&self) -> anyhow::Result<Listener> {
        let mut body = json!({});
        if !self.wanted.event_types.is_empty() {
            body["eventTypes"] = json!(self.wanted.event_types);
        }
        if !self.wanted.filters.is_empty() {
            body["filters"] = json!(self.wanted.filters);
        }
        if let Some(secret) = &self.wanted.secret {
            body["signingSecret"] = json!(secret);
        }
        let made = self.client.post(LISTENERS, &body).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&made["id"]).context("the server's answer names no listener")?;
        let mut stderr = terminal::stderr();
        stderr.line(format_args!("listening through the server as {id}, ends with Ctrl-C"))?;
        let given = text(&made["signingSecret"]);
        if let Some(given) = &given {
            stderr.line(format_args!("deliveries are signed with {given}"))?;
        }
        let secret = given.or_else(|| self.wanted.secret.clone()).unwrap_or_default();
        let show = Show { verifier: Some(Verifier::new(&secret)), headers: self.show_headers };
        Ok(Listener { id, after: 0, show })
    }

    async fn listen(&mut self, listener: &mut Listener) -> anyhow::Result<()> {
        let ctx = system::context();
        let mut failures = 0;
        while self.left != Some(0) {
            let path = format!("{LISTENERS}/{}/deliveries?after={}", listener.id, listener.after);
            let page = self.client.get(&path).await;
            let page =
                page.and_then(|page| serde_json::from_value(page).context("the answer is not understood"));
            match page {
                Ok(page) => {
                    if failures > 0 {
                        terminal::stderr().line("connected again")?;
                    }
                    failures = 0;
                    self.handle(page, listener).await?;
                }
                Err(error) => match error.downcast_ref::<Refused>() {
                    Some(refused) if refused.status == StatusCode::NOT_FOUND => {
                        terminal::stderr().line(
                            "the server has ended this listener, because it heard nothing from here for too long; \
                             what happened since is not shown: GET /events lists it",
                        )?;
                        *listener = self.begin().await?;
                    }
                    Some(refused) if !refused.is_transient() => return Err(error),
                    _ => {
                        failures += 1;
                        self.wait(&ctx, &error, failures).await?;
                    }
                },
            }
        }
        Ok(())
    }

    async fn wait(&self, ctx: &DomainContext, error: &anyhow::Error, failures: u32) -> anyhow::Result<()> {
        let pause = backoff(failures, ctx.unit());
        let seconds = pause.as_secs_f64();
        terminal::stderr().line(format_args!("{error:#}; asking again in {seconds:.1} s"))?;
        ctx.clock.sleep_until(ctx.now().plus(pause)).await;
        Ok(())
    }

    async fn handle(&mut self, page: Page, listener: &mut Listener) -> anyhow::Result<()> {
        let mut stdout = terminal::stdout();
        for item in page.data {
            let headers = headers(&item.headers)?;
            let delivery =
                Delivery { method: &Method::POST, path: "/", headers: &headers, body: item.body.as_bytes() };
            if !listener.show.print(&mut stdout, &delivery)? {
                let warning = stdout.styled(Style::Bad, "this delivery is not passed on");
                stdout.line(warning)?;
            } else if let Some(forward) = &self.forward {
                forward.pass_on(&mut stdout, &delivery).await?;
            }
            listener.after = item.sequence;
            self.left = self.left.map(|left| left - 1);
            if self.left == Some(0) {
                return Ok(());
            }
        }
        listener.after = page.next;
        Ok(())
    }
}

fn headers(pairs: &BTreeMap<String, String>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = hyper::header::HeaderName::try_from(name.as_str());
        headers.insert(name.context("a header's name")?, value.parse().context("a header's value")?);
    }
    Ok(headers)
}

/// Doubles with each failure, up to a limit; `unit` in `[0, 1)` spreads it by a fifth both ways, so that a server that
/// comes back is not asked by everybody at once.
fn backoff(failures: u32, unit: f64) -> Duration {
    let doubled = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(BACKOFF_MAX).mul_f64(0.8 + 0.4 * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(backoff(1, 0.5), Duration::from_millis(500));
        assert_eq!(backoff(3, 0.5), Duration::from_secs(2));
        for failures in [7, 20, u32::MAX] {
            let (short, long) = (backoff(failures, 0.0), backoff(failures, 0.999));
            assert!(short >= Duration::from_secs(24) && long < Duration::from_secs(36), "{failures}");
        }
    }
}
