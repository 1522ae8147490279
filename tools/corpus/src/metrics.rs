//! Accuracy, F1, calibration, placement and time, and how they are printed.

use crate::{matching::Outcome, sample::Sample, sets::Set};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Bins of the calibration error and of the reliability diagram.
pub const BINS: usize = 10;
/// From here on a field is sure.
const SURE: f64 = 0.95;
/// Places that overlap this much are the same.
const SAME_PLACE: f64 = 0.5;

#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldCount {
    pub labels: usize,
    found: usize,
    strict: usize,
    pub typed: usize,
    /// Documents whose label says that there is none, and how often something was found all the same.
    absent: usize,
    invented: usize,
    /// Shares of the labels.
    strict_accuracy: f64,
    typed_accuracy: f64,
}

/// Fields of a range of confidence.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bin {
    pub count: usize,
    pub confidence: f64,
    pub right: f64,
}

/// What share of the fields is answered at a threshold, and what share of those is wrong.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    threshold: f64,
    coverage: f64,
    risk: f64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub set: Option<Set>,
    pub part: String,
    /// Labelled documents that the hub was shown.
    pub train: usize,
    pub draws: usize,
    pub documents: usize,
    /// By field id.
    pub fields: BTreeMap<String, FieldCount>,
    pub accuracy_strict: f64,
    pub accuracy_typed: f64,
    /// Mean over fields.
    pub macro_typed: f64,
    pub micro_f1_strict: f64,
    pub micro_f1_typed: f64,
    /// Cells of tables.
    pub items_precision: f64,
    pub items_recall: f64,
    pub items_f1: f64,
    /// Expected calibration error over ten bins of confidence.
    pub ece: f64,
    pub brier: f64,
    pub roc_auc: f64,
    /// Of the fields with a confidence of at least 0.95: how many there are, and the share that is right.
    pub sure: usize,
    pub sure_right: f64,
    pub bins: Vec<Bin>,
    pub risk_coverage: Vec<Coverage>,
    /// Right values whose place is known, and the share whose places agree (intersection over union at least 0.5).
    pub placed: usize,
    pub placement_iou50: f64,
    pub placement_iou_mean: f64,
    /// Milliseconds of processor time of reading (with OCR where it is needed) and of extraction; of training, by the clock.
    pub read_ms_per_page: f64,
    pub extract_ms_per_page: f64,
    pub extract_ms_median: f64,
    pub train_ms_max: f64,
    pub model_bytes_max: usize,
    #[serde(skip)]
    pub confidences: Vec<(f64, bool)>,
    #[serde(skip)]
    pub items: (usize, usize, usize),
    #[serde(skip)]
    pub overlaps: Vec<f64>,
    #[serde(skip)]
    pub seconds: Vec<f64>,
    #[serde(skip)]
    pub pages: usize,
    #[serde(skip)]
    pub read_seconds: f64,
}

impl Report {
    pub fn new(set: Set, part: &str, train: usize, draws: usize) -> Self {
        Self { set: Some(set), part: part.to_owned(), train, draws, ..Self::default() }
    }

    pub fn add(&mut self, outcome: &Outcome, seconds: f64, sample: &Sample) {
        self.documents += 1;
        self.pages += sample.pages.len();
        self.read_seconds += sample.read_seconds;
        self.seconds.push(seconds);
        for field in &outcome.fields {
            let count = self.fields.entry(field.id.clone()).or_default();
            if field.absent {
                count.absent += 1;
                count.invented += usize::from(field.found.is_some());
            } else {
                count.labels += 1;
                count.found += usize::from(field.found.is_some());
                count.strict += usize::from(field.strict);
                count.typed += usize::from(field.typed);
            }
            self.confidences.push((field.confidence, field.typed));
            self.overlaps.extend(field.overlap);
        }
        if let Some(items) = &outcome.items {
            self.items.0 += items.right;
            self.items.1 += items.expected;
            self.items.2 += items.found;
            self.overlaps.extend(&items.overlaps);
        }
    }

