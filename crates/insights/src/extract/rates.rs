//! The sums that a document with several rates of tax leaves to its reader.
//!
//! Where each rate has a line of its own (`VAT 7 %`, `VAT 19 %`) the tax of the document is their sum, and often nowhere
//! printed. Such sums become candidates like any amount; a total that they add up to is what makes one win. A line is one of
//! a rate by its label, or by arithmetic: the tax stands behind what it is taken from, and the rate in the same row.

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
    rate: Decimal,
    label: f32,
}

/// Two amounts are the same within this: documents round.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// Lines of a document that are multiplied, the last ones.
const ROWS_MAX: usize = 300;

/// Of rows that have an amount, the tax on it and its rate: both amounts, by the rate.
pub(super) struct Taxed<'c> {
    rate: Decimal,
    base: &'c Candidate,
    pub tax: &'c Candidate,
}

/// The rows of a document that say a tax by arithmetic.
pub(super) fn taxed<'c>(document: &Document<'_>, numbers: &'c [Candidate]) -> Vec<Taxed<'c>> {
    let line = |number: &Candidate| document.segments[number.spans[0].segment].line;
    let mut rows: Vec<&[Candidate]> = numbers.chunk_by(|a, b| line(a) == line(b)).collect();
    rows.drain(..rows.len().saturating_sub(ROWS_MAX));
    rows.into_iter().filter_map(|row| taxed_row(document, row)).collect()
}

fn taxed_row<'c>(document: &Document<'_>, row: &'c [Candidate]) -> Option<Taxed<'c>> {
    let value = |candidate: &Candidate| match &candidate.reading {
        Reading::Number(number) => Some(number.value),
        _ => None,
    };
    let amounts: Vec<&Candidate> = row
        .iter()
        .filter(|number| {
            matches!(&number.reading, Reading::Number(found) if found.decimals == 2 && !found.percent)
        })
        .collect();
    let named = rate_in_row(document, amounts.first()?.spans[0]);
    // Below a heading that says so a rate needs no sign.
    let plain = row.iter().filter_map(value).map(|rate| rate.normalize());
    let usual = plain.filter(|rate| USUAL_RATES.contains(rate));
    let rates: Vec<Decimal> = named.map_or_else(|| usual.collect(), |rate| vec![rate]);
    for (nth, &base) in amounts.iter().enumerate() {
        for &tax in &amounts[nth + 1..] {
            let (from, part) = (value(base)?, value(tax)?);
            let fits = |rate: &&Decimal| {
                !part.is_zero() && (from * **rate / Decimal::ONE_HUNDRED - part).abs() <= TOLERANCE
            };
            if let Some(rate) = rates.iter().find(fits) {
                return Some(Taxed { rate: *rate, base, tax });
            }
        }
    }
    None
}

/// Rates that documents print without their sign.
const USUAL_RATES: [Decimal; 12] = {
    const fn rate(tenths: u32) -> Decimal {
        Decimal::from_parts(tenths, 0, 0, false, 1)
    }
    [
        rate(190),
        rate(70),
        rate(160),
        rate(50),
        rate(200),
        rate(100),
        rate(55),
        rate(210),
        rate(220),
        rate(90),
        rate(60),
        rate(40),
    ]
};

/// What the bases and the taxes of different rates add up to; nothing where there is but one.
pub(super) fn taxed_sums(document: &Document<'_>, rows: &[Taxed<'_>]) -> Option<[Candidate; 2]> {
    let distinct =
        rows.iter().enumerate().all(|(nth, row)| rows[..nth].iter().all(|other| other.rate != row.rate));
    if !(2..=LINES_MAX).contains(&rows.len()) || !distinct {
        return None;
    }
    let sum = |lines: Vec<&Candidate>| added(document, &lines, lines.first()?);
    Some([sum(rows.iter().map(|row| row.base).collect())?, sum(rows.iter().map(|row| row.tax).collect())?])
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
    Some(Line { candidate, rate, label: own.strength })
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
    let lines: Vec<&Candidate> = column.iter().map(|line| line.candidate).collect();
    added(document, &lines, weakest.candidate)
}

/// One candidate whose value is the sum of others; what stands around it is what stands around `like`.
fn added(document: &Document<'_>, lines: &[&Candidate], like: &Candidate) -> Option<Candidate> {
    let number = |candidate: &Candidate| match &candidate.reading {
        Reading::Number(number) => Some(number.clone()),
        _ => None,
    };
    let spans: Vec<Span> = lines.iter().map(|line| line.spans[0]).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let value = lines.iter().copied().filter_map(number).map(|number| number.value).sum();
    let first = lines.first()?;
    Some(Candidate {
        text: texts.join(" "),
        reading: Reading::Number(FoundNumber { value, ..number(like)? }),
        confidence: document.confidence(&spans),
        variant: None,
        spans,
        rect: first.rect,
        page: first.page,
        relations: like.relations.clone(),
    })
}
