//! When a value is right: strictly (the same string, white space folded) and by type (dates as dates, amounts as numbers,
//! texts on their letters and digits).

use crate::sample::{Places, Sample};
use domain::extraction::{ExtractionOutput, FieldOutput, FieldValue, Placement, Row};
use insights::page::Rect;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One field of one document.
pub struct FieldOutcome {
    pub id: String,
    pub expected: String,
    pub found: Option<String>,
    pub strict: bool,
    pub typed: bool,
    pub confidence: f64,
    /// Of a right value whose place is known: how well the places agree, in `[0, 1]`.
    pub overlap: Option<f64>,
    /// The document has none; right is to find none.
    pub absent: bool,
}

/// Cells of one document's table.
#[derive(Debug, Clone, Default)]
pub struct ItemsOutcome {
    pub right: usize,
    pub expected: usize,
    pub found: usize,
    /// Of right cells whose place is known: how well the places agree.
    pub overlaps: Vec<f64>,
}

pub struct Outcome {
    pub fields: Vec<FieldOutcome>,
    pub items: Option<ItemsOutcome>,
    /// Rows of the table that was found, for people.
    pub rows: Vec<String>,
}

/// What of a document was read rightly. Fields without a label do not count: nobody knows whether the page has them.
pub fn compare(sample: &Sample, output: &ExtractionOutput) -> Outcome {
    let fields = sample.expected.iter().filter_map(|truth| {
        let field = output.fields.iter().find(|field| field.id == truth.id)?;
        let typed = match &field.value {
            Some(value) => !truth.absent && typed(&truth.text, value),
            None => truth.absent,
        };
        Some(FieldOutcome {
            id: truth.id.clone(),
            expected: truth.text.clone(),
            found: shown(field),
            strict: if truth.absent { typed } else { strict(&truth.text, field) },
            typed,
            confidence: field.confidence,
            overlap: (typed && !truth.boxes.is_empty())
                .then(|| best_overlap(&truth.boxes, &field.placements)),
            absent: truth.absent,
        })
    });
    let table = output.fields.iter().find_map(|field| match &field.value {
        Some(FieldValue::Table(table)) => Some(table.rows.as_slice()),
        _ => None,
    });
    let items = sample.items.as_ref().map(|expected| items(sample, expected, table.unwrap_or_default()));
    Outcome { fields: fields.collect(), items, rows: Vec::new() }
}

