//! What a page costs through OCR, against the `tesseract` command on the same images.

use crate::{machine, reading::folder_of};
use anyhow::{Context, Result, ensure};
use insights::read::{Limits, Reader, open};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

const ROUNDS: usize = 3;

pub fn run(images: Option<&Path>, count: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut files = match images {
        Some(images) => folder_of(images, &["jpg", "jpeg", "png"])?,
        None => {
            let pdf = folder.path().join("invoice.pdf");
            fs::write(&pdf, testkit::hostile::invoice())?;
            let made = Command::new("pdftoppm")
                .args(["-r", "200", "-png"])
                .arg(&pdf)
                .arg(folder.path().join("page"))
                .status();
            made.context("pdftoppm does not start; install poppler-utils")?;
            folder_of(folder.path(), &["png"])?
        }
    };
    files.truncate(count);
    ensure!(!files.is_empty(), "no image to read");
    let mut reader = Reader::default();
    let languages = ["en".to_owned()];
    let (mut ours, mut theirs, mut words) = (Vec::new(), Vec::new(), 0);
    for round in 0..=ROUNDS {
        let before = machine::own_cpu()?;
        words = 0;
        for file in &files {
            let name = file.to_string_lossy();
            let opened = open(fs::read(file)?, &name, &Limits::default())?;
            let mut pages = reader.pages(&opened, &languages, &[]);
            while let Some(page) = pages.next_page(&mut |_| ())? {
                words += page.words.len();
            }
        }
        let own = machine::own_cpu()? - before;
        let before = machine::children_cpu()?;
        for file in &files {
            let mut command = Command::new("tesseract");
            command.arg(file).args(["stdout", "-l", "eng", "tsv"]).env("OMP_THREAD_LIMIT", "1");
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.context("tesseract does not start; install tesseract-ocr")?;
        }
        let other = machine::children_cpu()? - before;
        // The first round loads the language model and is not counted.
        if round > 0 {
            ours.push(own.as_secs_f64() / files.len() as f64);
            theirs.push(other.as_secs_f64() / files.len() as f64);
        }
    }
    let mut ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(own, other)| own / other).collect();
    println!("recognition: {} pages, {words} words, median of {ROUNDS} rounds in turn", files.len());
    println!("  plextera            {:6.3} s CPU a page", machine::median(&mut ours));
    println!("  tesseract command   {:6.3} s CPU a page", machine::median(&mut theirs));
    println!("  ratio               {:6.2}", machine::median(&mut ratios));
    Ok(())
}