    pub fn trained(&mut self, seconds: f64, bytes: Option<usize>) {
        self.train_ms_max = self.train_ms_max.max(seconds * 1000.0);
        self.model_bytes_max = self.model_bytes_max.max(bytes.unwrap_or_default());
    }

    pub fn finish(&mut self) {
        for count in self.fields.values_mut() {
            count.strict_accuracy = ratio(count.strict, count.labels);
            count.typed_accuracy = ratio(count.typed, count.labels);
        }
        let sum = |get: fn(&FieldCount) -> usize| self.fields.values().map(get).sum::<usize>();
        let (labels, found) = (sum(|count| count.labels), sum(|count| count.found + count.invented));
        let (strict, typed) = (sum(|count| count.strict), sum(|count| count.typed));
        self.accuracy_strict = ratio(strict, labels);
        self.accuracy_typed = ratio(typed, labels);
        self.macro_typed = self.fields.values().map(|count| count.typed_accuracy).sum::<f64>()
            / self.fields.len().max(1) as f64;
        self.micro_f1_strict = ratio(2 * strict, labels + found);
        self.micro_f1_typed = ratio(2 * typed, labels + found);
        let (right, expected, found) = self.items;
        self.items_recall = ratio(right, expected);
        self.items_precision = ratio(right, found);
        self.items_f1 = ratio(2 * right, expected + found);
        self.calibration();
        self.placed = self.overlaps.len();
        self.placement_iou50 =
            ratio(self.overlaps.iter().filter(|iou| **iou >= SAME_PLACE).count(), self.placed);
        self.placement_iou_mean = self.overlaps.iter().sum::<f64>() / self.placed.max(1) as f64;
        let pages = self.pages.max(1) as f64;
        self.read_ms_per_page = 1000.0 * self.read_seconds / pages;
        self.extract_ms_per_page = 1000.0 * self.seconds.iter().sum::<f64>() / pages;
        self.seconds.sort_by(f64::total_cmp);
        self.extract_ms_median =
            1000.0 * self.seconds.get(self.seconds.len() / 2).copied().unwrap_or_default();
    }

    fn calibration(&mut self) {
        self.bins = bins(&self.confidences);
        let count = self.confidences.len().max(1) as f64;
        self.ece =
            self.bins.iter().map(|bin| bin.count as f64 * (bin.confidence - bin.right).abs()).sum::<f64>()
                / count;
        let error = |(confidence, right): &(f64, bool)| (confidence - f64::from(u8::from(*right))).powi(2);
        self.brier = self.confidences.iter().map(error).sum::<f64>() / count;
        self.roc_auc = roc_auc(&self.confidences);
        let at = |threshold: f64| {
            let sure = self.confidences.iter().filter(move |(confidence, _)| *confidence >= threshold);
            sure.fold((0, 0), |(right, all), (_, is)| (right + usize::from(*is), all + 1))
        };
        let (right, all) = at(SURE);
        self.sure = all;
        self.sure_right = ratio(right, all);
        self.risk_coverage = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]
            .into_iter()
            .map(|threshold| {
                let (right, all) = at(threshold);
                Coverage {
                    threshold,
                    coverage: ratio(all, self.confidences.len()),
                    risk: ratio(all - right, all),
                }
            })
            .collect();
    }
}

fn ratio(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn bins(confidences: &[(f64, bool)]) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for (confidence, right) in confidences {
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.confidence += confidence;
        bin.right += f64::from(u8::from(*right));
    }
    for bin in &mut bins {
        let count = bin.count.max(1) as f64;
        bin.confidence /= count;
        bin.right /= count;
    }
    bins
}

