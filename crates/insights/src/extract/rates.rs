//! The sums that a document with several rates of tax leaves to its reader.
//!
//! Where each rate has a line of its own (`VAT 7 %`, `VAT 19 %`) the tax of the document is their sum, and often nowhere
//! printed. Such sums become candidates like any amount; a total that they add up to is what makes one win.

use super::{
    amounts::FoundNumber,
    candidates::{Candidate, Reading},
    layout::{Document, Span},
    lexicon::Meaning,
};
use regex::Regex;
use rust_decimal::Decimal;
use std::sync::LazyLock;

/// Lines of one sum, at most: no country has more rates.
const LINES_MAX: usize = 4;
/// An amount that is less surely the field's does not count.
const LABEL_MIN: f32 = 0.35;
/// Lines of one sum stand no further apart, in line heights.
const GAP_LINES_MAX: f32 = 5.0;

struct Line<'c> {
    candidate: &'c Candidate,
    number: &'c FoundNumber,
    rate: Decimal,
    label: f32,
}

/// Sums of a field's amounts in one column whose rows name different rates.
pub(super) fn sums(document: &Document<'_>, numbers: &[Candidate], field: usize) -> Vec<Candidate> {
    let mut columns: Vec<Vec<Line<'_>>> = Vec::new();
    for line in numbers.iter().filter_map(|candidate| line_of(document, candidate, field)) {
        let continues = |column: &&mut Vec<Line<'_>>| {
            column.last().is_some_and(|above| follows(document, above.candidate, line.candidate))
        };
        match columns.iter_mut().find(continues) {
            Some(column) => column.push(line),
            None => columns.push(vec![line]),
        }
    }
    columns.iter().filter_map(|column| sum(document, column)).collect()
}

fn line_of<'c>(document: &Document<'_>, candidate: &'c Candidate, field: usize) -> Option<Line<'c>> {
    let Reading::Number(number) = &candidate.reading else { return None };
    if number.percent || number.decimals != 2 || number.value.is_zero() {
        return None;
    }
    let own = candidate.relations.iter().find(|relation| relation.meaning == Meaning::Field(field))?;
    if own.section || own.strength < LABEL_MIN {
        return None;
    }
    let rate = rate_in_row(document, candidate.spans[0])?;
    Some(Line { candidate, number, rate, label: own.strength })
}

/// The one percentage in the row of an amount.
fn rate_in_row(document: &Document<'_>, span: Span) -> Option<Decimal> {
    static RATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^\d.,])(\d{1,2})(?:[.,](\d{1,2}))?\s?%")
            .expect("the pattern is a constant that the tests run")
    });
    let line = &document.lines[document.segments[span.segment].line];
    let mut found = None;
    for segment in document.segments[line.segments.clone()].iter().take(12) {
        for rate in RATE.captures_iter(&segment.text) {
            let fraction = rate.get(2).map_or("0", |fraction| fraction.as_str());
            let rate: Decimal = format!("{}.{fraction}", &rate[1]).parse().ok()?;
            if found.replace(rate.normalize()).is_some_and(|known| known != rate.normalize()) {
                return None;
            }
        }
    }
    found
}

fn follows(document: &Document<'_>, above: &Candidate, below: &Candidate) -> bool {
    let height = document.line_height(above.page);
    let gap = below.rect.y - above.rect.bottom();
    above.page == below.page
        && (above.rect.right() - below.rect.right()).abs() < 0.8 * height
        && (-0.3 * height..GAP_LINES_MAX * height).contains(&gap)
}

fn sum(document: &Document<'_>, column: &[Line<'_>]) -> Option<Candidate> {
    let distinct = column
        .iter()
        .enumerate()
        .all(|(nth, line)| column[..nth].iter().all(|other| other.rate != line.rate));
    if !(2..=LINES_MAX).contains(&column.len()) || !distinct {
        return None;
    }
    let weakest = column.iter().min_by(|a, b| a.label.total_cmp(&b.label))?;
    let spans: Vec<Span> = column.iter().map(|line| line.candidate.spans[0]).collect();
    let texts: Vec<&str> = column.iter().map(|line| line.candidate.text.as_str()).collect();
    let value = column.iter().map(|line| line.number.value).sum();
    let first = column.first()?.candidate;
    Some(Candidate {
        text: texts.join(" "),
        reading: Reading::Number(FoundNumber { value, ..weakest.number.clone() }),
        confidence: document.confidence(&spans),
        spans,
        rect: first.rect,
        page: first.page,
        relations: weakest.candidate.relations.clone(),
    })
}
