//! From what was chosen to a field of the output: value, places, confidence and its reasons.

use super::{
    amounts,
    analysis::Analysis,
    candidates::{Candidate, Reading},
    choose::Options,
    confidence::{Evidence, EvidenceRow},
    labels::Relation,
    layout::Span,
    lexicon::Meaning,
    reasons::Reason,
    roles::Role,
    values,
};
use crate::learn::{FieldRows, Model, Rows, Scores, truth};
use domain::{
    extraction::{FieldOutput, FieldValue},
    hub::FieldType,
};
use std::collections::BTreeMap;

/// Words read with less are hard to read.
const WEAK: f32 = 0.7;
/// Texts with fewer letters are no names.
const SPELLED_LETTERS_MIN: usize = 5;
/// How near labels usually are.
const USUAL_LABEL: f32 = 0.6;
/// A label this near explains a value.
const LABELLED: f32 = 0.4;
/// A document this much alike has the same layout.
const SAME_LAYOUT: f32 = 0.5;

/// One field of the output, and what its confidence was made from.
pub(super) fn field(
    analysis: &Analysis<'_, '_>,
    index: usize,
    options: &Options<'_>,
    scores: Option<&Scores>,
    model: Option<&Model>,
) -> (FieldOutput, EvidenceRow) {
    let field = &analysis.hub.fields[index];
    let (probability, runner_up) = options.probabilities();
    let chosen = options.chosen().map(|choice| choice.candidate);
    let mut value = chosen.and_then(|candidate| values::of_candidate(field, candidate, analysis.currency));
    // A text that was confirmed before is written as it was confirmed; of numbers of things every sign counts.
    if let (Some(FieldValue::Text(text)), Some(model), FieldType::String) = (&mut value, model, field.kind)
        && !analysis.roles[index].is_code()
        && text.chars().filter(|c| c.is_alphabetic()).count() >= SPELLED_LETTERS_MIN
        && let Some(spelling) = model.spelling(&field.id, text)
    {
        spelling.clone_into(text);
    }
    let taken = chosen.filter(|_| value.is_some());
    let known = taken.is_some_and(|taken| {
        scores.is_some_and(|scores| scores.meant.iter().any(|(_, name, _)| *name == taken.text))
    });
    let own = |relation: &&Relation| relation.meaning == Meaning::Field(index);
    let label = taken.and_then(|taken| taken.relations.iter().find(own)).map_or(0.0, |own| own.strength);
    let evidence = Evidence {
        probability,
        runner_up,
        none: value.is_none(),
        missing: value.is_none() && field.required,
        reader: taken.map_or(1.0, |candidate| candidate.confidence),
        words: taken.map_or(0, |candidate| candidate.text.split_whitespace().count()),
        identity: options.identity && !options.contested && value.is_some(),
        label,
        proven: taken.is_some_and(|taken| field.pattern.is_some() || proves_itself(taken)),
        confirmed: scores.map_or(0, |scores| scores.confirmed),
        layout: scores.map_or(0.0, |scores| scores.layout),
        known,
        party: analysis.roles[index].is_name() || analysis.roles[index] == Role::Address,
    };
    let mut confidence = evidence.confidence();
    if let Some(model) = model.filter(|_| scores.is_some()) {
        confidence = model.calibration().correct(confidence);
    }
    let reasons = [
        (value.is_none(), Reason::NotFound),
        (label > LABELLED, Reason::Labelled),
        (evidence.identity, Reason::IdentityHolds),
        (taken.is_some() && field.pattern.is_some(), Reason::PatternMatches),
        (evidence.confirmed > 0, Reason::Learned),
        (evidence.layout >= SAME_LAYOUT, Reason::KnownLayout),
        (known, Reason::KnownName),
        (evidence.reader < WEAK, Reason::WeakReading),
        (taken.is_some() && runner_up > 0.5 * probability, Reason::CloseRival),
    ];
    let spans = taken.map(|candidate| shown(analysis, field.kind, candidate)).unwrap_or_default();
    let output = FieldOutput {
        id: field.id.clone(),
        name: field.name.clone(),
        kind: field.kind,
        text: taken.map(|taken| match taken.variant {
            Some(_) => taken.text.clone(),
            None => analysis.document.joined(&spans),
        }),
        confidence: domain::extraction::round4(confidence),
        placements: analysis.document.placements(&spans),
        confidence_reasons: reasons
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, reason)| reason.as_str().to_owned())
            .collect(),
        value,
    };
    (output, evidence.row())
}

