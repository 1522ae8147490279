//! When a value is right: strictly (the same string, white space folded) and by type (dates as dates, amounts as numbers,
//! texts on their letters and digits).

use crate::sets::Sample;
use domain::extraction::{ExtractionOutput, FieldOutput, FieldValue, Row};
use rust_decimal::Decimal;

/// One field of one document.
pub struct FieldOutcome {
    pub id: &'static str,
    pub expected: String,
    pub found: Option<String>,
    pub strict: bool,
    pub typed: bool,
    pub confidence: f64,
}

/// Cells of one document's table.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemsOutcome {
    pub right: usize,
    pub expected: usize,
    pub found: usize,
}

pub struct Outcome {
    pub fields: Vec<FieldOutcome>,
    pub items: Option<ItemsOutcome>,
}

/// What of a document was read rightly. Fields without a label do not count: nobody knows whether the page has them.
pub fn compare(sample: &Sample, output: &ExtractionOutput) -> Outcome {
    let fields = sample.expected.iter().filter_map(|(id, expected)| {
        let field = output.fields.iter().find(|field| field.id == *id)?;
        Some(FieldOutcome {
            id,
            expected: expected.clone(),
            found: shown(field),
            strict: strict(expected, field),
            typed: field.value.as_ref().is_some_and(|value| typed(expected, value)),
            confidence: field.confidence,
        })
    });
    let table = output.fields.iter().find_map(|field| match &field.value {
        Some(FieldValue::Table(table)) => Some(table.rows.as_slice()),
        _ => None,
    });
    let items = sample.items.as_ref().map(|expected| items(expected, table.unwrap_or_default()));
    Outcome { fields: fields.collect(), items }
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
        FieldValue::Text(text) => letters(expected) == letters(text) || same_date(expected, text),
        _ => false,
    }
}

fn same_number(expected: &str, found: &str) -> bool {
    let number = |text: &str| -> Option<Decimal> {
        let plain: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
        plain.parse().ok()
    };
    number(expected).is_some_and(|expected| {
        number(found).is_some_and(|found| (expected - found).abs() < Decimal::new(5, 3))
    })
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Labels have dates as printed, day first, or as ISO 8601; `found` is ISO 8601.
fn same_date(expected: &str, found: &str) -> bool {
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
            _ => return false,
        }
    }
    let full = |year: i64| if year < 100 { 2000 + year } else { year };
    let iso = |year: i64, month: i64, day: i64| format!("{:04}-{month:02}-{day:02}", full(year));
    match numbers.as_slice() {
        [year, month, day] if *year > 1000 => iso(*year, *month, *day) == found,
        [day, month, year] => {
            iso(*year, *month, *day) == found || (*month > 12 && iso(*year, *day, *month) == found)
        }
        _ => false,
    }
}

/// Rows are paired in order of how many cells agree; each pair counts its equal cells.
fn items(expected: &[Vec<(&'static str, String)>], found: &[Row]) -> ItemsOutcome {
    let equal = |row: &[(&'static str, String)], other: &Row| {
        let same = |(id, text): &&(&'static str, String)| {
            let cell = other.cells.iter().find(|cell| cell.column == *id);
            cell.and_then(|cell| cell.value.as_ref()).is_some_and(|value| typed(text, value))
        };
        row.iter().filter(same).count()
    };
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (index, row) in expected.iter().enumerate() {
        pairs.extend(found.iter().enumerate().map(|(other, cells)| (equal(row, cells), index, other)));
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut used, mut used_found) = (vec![false; expected.len()], vec![false; found.len()]);
    let mut right = 0;
    for (count, index, other) in pairs {
        if !used[index] && !used_found[other] {
            (used[index], used_found[other]) = (true, true);
            right += count;
        }
    }
    let filled = |row: &Row| row.cells.iter().filter(|cell| cell.value.is_some()).count();
    ItemsOutcome {
        right,
        expected: expected.iter().map(Vec::len).sum(),
        found: found.iter().map(filled).sum(),
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
