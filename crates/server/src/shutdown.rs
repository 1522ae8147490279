//! Ending well: the first signal stops taking new work and lets what runs finish, the second ends the process.
//!
//! Nothing depends on a graceful end. What is cut off is taken up again from the database, as after a crash.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long running work may take after the first signal.
pub const GRACE: Duration = Duration::from_secs(20);

/// A token that is cancelled by the first SIGTERM or SIGINT. The second one ends the process with the exit code that
/// shells expect of it.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => (SignalKind::terminate(), "SIGTERM"),
                _ = interrupt.recv() => (SignalKind::interrupt(), "SIGINT"),
            }
        };
        let (_, name) = next().await;
        tracing::info!(signal = name, grace_s = GRACE.as_secs(), "stopping; once more ends at once");
        cancelled.cancel();
        let (kind, name) = next().await;
        tracing::warn!(signal = name, "ended at once");
        std::process::exit(128 + kind.as_raw_value());
    });
    Ok(token)
}
