//! Whether what cannot be read is refused with the right code, and nothing else is: the hostile set and a folder of good
//! documents, submitted to the real binary.

use crate::reading::folder_of;
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use testkit::{hostile, program::Program};

/// The longest a job may take, those before it included.
const JOB_TIME_MAX: Duration = Duration::from_secs(240);

#[derive(Debug, clap::Args)]
pub struct Rejection {
    /// The binary to ask
    #[arg(long, default_value = "target/release/plextera")]
    binary: PathBuf,
    /// A folder of PDFs that are all good
    #[arg(long)]
    pdfs: Option<PathBuf>,
}

pub async fn run(arguments: &Rejection) -> Result<()> {
    let server = Program::start(&arguments.binary, &[]).await;
    let server = server.with_context(|| format!("{} does not start", arguments.binary.display()))?;
    // Where a tolerant reader may do one thing or the other, there is no right code to count.
    let bad: Vec<_> = hostile::set().into_iter().filter(|document| !document.ends.is_empty()).collect();
    let mut submitted = Vec::new();
    for document in &bad {
        let id = server.submit(document.file_name, document.bytes.clone()).await?;
        submitted.push((id, document.ends));
    }
    let good = match &arguments.pdfs {
        Some(folder) => folder_of(folder, &["pdf"])?,
        None => Vec::new(),
    };
    for path in &good {
        submitted.push((server.submit(&name(path), fs::read(path)?).await?, &["COMPLETED"][..]));
    }
    let (mut right_bad, mut right_good) = (0, 0);
    for (index, (id, ends)) in submitted.iter().enumerate() {
        let job = server.ended(id, JOB_TIME_MAX).await?.with_context(|| format!("job {id} does not end"))?;
        let end = job["error"]["code"].as_str().or(job["status"].as_str()).unwrap_or_default();
        // The same bytes twice are one document, and that is right too.
        let right = ends.contains(&end) || (index >= bad.len() && end == "DUPLICATE_DOCUMENT");
        if !right {
            println!(
                "  {}: {end} instead of {ends:?}",
                if index < bad.len() { &bad[index].name } else { id }
            );
        }
        *(if index < bad.len() { &mut right_bad } else { &mut right_good }) += usize::from(right);
    }
    println!("rejection: {right_bad} of {} bad or hostile files end with a right code", bad.len());
    println!("rejection: {} of {} good files are refused", good.len() - right_good, good.len());
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
