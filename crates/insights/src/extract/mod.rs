//! Pages in, typed fields out.
//!
//! `words → lines and segments → labels → candidates → scores → joint choice → typed values with confidence and places`
//!
//! Nothing here knows a particular hub, seller or layout. A hub is a list of fields with names, types and the labels under
//! which documents show them; every step works on that alone, so a hub of a customer's own is read like the built-in ones.
//! The model is linear: a few dozen generic features for each candidate (see [`mod@features`]), a softmax over all candidates
//! and "the document has none", equal values pooled. It reads a page in a few milliseconds and is the same for the same
//! input, always.
//!
//! What is promised: every field of the hub appears in its order; a value has its field's type; every box lies on its page;
//! time grows linearly with the number of words (what is looked at is bounded by [`domain::limits`]).

mod amounts;
mod analysis;
mod blocks;
mod boxes;
mod candidates;
mod choose;
mod claims;
mod classify;
mod codes;
mod confidence;
mod context;
mod dates;
mod features;
mod grounding;
mod labels;
mod layout;
mod leads;
mod lexicon;
mod neighbourhood;
mod output;
mod phrases;
mod prior;
mod rates;
mod reasons;
mod relate;
mod roles;
mod rows;
#[cfg(test)]
mod samples;
mod shapes;
mod stacks;
mod sums;
mod tables;
mod text;
mod tokens;
mod totals;
pub mod training;
mod values;
mod variants;
mod voices;
mod weights;
mod wide;

use self::{
    analysis::Analysis,
    candidates::Candidate,
    choose::Options,
    lexicon::{ELSEWHERE, Lexicon, Meaning},
};
pub use self::{
    classify::{classify, classify_learned},
    confidence::EvidenceRow,
    reasons::Reason,
    voices::{hear_invoice, hear_reader, text_of},
};
pub(crate) use self::{
    neighbourhood::PLACES,
    output::decide,
    tables::{cells, headings},
};
use crate::{
    learn::{Model, Rows, Scores, Sheet},
    page::Page,
};
use domain::{
    extraction::ExtractionOutput,
    hub::{Field, FieldType, Hub},
};

/// Reads the fields of a hub from the pages of a document.
pub fn extract(pages: &[Page], hub: &Hub) -> ExtractionOutput {
    extract_learned(pages, hub, None).0
}

/// Reads the fields with what the hub has learned, and gives what learning keeps of the document.
pub fn extract_learned(pages: &[Page], hub: &Hub, model: Option<&Model>) -> (ExtractionOutput, Sheet) {
    let (output, sheet, _) = extract_with_evidence(pages, hub, model);
    (output, sheet)
}

/// Also gives what the confidence calibrator looks at, one row for each field: what its constants are fitted on.
pub fn extract_with_evidence(
    pages: &[Page],
    hub: &Hub,
    model: Option<&Model>,
) -> (ExtractionOutput, Sheet, Vec<EvidenceRow>) {
    let analysis = Analysis::new(pages, hub);
    let rows = rows::of(&analysis);
    let scores = learned(hub, &rows, model);
    let stand_ins: Vec<Vec<(f32, Candidate)>> = (0..hub.fields.len())
        .map(|index| analysis.stand_ins(index, &rows.fields[index], scores[index].as_ref()))
        .collect();
    let mut options: Vec<Options<'_>> = (0..hub.fields.len())
        .map(|index| analysis.options(index, &rows.fields[index], scores[index].as_ref(), &stand_ins[index]))
        .collect();
    choose::jointly(&mut options, &analysis.context.rates, analysis.context.rounds());
    let Analysis { document, labels, currency, order, .. } = &analysis;
    let tables = tables::Asked {
        document,
        labels,
        hub_fields: &hub.fields,
        currency: *currency,
        order: *order,
        model,
    };
    let (fields, evidence) = hub
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| match field.kind {
            FieldType::Table => (tables::extract(&tables, field), EvidenceRow::default()),
            _ => output::field(&analysis, index, &options[index], scores[index].as_ref(), model),
        })
        .unzip();
    (ExtractionOutput::new(fields), Sheet { pages: pages.to_vec(), rows }, evidence)
}

/// What the hub has learned about each field's options.
fn learned(hub: &Hub, rows: &Rows, model: Option<&Model>) -> Vec<Option<Scores>> {
    let Some(model) = model else { return vec![None; hub.fields.len()] };
    let neighbours = model.neighbours(&rows.fingerprint);
    let fields = hub.fields.iter().zip(&rows.fields);
    fields
        .map(|(field, options)| Some(model.learned(&field.id)?.scores(rows, options, &neighbours)))
        .collect()
}

/// The labels of a hub's fields, and the ones that point elsewhere.
fn lexicon_of(fields: &[Field]) -> Lexicon {
    let own = fields.iter().enumerate().filter(|(_, field)| field.kind != FieldType::Table).flat_map(
        |(index, field)| {
            lexicon::labels_of(field).into_iter().map(move |label| (Meaning::Field(index), label))
        },
    );
    let elsewhere = ELSEWHERE.iter().flat_map(|(meaning, labels)| {
        labels.split('|').map(move |label| (*meaning, label.trim().to_owned()))
    });
    Lexicon::new(own.chain(elsewhere))
}
