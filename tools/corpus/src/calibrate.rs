//! Fits the logistic calibrator: which constants make confidence the probability of being right.
//!
//! Only the parts to develop on are used. The constants that are printed go into `insights::extract`'s `confidence.rs`.
//! Rows come from documents that nothing is known of, and from hubs that were shown a few others first. What the constants
//! are worth on a layout that nobody has seen is estimated by leaving out one layout after the other.

use crate::{
    matching,
    random::Random,
    sample::Sample,
    sets::{self, Part, Set},
};
use anyhow::Result;
use domain::hub::Hub;
use insights::{
    extract::extract_with_evidence,
    learn::{Model, Sheet, train},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

const STEPS: usize = 4000;
const RATE: f64 = 0.5;
/// Pull towards zero: there are few documents and the inputs depend on each other.
const SHRINKAGE: f64 = 0.001;
/// Bins of the calibration error.
const BINS: usize = 10;
/// From here on a field is sure.
const SURE: f64 = 0.95;
/// Examples that receipts' hubs are shown, and how many other documents they are then asked about.
const RECEIPTS_SHOWN: [usize; 5] = [1, 3, 10, 50, 250];
const RECEIPTS_ASKED: usize = 80;
/// Examples of one seller.
const INVOICES_SHOWN: [usize; 3] = [1, 2, 4];
/// How often labels are taken away.
const THINNED: u64 = 3;
/// Groups that receipts are left out in: those of one company together.
const RECEIPT_GROUPS: u64 = 8;

struct Row {
    group: String,
    /// Rows of one origin count the same in total.
    origin: String,
    evidence: Vec<f64>,
    right: bool,
    weight: f64,
}

pub fn run(sets: &[(Set, PathBuf)], read: Option<&Path>) -> Result<()> {
    let mut rows = Vec::new();
    for (set, data) in sets {
        let samples = sets::load(*set, data, Part::Develop, read)?;
        rows.extend(rows_of(*set, &samples));
    }
    weigh(&mut rows);
    let mut out = std::io::stdout().lock();
    let groups: BTreeSet<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    let mut left_out: Vec<(f64, bool, f64)> = Vec::new();
    for group in groups {
        let (asked, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.group == group);
        let weights = fit(&others);
        let pairs: Vec<_> =
            asked.iter().map(|row| (probability(&weights, row), row.right, row.weight)).collect();
        writeln!(out, "without {group:?}: its {} fields' ECE is {:.3}", pairs.len(), error(&pairs))?;
        left_out.extend(pairs);
    }
    let sure: Vec<_> = left_out.iter().filter(|(confidence, ..)| *confidence >= SURE).collect();
    let right = sure.iter().filter(|(_, right, _)| *right).count();
    writeln!(
        out,
        "left out, pooled: ECE {:.3}, Brier {:.4}, {} of {} fields are sure, {:.3} of them right",
        error(&left_out),
        brier(&left_out),
        sure.len(),
        left_out.len(),
        right as f64 / sure.len().max(1) as f64
    )?;
    let all: Vec<&Row> = rows.iter().collect();
    writeln!(
        out,
        "log-odds, margin, none, missing, reader, identity, label, proof, learned, log-odds once learned, examples, layout, \
         known name, party, bare, bare party, misread, constant"
    )?;
    let fitted = fit(&all).into_iter().map(|weight| (weight * 1000.0).round() / 1000.0);
    writeln!(out, "{:?}", fitted.collect::<Vec<_>>())?;
    Ok(())
}

fn rows_of(set: Set, samples: &[Sample]) -> Vec<Row> {
    let hub = set.hub();
    let mut rows = Vec::new();
    for sample in samples {
        ask(set, &sample.kind.hub(), sample, None, "unseen", &mut rows);
    }
    for seed in 0..THINNED {
        let thin = thinned(&hub, seed);
        for sample in samples {
            ask(set, &thin, sample, None, "unseen with other labels", &mut rows);
        }
    }
    if set == Set::Synthetic {
        return rows;
    }
    let sheets: Vec<Sheet> = samples.iter().map(|sample| Sheet::of(&sample.pages, &hub)).collect();
    let (counts, layouts) = if set.is_receipts() {
        (&RECEIPTS_SHOWN[..], vec![(0..samples.len()).collect::<Vec<_>>()])
    } else {
        let mut sellers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, sample) in samples.iter().enumerate() {
            sellers.entry(&sample.group).or_default().push(index);
        }
        (&INVOICES_SHOWN[..], sellers.into_values().collect())
    };
    for &count in counts {
        for documents in &layouts {
            let mut order = documents.clone();
            Random::new(count as u64).shuffle(&mut order);
            if order.len() <= count {
                continue;
            }
            let asked = order.split_off(count);
            let examples: Vec<_> =
                order.iter().map(|&index| samples[index].example(sheets[index].clone())).collect();
            let model = train(&hub, &examples).model;
            let shown: BTreeSet<&str> = order.iter().map(|&index| samples[index].document.as_str()).collect();
            let new = asked.iter().filter(|&&index| !shown.contains(samples[index].document.as_str()));
            for &index in new.take(RECEIPTS_ASKED) {
                ask(set, &hub, &samples[index], Some(&model), &format!("after {count}"), &mut rows);
            }
        }
    }
    rows
}

