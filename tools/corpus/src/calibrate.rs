//! Fits the logistic calibrator: which constants make confidence the probability of being right.
//!
//! Only the parts to develop on are used. The constants that are printed go into `insights::extract`'s `confidence.rs`.
//! What they are worth on a layout that nobody has seen is estimated by leaving out one seller after the other.

use crate::{
    matching,
    sets::{self, Part, Set},
};
use anyhow::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
};

const STEPS: usize = 4000;
const RATE: f64 = 0.3;
/// Pull towards zero: there are few documents and the inputs depend on each other.
const SHRINKAGE: f64 = 0.002;
/// Bins of the calibration error.
const BINS: usize = 10;

struct Row {
    group: String,
    evidence: Vec<f64>,
    right: bool,
    weight: f64,
}

pub fn run(sets: &[(Set, PathBuf)]) -> Result<()> {
    let mut rows = Vec::new();
    for (set, data) in sets {
        rows.extend(rows_of(*set, data)?);
    }
    let mut out = std::io::stdout().lock();
    let groups: BTreeSet<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    for group in groups {
        let (left_out, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.group == group);
        let weights = fit(&others);
        writeln!(out, "without {group:?}: its ECE is {:.3}", calibration_error(&weights, &left_out))?;
    }
    let all: Vec<&Row> = rows.iter().collect();
    writeln!(out, "{} fields", rows.len())?;
    writeln!(out, "log-odds, margin, none, reader, identity, constant")?;
    writeln!(
        out,
        "{:?}",
        fit(&all).iter().map(|weight| (weight * 1000.0).round() / 1000.0).collect::<Vec<_>>()
    )?;
    Ok(())
}

/// Each set counts the same, and within it each seller, however many documents it has.
fn rows_of(set: Set, data: &std::path::Path) -> Result<Vec<Row>> {
    let hub = set.hub();
    let mut rows = Vec::new();
    for sample in &sets::load(set, data, Part::Develop)? {
        let (output, _, evidence) = insights::extract::extract_with_evidence(&sample.pages, &hub, None);
        for outcome in matching::compare(sample, &output).fields {
            // What is missing is labelled nowhere, so "none" would look wrong always; its constant is set by hand.
            if outcome.found.is_none() {
                continue;
            }
            let index = output.fields.iter().position(|field| field.id == outcome.id);
            let Some(row) = index.map(|index| evidence[index]) else { continue };
            let evidence = row.iter().map(|value| f64::from(*value)).collect();
            rows.push(Row { group: sample.group.clone(), evidence, right: outcome.typed, weight: 1.0 });
        }
    }
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.group.clone()).or_default() += 1.0;
    }
    for row in &mut rows {
        row.weight = 1.0 / (counts[&row.group] * counts.len() as f64);
    }
    Ok(rows)
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

/// Expected calibration error in bins of equal width.
fn calibration_error(weights: &[f64], rows: &[&Row]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for row in rows {
        let confidence = probability(weights, row);
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(row.right));
    }
    bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>() / rows.len().max(1) as f64
}
