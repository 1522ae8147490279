//! How well a model does on documents that it was not shown.
//!
//! Up to a hundred examples each is left out once, in five groups (each alone where there are few). Of more examples every
//! fifth is left out, once and together: enough to know. The model of the others then is where the model of all begins,
//! so that both together take little longer than one; it has not seen what it was asked.

use super::{
    calibration::Calibration,
    memory::Neighbour,
    model::Model,
    train::{Prepared, learn},
};
use crate::extract;
use domain::hub::Hub;
use serde::{Deserialize, Serialize};

const GROUPS: usize = 5;
/// Fewer examples are left out one by one.
const ALONE_MAX: usize = 8;
/// From here on one group stands for all.
const MANY: usize = 100;
/// Decisions that are told.
const DECISIONS_MAX: usize = 5000;

/// A model, and how well it does.
#[derive(Debug, Clone)]
pub struct Trained {
    pub model: Model,
    pub report: Report,
}

/// One decision about a field of a document that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Which of the examples, from 0.
    pub document: u32,
    pub field: String,
    /// In `[0, 1]`.
    pub confidence: f64,
    pub right: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldReport {
    pub id: String,
    /// Documents in which a person confirmed it.
    pub confirmed: u32,
    /// Share of decisions that were right, in `[0, 1]`; 0 where there were none.
    pub score: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub examples: u32,
    /// Share of decisions that were right, in `[0, 1]`; 0 where there were none.
    pub score: f64,
    pub fields: Vec<FieldReport>,
    pub decisions: Vec<Decision>,
}

/// Which group each example is left out with; `None`: never. Stays the same when examples are added.
fn group(index: usize, count: usize) -> Option<usize> {
    match count {
        0..2 => None,
        2..=ALONE_MAX => Some(index),
        _ if count <= MANY => Some(index % GROUPS),
        _ => index.is_multiple_of(GROUPS).then_some(0),
    }
}

/// Cross-validates. Of many examples also gives the model of those that were not left out.
pub(super) fn decisions(hub: &Hub, examples: &[Prepared<'_>]) -> (Vec<Decision>, Option<Model>) {
    let count = examples.len();
    let groups = (0..count).filter_map(|index| group(index, count)).max().map_or(0, |last| last + 1);
    let (mut decisions, mut near) = (Vec::new(), None);
    for left_out in 0..groups {
        let out = |index: &usize| group(*index, count) == Some(left_out);
        let shown: Vec<&Prepared<'_>> =
            (0..count).filter(|index| !out(index)).map(|index| &examples[index]).collect();
        let without = learn(hub, &shown, None);
        let asked: Vec<usize> = (0..count).filter(out).collect();
        decide(hub, &asked, examples, &without, &mut decisions);
        near = (count > MANY).then_some(without);
    }
    decisions.sort_by_key(|decision| decision.document);
    decisions.truncate(DECISIONS_MAX);
    (decisions, near)
}

/// What the decisions say, and the model's calibration fitted on them.
pub(super) fn report(
    hub: &Hub,
    examples: &[Prepared<'_>],
    mut decisions: Vec<Decision>,
    model: &mut Model,
) -> Report {
    let pairs: Vec<(f64, bool)> =
        decisions.iter().map(|decision| (decision.confidence, decision.right)).collect();
    model.calibration = Calibration::fit(&pairs);
    for decision in &mut decisions {
        decision.confidence = model.calibration.correct(decision.confidence);
    }
    let share = |of: &dyn Fn(&&Decision) -> bool| {
        let (right, all) = decisions
            .iter()
            .filter(of)
            .fold((0_u32, 0_u32), |(right, all), decision| (right + u32::from(decision.right), all + 1));
        if all == 0 { 0.0 } else { f64::from(right) / f64::from(all) }
    };
    let fields = hub.fields.iter().enumerate().map(|(index, field)| FieldReport {
        id: field.id.clone(),
        confirmed: examples.iter().filter(|example| example.truths[index].is_some()).count() as u32,
        score: share(&|decision| decision.field == field.id),
    });
    let fields = fields.collect();
    Report { examples: examples.len() as u32, score: share(&|_| true), fields, decisions }
}

/// What a model says about documents that it was not shown.
fn decide(
    hub: &Hub,
    asked: &[usize],
    examples: &[Prepared<'_>],
    model: &Model,
    decisions: &mut Vec<Decision>,
) {
    let near: Vec<Vec<Neighbour>> =
        asked.iter().map(|&document| model.neighbours(&examples[document].rows.fingerprint)).collect();
    for (index, field) in hub.fields.iter().enumerate() {
        let learned = model.learned(&field.id);
        for (&document, neighbours) in asked.iter().zip(&near) {
            let example = &examples[document];
            let Some(truth) = &example.truths[index] else { continue };
            let rows = &example.rows.fields[index];
            let scores = learned.as_ref().map(|learned| learned.scores(&example.rows, rows, neighbours));
            let (found, confidence) = extract::decide(&example.rows, rows, scores);
            decisions.push(Decision {
                document: document as u32,
                field: field.id.clone(),
                confidence,
                right: truth.is(found),
            });
        }
    }
}
