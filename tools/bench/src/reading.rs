//! What it costs to read born-digital pages, against `pdftotext -bbox` on the same files.

use crate::machine;
use anyhow::{Context, Result, ensure};
use insights::read::{self, Limits};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const ROUNDS: usize = 5;

pub fn run(pdfs: Option<&Path>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = match pdfs {
        Some(pdfs) => folder_of(pdfs, &["pdf"])?,
        None => {
            let file = folder.path().join("invoice.pdf");
            fs::write(&file, testkit::hostile::invoice())?;
            vec![file; 20]
        }
    };
    ensure!(!files.is_empty(), "no PDF to read");
    let documents: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<Result<_, _>>()?;
    let mut pages = 0;
    let (mut ours, mut theirs, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let before = machine::own_cpu()?;
        pages = 0;
        for bytes in &documents {
            pages += read::read_all(bytes.clone(), "document.pdf", Limits::default())
                .map_or(0, |pages| pages.len());
        }
        let own = machine::own_cpu()? - before;
        let other = files.iter().map(|file| pdftotext(&["-bbox", "-q"], file)).sum::<Result<Duration>>()?;
        let start = files.iter().map(|file| pdftotext(&["-v"], file)).sum::<Result<Duration>>()?;
        // The first round warms the file cache for both and is not counted.
        if round > 0 {
            ours.push(own.as_secs_f64());
            theirs.push(other.as_secs_f64());
            starts.push(start.as_secs_f64());
        }
    }
    let ratio = |others: &mut dyn Iterator<Item = f64>| {
        machine::median(&mut ours.iter().zip(others).map(|(own, other)| own / other).collect::<Vec<_>>())
    };
    let ratio_in_all = ratio(&mut theirs.iter().copied());
    let ratio_of_work = ratio(&mut theirs.iter().zip(&starts).map(|(all, start)| all - start));
    let per_page_ms = |mut values: Vec<f64>| machine::median(&mut values) * 1000.0 / pages as f64;
    println!("reading: {} files, {pages} pages, median of {ROUNDS} rounds in turn", files.len());
    println!("  plextera (words, boxes, rulings)  {:7.2} ms CPU a page", per_page_ms(ours));
    println!("  pdftotext -bbox                   {:7.2} ms CPU a page", per_page_ms(theirs));
    println!("  pdftotext's start (-v) alone      {:7.2} ms CPU a page", per_page_ms(starts));
    println!("  ratio                             {ratio_in_all:7.2}");
    println!("  ratio, its start taken off        {ratio_of_work:7.2}");
    Ok(())
}

/// CPU time of one run of the command.
fn pdftotext(arguments: &[&str], file: &Path) -> Result<Duration> {
    let before = machine::children_cpu()?;
    let mut command = Command::new("pdftotext");
    command.args(arguments).arg(file).arg("/dev/null").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().context("pdftotext does not start; install poppler-utils")?;
    Ok(machine::children_cpu()? - before)
}

/// The files of a folder with one of these extensions, by name.
pub fn folder_of(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extensions.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted)))
    });
    files.sort();
    Ok(files)
}
