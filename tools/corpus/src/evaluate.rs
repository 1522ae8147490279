//! `corpus evaluate`: what is measured on which documents, after learning from which.
//!
//! Without `--train` the product reads documents that it has never seen (zero-shot). With `--train N` a hub is shown N
//! labelled documents first. They are drawn from the folder `--train-data`, and then all of `--data` is asked; or, without
//! that folder, from the part of `--data` to develop on, and then its held-out part is asked. `--train-data` alone shows
//! everything in that folder, `--train 0` nothing of it. `--draws K` repeats that with other documents; the figures are
//! over all draws together.

use crate::{
    cpu::Spent,
    diagram, forms, learned,
    matching::{self, Outcome},
    metrics::Report,
    random::Random,
    sample::{Kind, Sample},
    sets::{self, Part, Set},
    synthesis,
};
use anyhow::{Context, Result, ensure};
use domain::{extraction::FieldValue, hub::Hub};
use insights::{
    extract::extract_learned,
    learn::{Model, Sheet, train},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(clap::Args)]
pub struct Args {
    pub set: Set,
    /// The folder with the labels and the documents. Without it the frozen synthetic set is made and asked.
    #[arg(long, default_value = FROZEN)]
    pub data: PathBuf,
    /// The folder that examples are drawn from; then all of `--data` is asked.
    #[arg(long)]
    pub train_data: Option<PathBuf>,
    /// How many labelled documents the hub is shown first: all of `--train-data`, without that folder none, unless this says.
    #[arg(long)]
    pub train: Option<usize>,
    /// How often other documents are drawn.
    #[arg(long, default_value_t = 1)]
    pub draws: usize,
    /// Also writes the figures as JSON, and the reliability diagrams beside it.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Keeps the pages that were read in this folder, and takes them from there another time: OCR is slow. Times of
    /// reading mean nothing then.
    #[arg(long)]
    pub pages: Option<PathBuf>,
    /// Reads and reports the held-out part only.
    #[arg(long)]
    pub holdout_only: bool,
    /// Asks what there is to develop on (after examples its last part) instead of what is held out, and lists mistakes.
    #[arg(long)]
    pub develop: bool,
}

/// Documents of the part to develop on that are asked with `--develop`.
const DEVELOP_ASKED: usize = 100;

/// Where the frozen synthetic set is kept once it was made.
pub const FROZEN: &str = "target/corpus/frozen";

impl Args {
    /// How many documents the hub is shown, at most.
    pub fn shown(&self) -> usize {
        self.train.unwrap_or(if self.train_data.is_some() { usize::MAX } else { 0 })
    }
}

pub fn run(args: &Args) -> Result<()> {
    if args.data == Path::new(FROZEN) {
        ensure!(args.set == Set::Synthetic, "--data names the folder of the labelled documents");
        synthesis::frozen(&args.data)?;
    }
    ensure!(args.draws > 0, "--draws is at least 1");
    let reports = match args.set {
        Set::InvoicesLearned => learned::evaluate(args)?,
        Set::Forms => forms::evaluate(args)?,
        _ if args.shown() > 0 => vec![after_examples(args)?],
        _ if args.develop => vec![develop(args)?],
        _ => zero_shot(args)?,
    };
    let mut out = std::io::stdout().lock();
    for report in &reports {
        writeln!(out, "{report}\n")?;
    }
    let written = diagram::write(&reports, args.json.as_deref())?;
    for path in written {
        writeln!(out, "reliability diagram: {}", path.display())?;
    }
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&reports)?)
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn zero_shot(args: &Args) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    let mut all = Report::new(args.set, Part::All.name(), 0, 1);
    // With documents to learn from elsewhere nothing of these is to develop on.
    let parts = match (&args.train_data, args.holdout_only) {
        (Some(_), _) => &[Part::All][..],
        (None, true) => &[Part::HeldOut],
        (None, false) => &[Part::Develop, Part::HeldOut],
    };
    for &part in parts {
        let samples = sets::load(args.set, &args.data, part, args.pages.as_deref())?;
        if samples.is_empty() {
            continue;
        }
        let mut report = Report::new(args.set, part.name(), 0, 1);
        for sample in &samples {
            let (outcome, seconds) = ask(sample, &sample.kind.hub(), None);
            report.add(&outcome, seconds, sample);
            all.add(&outcome, seconds, sample);
        }
        reports.push(report);
    }
    ensure!(!reports.is_empty(), "no labelled document of this set in {}", args.data.display());
    if reports.len() > 1 {
        reports.push(all);
    }
    reports.iter_mut().for_each(Report::finish);
    Ok(reports)
}

/// What the prior alone makes of everything there is to develop on, with its mistakes.
fn develop(args: &Args) -> Result<Report> {
    let mut report = Report::new(args.set, Part::Develop.name(), 0, 1);
    for sample in &sets::load(args.set, &args.data, Part::Develop, args.pages.as_deref())? {
        let (outcome, seconds) = ask(sample, &sample.kind.hub(), None);
        list_mistakes(sample, &outcome)?;
        report.add(&outcome, seconds, sample);
    }
    report.finish();
    Ok(report)
}

