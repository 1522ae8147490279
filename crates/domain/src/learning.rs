//! What hubs learn from: labelled examples, and the models that come of them.
//!
//! An example is an event: it says what a person confirmed about one document, and it is never changed. A model is a
//! function of a hub's examples in their order and of nothing else, so it can be made again; each model is a version
//! with its score on documents that it was not shown.

use crate::{
    id::{ExampleId, FeedbackId, FileId, JobId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Field id to confirmed value; `null` where the document has none.
pub type Values = BTreeMap<String, Value>;

/// Where an example came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ExampleSource {
    /// It was handed in as such.
    Example,
    /// A feedback with a value.
    Feedback,
}

/// How far an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ExampleStatus {
    /// Its document is still to be read.
    Pending,
    /// The hub learns from it.
    Ready,
    /// Its document cannot be read; `error` says why.
    Failed,
}

macro_rules! words {
    ($name:ident: $($variant:ident = $text:literal),*) => {
        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
words!(ExampleSource: Example = "EXAMPLE", Feedback = "FEEDBACK");
words!(ExampleStatus: Pending = "PENDING", Ready = "READY", Failed = "FAILED");

/// A document with what a person confirmed about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Example {
    pub id: ExampleId,
    pub source: ExampleSource,
    pub status: ExampleStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_id: Option<FeedbackId>,
    /// Field id to confirmed value; `null` where the document has none.
    #[cfg_attr(feature = "schema", schema(value_type = std::collections::BTreeMap<String, Option<Object>>))]
    pub values: Values,
    pub created_at: Timestamp,
}

/// How well a model finds one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldScore {
    pub id: String,
    /// Documents in which a person confirmed it.
    pub confirmed: u32,
    /// Share of decisions on documents left out that were right, in `[0, 1]`; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// One part of the range of confidence: what was said, and what was so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReliabilityBin {
    pub from: f64,
    pub to: f64,
    pub decisions: u32,
    /// The mean confidence of those decisions.
    pub confidence: f64,
    /// The share of them that was right.
    pub right: f64,
}

/// How far a hub's confidence can be trusted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Calibration {
    /// Decisions on documents left out. From 30 on the hub's confidence is corrected by them.
    pub decisions: u32,
    /// What the log-odds of a confidence are multiplied with: 1 corrects nothing.
    pub slope: f64,
    /// What is added to them: 0 corrects nothing.
    pub shift: f64,
    /// Mean distance between confidence and share of right decisions, weighed by decisions.
    pub expected_error: f64,
    pub bins: Vec<ReliabilityBin>,
}

/// What cross-validation says about a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Evaluation {
    /// Documents with confirmed fields.
    pub examples: u32,
    /// Share of decisions on documents left out that were right, in `[0, 1]`; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    pub fields: Vec<FieldScore>,
    pub calibration: Calibration,
    /// Fields less certain than this are recommended for review, where the hub asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_threshold: Option<f64>,
}

/// A model as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelVersion {
    /// From 1. Version 0 is what every hub begins with: the prior, and nothing learned.
    pub version: u32,
    /// The next job is read with it.
    pub active: bool,
    /// The hub's version that it was made for.
    pub hub_version: u32,
    /// Why it is not used: it did worse than the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<String>,
    #[serde(flatten)]
    pub evaluation: Evaluation,
    pub created_at: Timestamp,
}

/// One decision about a field of a document that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Which document: the same number for the same document in every version.
    pub document: u64,
    pub field: String,
    pub confidence: f64,
    pub right: bool,
}

/// Decisions from which on they say something about a hub.
pub const DECISIONS_MIN: usize = 30;
/// A model that does worse than the one before by more than this is not used.
pub const DROP_MAX: f64 = 0.02;
const BINS: u32 = 10;

/// Mean confidence and share of right decisions, in ten parts of the range; empty parts are left out.
pub fn reliability(decisions: &[Decision]) -> (Vec<ReliabilityBin>, f64) {
    let mut bins = Vec::new();
    for bin in 0..BINS {
        let (from, to) = (f64::from(bin) / f64::from(BINS), f64::from(bin + 1) / f64::from(BINS));
        let last = bin + 1 == BINS;
        let inside = |decision: &&Decision| decision.confidence >= from && (decision.confidence < to || last);
        let (mut count, mut confidence, mut right) = (0_u32, 0.0, 0_u32);
        for decision in decisions.iter().filter(inside) {
            count += 1;
            confidence += decision.confidence;
            right += u32::from(decision.right);
        }
        if count > 0 {
            let all = f64::from(count);
            bins.push(ReliabilityBin {
                from,
                to,
                decisions: count,
                confidence: crate::extraction::round4(confidence / all),
                right: crate::extraction::round4(f64::from(right) / all),
            });
        }
    }
    let total: f64 = bins.iter().map(|bin| f64::from(bin.decisions)).sum();
    let apart: f64 =
        bins.iter().map(|bin| f64::from(bin.decisions) * (bin.confidence - bin.right).abs()).sum();
    (bins, if total > 0.0 { crate::extraction::round4(apart / total) } else { 0.0 })
}

