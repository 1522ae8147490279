//! Logs on stderr. What is logged holds ids, states and times, never a key, a secret or a document's content.

use crate::settings::{LogFormat, Settings};
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt};

/// Whatever an endpoint's certificate is, its attempts tell; a library would call each an error of this server.
const QUIET: &str = "rustls_platform_verifier=off";

/// Starts logging for the rest of the process.
pub fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter =
        EnvFilter::builder().parse(format!("{QUIET},{}", settings.log_filter)).with_context(|| {
            format!("log.filter: `{}` is not a filter such as info or info,engine=debug", settings.log_filter)
        })?;
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
        LogFormat::Text => logs.with_ansi(colours()).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))
}

fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
