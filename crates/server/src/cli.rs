//! The command line: one file per command.

mod config;
mod demo;
mod doctor;
mod extract;
mod keys;
mod listen;
mod serve;
mod verify;
mod worker;
mod workflow;

use crate::settings::{Environment, Loaded, Settings, Sources};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

/// Turns documents into typed data and tells your systems the moment it is done.
#[derive(Debug, Parser)]
#[command(name = "plextera", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
See it work:       plextera demo
Run it:            plextera serve
What is missing:   plextera doctor";

#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Extract(extract::Extract),
    Listen(listen::Listen),
    Workflow(workflow::Workflow),
    Verify(verify::Verify),
    Keys(keys::Keys),
    Config(config::Config),
    Doctor(doctor::Doctor),
    #[command(hide = true)]
    Worker(worker::Worker),
}

impl Command {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Serve(serve) => block_on(serve.run()),
            Command::Demo(demo) => block_on(demo.run()),
            Command::Extract(extract) => block_on(extract.run()),
            Command::Listen(listen) => block_on(listen.run()),
            Command::Workflow(workflow) => block_on(workflow.run()),
            Command::Verify(verify) => verify.run(),
            Command::Keys(keys) => block_on(keys.run()),
            Command::Config(config) => config.run(),
            Command::Doctor(doctor) => block_on(doctor.run()),
            Command::Worker(worker) => worker.run(),
        }
    }
}

/// The command line is well formed and still wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime could not be started")?;
    let result = runtime.block_on(future);
    // A blocking read of standard input would hold up the end for ever.
    runtime.shutdown_background();
    result
}

/// Where the settings of a command come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArguments {
    /// Settings file [default: plextera.toml in this directory, where there is one]
    #[arg(long, value_name = "FILE", env = "PLEXTERA_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Where database and files are kept [default: plextera-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Any setting, as in `--set delivery.timeout=5s`; `plextera config print` lists them
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must look like key=value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl SettingsArguments {
    /// Reads the settings; `listen` is a command's own flag for it.
    pub fn load(self, listen: Option<String>) -> anyhow::Result<Loaded> {
        let mut flags: BTreeMap<String, String> = self.set.into_iter().collect();
        flags.extend(self.data_dir.map(|value| ("data_dir".to_owned(), value)));
        flags.extend(listen.map(|value| ("listen".to_owned(), value)));
        let (path, asked_for) =
            self.config.map_or((PathBuf::from("plextera.toml"), false), |path| (path, true));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the settings in {}", path.display()));
            }
        };
        let loaded = Settings::load(&Sources { flags, environment: Environment::of_process(), file })?;
        for ignored in &loaded.ignored {
            crate::terminal::stderr().line(format_args!("warning: {ignored}"))?;
        }
        Ok(loaded)
    }
}
