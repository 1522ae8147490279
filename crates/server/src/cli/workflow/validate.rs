//! `plextera workflow validate`

use super::{WORKFLOWS, api_key, diagnostics_in, print_mistakes, read};
use crate::{client::ApiClient, terminal};
use clap::Args;
use domain::key::ApiKey;
use flow::{Known, diagnostics::Diagnostic};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use url::Url;

/// Say every mistake in definitions, with its place
///
/// Needs no server. With --api-url and --api-key the server is asked, which knows the organization's hubs and published
/// workflows: then names of fields, hubs and workflows are checked too. Nothing is saved.
#[derive(Debug, Args)]
pub struct Validate {
    /// Definitions in YAML
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON, one line per file
    #[arg(long)]
    json: bool,
    /// Ask the server at this address
    #[arg(long, value_name = "URL", env = "PLEXTERA_API_URL", hide_env_values = true, requires = "api_key")]
    api_url: Option<Url>,
    /// A key of that server, of scope `studio`
    #[arg(long, value_name = "KEY", env = "PLEXTERA_API_KEY", hide_env_values = true, value_parser = api_key)]
    api_key: Option<ApiKey>,
}

impl Validate {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let client = match (self.api_url, self.api_key) {
            (Some(url), Some(key)) => Some(ApiClient::new(url, key)?),
            _ => None,
        };
        let mut code = ExitCode::SUCCESS;
        for file in &self.files {
            let source = read(file)?;
            let found = match &client {
                Some(client) => ask(client, &source).await?,
                None => flow::compile(&source, &Known::default()).err().unwrap_or_default(),
            };
            if !found.is_empty() {
                code = ExitCode::FAILURE;
            }
            tell(file, &source, &found, self.json)?;
        }
        Ok(code)
    }
}

/// What the server says of a text.
pub async fn ask(client: &ApiClient, source: &str) -> anyhow::Result<Vec<Diagnostic>> {
    let verdict = client.post_yaml(&format!("{WORKFLOWS}/validate"), source).await?;
    diagnostics_in(&verdict)
}

fn tell(file: &Path, source: &str, found: &[Diagnostic], as_json: bool) -> anyhow::Result<()> {
    let mut stdout = terminal::stdout();
    if as_json {
        let verdict =
            json!({"file": file.display().to_string(), "valid": found.is_empty(), "diagnostics": found});
        stdout.line(verdict)?;
    } else if found.is_empty() {
        stdout.line(format_args!("{}: valid", file.display()))?;
    } else {
        print_mistakes(file, source, found)?;
    }
    Ok(())
}
