//! What a hub has learned: weights for each field, names, layouts, and how far its confidence can be trusted.
//!
//! A model is used together with the rows of a document. It never stands alone: a field without weights has the prior's
//! scores, and fields are met by their ids, so a model outlives changes of the hub.

use super::{
    calibration::Calibration,
    fingerprint::Fingerprint,
    memory::{Layouts, Neighbour},
    names::{Known, Names},
    sheet::{self, FieldRows, Rows},
};
use crate::extract::PLACES;
use serde::{Deserialize, Serialize};

/// Changes with how a model is written.
const FORMAT: u8 = 2;
/// A stored model is not longer than this.
pub const MODEL_BYTES_MAX: usize = 4_000_000;
/// Unpacked, it is not longer than this.
const UNPACKED_BYTES_MAX: u64 = 64_000_000;
/// Weights of one field; the largest are kept.
const WEIGHTS_MAX: usize = 60_000;
/// Weights are kept in these steps.
const STEP: f32 = 1.0 / 512.0;

/// What the memories say about an option.
pub(super) const SIGNS: usize = 5;
/// The document's nearest confirmed layouts have the value at the same label.
pub(super) const SAME_LABEL: usize = 0;
/// … at the same place.
pub(super) const SAME_PLACE: usize = 1;
/// … at the same label and place.
pub(super) const SAME_BOTH: usize = 2;
/// … and the same value.
pub(super) const SAME_VALUE: usize = 3;
/// Exactly this text was confirmed for the field, on whatever document.
pub(super) const KNOWN_NAME: usize = 4;
/// What they weigh before anything is learned about them.
pub(super) const SIGNS_PRIOR: [f64; SIGNS] = [1.5, 1.5, 3.0, 1.0, 1.0];

/// Weights of one field.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct FieldModel {
    pub id: String,
    /// Documents in which a person confirmed it.
    pub confirmed: u32,
    /// What the prior's score is multiplied with.
    pub trust: f32,
    /// Added to the score of "the document has none".
    pub none: f32,
    pub signs: [f32; SIGNS],
    /// Differences of the features' places.
    pub gaps: Vec<u32>,
    /// Their weights, in [`STEP`]s.
    pub weights: Vec<i16>,
    pub names: Names,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    pub(super) fields: Vec<FieldModel>,
    pub(super) layouts: Layouts,
    pub(super) calibration: Calibration,
    pub(super) examples: u32,
    pub(super) headings: Vec<Heading>,
}

/// What was printed over confirmed cells of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heading {
    pub field: String,
    pub column: String,
    pub label: String,
}

/// Headings that are kept.
const HEADINGS_MAX: usize = 500;

/// Scores of one field's options on one document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scores {
    /// In the order of the options; of one that does not count, minus infinity.
    pub options: Vec<f32>,
    pub none: f32,
    /// Options that stand for a remembered name: which one, the name, the score.
    pub meant: Vec<(usize, String, f32)>,
    /// Documents in which the field was confirmed.
    pub confirmed: u32,
    /// How alike the nearest confirmed document is, in `[0, 1]`.
    pub layout: f32,
}

impl FieldModel {
    /// Keeps the largest weights, by rising place.
    pub(super) fn set_weights(&mut self, weights: impl Iterator<Item = (u32, f32)>) {
        let mut kept: Vec<(u32, i16)> = weights
            .map(|(place, weight)| (place, (weight / STEP).round().clamp(-32_000.0, 32_000.0) as i16))
            .filter(|(_, weight)| *weight != 0)
            .collect();
        if kept.len() > WEIGHTS_MAX {
            kept.sort_by_key(|(place, weight)| (std::cmp::Reverse(weight.unsigned_abs()), *place));
            kept.truncate(WEIGHTS_MAX);
        }
        kept.sort_unstable_by_key(|(place, _)| *place);
        let mut before = 0;
        self.gaps = kept.iter().map(|(place, _)| place - std::mem::replace(&mut before, *place)).collect();
        self.weights = kept.into_iter().map(|(_, weight)| weight).collect();
    }

    /// Writes the weights to a table with one entry a place.
    pub(super) fn spread(&self, table: &mut [f32]) {
        let mut place = 0_usize;
        for (gap, weight) in self.gaps.iter().zip(&self.weights) {
            place += *gap as usize;
            if let Some(entry) = table.get_mut(place) {
                *entry = f32::from(*weight) * STEP;
            }
        }
    }

