//! Measures the product and prints the figures that documents quote, with the machine beside them.
//!
//! Where something is compared with another program, both run in turn in the same run, and what counts is the ratio:
//! rates do not travel between machines, ratios nearly do. Run it on a machine that does nothing else.
#![allow(clippy::print_stdout)]

mod deliveries;
mod documents;
mod log;
mod machine;
mod reading;
mod recognition;
mod rejection;
mod workflows;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "Measures plextera; `make bench` runs all of it")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// CPU of reading born-digital pages, against `pdftotext -bbox` on the same files
    Reading {
        /// A folder of PDFs; without it, a document made for the purpose
        #[arg(long)]
        pdfs: Option<PathBuf>,
    },
    /// CPU of a page through OCR, against the `tesseract` command on the same images
    Recognition {
        /// A folder of images; without it, a page made for the purpose
        #[arg(long)]
        images: Option<PathBuf>,
        /// How many of them
        #[arg(long, default_value_t = 6)]
        count: usize,
    },
    /// Whether bad files are refused with the right code, and good ones are not
    Rejection(rejection::Rejection),
    /// Jobs and deliveries per second, commit to receipt, memory: the real binary, one key, endpoints on this machine
    Jobs(documents::Load),
    /// Deliveries: rates, CPU, latency, isolation, a backlog, on both engines
    Deliveries(deliveries::Deliveries),
    /// Workflow runs: steps and starts a second, nested runs, beside DBOS Transact
    Workflows(workflows::Workflows),
    /// An endpoint, for `deliveries`
    #[command(hide = true)]
    Receiver,
    /// A load generator, for `deliveries`
    #[command(hide = true)]
    Generator(deliveries::generator::Generator),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let own_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match arguments.what {
        What::Reading { pdfs } => print_machine_and(|| reading::run(pdfs.as_deref())),
        What::Recognition { images, count } => {
            print_machine_and(|| recognition::run(images.as_deref(), count))
        }
        What::Rejection(arguments) => {
            print_machine_and(|| tokio::runtime::Runtime::new()?.block_on(rejection::run(&arguments)))
        }
        What::Jobs(load) => {
            print_machine_and(|| tokio::runtime::Runtime::new()?.block_on(documents::run(&load)))
        }
        What::Deliveries(arguments) => {
            print_machine_and(|| tokio::runtime::Runtime::new()?.block_on(deliveries::run(&arguments)))
        }
        What::Workflows(arguments) => {
            print_machine_and(|| tokio::runtime::Runtime::new()?.block_on(workflows::run(&arguments)))
        }
        What::Receiver => own_thread()?.block_on(deliveries::receiver::run()),
        What::Generator(arguments) => own_thread()?.block_on(deliveries::generator::run(&arguments)),
    }
}

fn print_machine_and(run: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("machine: {}", machine::describe());
    run()
}
