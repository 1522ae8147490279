//! `plextera workflow run`

use super::{PUBLIC, Server, watch};
use crate::{cli::Usage, terminal};
use anyhow::Context;
use clap::Args;
use domain::workflow::WorkflowId;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use std::{io::Read, path::PathBuf, process::ExitCode};

/// Start a run of a published workflow
///
/// Prints the run's id; with --follow its steps as they happen, and then the end decides the exit code: 0 for a run
/// that COMPLETED, else 1.
#[derive(Debug, Args)]
pub struct Run {
    /// The workflow's id
    #[arg(value_name = "ID")]
    id: WorkflowId,
    /// What the workflow sees as `body`: JSON, `@FILE` for the JSON in a file, `-` for standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    body: String,
    /// Upload a file; the workflow sees it as `body.NAME[0]`. The body is then an object
    #[arg(long = "file", value_name = "NAME=PATH", value_parser = crate::cli::pair)]
    files: Vec<(String, String)>,
    /// Show the steps until the run ends
    #[arg(long)]
    follow: bool,
    /// With --follow: the run as JSON at its end
    #[arg(long, requires = "follow")]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Run {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let body = body(&self.body)?;
        let client = self.server.client()?;
        let path = format!("{PUBLIC}/workflows/{}/runs", self.id);
        let run = if self.files.is_empty() {
            client.post(&path, &body).await?
        } else {
            client.post_form(&path, form(body, &self.files)?).await?
        };
        let id = run["id"].as_str().context("the server's answer names no run")?;
        if self.follow {
            terminal::stderr().line(format_args!("run {id}"))?;
            return watch::follow(&client, id, self.json).await;
        }
        terminal::stdout().line(id)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn body(given: &str) -> anyhow::Result<Value> {
    let text = match given.strip_prefix('@') {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read the body in {path}"))?
        }
        None if given == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            text
        }
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| Usage(format!("the body is not JSON: {error}")).into())
}

/// The keys of the body as JSON parts, the files as files.
fn form(body: Value, files: &[(String, String)]) -> anyhow::Result<Form> {
    let Value::Object(pairs) = body else {
        return Err(Usage("with --file the body has to be an object".to_owned()).into());
    };
    let mut form = Form::new();
    for (name, value) in pairs {
        let part = Part::text(value.to_string()).mime_str("application/json").context("a part")?;
        form = form.part(name, part);
    }
    for (name, path) in files {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
        let file_name = PathBuf::from(path).file_name().map(|name| name.to_string_lossy().into_owned());
        form = form.part(name.clone(), Part::bytes(bytes).file_name(file_name.unwrap_or_default()));
    }
    Ok(form)
}
