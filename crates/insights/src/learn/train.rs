//! From examples to a model.

use super::{
    fit::{Case, fit},
    memory::{Layouts, Neighbour},
    model::{FieldModel, Heading, Model},
    sheet::{CandidateRow, FieldRows, Rows, Sheet},
    trigrams::Trigrams,
    truth::Truth,
    validate::{self, Trained},
};
use crate::extract;
use domain::hub::{Field, FieldType, Hub};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Examples that are looked at, the latest.
pub const EXAMPLES_MAX: usize = 2000;
/// Two documents more alike than this are one document twice, and say nothing about each other.
const TWICE: f32 = 0.97;
/// How alike what stands on the page must be to be remembered for a correction that stands nowhere.
const SHOWN: f32 = 0.5;

/// A document with what a person confirmed about it.
#[derive(Debug, Clone)]
pub struct Example {
    pub sheet: Sheet,
    /// By field id, in the field's own encoding; null where the document has none. Fields that are not named are not
    /// confirmed. Cells have the ids that an output gives them: `lineItems[0].description`.
    pub values: BTreeMap<String, Value>,
}

/// An example as training needs it.
pub(super) struct Prepared<'e> {
    pub rows: Cow<'e, Rows>,
    /// One for each field of the hub; none where nothing was confirmed.
    pub truths: Vec<Option<Truth>>,
    /// Per field, the option that is the confirmed value.
    pub right: Vec<Vec<bool>>,
    /// What is printed over the confirmed cells of tables.
    pub headings: Vec<Heading>,
}

/// Learns from examples, oldest first, and tells how well that works on documents that were left out.
pub fn train(hub: &Hub, examples: &[Example]) -> Trained {
    let prepared = prepare(hub, examples);
    let all: Vec<&Prepared<'_>> = prepared.iter().collect();
    let (decisions, near) = validate::decisions(hub, &prepared);
    let mut model = learn(hub, &all, near.as_ref());
    let report = validate::report(hub, &prepared, decisions, &mut model);
    Trained { model, report }
}

/// Learns without telling how well: what a measurement needs.
pub fn train_only(hub: &Hub, examples: &[Example]) -> Model {
    let prepared = prepare(hub, examples);
    learn(hub, &prepared.iter().collect::<Vec<_>>(), None)
}

fn prepare<'e>(hub: &Hub, examples: &'e [Example]) -> Vec<Prepared<'e>> {
    let latest = &examples[examples.len().saturating_sub(EXAMPLES_MAX)..];
    latest.iter().map(|example| Prepared::new(hub, example)).collect()
}

impl<'e> Prepared<'e> {
    fn new(hub: &Hub, example: &'e Example) -> Prepared<'e> {
        let rows = example.sheet.rows_for(hub);
        let truths: Vec<Option<Truth>> = hub
            .fields
            .iter()
            .map(|field| example.values.get(&field.id).and_then(|value| Truth::of(field, value)))
            .collect();
        let right = truths.iter().zip(&rows.fields).map(|(truth, field)| {
            truth.as_ref().map(|truth| truth.right(field, &rows.candidates)).unwrap_or_default()
        });
        let right = right.collect();
        Prepared { rows, truths, right, headings: headings(hub, example) }
    }

    /// The candidate that is a field's confirmed value: of several the one that the prior likes best.
    fn confirmed(&self, field: usize) -> Option<&CandidateRow> {
        let options = &self.rows.fields[field].options;
        let right = (0..options.len()).filter(|&option| self.right[field].get(option) == Some(&true));
        let best = right.max_by(|a, b| options[*a].prior.total_cmp(&options[*b].prior).then(b.cmp(a)));
        best.map(|option| &self.rows.candidates[options[option].candidate as usize])
    }
}

fn headings(hub: &Hub, example: &Example) -> Vec<Heading> {
    let mut found = Vec::new();
    for field in hub.fields.iter().filter(|field| field.kind == FieldType::Table) {
        let cells = extract::cells(field, &example.values);
        if cells.is_empty() {
            continue;
        }
        for (column, label) in extract::headings(&example.sheet.pages, field, &cells) {
            let column = field.columns[column].id.clone();
            found.push(Heading { field: field.id.clone(), column, label });
        }
    }
    found
}

/// The model of some examples. `from` is a model of nearly the same ones, to begin with.
pub(super) fn learn(hub: &Hub, examples: &[&Prepared<'_>], from: Option<&Model>) -> Model {
    let mut layouts = Layouts::default();
    for example in examples {
        let values = hub.fields.iter().enumerate();
        layouts.confirm(
            &example.rows,
            values.filter_map(|(index, field)| Some((field.id.as_str(), example.confirmed(index)?))),
        );
    }
    let indices: Vec<usize> =
        (0..hub.fields.len()).filter(|&index| hub.fields[index].kind != FieldType::Table).collect();
    let near = nearest(&layouts, examples);
    let one = |index: usize| {
        let from = from.and_then(|model| model.field(&hub.fields[index].id));
        learn_field(hub, index, examples, (&layouts, &near), from)
    };
    // Fields do not depend on each other; two at a time.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let mut fields: Vec<(usize, FieldModel)> = if threads > 1 && examples.len() > 3 {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    let mine: Vec<usize> = indices.iter().copied().skip(worker).step_by(threads).collect();
                    scope.spawn(move || mine.into_iter().map(|index| (index, one(index))).collect::<Vec<_>>())
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        })
    } else {
        indices.into_iter().map(|index| (index, one(index))).collect()
    };
    fields.sort_by_key(|(index, _)| *index);
    let fields = fields.into_iter().map(|(_, field)| field).filter(|field| field.confirmed > 0).collect();
    let mut model = Model { fields, layouts, examples: examples.len() as u32, ..Model::default() };
    for heading in examples.iter().flat_map(|example| &example.headings) {
        model.remember_heading(heading.clone());
    }
    model
}