/// What stands on the page for a value of a type: a date without its time, an amount with its currency.
fn shown(analysis: &Analysis<'_, '_>, kind: FieldType, candidate: &Candidate) -> Vec<Span> {
    let mut spans = candidate.spans.clone();
    let [span] = spans.as_mut_slice() else { return spans };
    let text = &analysis.document.segments[span.segment].text;
    match (&candidate.reading, kind) {
        (Reading::Date(date), FieldType::Date) if date.end > span.start => span.end = date.end,
        (Reading::Number(number), FieldType::Money) if number.currency.is_some() => {
            (span.start, span.end) = amounts::with_currency(text, span.start, span.end);
        }
        _ => {}
    }
    spans
}

/// Whether check digits say that a text is what it looks like.
pub(super) fn proves_itself(candidate: &Candidate) -> bool {
    matches!(&candidate.reading, Reading::Code { quality, .. } if *quality >= 1.0)
}

/// Options of one value, taken together.
struct Pooled {
    probability: f32,
    /// Of the best of them, which that is, and whether it is a remembered name.
    score: f32,
    option: usize,
    known: bool,
}

/// What a model alone says about a field of a document: the value's hash, none where it has none, and the confidence.
/// Fields do not help each other here: it is what cross-validation can do without the pages.
pub(crate) fn decide(rows: &Rows, field: &FieldRows, scores: Option<Scores>) -> (Option<u64>, f64) {
    let hash = |option: usize| match field.options[option].value {
        0 => rows.candidates[field.options[option].candidate as usize].loose,
        value => value,
    };
    let learned = scores.is_some();
    let scores = scores.unwrap_or_else(|| Scores {
        options: field
            .options
            .iter()
            .map(|option| if option.narrow { option.prior } else { f32::NEG_INFINITY })
            .collect(),
        none: field.none,
        ..Scores::default()
    });
    let own = scores.options.iter().enumerate().map(|(option, score)| (hash(option), *score, option, false));
    let meant = scores.meant.iter().map(|(option, name, score)| (truth::text(name).1, *score, *option, true));
    let all: Vec<(u64, f32, usize, bool)> = own.chain(meant).collect();
    let highest = all.iter().map(|option| option.1).fold(scores.none, f32::max);
    let weight = |score: f32| (score - highest).exp();
    let total = weight(scores.none) + all.iter().map(|option| weight(option.1)).sum::<f32>();
    let mut pooled: BTreeMap<u64, Pooled> = BTreeMap::new();
    for (hash, score, option, known) in all {
        let entry = pooled.entry(hash).or_insert(Pooled { probability: 0.0, score: f32::MIN, option, known });
        entry.probability += weight(score) / total;
        if score > entry.score {
            (entry.score, entry.option, entry.known) = (score, option, known);
        }
    }
    let none = weight(scores.none) / total;
    let mut order: Vec<(u64, Pooled)> = pooled.into_iter().collect();
    order
        .sort_by(|(a_hash, a), (b_hash, b)| b.probability.total_cmp(&a.probability).then(a_hash.cmp(b_hash)));
    let best = order.first().filter(|(_, best)| best.probability > none);
    let second = if best.is_some() {
        order.get(1).map_or(none, |(_, second)| second.probability.max(none))
    } else {
        order.first().map_or(0.0, |(_, first)| first.probability)
    };
    let row = best.map(|(_, best)| &rows.candidates[field.options[best.option].candidate as usize]);
    let evidence = Evidence {
        probability: best.map_or(none, |(_, best)| best.probability),
        runner_up: second,
        none: best.is_none(),
        reader: row.map_or(1.0, |row| f32::from(row.reader) / 255.0),
        words: row.map_or(0, |row| row.text.split_whitespace().count().max(1)),
        confirmed: if learned { scores.confirmed } else { 0 },
        layout: scores.layout,
        known: best.is_some_and(|(_, best)| best.known),
        // Rows do not keep the labels of the prior; once learned, they count little.
        label: if learned && best.is_some() { USUAL_LABEL } else { 0.0 },
        ..Evidence::default()
    };
    (best.map(|(hash, _)| *hash), evidence.confidence())
}
