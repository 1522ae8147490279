//! Accuracy, F1 and calibration error, and how they are printed.

use crate::{matching::Outcome, sets::Set};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, time::Duration};

const BINS: usize = 10;

#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldCount {
    labels: usize,
    found: usize,
    strict: usize,
    typed: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    set: Set,
    part: &'static str,
    documents: usize,
    /// By field id.
    fields: BTreeMap<&'static str, FieldCount>,
    micro_f1_strict: f64,
    micro_f1_typed: f64,
    /// Cells of tables.
    items_precision: f64,
    items_recall: f64,
    items_f1: f64,
    /// Expected calibration error over ten bins of confidence.
    ece: f64,
    /// Of the fields with a confidence of at least 0.95: how many there are, and the share that is right.
    sure: usize,
    sure_right: f64,
    median_ms: f64,
    #[serde(skip)]
    confidences: Vec<(f64, bool)>,
    #[serde(skip)]
    items: (usize, usize, usize),
}

impl Report {
    pub fn new(set: Set, part: &'static str) -> Self {
        Self {
            set,
            part,
            documents: 0,
            fields: BTreeMap::new(),
            micro_f1_strict: 0.0,
            micro_f1_typed: 0.0,
            items_precision: 0.0,
            items_recall: 0.0,
            items_f1: 0.0,
            ece: 0.0,
            sure: 0,
            sure_right: 0.0,
            median_ms: 0.0,
            confidences: Vec::new(),
            items: (0, 0, 0),
        }
    }

    pub fn add(&mut self, outcome: &Outcome) {
        for field in &outcome.fields {
            let count = self.fields.entry(field.id).or_default();
            count.labels += 1;
            count.found += usize::from(field.found.is_some());
            count.strict += usize::from(field.strict);
            count.typed += usize::from(field.typed);
            self.confidences.push((field.confidence, field.typed));
        }
        if let Some(items) = outcome.items {
            self.items.0 += items.right;
            self.items.1 += items.expected;
            self.items.2 += items.found;
        }
    }

    pub fn finish(&mut self, documents: usize, median: Duration) {
        self.documents = documents;
        self.median_ms = median.as_secs_f64() * 1000.0;
        let sum = |get: fn(&FieldCount) -> usize| self.fields.values().map(get).sum::<usize>();
        let (labels, found) = (sum(|count| count.labels), sum(|count| count.found));
        self.micro_f1_strict = ratio(2 * sum(|count| count.strict), labels + found);
        self.micro_f1_typed = ratio(2 * sum(|count| count.typed), labels + found);
        let (right, expected, found) = self.items;
        self.items_recall = ratio(right, expected);
        self.items_precision = ratio(right, found);
        self.items_f1 = ratio(2 * right, expected + found);
        self.ece = calibration_error(&self.confidences);
        let sure: Vec<bool> = self
            .confidences
            .iter()
            .filter(|(confidence, _)| *confidence >= 0.95)
            .map(|(_, right)| *right)
            .collect();
        self.sure = sure.len();
        self.sure_right = ratio(sure.iter().filter(|right| **right).count(), sure.len());
    }
}

fn ratio(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn calibration_error(confidences: &[(f64, bool)]) -> f64 {
    let mut bins = [(0_usize, 0.0, 0_usize); BINS];
    for (confidence, right) in confidences {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1;
        bins[bin].1 += confidence;
        bins[bin].2 += usize::from(*right);
    }
    let gaps = bins.iter().map(|(_, sum, right)| (sum - *right as f64).abs());
    gaps.sum::<f64>() / confidences.len().max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}, {}: {} documents", self.set, self.part, self.documents)?;
        writeln!(f, "  {:<18} {:>6} {:>7} {:>7} {:>7}", "field", "labels", "found", "strict", "typed")?;
        for (id, count) in &self.fields {
            writeln!(
                f,
                "  {id:<18} {:>6} {:>7.3} {:>7.3} {:>7.3}",
                count.labels,
                ratio(count.found, count.labels),
                ratio(count.strict, count.labels),
                ratio(count.typed, count.labels)
            )?;
        }
        let typed: usize = self.fields.values().map(|count| count.typed).sum();
        let labels: usize = self.fields.values().map(|count| count.labels).sum();
        writeln!(
            f,
            "  accuracy typed {:.3} · micro-F1 strict {:.3} typed {:.3} · ECE {:.3} · {} fields at ≥ 0.95 are {:.3} right",
            ratio(typed, labels),
            self.micro_f1_strict,
            self.micro_f1_typed,
            self.ece,
            self.sure,
            self.sure_right
        )?;
        if self.items.1 > 0 {
            writeln!(
                f,
                "  table cells: precision {:.3} recall {:.3} F1 {:.3}",
                self.items_precision, self.items_recall, self.items_f1
            )?;
        }
        write!(f, "  median time {:.2} ms", self.median_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_is_the_mean_gap() {
        assert!(calibration_error(&[(0.75, true), (0.75, true), (0.75, true), (0.75, false)]) < 1e-9);
        assert!((calibration_error(&[(0.95, false)]) - 0.95).abs() < 1e-9);
        assert!(calibration_error(&[]) < 1e-9);
    }
}
