//! `plextera worker`: the child's side of the sandbox. The server starts it; people have no use for it.

use clap::Args;
use domain::hub::Hub;
use insights::{extract, page::Page, worker};
use std::process::ExitCode;

/// Read documents for the server that started this process
#[derive(Debug, Args)]
pub struct Worker {}

impl Worker {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let work = worker::Work { choose_hub, extract: extract::extract };
        worker::run(std::io::stdin(), std::io::stdout(), work)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn choose_hub(pages: &[Page], hubs: &[Hub]) -> Option<worker::HubChoice> {
    extract::classify(pages, hubs).map(|(hub_id, confidence)| worker::HubChoice { hub_id, confidence })
}
