//! Fits the logistic calibrator: which constants make confidence the probability of being right.
//!
//! Only the parts to develop on are used. The constants that are printed go into `insights::extract`'s `confidence.rs`.

use crate::{
    matching,
    sets::{self, Set},
};
use anyhow::Result;
use std::{io::Write, path::PathBuf};

const STEPS: usize = 4000;
const RATE: f64 = 0.3;
/// Pull towards zero: there are few documents and the inputs depend on each other.
const SHRINKAGE: f64 = 0.002;

pub fn run(sets: &[(Set, PathBuf)]) -> Result<()> {
    let mut rows: Vec<(Vec<f64>, bool, f64)> = Vec::new();
    for (set, data) in sets {
        let hub = set.hub();
        let samples = sets::load(*set, data, false)?;
        let mut of_set = Vec::new();
        for sample in &samples {
            let (output, evidence) = insights::extract::extract_with_evidence(&sample.pages, &hub);
            for outcome in matching::compare(sample, &output).fields {
                // What is missing is labelled nowhere, so "none" would look wrong always; its constant is set by hand.
                if outcome.found.is_none() {
                    continue;
                }
                let index = output.fields.iter().position(|field| field.id == outcome.id);
                let Some(row) = index.map(|index| evidence[index]) else { continue };
                of_set.push((row.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>(), outcome.typed));
            }
        }
        // Each set counts the same, however many documents it has.
        let weight = 1.0 / of_set.len().max(1) as f64;
        rows.extend(of_set.into_iter().map(|(row, right)| (row, right, weight)));
    }
    let total: f64 = rows.iter().map(|(_, _, weight)| weight).sum();
    let width = rows.first().map_or(0, |(row, _, _)| row.len());
    let mut weights = vec![0.0; width];
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| SHRINKAGE * weight).collect();
        for (row, right, weight) in &rows {
            let score: f64 = row.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
            let error = 1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(*right));
            gradient.iter_mut().zip(row).for_each(|(sum, value)| *sum += error * value * weight / total);
        }
        weights.iter_mut().zip(&gradient).for_each(|(weight, slope)| *weight -= RATE * slope);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} fields of the parts to develop on", rows.len())?;
    writeln!(
        out,
        "{:?}",
        weights.iter().map(|weight| (weight * 1000.0).round() / 1000.0).collect::<Vec<_>>()
    )?;
    Ok(())
}
