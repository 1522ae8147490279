//! `plextera workflow`: definitions checked, published and run from where they are written.

mod import;
mod publish;
mod run;
mod show;
mod validate;
mod watch;

use crate::{client::ApiClient, terminal};
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::key::ApiKey;
use flow::diagnostics::{self, Diagnostic};
use std::{path::Path, process::ExitCode};
use url::Url;

const WORKFLOWS: &str = "/api/studio/v1/workflows";
const PUBLIC: &str = "/api/public/v1";

/// Check, publish, run and watch workflows
#[derive(Debug, Args)]
pub struct Workflow {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Validate(validate::Validate),
    Publish(publish::Publish),
    Run(run::Run),
    Watch(watch::Watch),
    Import(import::Import),
}

impl Workflow {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Validate(validate) => validate.run().await,
            Action::Publish(publish) => publish.run().await,
            Action::Run(run) => run.run().await,
            Action::Watch(watch) => watch.run().await,
            Action::Import(import) => import.run(),
        }
    }
}

/// A server and a key for it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
struct Server {
    /// The server's address
    #[arg(
        long,
        value_name = "URL",
        env = "PLEXTERA_API_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    api_url: Url,
    /// A key of that server
    #[arg(long, value_name = "KEY", env = "PLEXTERA_API_KEY", hide_env_values = true, value_parser = api_key)]
    api_key: ApiKey,
}

fn api_key(text: &str) -> Result<ApiKey, String> {
    ApiKey::parse(text).map_err(|error| error.to_string())
}

impl Server {
    fn client(self) -> anyhow::Result<ApiClient> {
        ApiClient::new(self.api_url, self.api_key)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Prints places as a compiler does, and what they come to.
fn print(file: &Path, source: &str, found: &[Diagnostic], sum: &str) -> anyhow::Result<()> {
    let mut stderr = terminal::stderr();
    let name = file.display().to_string();
    let text = diagnostics::render(&name, source, found, stderr.colours());
    stderr.line(format_args!("{text}{name}: {sum}"))?;
    Ok(())
}

fn print_mistakes(file: &Path, source: &str, found: &[Diagnostic]) -> anyhow::Result<()> {
    let sum = if found.len() == 1 { "1 mistake".to_owned() } else { format!("{} mistakes", found.len()) };
    print(file, source, found, &sum)
}

/// The mistakes in a server's answer.
fn diagnostics_in(value: &serde_json::Value) -> anyhow::Result<Vec<Diagnostic>> {
    let unknown =
        "the server names a kind of mistake that this program does not know; use the server's version";
    serde_json::from_value(value["diagnostics"].clone()).context(unknown)
}
