//! `plextera workflow import`

use super::{print, read};
use crate::terminal;
use clap::Args;
use flow::import::import;
use std::{path::PathBuf, process::ExitCode};

/// Translate a CNCF Serverless Workflow 1.0 document
///
/// Prints a definition to standard output, and to standard error what has no counterpart and was left out, with its
/// place. Needs no server.
#[derive(Debug, Args)]
pub struct Import {
    /// A document in YAML or JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Import {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let source = read(&self.file)?;
        match import(&source) {
            Ok(imported) => {
                terminal::stdout().line(imported.yaml.trim_end())?;
                let left_out = imported.report.len();
                let parts = if left_out == 1 { "1 part".to_owned() } else { format!("{left_out} parts") };
                if left_out > 0 {
                    print(&self.file, &source, &imported.report, &format!("{parts} left out"))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(found) => {
                print(&self.file, &source, &found, "not translated")?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