fn after_examples(args: &Args) -> Result<Report> {
    let (pool, asked, part) = split(args)?;
    let mut report = Report::new(args.set, part, args.shown().min(pool.len()), args.draws);
    for kind in Kind::ALL {
        let of_kind = |samples: &[Sample]| -> Vec<Sample> {
            samples.iter().filter(|sample| sample.kind == kind).cloned().collect()
        };
        teach_and_ask(args, kind, &of_kind(&pool), &of_kind(&asked), &mut report)?;
    }
    report.finish();
    Ok(report)
}

/// Shows the hub of a kind some of the pool, and asks it the others.
fn teach_and_ask(
    args: &Args,
    kind: Kind,
    pool: &[Sample],
    asked: &[Sample],
    report: &mut Report,
) -> Result<()> {
    let hub = kind.hub();
    let sheets: Vec<Sheet> = pool.iter().map(|sample| Sheet::of(&sample.pages, &hub)).collect();
    let count = args.shown().min(pool.len());
    let draws = if asked.is_empty() { 0 } else { args.draws };
    for draw in 0..draws {
        let mut order: Vec<usize> = (0..pool.len()).collect();
        Random::new(draw as u64 + 1).shuffle(&mut order);
        let examples: Vec<_> =
            order.iter().take(count).map(|&index| pool[index].example(sheets[index].clone())).collect();
        let started = Instant::now();
        let trained = (count > 0).then(|| train(&hub, &examples));
        report.trained(
            started.elapsed().as_secs_f64(),
            trained.as_ref().map(|trained| trained.model.to_bytes().len()),
        );
        for sample in asked {
            let model = trained.as_ref().map(|trained| &trained.model);
            let (outcome, seconds) = ask(sample, &hub, model);
            if args.develop {
                list_mistakes(sample, &outcome)?;
            }
            report.add(&outcome, seconds, sample);
        }
    }
    Ok(())
}

/// What examples are drawn from, what is asked, and what that is called.
fn split(args: &Args) -> Result<(Vec<Sample>, Vec<Sample>, &'static str)> {
    ensure!(
        args.set != Set::Synthetic || args.train_data.is_some(),
        "synthetic documents to learn from are a folder of their own: corpus synthesize, then --train-data"
    );
    if let Some(folder) = &args.train_data {
        ensure!(
            !same_folder(folder, &args.data),
            "--train-data and --data are the same folder: leave out --train-data"
        );
        let mut pool = sets::load(args.set, folder, Part::All, None)?;
        add_texts(args.set, folder, Part::All, &mut pool)?;
        return Ok((pool, sets::load(args.set, &args.data, Part::All, args.pages.as_deref())?, "all"));
    }
    let mut pool = sets::load(args.set, &args.data, Part::Develop, args.pages.as_deref())?;
    if args.develop {
        let kept = pool.len().saturating_sub(DEVELOP_ASKED.min(pool.len() / 2));
        let asked = pool.split_off(kept);
        let is_asked = |sample: &Sample| asked.iter().any(|other| other.name == sample.name);
        add_texts(args.set, &args.data, Part::Develop, &mut pool)?;
        pool.retain(|sample| !is_asked(sample));
        return Ok((pool, asked, "to develop on"));
    }
    add_texts(args.set, &args.data, Part::Develop, &mut pool)?;
    Ok((pool, sets::load(args.set, &args.data, Part::HeldOut, args.pages.as_deref())?, "held out"))
}

/// Receipts without an image are shown to the hub as the text that they have: a hub learns from whatever was confirmed.
fn add_texts(set: Set, data: &Path, part: Part, pool: &mut Vec<Sample>) -> Result<()> {
    if set == Set::ReceiptsImages {
        let mut texts = sets::load(Set::ReceiptsText, data, part, None)?;
        texts.retain(|text| pool.iter().all(|sample| sample.name != text.name));
        pool.append(&mut texts);
    }
    Ok(())
}

fn same_folder(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(a).is_some() && real(a) == real(b)
}

/// Reads one document and compares; also gives the seconds that extraction took.
pub fn ask(sample: &Sample, hub: &Hub, model: Option<&Model>) -> (Outcome, f64) {
    let spent = Spent::now();
    let (output, _) = extract_learned(&sample.pages, hub, model);
    let seconds = spent.seconds();
    let mut outcome = matching::compare(sample, &output);
    outcome.rows = output
        .fields
        .iter()
        .filter_map(|field| match &field.value {
            Some(FieldValue::Table(table)) => Some(table.rows.iter()),
            _ => None,
        })
        .flatten()
        .map(|row| {
            row.cells.iter().map(|cell| cell.text.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    (outcome, seconds)
}

pub fn list_mistakes(sample: &Sample, outcome: &Outcome) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for field in outcome.fields.iter().filter(|field| !field.strict) {
        let found = field.found.as_deref().unwrap_or("nothing");
        let mark = if field.typed { "~" } else { "!" };
        writeln!(
            out,
            "{mark} {} {}: expected {:?}, found {found:?} ({:.2})",
            sample.name, field.id, field.expected, field.confidence
        )?;
    }
    let wrong =
        outcome.items.as_ref().filter(|items| items.right < items.expected || items.right < items.found);
    if let Some(items) = wrong {
        writeln!(
            out,
            "{} items: {} of {} cells, {} found",
            sample.name, items.right, items.expected, items.found
        )?;
        for row in &outcome.rows {
            writeln!(out, "    items: {row}")?;
        }
    }
    Ok(())
}
