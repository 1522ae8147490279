//! Measures the product and prints the figures that documents quote, with the machine beside them.
//!
//! Where something is compared with another program, both run in turn in the same run, and what counts is the ratio:
//! rates do not travel between machines, ratios nearly do. Run it on a machine that does nothing else.
#![allow(clippy::print_stdout)]

mod documents;
mod machine;
mod reading;
mod recognition;

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
    /// Jobs and deliveries per second, commit to receipt, memory: the real binary, one key, endpoints on this machine
    Jobs(documents::Load),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("machine: {}", machine::describe());
    match arguments.what {
        What::Reading { pdfs } => reading::run(pdfs.as_deref()),
        What::Recognition { images, count } => recognition::run(images.as_deref(), count),
        What::Jobs(load) => tokio::runtime::Runtime::new()?.block_on(documents::run(&load)),
    }
}