fn ask(set: Set, hub: &Hub, sample: &Sample, model: Option<&Model>, origin: &str, rows: &mut Vec<Row>) {
    let (output, _, evidence) = extract_with_evidence(&sample.pages, hub, model);
    for outcome in matching::compare(sample, &output).fields {
        // What is missing is labelled nowhere, so "none" would look wrong always; its constant is set by hand.
        if outcome.found.is_none() {
            continue;
        }
        let index = output.fields.iter().position(|field| field.id == outcome.id);
        let Some(row) = index.map(|index| evidence[index]) else { continue };
        rows.push(Row {
            group: group(set, sample),
            origin: format!("{set:?} {origin}"),
            evidence: row.iter().map(|value| f64::from(*value)).collect(),
            right: outcome.typed,
            weight: 1.0,
        });
    }
}

/// The hub without half of its labels: what an unseen layout is to a list of words that was made looking at seen ones.
fn thinned(hub: &Hub, seed: u64) -> Hub {
    let mut thin = hub.clone();
    let mut random = Random::new(seed + 1);
    for field in &mut thin.fields {
        field.aliases.retain(|_| random.below(2) == 0);
    }
    thin
}

/// What is left out together: the documents of a seller; of receipts, an eighth of the companies.
fn group(set: Set, sample: &Sample) -> String {
    if !set.is_receipts() {
        return sample.group.clone();
    }
    let company = sample.expected.iter().find(|truth| truth.id == "merchantName");
    let letters = company.map_or("", |truth| truth.text.as_str()).bytes().filter(u8::is_ascii_alphanumeric);
    let hash = letters
        .fold(7_u64, |hash, byte| hash.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte.to_ascii_lowercase()));
    format!("{set:?} {}", (hash >> 7) % RECEIPT_GROUPS)
}

/// Each origin counts the same, and within it each group, however many documents it has.
fn weigh(rows: &mut [Row]) {
    let mut counts: BTreeMap<(String, String), f64> = BTreeMap::new();
    for row in rows.iter() {
        *counts.entry((row.origin.clone(), row.group.clone())).or_default() += 1.0;
    }
    let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
    for (origin, _) in counts.keys() {
        *groups.entry(origin).or_default() += 1.0;
    }
    let mean = rows.len() as f64 / groups.len().max(1) as f64;
    for row in rows.iter_mut() {
        let own = counts[&(row.origin.clone(), row.group.clone())];
        row.weight = mean / (own * groups[row.origin.as_str()]);
    }
}

/// Mean squared distance between confidence and what was right, weighted.
fn brier(pairs: &[(f64, bool, f64)]) -> f64 {
    let weight: f64 = pairs.iter().map(|(.., weight)| weight).sum();
    let squares = pairs
        .iter()
        .map(|(confidence, right, weight)| weight * (confidence - f64::from(u8::from(*right))).powi(2));
    squares.sum::<f64>() / weight.max(f64::MIN_POSITIVE)
}

fn probability(weights: &[f64], row: &Row) -> f64 {
    let score: f64 = row.evidence.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    1.0 / (1.0 + (-score).exp())
}

fn fit(rows: &[&Row]) -> Vec<f64> {
    let total: f64 = rows.iter().map(|row| row.weight).sum();
    let mut weights = vec![0.0; rows.first().map_or(0, |row| row.evidence.len())];
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| SHRINKAGE * weight).collect();
        for row in rows {
            let error = probability(&weights, row) - f64::from(u8::from(row.right));
            let pull = |(sum, value): (&mut f64, &f64)| *sum += error * value * row.weight / total;
            gradient.iter_mut().zip(&row.evidence).for_each(pull);
        }
        weights.iter_mut().zip(&gradient).for_each(|(weight, slope)| *weight -= RATE * slope);
    }
    weights
}

/// Expected calibration error in bins of equal width, of confidences that were right or not, with their weights.
fn error(pairs: &[(f64, bool, f64)]) -> f64 {
    let mut bins = [0.0; BINS];
    for (confidence, right, weight) in pairs {
        let gap = confidence - f64::from(u8::from(*right));
        bins[((confidence * BINS as f64) as usize).min(BINS - 1)] += gap * weight;
    }
    let all: f64 = pairs.iter().map(|(.., weight)| weight).sum();
    bins.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / all.max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(origin: &str, group: &str, value: f64, right: bool) -> Row {
        Row { group: group.into(), origin: origin.into(), evidence: vec![value, 1.0], right, weight: 1.0 }
    }

    #[test]
    fn every_origin_and_every_group_in_it_counts_the_same() {
        let mut rows = vec![row("a", "x", 0.0, true), row("a", "x", 0.0, true), row("a", "y", 0.0, true)];
        rows.push(row("b", "x", 0.0, true));
        weigh(&mut rows);
        let sum = |origin: &str, group: &str| {
            let own = rows.iter().filter(|row| row.origin == origin && row.group == group);
            own.map(|row| row.weight).sum::<f64>()
        };
        assert!((sum("a", "x") - sum("a", "y")).abs() < 1e-9);
        assert!((sum("a", "x") + sum("a", "y") - sum("b", "x")).abs() < 1e-9);
    }

    #[test]
    fn fitted_probabilities_are_shares() {
        let rows: Vec<Row> =
            (0..40).map(|n| row("a", "x", f64::from(n % 2), n % 2 == 1 || n % 4 == 0)).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let weights = fit(&rows);
        assert!((probability(&weights, rows[0]) - 0.5).abs() < 0.05);
        assert!(probability(&weights, rows[1]) > 0.9);
    }
}
