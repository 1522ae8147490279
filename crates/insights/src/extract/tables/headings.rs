//! What a confirmed table teaches: which printed heading stands over which column.
//!
//! Headings abbreviate as they like, and no list of words has them all. Where a row's confirmed cells stand on one line of
//! the page, what stands over each of them is a label of its column from then on.

use crate::{
    extract::{
        amounts, dates,
        layout::{Document, Span},
        text::fold,
    },
    page::Page,
};
use domain::hub::{Field, FieldType};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;

/// Lines above a row in which its header is looked for.
const LINES_MAX: usize = 60;
/// Words and letters of the longest heading.
const WORDS_MAX: usize = 5;
const LETTERS_MAX: usize = 40;

/// Confirmed cells: row, index of the column, value.
pub(crate) type Cells = Vec<(usize, usize, Value)>;

/// The cells of a table field among confirmed values, each by its own id or all in one value.
pub(crate) fn cells(field: &Field, values: &BTreeMap<String, Value>) -> Cells {
    let column = |id: &str| field.columns.iter().position(|column| column.id == id);
    let mut found = Cells::new();
    for (id, value) in values {
        let place = id.strip_prefix(&field.id).and_then(|rest| rest.strip_prefix('['));
        let Some((row, name)) = place.and_then(|rest| rest.split_once("].")) else { continue };
        if let (Ok(row), Some(column)) = (row.parse(), column(name)) {
            found.push((row, column, value.clone()));
        }
    }
    let rows = values.get(&field.id).and_then(|table| table.get("rows")).and_then(Value::as_array);
    for (row, cells) in rows.into_iter().flatten().enumerate() {
        for cell in cells.get("cells").and_then(Value::as_array).into_iter().flatten() {
            if let Some(column) = cell.get("column").and_then(Value::as_str).and_then(column) {
                found.push((row, column, cell.get("value").cloned().unwrap_or_default()));
            }
        }
    }
    found
}

/// The headings over confirmed cells: index of the column, and the heading as it is printed.
pub(crate) fn headings(pages: &[Page], field: &Field, cells: &Cells) -> Vec<(usize, String)> {
    let document = Document::new(pages);
    let mut rows: BTreeMap<usize, Vec<(usize, &Value)>> = BTreeMap::new();
    for (row, column, value) in cells.iter().filter(|(.., value)| !value.is_null()) {
        rows.entry(*row).or_default().push((*column, value));
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for cells in rows.values() {
        let Some((line, spans)) = row_on_page(&document, field, cells) else { continue };
        let Some(header) = header_above(&document, line) else { continue };
        for (column, span) in spans {
            let heading = heading_over(&document, header, span).map(|heading| (column, heading));
            found.extend(heading.filter(|heading| !found.contains(heading)));
        }
    }
    // A heading over two columns says nothing about either.
    let twice = |(column, heading): &(usize, String)| {
        found.iter().any(|(other, same)| other != column && same == heading)
    };
    found.iter().filter(|heading| !twice(heading)).cloned().collect()
}

/// The line on which most of a row's cells stand, two at least, and where.
fn row_on_page(
    document: &Document<'_>,
    field: &Field,
    cells: &[(usize, &Value)],
) -> Option<(usize, Vec<(usize, Span)>)> {
    let on_line = |line: usize| {
        let mut spans: Vec<(usize, Span)> = Vec::new();
        for (column, value) in cells {
            let place = document.lines[line].segments.clone().find_map(|segment| {
                let span = place_in(document, segment, &field.columns[*column], value)?;
                spans.iter().all(|(_, taken)| *taken != span).then_some(span)
            });
            spans.extend(place.map(|span| (*column, span)));
        }
        (line, spans)
    };
    let lines = (0..document.lines.len()).map(on_line);
    let best = lines.max_by(|a, b| a.1.len().cmp(&b.1.len()).then(b.0.cmp(&a.0)))?;
    (best.1.len() >= 2).then_some(best)
}

/// Where a segment has the value of a cell.
fn place_in(document: &Document<'_>, segment: usize, column: &Field, value: &Value) -> Option<Span> {
    let text = &document.segments[segment].text;
    let at = |start: usize, end: usize| Span { segment, start, end };
    match column.kind {
        FieldType::Money | FieldType::Number | FieldType::Integer => {
            let wanted = decimal(value.get("amount").unwrap_or(value))?;
            let number = amounts::find(text).into_iter().find(|number| number.value == wanted)?;
            Some(at(number.start, number.end))
        }
        FieldType::Date | FieldType::DateTime => {
            let wanted = value.as_str()?.get(..10)?;
            let found = dates::find(text, dates::Order::DayFirst);
            let date = found.into_iter().find(|date| date.date.to_string() == wanted)?;
            Some(at(date.start, date.end))
        }
        _ => {
            let (wanted, shown) = (fold(value.as_str()?), fold(text));
            let same = wanted == shown || (shown.len() >= 5 && wanted.starts_with(&shown));
            (same && !shown.is_empty()).then(|| at(0, text.len()))
        }
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The nearest line above without digits that has two texts or more.
fn header_above(document: &Document<'_>, line: usize) -> Option<usize> {
    let page = document.lines[line].page;
    (0..line).rev().take(LINES_MAX).take_while(|&above| document.lines[above].page == page).find(|&above| {
        let segments = &document.segments[document.lines[above].segments.clone()];
        segments.len() >= 2
            && segments.iter().all(|segment| !segment.text.contains(|c: char| c.is_ascii_digit()))
    })
}

fn heading_over(document: &Document<'_>, header: usize, span: Span) -> Option<String> {
    let cell = document.rect(span);
    let height = document.line_height(document.lines[header].page);
    let apart = |segment: &usize| {
        let rect = document.segments[*segment].rect;
        rect.x.max(cell.x) - rect.right().min(cell.right())
    };
    let nearest = document.lines[header].segments.clone().min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let text = &document.segments[nearest].text;
    let short = text.split_whitespace().count() <= WORDS_MAX && text.len() <= LETTERS_MAX;
    (short && apart(&nearest) < height && fold(text).len() >= 2).then(|| text.clone())
}
