//! Tables: line items, laboratory results, whatever columns a hub names.
//!
//! A header row shows two or more of the columns' labels. Rows follow below it, one for each value in the anchor column
//! (the rightmost amount, else the rightmost number, else the second column); the other cells are what stands under the other headers
//! beside the anchor. Lines without numbers continue the row above. A row of totals, or the header of another table, ends
//! the table; a page does not. Documents without a header (receipts) are read line by line: a description and an amount.

mod header;
mod headings;
mod infer;
mod lines;
mod rows;

pub(crate) use self::headings::{cells, headings};
use super::{
    confidence::Evidence,
    labels::Labels,
    layout::{Document, Span},
    lexicon::Meaning,
    values,
};
use crate::learn::Model;
use domain::{
    extraction::{Cell, FieldOutput, FieldValue, PageBox, Placement, Row, Table, TextSpan, round4},
    hub::{Field, FieldType},
    limits::EXTRACT_ROWS_MAX,
};
use std::collections::BTreeMap;

/// What the rows of a table may cost and ask.
pub(super) struct Asked<'a, 'p> {
    pub document: &'a Document<'p>,
    pub labels: &'a Labels,
    pub hub_fields: &'a [Field],
    pub currency: Option<&'static str>,
    pub order: super::dates::Order,
    /// Knows headings that stood over confirmed cells.
    pub model: Option<&'a Model>,
}

/// One cell before it is typed: where it stands.
#[derive(Debug, Clone, Default)]
pub(super) struct RawRow {
    /// For each column of the field, the pieces of its cell from top to bottom.
    pub cells: Vec<Vec<Span>>,
}

/// Reads a table field.
pub(super) fn extract(asked: &Asked<'_, '_>, field: &Field) -> FieldOutput {
    let headed = header::find(asked, field).map(|headers| rows::collect(asked, &field.columns, &headers));
    let (raw, certainty) = match headed {
        Some(rows) if !rows.is_empty() => (rows, 0.9),
        _ => (lines::collect(asked, &field.columns), 0.6),
    };
    let typed: Vec<Row> = raw
        .iter()
        .filter_map(|row| typed_row(asked, field, row, certainty))
        .take(EXTRACT_ROWS_MAX)
        .enumerate()
        .map(|(index, row)| numbered(field, index, row))
        .collect();
    output(field, typed)
}

/// The cells of a row with their values; none where not even two cells can be read.
fn typed_row(asked: &Asked<'_, '_>, field: &Field, raw: &RawRow, certainty: f32) -> Option<Row> {
    let document = asked.document;
    let mut cells: Vec<Cell> = Vec::with_capacity(field.columns.len());
    for (column, spans) in field.columns.iter().zip(&raw.cells) {
        let read = read_cell(asked, column, spans);
        let reader = if spans.is_empty() { 1.0 } else { document.confidence(spans) };
        let (value, text, spans) = match read {
            Some((value, spans)) => {
                let text = spans.iter().map(|span| document.text(*span)).collect::<Vec<_>>().join(" ");
                (Some(value), Some(text), spans)
            }
            None => (None, None, Vec::new()),
        };
        let probability = if value.is_some() { certainty } else { certainty - 0.15 };
        let evidence = Evidence {
            probability,
            runner_up: 1.0 - probability,
            none: value.is_none(),
            reader,
            words: text.as_ref().map_or(0, |text| text.split_whitespace().count()),
            label: certainty,
            ..Evidence::default()
        };
        cells.push(Cell {
            id: String::new(),
            column: column.id.clone(),
            kind: column.kind,
            value,
            text,
            confidence: round4(evidence.confidence()),
            placements: document.placements(&spans),
        });
    }
    let filled = cells.iter().filter(|cell| cell.value.is_some()).count();
    (filled >= field.columns.len().min(2)).then_some(Row { cells })
}

/// A cell's value, and the part of its spans that says it.
fn read_cell(asked: &Asked<'_, '_>, column: &Field, spans: &[Span]) -> Option<(FieldValue, Vec<Span>)> {
    match column.kind {
        FieldType::Money | FieldType::Number | FieldType::Integer => spans.iter().find_map(|span| {
            let number = rows::number_in(asked.document.text(*span))?;
            let part = Span { start: span.start + number.start, end: span.start + number.end, ..*span };
            let value = values::of_number(column.kind, number.value, number.currency.or(asked.currency))?;
            Some((value, vec![part]))
        }),
        FieldType::Date | FieldType::DateTime => spans.iter().find_map(|span| {
            let date = super::dates::find(asked.document.text(*span), asked.order).into_iter().next()?;
            let part = Span { start: span.start + date.start, end: span.start + date.end, ..*span };
            let text = match column.kind {
                FieldType::Date => date.date.to_string(),
                _ => format!("{}Z", date.date_time()),
            };
            Some((FieldValue::Text(text), vec![part]))
        }),
        FieldType::Boolean => spans.iter().find_map(|span| {
            Some((FieldValue::Boolean(values::boolean(asked.document.text(*span))?), vec![*span]))
        }),
        FieldType::Enum => spans.iter().find_map(|span| {
            let (value, _) = values::enum_value(column, asked.document.text(*span))?;
            Some((FieldValue::Text(value), vec![*span]))
        }),
        FieldType::String => {
            let text = spans.iter().map(|span| asked.document.text(*span)).collect::<Vec<_>>().join(" ");
            let text = values::squeezed(&text);
            (!text.is_empty()).then(|| (FieldValue::Text(text), spans.to_vec()))
        }
        FieldType::List | FieldType::Table => None,
    }
}