/// The probability that a right field has more confidence than a wrong one; ties count half. 0.5 where all are alike.
fn roc_auc(confidences: &[(f64, bool)]) -> f64 {
    let mut sorted = confidences.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut above, mut wrong_below) = (0.0, 0.0);
    let mut rest = sorted.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.partition_point(|(confidence, _)| *confidence <= first.0);
        let right = rest[..same].iter().filter(|(_, right)| *right).count() as f64;
        let wrong = same as f64 - right;
        above += right * (wrong_below + wrong / 2.0);
        wrong_below += wrong;
        rest = &rest[same..];
    }
    let right = confidences.iter().filter(|(_, right)| *right).count() as f64;
    if right == 0.0 || wrong_below == 0.0 { 0.5 } else { above / (right * wrong_below) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.set.map(|set| format!("{set:?}")).unwrap_or_default();
        write!(f, "{set}, {}: {} documents", self.part, self.documents)?;
        writeln!(f, " after {} examples, {} draws", self.train, self.draws)?;
        writeln!(f, "  {:<26} {:>6} {:>7} {:>7} {:>7}", "field", "labels", "found", "strict", "typed")?;
        for (id, count) in &self.fields {
            let found = ratio(count.found, count.labels);
            let (strict, typed) = (count.strict_accuracy, count.typed_accuracy);
            write!(f, "  {id:<26} {:>6} {found:>7.3} {strict:>7.3} {typed:>7.3}", count.labels)?;
            if count.absent > 0 {
                write!(f, "   of {} without one, {} got one", count.absent, count.invented)?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "  accuracy strict {:.3} typed {:.3} (mean of fields {:.3}) · micro-F1 strict {:.3} typed {:.3}",
            self.accuracy_strict,
            self.accuracy_typed,
            self.macro_typed,
            self.micro_f1_strict,
            self.micro_f1_typed
        )?;
        writeln!(
            f,
            "  confidence: ECE {:.3} · Brier {:.3} · ROC-AUC {:.3} · {} of {} fields at ≥ {SURE} are {:.3} right",
            self.ece,
            self.brier,
            self.roc_auc,
            self.sure,
            self.confidences.len(),
            self.sure_right
        )?;
        write!(f, "  risk at coverage:")?;
        for point in &self.risk_coverage {
            write!(f, " {:.3}@{:.2}", point.risk, point.coverage)?;
        }
        writeln!(f)?;
        if self.items.1 > 0 {
            writeln!(
                f,
                "  table cells: precision {:.3} recall {:.3} F1 {:.3}",
                self.items_precision, self.items_recall, self.items_f1
            )?;
        }
        if self.placed > 0 {
            writeln!(
                f,
                "  placement: {:.3} of {} right values at IoU ≥ {SAME_PLACE}, mean IoU {:.3}",
                self.placement_iou50, self.placed, self.placement_iou_mean
            )?;
        }
        write!(
            f,
            "  CPU per page: reading {:.1} ms, extraction {:.2} ms (median document {:.2} ms) · training at most {:.0} ms, model {} bytes",
            self.read_ms_per_page,
            self.extract_ms_per_page,
            self.extract_ms_median,
            self.train_ms_max,
            self.model_bytes_max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(confidences: &[(f64, bool)]) -> Report {
        let mut report = Report { confidences: confidences.to_vec(), ..Report::default() };
        report.finish();
        report
    }

    #[test]
    fn calibration_error_is_the_mean_gap() {
        assert!(report(&[(0.75, true), (0.75, true), (0.75, true), (0.75, false)]).ece < 1e-9);
        assert!((report(&[(0.95, false)]).ece - 0.95).abs() < 1e-9);
        assert!(report(&[]).ece < 1e-9);
    }

    #[test]
    fn auc_counts_pairs_in_the_right_order() {
        assert!((roc_auc(&[(0.9, true), (0.1, false)]) - 1.0).abs() < 1e-9);
        assert!((roc_auc(&[(0.1, true), (0.9, false)])).abs() < 1e-9);
        assert!((roc_auc(&[(0.5, true), (0.5, false)]) - 0.5).abs() < 1e-9);
        assert!((roc_auc(&[(0.9, true), (0.5, false), (0.4, true), (0.3, false)]) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn risk_falls_where_confidence_is_worth_something() {
        let report = report(&[(0.99, true), (0.99, true), (0.6, false), (0.55, true)]);
        assert!((report.risk_coverage[0].risk - 0.25).abs() < 1e-9);
        assert!(report.risk_coverage[4].risk < 1e-9);
        assert!((report.risk_coverage[4].coverage - 0.5).abs() < 1e-9);
    }
}
