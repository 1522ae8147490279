//! What others say of a document, beside its pages: an invoice that is attached as data, and a second reader.
//!
//! Data in the file is the sender's own word and wins; where the page says it too, that is its place. A second reader is
//! only heard where the page says the same: its agreement makes a value surer, its disagreement less sure, and it may fill
//! what was not found. Both say in the reasons that they were heard.

use super::{
    analysis::Analysis,
    grounding::{Ground, agree, typed},
    layout::{Document, Span},
    reasons::Reason,
};
use crate::{
    page::Page,
    read::{Invoice, InvoiceValues},
};
use domain::{
    extraction::{Cell, ExtractionOutput, FieldOutput, FieldValue, Placement, Row, Table, round4},
    hub::{Field, FieldType, Hub},
    limits,
};
use std::collections::{BTreeMap, HashSet};

/// Of a value that the data says: the page says it too, or it does not.
const EMBEDDED_SHOWN: f64 = 0.99;
const EMBEDDED_UNSHOWN: f64 = 0.9;
/// What is left of the doubt where a second reader agrees, and of the confidence where it does not.
const DOUBT_LEFT: f64 = 0.4;
const CONFIDENCE_LEFT: f64 = 0.6;
/// Of a value that only the second reader found.
const READER_ALONE: f64 = 0.5;

/// Takes over what an attached invoice says, for the fields of the built-in hub for invoices that a hub has.
pub fn hear_invoice(output: &mut ExtractionOutput, pages: &[Page], hub: &Hub, invoice: &Invoice) {
    let document = Document::new(pages);
    let ground = Ground::new(&document);
    let currency = invoice.currency.as_deref().filter(|code| code.len() == 3);
    for (field, found) in hub.fields.iter().zip(&mut output.fields) {
        if field.kind == FieldType::Table {
            if field.id == "lineItems" && !invoice.lines.is_empty() {
                take_lines(found, field, &invoice.lines, currency, (&document, &ground));
            }
            continue;
        }
        let Some(text) = invoice.values.get(field.id.as_str()) else { continue };
        let Some(value) = typed(field, text, currency) else { continue };
        if found.value.as_ref().is_some_and(|own| agree(own, &value)) && !found.placements.is_empty() {
            found.confidence = round4(found.confidence.max(EMBEDDED_SHOWN));
            note(found, Reason::EmbeddedData);
            if let (Some(FieldValue::Money(own)), FieldValue::Money(said)) = (&mut found.value, value) {
                own.currency = said.currency.or(own.currency.take());
            }
            continue;
        }
        let place = ground.places(&value, field.kind).into_iter().next();
        set(found, value, place, &document);
        found.confidence = if found.placements.is_empty() { EMBEDDED_UNSHOWN } else { EMBEDDED_SHOWN };
        found.confidence_reasons.clear();
        note(found, Reason::EmbeddedData);
    }
}

/// Weighs what a second reader answered, by field id; it answers none where it found nothing.
pub fn hear_reader(
    output: &mut ExtractionOutput,
    pages: &[Page],
    hub: &Hub,
    answers: &BTreeMap<String, Option<String>>,
) {
    let analysis = Analysis::new(pages, hub);
    let (document, currency) = (&analysis.document, analysis.currency);
    let ground = Ground::new(document);
    for (field, found) in hub.fields.iter().zip(&mut output.fields) {
        let Some(Some(text)) = answers.get(&field.id) else { continue };
        let Some(value) = typed(field, text, currency) else { continue };
        if found.value.as_ref().is_some_and(|own| agree(own, &value)) {
            found.confidence = round4(1.0 - (1.0 - found.confidence) * DOUBT_LEFT);
            note(found, Reason::SecondReaderAgrees);
            continue;
        }
        let Some(place) = ground.places(&value, field.kind).into_iter().next() else { continue };
        if found.value.is_none() {
            set(found, value, Some(place), document);
            found.confidence = READER_ALONE;
            found.confidence_reasons.retain(|reason| reason != Reason::NotFound.as_str());
            note(found, Reason::SecondReaderAgrees);
        } else {
            found.confidence = round4(found.confidence * CONFIDENCE_LEFT);
            note(found, Reason::SecondReaderDiffers);
        }
    }
}

/// The text of the pages, line by line; the pieces of a line that stand apart are kept apart.
pub fn text_of(pages: &[Page], characters_max: usize) -> String {
    let document = Document::new(pages);
    let mut text = String::new();
    for line in &document.lines {
        let pieces: Vec<&str> =
            document.segments[line.segments.clone()].iter().map(|segment| segment.text.as_str()).collect();
        text.push_str(&pieces.join("   "));
        text.push('\n');
        if text.len() > characters_max {
            break;
        }
    }
    text.chars().take(characters_max).collect()
}

fn note(found: &mut FieldOutput, reason: Reason) {
    if !found.confidence_reasons.iter().any(|known| known == reason.as_str()) {
        found.confidence_reasons.push(reason.as_str().to_owned());
    }
}

fn set(found: &mut FieldOutput, value: FieldValue, place: Option<Vec<Span>>, document: &Document<'_>) {
    found.text = place.as_ref().map(|place| document.joined(place));
    found.placements = place.map(|place| document.placements(&place)).unwrap_or_default();
    found.value = Some(value);
}

/// The line items as the data has them; each cell where the page shows it, and none in the place of another.
fn take_lines(
    found: &mut FieldOutput,
    field: &Field,
    lines: &[InvoiceValues],
    currency: Option<&str>,
    (document, ground): (&Document<'_>, &Ground<'_, '_>),
) {
    let mut taken: HashSet<Span> = HashSet::new();
    let mut row = |index: usize, line: &InvoiceValues| {
        let mut cell = |column: &Field| {
            let value = line.get(column.id.as_str()).and_then(|text| typed(column, text, currency));
            let mut places = value.iter().flat_map(|value| ground.places(value, column.kind));
            let place = places.find(|place| place.iter().all(|span| !taken.contains(span)));
            taken.extend(place.iter().flatten());
            Cell {
                id: format!("{}[{index}].{}", field.id, column.id),
                column: column.id.clone(),
                kind: column.kind,
                text: place.as_ref().map(|place| document.joined(place)),
                confidence: if place.is_some() { EMBEDDED_SHOWN } else { EMBEDDED_UNSHOWN },
                placements: place.map(|place| document.placements(&place)).unwrap_or_default(),
                value,
            }
        };
        Row { cells: field.columns.iter().map(&mut cell).collect() }
    };
    let rows: Vec<Row> = lines
        .iter()
        .take(limits::EXTRACT_ROWS_MAX)
        .enumerate()
        .map(|(index, line)| row(index, line))
        .collect();
    let cells: Vec<&Placement> =
        rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.placements).collect();
    found.placements = super::tables::places(cells.into_iter());
    found.value = Some(FieldValue::Table(Table { rows }));
    found.confidence = if found.placements.is_empty() { EMBEDDED_UNSHOWN } else { EMBEDDED_SHOWN };
    note(found, Reason::EmbeddedData);
}