/// Gives the cells their ids, and more confidence where quantity × unit price = amount.
fn numbered(field: &Field, index: usize, mut row: Row) -> Row {
    let identity = multiplies(&row);
    for cell in &mut row.cells {
        cell.id = format!("{}[{index}].{}", field.id, cell.column);
        if identity && cell.value.is_some() && cell.kind != FieldType::String {
            cell.confidence = round4(1.0 - (1.0 - cell.confidence) * 0.3);
        }
    }
    row
}

/// Whether one of a row's numbers is the product of two others.
fn multiplies(row: &Row) -> bool {
    let numbers: Vec<f64> = row
        .cells
        .iter()
        .filter_map(|cell| match cell.value.as_ref()? {
            FieldValue::Money(money) => money.amount.parse().ok(),
            FieldValue::Number(number) => Some(*number),
            FieldValue::Integer(number) => Some(*number as f64),
            _ => None,
        })
        .collect();
    match numbers.as_slice() {
        [a, b, c] => (a * b - c).abs() <= 0.02,
        _ => false,
    }
}

fn output(field: &Field, rows: Vec<Row>) -> FieldOutput {
    let cells = rows.iter().flat_map(|row| &row.cells);
    let (sum, count) =
        cells.clone().fold((0.0, 0_u32), |(sum, count), cell| (sum + cell.confidence, count + 1));
    let found = !rows.is_empty();
    let placements = cells.flat_map(|cell| &cell.placements);
    FieldOutput {
        id: field.id.clone(),
        name: field.name.clone(),
        kind: field.kind,
        confidence: round4(if found { 0.95 * sum / f64::from(count.max(1)) } else { 0.6 }),
        placements: if found { places(placements) } else { Vec::new() },
        value: found.then_some(FieldValue::Table(Table { rows })),
        text: None,
        confidence_reasons: Vec::new(),
    }
}

/// One box, or one stretch of text, for each page that a table stands on.
pub(super) fn places<'c>(cells: impl Iterator<Item = &'c Placement>) -> Vec<Placement> {
    let mut pages: BTreeMap<u32, Placement> = BTreeMap::new();
    for each in cells {
        let page = match each {
            Placement::Box(each) => each.page,
            Placement::Span(each) => each.page,
        };
        pages.entry(page).and_modify(|known| *known = joined(known, each)).or_insert_with(|| *each);
    }
    pages.into_values().collect()
}

/// The smallest place that holds both.
fn joined(known: &Placement, each: &Placement) -> Placement {
    match (known, each) {
        (Placement::Box(a), Placement::Box(b)) => {
            let (right, bottom) = ((a.x + a.width).max(b.x + b.width), (a.y + a.height).max(b.y + b.height));
            let (x, y) = (a.x.min(b.x), a.y.min(b.y));
            Placement::Box(PageBox::new(a.page, x, y, right - x, bottom - y))
        }
        (Placement::Span(a), Placement::Span(b)) => {
            let (start, end) = (a.start.min(b.start), a.end.max(b.end));
            Placement::Span(TextSpan { page: a.page, start, end })
        }
        // A page has the one or the other.
        (known, _) => *known,
    }
}

/// Whether a line says a total of the whole document: a label of one of the hub's amounts with an amount.
pub(super) fn is_total_line(asked: &Asked<'_, '_>, line: usize) -> bool {
    let mut segments = asked.document.lines[line].segments.clone();
    let is_amount = |segment: usize| {
        let found = super::amounts::find(&asked.document.segments[segment].text);
        found.iter().any(|number| number.decimals == 2 && !number.percent)
    };
    if !segments.clone().any(is_amount) {
        return false;
    }
    segments.any(|segment| {
        asked.labels.in_segment(segment).any(|label| {
            let money = |meaning: &Meaning| match meaning {
                Meaning::Field(field) => asked.hub_fields[*field].kind == FieldType::Money,
                _ => false,
            };
            label.quality > 0.5 && label.meanings.iter().any(money)
        })
    })
}
