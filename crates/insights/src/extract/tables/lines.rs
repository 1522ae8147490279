//! Tables without a header, as on receipts: each line ends with its amount.

use super::{Asked, RawRow, is_total_line};
use crate::extract::{amounts, layout::Span, lexicon::Meaning, text::trimmed_range};
use domain::{
    hub::{Field, FieldType},
    limits::EXTRACT_ROWS_MAX,
};

/// Lines of text above an amount that may describe it.
const LINES_ABOVE_MAX: usize = 2;

/// Amounts of one column end this near each other, as a share of the page's width.
const ALIGNED: f32 = 0.12;

/// The rows of the first page on: a description and an amount, until the first total.
pub(super) fn collect(asked: &Asked<'_, '_>, columns: &[Field]) -> Vec<RawRow> {
    let text_column = columns.iter().position(|column| column.kind == FieldType::String);
    let amount_column = columns.iter().rposition(|column| column.kind == FieldType::Money);
    let (Some(text_column), Some(amount_column)) = (text_column, amount_column) else { return Vec::new() };
    let document = asked.document;
    let mut rows: Vec<RawRow> = Vec::new();
    let mut waiting: Vec<Span> = Vec::new();
    for line in 0..document.lines.len() {
        let ends = is_total_line(asked, line) || is_elsewhere(asked, line);
        if ends && !rows.is_empty() {
            break;
        }
        let Some((amount, text)) = trailing_amount(asked, line).filter(|_| !ends) else {
            waiting = if ends { Vec::new() } else { text_of(asked, line).into_iter().collect() };
            continue;
        };
        let described = text.or_else(|| waiting.last().copied());
        waiting.clear();
        let Some(described) = described else { continue };
        let mut row = RawRow { cells: vec![Vec::new(); columns.len()] };
        row.cells[text_column] = vec![described];
        row.cells[amount_column] = vec![amount];
        rows.push(row);
        if rows.len() >= EXTRACT_ROWS_MAX {
            break;
        }
    }
    // What comes before any total is a table only where a total follows, and its amount stands in the same column.
    let Some(edge) = total_edge(asked) else { return Vec::new() };
    rows.retain(|row| {
        let amount = row.cells[amount_column][0];
        let width = document.pages[document.segments[amount.segment].page].width;
        (document.rect(amount).right() - edge).abs() < ALIGNED * width.max(1.0)
    });
    rows
}

/// The right edge of the first total's amount.
fn total_edge(asked: &Asked<'_, '_>) -> Option<f32> {
    let mut totals = (0..asked.document.lines.len()).filter(|line| is_total_line(asked, *line));
    totals
        .find_map(|line| trailing_amount(asked, line))
        .map(|(amount, _)| asked.document.rect(amount).right())
}

/// Whether a line begins with a label that is no product: a subtotal, cash, a telephone number.
fn is_elsewhere(asked: &Asked<'_, '_>, line: usize) -> bool {
    let first = asked.document.lines[line].segments.start;
    let elsewhere = |meaning: &Meaning| matches!(meaning, Meaning::Other(_));
    let mut labels = asked.labels.in_segment(first);
    labels.any(|label| label.span.start == 0 && label.quality > 0.6 && label.meanings.iter().any(elsewhere))
}

/// The amount at the end of a line, and the text before it.
fn trailing_amount(asked: &Asked<'_, '_>, line: usize) -> Option<(Span, Option<Span>)> {
    let document = asked.document;
    let segments = document.lines[line].segments.clone();
    let mut amount = None;
    for index in segments.clone().rev().take(LINES_ABOVE_MAX) {
        let text = &document.segments[index].text;
        let found = amounts::find(text).into_iter().rfind(|number| number.decimals == 2 && !number.percent);
        // A tax code or a currency may follow the amount, no more.
        if let Some(number) = found.filter(|number| text.len() - number.end <= 4) {
            amount = Some((Span { segment: index, start: number.start, end: number.end }, index));
            break;
        }
    }
    let (amount, last) = amount?;
    let text = segments.take_while(|index| *index <= last).find_map(|index| {
        let limit = if index == last { amount.start } else { document.segments[index].text.len() };
        describing(&document.segments[index].text, index, limit)
    });
    Some((amount, text))
}

fn text_of(asked: &Asked<'_, '_>, line: usize) -> Option<Span> {
    let mut segments = asked.document.lines[line].segments.clone();
    segments.find_map(|index| {
        let text = &asked.document.segments[index].text;
        describing(text, index, text.len())
    })
}

/// The part of a text that may describe something: at least three letters.
fn describing(text: &str, segment: usize, limit: usize) -> Option<Span> {
    let (start, end) = trimmed_range(text, 0, limit);
    let letters = text[start..end].chars().filter(|c| c.is_alphabetic()).count();
    (letters >= 3).then_some(Span { segment, start, end })
}
