//! `plextera workflow publish`

use super::{Server, WORKFLOWS, diagnostics_in, print_mistakes, read, validate};
use crate::{
    cli::Usage,
    client::Refused,
    terminal::{self, advise},
};
use clap::Args;
use domain::workflow::WorkflowId;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Save a definition as a workflow's draft and publish it
///
/// A definition with mistakes changes nothing: they are shown, and the draft stays as it was.
#[derive(Debug, Args)]
pub struct Publish {
    /// A definition in YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workflow's id [default: the file's name without its ending]
    #[arg(long, value_name = "ID")]
    id: Option<WorkflowId>,
    #[command(flatten)]
    server: Server,
}

impl Publish {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let id = match self.id {
            Some(id) => id,
            None => id_of(&self.file)?,
        };
        let source = read(&self.file)?;
        let client = self.server.client()?;
        let found = validate::ask(&client, &source).await?;
        if !found.is_empty() {
            print_mistakes(&self.file, &source, &found)?;
            return Ok(ExitCode::FAILURE);
        }
        let path = format!("{WORKFLOWS}/{id}");
        client.put_yaml(&path, &source).await?;
        let version = match client.post(&format!("{path}/publish"), &serde_json::json!({})).await {
            Ok(version) => version,
            Err(error) => return refused(&self.file, &source, error),
        };
        terminal::stdout().line(format_args!("{id}: version {} is published", version["version"]))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Something the definition names may have gone since it was validated.
fn refused(file: &Path, source: &str, error: anyhow::Error) -> anyhow::Result<ExitCode> {
    match error.downcast_ref::<Refused>() {
        Some(refused) if refused.body["diagnostics"].is_array() => {
            print_mistakes(file, source, &diagnostics_in(&refused.body)?)?;
            Ok(ExitCode::FAILURE)
        }
        _ => Err(error),
    }
}

fn id_of(file: &Path) -> anyhow::Result<WorkflowId> {
    let stem = file.file_stem().map(|stem| flow::kebab(&stem.to_string_lossy())).unwrap_or_default();
    stem.parse().map_err(|_| {
        let error = Usage(format!("the name of {} makes no workflow's id", file.display()));
        advise(error, "give one with --id, as in --id claim-intake")
    })
}
