//! The memory of layouts: where confirmed documents have their values, asked by the documents that look like them.

use super::{
    fingerprint::Fingerprint,
    model::{KNOWN_NAME, SAME_BOTH, SAME_LABEL, SAME_PLACE, SAME_VALUE, SIGNS},
    names::Known,
    sheet::{CandidateRow, FieldRows, Rows},
};
use serde::{Deserialize, Serialize};

/// Documents that are remembered, the latest.
const LAYOUTS_MAX: usize = 2000;
/// Neighbours that speak.
const NEIGHBOURS_MAX: usize = 5;
/// Less alike is another layout.
const ALIKE: f32 = 0.25;
/// How far from its place a value of the same layout may stand, in shares of the page.
const NEAR: f32 = 0.02;

/// Where one document has one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Spot {
    field: u16,
    label: u32,
    place: [u16; 3],
    value: u64,
}

/// One confirmed document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Layout {
    fingerprint: Fingerprint,
    spots: Vec<Spot>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Layouts {
    /// Ids of fields, by the numbers that spots have.
    fields: Vec<String>,
    all: Vec<Layout>,
}

/// A remembered document that looks like another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbour {
    index: usize,
    /// In `[0, 1]`.
    pub similarity: f32,
}

impl Layouts {
    /// Remembers a document: of each field the candidate that is its value.
    pub(super) fn confirm<'r>(
        &mut self,
        rows: &'r Rows,
        values: impl Iterator<Item = (&'r str, &'r CandidateRow)>,
    ) {
        let mut spots = Vec::new();
        for (id, row) in values {
            let field = self.fields.iter().position(|known| known == id).unwrap_or_else(|| {
                self.fields.push(id.to_owned());
                self.fields.len() - 1
            });
            spots.push(Spot { field: field as u16, label: row.label, place: row.place, value: row.loose });
        }
        if self.all.len() >= LAYOUTS_MAX {
            self.all.remove(0);
        }
        self.all.push(Layout { fingerprint: rows.fingerprint.clone(), spots });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Forgets the older half.
    pub(super) fn forget_half(&mut self) {
        self.all.drain(..self.all.len().div_ceil(2));
    }

    /// The remembered documents that look most like this one, of those that are asked by their number and how alike they are.
    pub(super) fn nearest(
        &self,
        fingerprint: &Fingerprint,
        asked: &dyn Fn(usize, f32) -> bool,
    ) -> Vec<Neighbour> {
        let scored = self.all.iter().enumerate().map(|(index, layout)| Neighbour {
            index,
            similarity: layout.fingerprint.similarity(fingerprint),
        });
        let alike = scored.filter(|near| near.similarity >= ALIKE && asked(near.index, near.similarity));
        let mut near: Vec<Neighbour> = alike.collect();
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(b.index.cmp(&a.index)));
        near.truncate(NEIGHBOURS_MAX);
        near
    }

    /// What the memories say about each option of a field. `own` is how often the document itself confirmed its text.
    pub(super) fn signs(
        &self,
        id: &str,
        rows: &Rows,
        field: &FieldRows,
        neighbours: &[Neighbour],
        known: &Known<'_>,
        own: u32,
    ) -> Vec<[f32; SIGNS]> {
        let number = self.fields.iter().position(|known| known == id).map(|number| number as u16);
        let spots: Vec<(f32, &Spot)> = neighbours
            .iter()
            .flat_map(|near| self.all[near.index].spots.iter().map(|spot| (near.similarity, spot)))
            .filter(|(_, spot)| Some(spot.field) == number)
            .collect();
        let signs = field.options.iter().map(|option| {
            let row = &rows.candidates[option.candidate as usize];
            let mut signs = [0.0_f32; SIGNS];
            for (similarity, spot) in &spots {
                let label = if row.label != 0 && row.label == spot.label { *similarity } else { 0.0 };
                let place = similarity * nearness(row.place, spot.place);
                let both = if label > 0.0 { place } else { 0.0 };
                let value = if row.loose == spot.value { *similarity } else { 0.0 };
                let all = [(SAME_LABEL, label), (SAME_PLACE, place), (SAME_BOTH, both), (SAME_VALUE, value)];
                for (sign, strength) in all {
                    signs[sign] = signs[sign].max(strength);
                }
            }
            if !row.text.is_empty() {
                let count = known.count(row.loose);
                let others = if count > 0 { count.saturating_sub(own) } else { 0 };
                signs[KNOWN_NAME] = (others as f32).ln_1p().min(2.5);
            }
            signs
        });
        signs.collect()
    }
}

/// 1 at the same place, falling quickly: columns by either edge, lines by height.
fn nearness(a: [u16; 3], b: [u16; 3]) -> f32 {
    let apart = |index: usize| (f32::from(a[index]) - f32::from(b[index])).abs() / 65535.0 / NEAR;
    let (across, down) = (apart(0).min(apart(1)), apart(2));
    (-(across * across + down * down) / 2.0).exp()
}
