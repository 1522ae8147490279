//! `plextera worker`: the child's side of the sandbox. The server starts it; people have no use for it.

use clap::{Args, ValueEnum};
use domain::hub::Hub;
use insights::{extract, learn::Profile, page::Page, worker};
use std::process::ExitCode;

/// Do dangerous work for the server that started this process
#[derive(Debug, Args)]
pub struct Worker {
    #[arg(value_enum, default_value_t = Work::Documents)]
    work: Work,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Work {
    Documents,
    Expressions,
}

impl Worker {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (input, output) = (std::io::stdin(), std::io::stdout());
        match self.work {
            Work::Documents => {
                let work = worker::Work { choose_hub, extract: extract::extract_learned };
                worker::run(input, output, work)?;
            }
            Work::Expressions => engine::expressions::worker::run(input, output)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn choose_hub(pages: &[Page], hubs: &[Hub], profiles: &[Option<Profile>]) -> Option<worker::HubChoice> {
    let choice = extract::classify_learned(pages, hubs, profiles);
    choice.map(|(hub_id, confidence)| worker::HubChoice { hub_id, confidence })
}