fn shown(field: &FieldOutput) -> Option<String> {
    match field.value.as_ref()? {
        FieldValue::Text(text) => Some(text.clone()),
        FieldValue::Money(money) => Some(money.amount.clone()),
        other => serde_json::to_string(other).ok(),
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn strict(expected: &str, field: &FieldOutput) -> bool {
    let expected = squeezed(expected);
    let same = |text: Option<&str>| text.is_some_and(|text| squeezed(text) == expected);
    field.value.is_some() && (same(shown(field).as_deref()) || same(field.text.as_deref()))
}

/// Whether a value says the same as a label.
pub fn typed(expected: &str, value: &FieldValue) -> bool {
    match value {
        FieldValue::Money(money) => same_number(expected, &money.amount),
        FieldValue::Number(number) => same_number(expected, &number.to_string()),
        FieldValue::Integer(number) => same_number(expected, &number.to_string()),
        FieldValue::Boolean(value) => expected == if *value { "true" } else { "false" },
        FieldValue::Text(text) => letters(expected) == letters(text) || same_date(expected, text),
        _ => false,
    }
}

/// Digits, point and sign of an amount.
pub fn plain_number(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
    plain.parse::<Decimal>().ok().map(|number| number.to_string())
}

fn same_number(expected: &str, found: &str) -> bool {
    let number = |text: &str| plain_number(text).and_then(|plain| plain.parse::<Decimal>().ok());
    number(expected).is_some_and(|expected| {
        number(found).is_some_and(|found| (expected - found).abs() < Decimal::new(5, 3))
    })
}

/// With the place that agrees best: a value may stand several times.
fn best_overlap(places: &Places, found: &[Placement]) -> f64 {
    places.iter().map(|boxes| overlap(boxes, found)).fold(0.0, f64::max)
}

/// Intersection over union of two sets of boxes, by the boxes around them on each page.
fn overlap(expected: &[(u32, Rect)], found: &[Placement]) -> f64 {
    let around = |boxes: &mut dyn Iterator<Item = (u32, Rect)>| -> BTreeMap<u32, Rect> {
        boxes.fold(BTreeMap::new(), |mut pages, (page, rect)| {
            pages.entry(page).and_modify(|all: &mut Rect| *all = all.union(&rect)).or_insert(rect);
            pages
        })
    };
    let boxes = found.iter().filter_map(|placement| match placement {
        Placement::Box(at) => {
            let rect =
                Rect { x: at.x as f32, y: at.y as f32, width: at.width as f32, height: at.height as f32 };
            Some((at.page, rect))
        }
        Placement::Span(_) => None,
    });
    let (expected, found) = (around(&mut expected.iter().copied()), around(&mut boxes.into_iter()));
    let area = |rect: &Rect| f64::from(rect.width.max(0.0)) * f64::from(rect.height.max(0.0));
    let all = |boxes: &BTreeMap<u32, Rect>| boxes.values().map(area).sum::<f64>();
    let both: f64 = expected
        .iter()
        .filter_map(|(page, a)| {
            let b = found.get(page)?;
            let (x, y) = (a.x.max(b.x), a.y.max(b.y));
            let shared =
                Rect { x, y, width: a.right().min(b.right()) - x, height: a.bottom().min(b.bottom()) - y };
            Some(area(&shared))
        })
        .sum();
    both / (all(&expected) + all(&found) - both).max(1e-9)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Labels have dates as printed, day first, or as ISO 8601; `found` is ISO 8601.
fn same_date(expected: &str, found: &str) -> bool {
    iso_date(expected).is_some_and(|date| date == found)
}

/// A label's date as ISO 8601.
pub fn iso_date(expected: &str) -> Option<String> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = expected.to_lowercase();
    let parts: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let mut numbers = Vec::new();
    for part in parts {
        let letters: String = part.chars().filter(|c| c.is_alphabetic()).collect();
        let month = MONTHS.iter().position(|month| !letters.is_empty() && letters.starts_with(month));
        let digits: Vec<&str> =
            part.split(|c: char| !c.is_ascii_digit()).filter(|piece| !piece.is_empty()).collect();
        match (month, digits.as_slice()) {
            (Some(month), []) => numbers.push(month as i64 + 1),
            (Some(month), [day]) => numbers.extend([day.parse().unwrap_or(0), month as i64 + 1]),
            (Some(month), [day, year, ..]) => {
                numbers.extend([day.parse().unwrap_or(0), month as i64 + 1, year.parse().unwrap_or(0)])
            }
            (None, [number]) => numbers.push(number.parse().unwrap_or(0)),
            _ => return None,
        }
    }
    let full = |year: i64| if year < 100 { 2000 + year } else { year };
    let iso = |year: i64, month: i64, day: i64| format!("{:04}-{month:02}-{day:02}", full(year));
    match numbers.as_slice() {
        [year, month, day] if *year > 1000 => Some(iso(*year, *month, *day)),
        [day, month, year] if *month > 12 => Some(iso(*year, *day, *month)),
        [day, month, year] => Some(iso(*year, *month, *day)),
        _ => None,
    }
}

/// Rows are paired in order of how many cells agree; each pair counts its equal cells.
fn items(sample: &Sample, expected: &[Vec<(&'static str, String)>], found: &[Row]) -> ItemsOutcome {
    let same = |(id, text): &(&'static str, String), other: &Row| {
        let cell = other.cells.iter().find(|cell| cell.column == *id)?;
        cell.value.as_ref().is_some_and(|value| typed(text, value)).then(|| cell.placements.clone())
    };
    let equal = |row: &[(&'static str, String)], other: &Row| {
        row.iter().filter(|cell| same(cell, other).is_some()).count()
    };
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (index, row) in expected.iter().enumerate() {
        pairs.extend(found.iter().enumerate().map(|(other, cells)| (equal(row, cells), index, other)));
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut used, mut used_found) = (vec![false; expected.len()], vec![false; found.len()]);
    let (mut right, mut overlaps) = (0, Vec::new());
    for (count, index, other) in pairs {
        if !used[index] && !used_found[other] {
            (used[index], used_found[other]) = (true, true);
            right += count;
            for cell in &expected[index] {
                let place = sample.cells.get(&(index, cell.0));
                if let (Some(place), Some(found)) = (place, same(cell, &found[other])) {
                    overlaps.push(best_overlap(place, &found));
                }
            }
        }
    }
    let filled = |row: &Row| row.cells.iter().filter(|cell| cell.value.is_some()).count();
    ItemsOutcome {
        right,
        expected: expected.iter().map(Vec::len).sum(),
        found: found.iter().map(filled).sum(),
        overlaps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_by_type() {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        assert!(typed("25/12/2018", &text("2018-12-25")));
        assert!(typed("03 JAN 18", &text("2018-01-03")));
        assert!(typed("2018-01-03", &text("2018-01-03")));
        assert!(typed("Some, Street 1.", &text("SOME STREET 1")));
        assert!(!typed("Some Street 1", &text("Some Street 2")));
        assert!(typed("3.0000", &FieldValue::Number(3.0)));
        assert!(typed(
            "RM 9.00",
            &FieldValue::Money(domain::extraction::Money { amount: "9".into(), currency: None })
        ));
    }
}
