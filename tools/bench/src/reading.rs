//! What it costs to read born-digital pages, against `pdftotext -bbox` on the same files.

use crate::machine;
use anyhow::{Context, Result, ensure};
use insights::read::{self, Limits};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let before = machine::own_cpu()?;
        pages = 0;
        for bytes in &documents {
            pages += read::read_all(bytes.clone(), "document.pdf", Limits::default())
                .map_or(0, |pages| pages.len());
        }
        let own = machine::own_cpu()? - before;
        let before = machine::children_cpu()?;
        for file in &files {
            let status = Command::new("pdftotext")
                .args(["-bbox", "-q"])
                .arg(file)
                .arg("/dev/null")
                .stderr(Stdio::null())
                .status();
            status.context("pdftotext does not start; install poppler-utils")?;
        }
        let other = machine::children_cpu()? - before;
        // The first round warms the file cache for both and is not counted.
        if round > 0 {
            ours.push(own.as_secs_f64());
            theirs.push(other.as_secs_f64());
        }
    }
    let mut ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(own, other)| own / other).collect();
    let per_page_ms = |values: &mut [f64]| machine::median(values) * 1000.0 / pages as f64;
    println!("reading: {} files, {pages} pages, median of {ROUNDS} rounds in turn", files.len());
    println!("  plextera (words, boxes, rulings)  {:7.2} ms CPU a page", per_page_ms(&mut ours));
    println!(
        "  pdftotext -bbox                   {:7.2} ms CPU a page, its start included",
        per_page_ms(&mut theirs)
    );
    println!("  ratio                             {:7.2}", machine::median(&mut ratios));
    Ok(())
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