    /// Bare linear scores; `signs` has an entry for each option.
    pub(super) fn score(
        &self,
        rows: &Rows,
        field: &FieldRows,
        signs: &[[f32; SIGNS]],
        table: &[f32],
    ) -> Vec<f32> {
        let scored = field.options.iter().zip(signs).map(|(option, signs)| {
            let mut place = 0_usize;
            let mut score = self.trust * option.prior;
            for (gap, value) in &rows.candidates[option.candidate as usize].features {
                place += *gap as usize;
                score += table.get(place).copied().unwrap_or_default() * f32::from(*value) / 32.0;
            }
            score + signs.iter().zip(&self.signs).map(|(sign, weight)| sign * weight).sum::<f32>()
        });
        scored.collect()
    }
}

impl Model {
    /// Versioned and compressed; at most [`MODEL_BYTES_MAX`] long.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut model = self.clone();
        loop {
            let bytes = sheet::pack(FORMAT, &model);
            if bytes.len() <= MODEL_BYTES_MAX || model.layouts.is_empty() {
                return bytes;
            }
            model.layouts.forget_half();
        }
    }

    /// None where the bytes are no model of this format: then the prior alone speaks.
    pub fn from_bytes(bytes: &[u8]) -> Option<Model> {
        sheet::unpack(FORMAT, bytes, UNPACKED_BYTES_MAX)
    }

    pub(super) fn field(&self, id: &str) -> Option<&FieldModel> {
        self.fields.iter().find(|field| field.id == id && field.confirmed > 0)
    }

    /// The columns of a table by what is printed over them.
    pub(crate) fn headings(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let own = self.headings.iter().filter(move |heading| heading.field == field);
        own.map(|heading| (heading.column.as_str(), heading.label.as_str()))
    }

    /// Remembers what is printed over a column. A label that another column had before is the later one's.
    pub(super) fn remember_heading(&mut self, heading: Heading) {
        self.headings.retain(|known| known.field != heading.field || known.label != heading.label);
        self.headings.push(heading);
        let surplus = self.headings.len().saturating_sub(HEADINGS_MAX);
        self.headings.drain(..surplus);
    }

    /// How a text was spelled when a person last confirmed it for a field.
    pub(crate) fn spelling(&self, id: &str, text: &str) -> Option<&str> {
        self.field(id)?.names.spelling(text)
    }

    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The confirmed documents that look most like this one.
    pub(crate) fn neighbours(&self, fingerprint: &Fingerprint) -> Vec<Neighbour> {
        self.layouts.nearest(fingerprint, &|_, _| true)
    }

    /// What was learned of a field, ready to be asked; none where nothing was confirmed for it.
    pub(crate) fn learned(&self, id: &str) -> Option<Learned<'_>> {
        let field = self.field(id)?;
        let mut table = vec![0.0; PLACES as usize];
        field.spread(&mut table);
        Some(Learned { model: self, field, known: field.names.known(), table })
    }
}

/// A field of a model, unpacked: one that is asked about many documents is unpacked once.
pub(crate) struct Learned<'m> {
    model: &'m Model,
    field: &'m FieldModel,
    known: Known<'m>,
    /// The weight of each place.
    table: Vec<f32>,
}

impl Learned<'_> {
    /// Scores of the options that a document has.
    pub(crate) fn scores(&self, rows: &Rows, field: &FieldRows, neighbours: &[Neighbour]) -> Scores {
        let Learned { model, field: learned, known, table } = self;
        let signs = model.layouts.signs(&learned.id, rows, field, neighbours, known, 0);
        let options = learned.score(rows, field, &signs, table);
        let meant = if learned.names.is_empty() { Vec::new() } else { meant(known, rows, field, &options) };
        Scores {
            none: learned.trust * field.none + learned.none,
            options,
            meant,
            confirmed: learned.confirmed,
            layout: neighbours.first().map_or(0.0, |nearest| nearest.similarity),
        }
    }
}

/// Options whose text is looked up among the remembered names.
const MEANT_MAX: usize = 16;
/// What a remembered name has ahead of the text it stands in for.
const MEANT_AHEAD: f32 = 1.0;

/// Remembered names that stand in for the best options.
fn meant(known: &Known<'_>, rows: &Rows, field: &FieldRows, scores: &[f32]) -> Vec<(usize, String, f32)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order.truncate(MEANT_MAX);
    let found = order.into_iter().filter_map(|index| {
        let row = &rows.candidates[field.options[index].candidate as usize];
        let found = known.meant((&row.text, row.loose), row.reader, &rows.signals)?;
        let ahead = MEANT_AHEAD + 4.0 * (found.alike - 0.6) + 0.5 * (found.count.min(8) as f32).ln();
        Some((index, found.text.to_owned(), scores[index] + ahead))
    });
    found.collect()
}