/// The lowest confidence from which on at most `error_rate` of the decisions are wrong.
///
/// A confidence of `1 - error_rate` promises that by its meaning, and is what holds while fewer than
/// [`DECISIONS_MIN`] decisions are known. After that the hub's own past decides, with half an error added to what was
/// seen, so that luck is not taken for certainty.
pub fn review_threshold(decisions: &[Decision], error_rate: f64) -> f64 {
    let by_meaning = 1.0 - error_rate;
    if decisions.len() < DECISIONS_MIN {
        return by_meaning;
    }
    let mut order: Vec<&Decision> = decisions.iter().collect();
    order.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut wrong, mut lowest) = (0.0_f64, None);
    for (index, decision) in order.iter().enumerate() {
        wrong += f64::from(u8::from(!decision.right));
        let next = order.get(index + 1).map(|next| next.confidence);
        let complete = next != Some(decision.confidence);
        if complete && (wrong + 0.5) / (index as f64 + 2.0) <= error_rate {
            lowest = Some(decision.confidence);
        }
    }
    lowest.unwrap_or(by_meaning)
}

/// Whether `new` does worse than `old` by more than [`DROP_MAX`], judged on the decisions that both made, of which there
/// must be [`DECISIONS_MIN`]: then the shares of the two.
pub fn worse(old: &[Decision], new: &[Decision]) -> Option<(f64, f64)> {
    let before: BTreeMap<(u64, &str), bool> =
        old.iter().map(|decision| ((decision.document, decision.field.as_str()), decision.right)).collect();
    let (mut both, mut right_before, mut right_now) = (0_usize, 0.0, 0.0);
    for decision in new {
        if let Some(right) = before.get(&(decision.document, decision.field.as_str())) {
            both += 1;
            right_before += f64::from(u8::from(*right));
            right_now += f64::from(u8::from(decision.right));
        }
    }
    if both < DECISIONS_MIN {
        return None;
    }
    let (before, now) = (right_before / both as f64, right_now / both as f64);
    (before - now > DROP_MAX).then_some((before, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(parts: &[(f64, usize, usize)]) -> Vec<Decision> {
        let mut all = Vec::new();
        for &(confidence, right, wrong) in parts {
            for index in 0..right + wrong {
                let document = all.len() as u64;
                all.push(Decision { document, field: "f".into(), confidence, right: index < right });
            }
        }
        all
    }

    #[test]
    fn reliability_says_what_was_so() {
        let (bins, error) = reliability(&decisions(&[(0.95, 19, 1), (0.55, 5, 5), (1.0, 10, 0)]));
        assert_eq!(bins.iter().map(|bin| bin.decisions).collect::<Vec<_>>(), [10, 30]);
        assert!((bins[0].right - 0.5).abs() < 1e-9 && error < 0.02, "{bins:?} {error}");
        assert_eq!(reliability(&[]), (Vec::new(), 0.0));
    }

    #[test]
    fn the_threshold_keeps_the_promise_on_the_hubs_own_past() {
        let sure = decisions(&[(0.99, 100, 0), (0.9, 60, 0), (0.6, 20, 10)]);
        assert!((review_threshold(&sure, 0.02) - 0.9).abs() < 1e-9);
        let unsure = decisions(&[(0.99, 20, 20)]);
        assert!((review_threshold(&unsure, 0.02) - 0.98).abs() < 1e-9, "nothing keeps it");
        assert!((review_threshold(&decisions(&[(0.5, 29, 0)]), 0.1) - 0.9).abs() < 1e-9, "too few");
    }

    #[test]
    fn a_drop_is_judged_on_what_both_decided() {
        let old = decisions(&[(0.9, 40, 0)]);
        let mut new = decisions(&[(0.9, 38, 2)]);
        assert_eq!(worse(&old, &new), Some((1.0, 0.95)));
        new[39].right = true;
        new[38].right = true;
        assert_eq!(worse(&old, &new), None);
        assert_eq!(worse(&old[..20], &decisions(&[(0.9, 0, 40)])), None, "too few");
    }
}
