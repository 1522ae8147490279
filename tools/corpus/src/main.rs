//! Measures extraction on labelled documents, makes synthetic ones, and fits what the product ships: the prior and the
//! confidence calibrator.
//!
//! `cargo run -p corpus --release -- evaluate receipts-text --data DIR`
//!
//! Labelled documents are not part of the repository; `--data` names a folder of them (its layout is described in
//! [`sets`]). Each set has two parts: one to develop on, and one that is held out. Figures count on the held-out part only,
//! nothing was tuned on it, and its mistakes are never listed, so that nobody is tempted.

mod calibrate;
mod cpu;
mod diagram;
mod evaluate;
mod forms;
mod learned;
mod matching;
mod metrics;
mod prior;
mod random;
mod routing;
mod sample;
mod sets;
mod synthesis;

use anyhow::Result;
use clap::{Parser, Subcommand};
use sets::Set;
use std::path::PathBuf;

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints accuracy per field, micro-F1, calibration, placement and time, and draws a reliability diagram.
    Evaluate(evaluate::Args),
    /// Writes invented documents with labels that are exact.
    Synthesize(synthesis::Args),
    /// Prints how well documents find the hub that was taught with others of their kind.
    Routing(routing::Args),
    /// Fits the weights of the prior on synthetic documents and writes what is accepted into the source.
    TrainPrior(prior::Args),
    /// Fits the confidence calibrator on the parts to develop on and prints its constants.
    Calibrate {
        /// Set and folder, as in `invoices=DIR`; several may be given.
        #[arg(required = true, value_parser = set_and_folder)]
        sets: Vec<(Set, PathBuf)>,
        /// Keeps the pages that were read in this folder, as `evaluate` does.
        #[arg(long)]
        pages: Option<PathBuf>,
    },
}

fn set_and_folder(text: &str) -> Result<(Set, PathBuf), String> {
    let (set, folder) = text.split_once('=').ok_or("expected SET=DIR")?;
    Ok((<Set as clap::ValueEnum>::from_str(set, true)?, PathBuf::from(folder)))
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Synthesize(args) => synthesis::run(&args),
        Command::Routing(args) => routing::run(&args),
        Command::TrainPrior(args) => prior::run(&args),
        Command::Calibrate { sets, pages } => calibrate::run(&sets, pages.as_deref()),
    }
}
