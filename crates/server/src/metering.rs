//! Metrics in the text form of Prometheus, on the API's address or on one of their own.

use crate::receiver::Receiver;
use anyhow::Context;
use hyper::{Method, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio_util::task::AbortOnDropHandle;

/// Upper ends in seconds: from a quick answer to a scan of many pages.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// How often what was recorded is folded into its buckets, so that nobody who never asks makes it grow.
const UPKEEP: Duration = Duration::from_secs(10);

/// Renders all metrics.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Begins to record for the rest of the process. Must be called within a runtime.
pub fn start() -> anyhow::Result<Render> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let handle = builder.install_recorder().context("metrics could not be started")?;
    tokio::spawn(upkeep(handle.clone()));
    Ok(Arc::new(move || handle.render()))
}

async fn upkeep(handle: PrometheusHandle) {
    let mut period = tokio::time::interval(UPKEEP);
    loop {
        period.tick().await;
        handle.run_upkeep();
    }
}

/// Serves `GET /metrics` on an address of its own until what is returned is dropped.
pub async fn serve(address: SocketAddr, render: Render) -> anyhow::Result<AbortOnDropHandle<()>> {
    let bound = Receiver::bind(address).await;
    let mut receiver = bound.with_context(|| format!("cannot listen for metrics on {address}"))?;
    tracing::info!(address = %receiver.address, "metrics");
    let task = tokio::spawn(async move {
        while let Some(received) = receiver.next().await {
            let asked = received.method == Method::GET && received.path == "/metrics";
            let (status, text) =
                if asked { (StatusCode::OK, render()) } else { (StatusCode::NOT_FOUND, String::new()) };
            received.answer(status, text);
        }
    });
    Ok(AbortOnDropHandle::new(task))
}