/// Of each example the others that look most like it, but for copies of it.
fn nearest(layouts: &Layouts, examples: &[&Prepared<'_>]) -> Vec<Vec<Neighbour>> {
    let own = examples.iter().enumerate();
    let near = own.map(|(nth, example)| {
        let fingerprint = &example.rows.fingerprint;
        layouts.nearest(fingerprint, &|other, similarity| other != nth && similarity < TWICE)
    });
    near.collect()
}

fn learn_field(
    hub: &Hub,
    index: usize,
    examples: &[&Prepared<'_>],
    (layouts, near): (&Layouts, &[Vec<Neighbour>]),
    from: Option<&FieldModel>,
) -> FieldModel {
    let field = &hub.fields[index];
    let mut model = FieldModel { id: field.id.clone(), ..FieldModel::default() };
    let confirmed: Vec<(usize, &Prepared<'_>)> = examples
        .iter()
        .enumerate()
        .filter(|(_, example)| example.truths[index].is_some())
        .map(|(nth, example)| (nth, *example))
        .collect();
    model.confirmed = confirmed.len() as u32;
    remember_names(&mut model, field, index, &confirmed);
    let known = model.names.known();
    let mut cases = Vec::new();
    for (nth, example) in &confirmed {
        let value = matches!(example.truths[index], Some(Truth::Value { .. }));
        let right = example.right[index].clone();
        if value && right.is_empty() {
            continue;
        }
        let rows = &*example.rows;
        let signs = layouts.signs(&field.id, rows, &rows.fields[index], &near[*nth], &known, 1);
        cases.push(Case { rows, field: &rows.fields[index], right, signs });
    }
    drop(known);
    if cases.is_empty() {
        (model.trust, model.none) = (1.0, 0.0);
    } else {
        fit(&mut model, &cases, from);
    }
    model
}

fn remember_names(model: &mut FieldModel, field: &Field, index: usize, confirmed: &[(usize, &Prepared<'_>)]) {
    if field.kind != FieldType::String {
        return;
    }
    for (_, example) in confirmed {
        let Some(Truth::Value { text: Some(text), loose, .. }) = &example.truths[index] else { continue };
        let exact = example.confirmed(index).is_some_and(|row| row.loose == *loose);
        let shown = if exact { None } else { shown(&example.rows, &example.rows.fields[index], text) };
        model.names.confirm(text, shown.as_deref(), &example.rows.signals);
    }
}

/// What stands on the page for a text that does not stand there: the option that is most like it.
fn shown(rows: &Rows, field: &FieldRows, text: &str) -> Option<String> {
    let wanted = Trigrams::of(text);
    let scored = field.options.iter().map(|option| {
        let row = &rows.candidates[option.candidate as usize];
        (wanted.dice(&Trigrams::of(&row.text)), row)
    });
    let (alike, row) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (alike >= SHOWN).then(|| row.text.clone())
}
