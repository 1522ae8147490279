//! `routing`: how well a document finds its hub by its content, when each hub was taught with a few documents.
//!
//! The hubs are the merchants of the receipts with the most documents, a harder task than telling kinds of documents
//! apart: all are till receipts. What is asked are their other receipts, and those of all other merchants, for which the
//! right answer is "none of them". Labels do not help: the hubs have no fields.

use crate::{
    random::Random,
    sample::Sample,
    sets::{self, Part, Set},
};
use anyhow::{Result, ensure};
use clap::Args as ClapArgs;
use insights::{
    learn::{Profile, likeness},
    page::Page,
};
use std::{collections::BTreeMap, io::Write, path::PathBuf};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder of the receipts.
    #[arg(long)]
    data: PathBuf,
    #[arg(long, default_value_t = 10)]
    hubs: usize,
    /// How many documents each hub is taught with.
    #[arg(long, default_value_t = 5)]
    examples: usize,
    /// How often others are drawn.
    #[arg(long, default_value_t = 20)]
    draws: usize,
}

/// Right answers among documents of a hub, and the likeness of those and of documents of none.
#[derive(Default)]
struct Outcome {
    right: usize,
    own: Vec<f64>,
    foreign: Vec<f64>,
}

pub fn run(args: &Args) -> Result<()> {
    let samples = sets::load(Set::ReceiptsText, &args.data, Part::All, None)?;
    let mut merchants: BTreeMap<String, Vec<&[Page]>> = BTreeMap::new();
    for sample in &samples {
        merchants.entry(merchant(sample)).or_default().push(&sample.pages);
    }
    let mut large: Vec<&String> = merchants.keys().filter(|name| !name.is_empty()).collect();
    large.sort_by_key(|name| (std::cmp::Reverse(merchants[*name].len()), *name));
    large.retain(|name| merchants[*name].len() > args.examples);
    ensure!(
        large.len() >= args.hubs,
        "only {} merchants have more than {} receipts",
        large.len(),
        args.examples
    );
    let mut all = Outcome::default();
    for draw in 0..args.draws {
        let mut random = Random::new(draw as u64);
        let mut hubs = large.clone();
        random.shuffle(&mut hubs);
        hubs.truncate(args.hubs);
        ask(args, &merchants, &hubs, &mut random, &mut all);
    }
    let asked = all.own.len();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} hubs, {} examples each, {} draws", args.hubs, args.examples, args.draws)?;
    writeln!(out, "right hub            {:.4} of {asked}", all.right as f64 / asked.max(1) as f64)?;
    writeln!(out, "none of them, AUROC  {:.4} against {}", auroc(&all.own, &all.foreign), all.foreign.len())?;
    Ok(())
}

fn merchant(sample: &Sample) -> String {
    let name = sample.expected.iter().find(|truth| truth.id == "merchantName");
    let letters = name.map(|truth| truth.text.chars().filter(|c| c.is_alphanumeric()));
    letters.map(|letters| letters.flat_map(char::to_lowercase).collect()).unwrap_or_default()
}

fn ask(
    args: &Args,
    merchants: &BTreeMap<String, Vec<&[Page]>>,
    hubs: &[&String],
    random: &mut Random,
    all: &mut Outcome,
) {
    let mut profiles = Vec::new();
    let mut asked: Vec<(usize, &[Page])> = Vec::new();
    for (index, hub) in hubs.iter().enumerate() {
        let mut documents = merchants[*hub].clone();
        random.shuffle(&mut documents);
        let rest = documents.split_off(args.examples);
        profiles.push(Profile::of(documents));
        asked.extend(rest.into_iter().map(|pages| (index, pages)));
    }
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let best = |pages: &[Page]| {
        let alike = likeness(pages, &profiles);
        alike
            .into_iter()
            .enumerate()
            .fold((0, -1.0), |best, (index, alike)| if alike > best.1 { (index, alike) } else { best })
    };
    for (hub, pages) in asked {
        let (found, alike) = best(pages);
        all.right += usize::from(found == hub);
        all.own.push(alike);
    }
    let foreign =
        merchants.iter().filter(|(name, _)| !hubs.contains(name)).flat_map(|(_, documents)| documents);
    all.foreign.extend(foreign.map(|pages| best(pages).1));
}

/// The probability that one of `high` is higher than one of `low`.
fn auroc(high: &[f64], low: &[f64]) -> f64 {
    let mut sorted = low.to_vec();
    sorted.sort_by(f64::total_cmp);
    let below = |value: f64| {
        let under = sorted.partition_point(|other| *other < value);
        let equal = sorted.partition_point(|other| *other <= value) - under;
        under as f64 + equal as f64 / 2.0
    };
    let sum: f64 = high.iter().map(|value| below(*value)).sum();
    sum / (high.len() as f64 * low.len() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auroc_counts_pairs_in_order() {
        assert!((auroc(&[2.0, 3.0], &[1.0, 0.0]) - 1.0).abs() < 1e-9);
        assert!((auroc(&[1.0], &[1.0]) - 0.5).abs() < 1e-9);
        assert!((auroc(&[0.0, 2.0], &[1.0]) - 0.5).abs() < 1e-9);
    }
}
