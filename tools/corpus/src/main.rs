//! Measures extraction on labelled documents, and fits the confidence calibrator.
//!
//! `cargo run -p corpus --release -- evaluate receipts-text --data DIR`
//!
//! Labelled documents are not part of the repository; `--data` names a folder of them (its layout is described in
//! [`sets`]). Each set has two parts: one to develop on, and one that is held out. Figures count on the held-out part only,
//! nothing was tuned on it, and its mistakes are never listed, so that nobody is tempted.

mod calibrate;
mod matching;
mod metrics;
mod sets;

use anyhow::Result;
use clap::{Parser, Subcommand};
use domain::extraction::{ExtractionOutput, FieldValue};
use metrics::Report;
use sets::{Sample, Set};
use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints accuracy per field, micro-F1 and calibration error.
    Evaluate {
        set: Set,
        /// The folder with `labels/` and the documents.
        #[arg(long)]
        data: PathBuf,
        /// Also writes the figures as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Reads and reports the held-out part only.
        #[arg(long)]
        holdout_only: bool,
        /// Lists the mistakes of the part to develop on.
        #[arg(long)]
        mistakes: bool,
    },
    /// Fits the confidence calibrator on the parts to develop on and prints its constants.
    Calibrate {
        /// Set and folder, as in `invoices=DIR`; several may be given.
        #[arg(required = true, value_parser = set_and_folder)]
        sets: Vec<(Set, PathBuf)>,
    },
}

fn set_and_folder(text: &str) -> Result<(Set, PathBuf), String> {
    let (set, folder) = text.split_once('=').ok_or("expected SET=DIR")?;
    Ok((<Set as clap::ValueEnum>::from_str(set, true)?, PathBuf::from(folder)))
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Evaluate { set, data, json, holdout_only, mistakes } => {
            let reports = evaluate(set, &data, holdout_only, mistakes)?;
            if let Some(path) = json {
                std::fs::write(path, serde_json::to_vec_pretty(&reports)?)?;
            }
        }
        Command::Calibrate { sets } => calibrate::run(&sets)?,
    }
    Ok(())
}

fn evaluate(set: Set, data: &std::path::Path, holdout_only: bool, mistakes: bool) -> Result<Vec<Report>> {
    let mut out = std::io::stdout().lock();
    let mut reports = Vec::new();
    for held_out in [false, true] {
        if holdout_only && !held_out {
            continue;
        }
        let part = if held_out { "held out" } else { "to develop on" };
        let samples = sets::load(set, data, held_out)?;
        let mut report = Report::new(set, part);
        let mut times: Vec<Duration> = Vec::new();
        for sample in &samples {
            let hub = set.hub();
            let started = Instant::now();
            let output = insights::extract::extract(&sample.pages, &hub);
            times.push(started.elapsed());
            let outcome = matching::compare(sample, &output);
            if mistakes && !held_out {
                list_mistakes(&mut out, sample, &output, &outcome)?;
            }
            report.add(&outcome);
        }
        times.sort();
        report.finish(samples.len(), times.get(times.len() / 2).copied().unwrap_or_default());
        writeln!(out, "{report}")?;
        reports.push(report);
    }
    Ok(reports)
}

fn list_mistakes(
    out: &mut impl Write,
    sample: &Sample,
    output: &ExtractionOutput,
    outcome: &matching::Outcome,
) -> Result<()> {
    for field in outcome.fields.iter().filter(|field| !field.typed) {
        let found = field.found.as_deref().unwrap_or("nothing");
        writeln!(
            out,
            "{} {}: expected {:?}, found {found:?} ({:.2})",
            sample.name, field.id, field.expected, field.confidence
        )?;
    }
    let wrong = outcome.items.filter(|items| items.right < items.expected || items.right < items.found);
    if let Some(items) = wrong {
        writeln!(
            out,
            "{} items: {} of {} cells, {} found",
            sample.name, items.right, items.expected, items.found
        )?;
        let tables = output.fields.iter().filter_map(|field| match &field.value {
            Some(FieldValue::Table(table)) => Some(table),
            _ => None,
        });
        for row in tables.flat_map(|table| &table.rows) {
            let cells: Vec<&str> = row.cells.iter().map(|cell| cell.text.as_deref().unwrap_or("-")).collect();
            writeln!(out, "    items: {}", cells.join(" | "))?;
        }
    }
    Ok(())
}
