//! `plextera workflow watch`: a run's steps while they happen.
//!
//! The public API is asked again and again; nothing else is needed of the server. On a terminal the steps are drawn in
//! place, elsewhere each change is a line.

use super::{PUBLIC, Server, show};
use crate::{
    client::{ApiClient, Refused},
    terminal,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{collections::BTreeMap, io::IsTerminal, process::ExitCode, time::Duration};

const PAUSE: Duration = Duration::from_millis(400);
/// Failures in a row after which the server counts as gone.
const FAILURES_MAX: u32 = 20;

/// Show a run's steps as they happen, until it ends
///
/// The end decides the exit code: 0 for a run that COMPLETED, else 1.
#[derive(Debug, Args)]
pub struct Watch {
    /// The run's id
    #[arg(value_name = "RUN")]
    run: String,
    /// The run as JSON at its end
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Watch {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        follow(&self.server.client()?, &self.run, self.json).await
    }
}

/// Shows a run until it ends.
pub async fn follow(client: &ApiClient, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let path = format!("{PUBLIC}/workflow-runs/{id}");
    let mut screen = Screen::new();
    let mut failures = 0;
    let run = loop {
        match client.get(&path).await {
            Ok(run) => {
                failures = 0;
                screen.show(&run)?;
                if run["status"] != "PROCESSING" {
                    break run;
                }
            }
            Err(error) => {
                failures += 1;
                let passes = error.downcast_ref::<Refused>().is_none_or(Refused::is_transient);
                if !passes || failures >= FAILURES_MAX {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    };
    drop(screen);
    let mut stdout = terminal::stdout();
    if as_json {
        stdout.line(serde_json::to_string_pretty(&run)?)?;
    } else {
        stdout.table(&show::table(&run))?;
        stdout.line(show::end(&run, &stdout))?;
    }
    Ok(if run["status"] == "COMPLETED" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the steps are shown while the run goes on.
struct Screen {
    bar: Option<ProgressBar>,
    /// The last status told of each step.
    told: BTreeMap<String, String>,
}

impl Screen {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg}\n{bar:30} {pos}/{len} steps, {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar, told: BTreeMap::new() }
    }

    fn show(&mut self, run: &Value) -> anyhow::Result<()> {
        let mut stderr = terminal::stderr();
        if let Some(bar) = &self.bar {
            bar.set_length(run["progress"]["stepsTotal"].as_u64().unwrap_or_default());
            bar.set_position(run["progress"]["stepsCompleted"].as_u64().unwrap_or_default());
            bar.set_message(show::lines(run, &stderr).join("\n"));
            return Ok(());
        }
        for step in show::steps(run) {
            let told = self.told.insert(step.id.clone(), step.status.clone());
            if told.as_ref() != Some(&step.status) {
                stderr.line(show::line(&step, &stderr))?;
            }
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
