//! When a candidate is what a person confirmed: values as hashes that are equal where the values are.

use super::{
    hash,
    sheet::{CandidateRow, FieldRows, OptionRow},
    trigrams::{self, Trigrams},
};
use domain::hub::{Field, FieldType};
use rust_decimal::Decimal;
use serde_json::Value;

/// From here on a misread text is taken for the confirmed one.
const NEAR: f32 = 0.75;

/// What a person confirmed for one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// The document has none.
    None,
    Value {
        strict: u64,
        loose: u64,
        text: Option<String>,
    },
}

/// A date's hash.
pub(crate) fn date(date: &str) -> u64 {
    hash::number("date", hash::text(date))
}

/// A number's hash; `1.5` and `1.50` have the same.
pub(crate) fn number(value: Decimal) -> u64 {
    hash::number("number", hash::text(&value.normalize().to_string()))
}

/// A text's hashes: as it is with white space folded, and by its letters and digits.
pub(crate) fn text(text: &str) -> (u64, u64) {
    let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (hash::number("text", hash::text(&squeezed)), loose(&trigrams::folded(text)))
}

/// The hash of a text by its letters and digits, of what it folds to.
pub(super) fn loose(folded: &str) -> u64 {
    hash::number("text", hash::text(folded))
}

/// The hash of a value that is not what stands on the page: yes, no, an enum's value, a list.
pub(crate) fn chosen(value: &Value) -> u64 {
    let plain = match value {
        Value::String(text) => trigrams::folded(text),
        other => other.to_string(),
    };
    // 0 means "the candidate's own value".
    hash::number("chosen", hash::text(&plain)).max(1)
}

/// Which options of a field are a known value; all false where the document has none. `None` where no option is it, or the
/// value has not the field's encoding.
pub(crate) fn marks(
    field: &Field,
    value: &Value,
    rows: &FieldRows,
    candidates: &[CandidateRow],
) -> Option<Vec<bool>> {
    match Truth::of(field, value)? {
        Truth::None => Some(vec![false; rows.options.len()]),
        truth => Some(truth.right(rows, candidates)).filter(|marks| !marks.is_empty()),
    }
}

impl Truth {
    /// What a confirmed value means; `None` where it has not the field's encoding and teaches nothing.
    pub(super) fn of(field: &Field, value: &Value) -> Option<Truth> {
        if value.is_null() {
            return Some(Truth::None);
        }
        let same = |hash| Some(Truth::Value { strict: hash, loose: hash, text: None });
        match field.kind {
            FieldType::Money => same(number(decimal(value.get("amount").unwrap_or(value))?)),
            FieldType::Number | FieldType::Integer => same(number(decimal(value)?)),
            FieldType::Date => same(date(value.as_str()?)),
            FieldType::DateTime => {
                let full = value.as_str()?;
                let day = full.get(..10)?;
                Some(Truth::Value { strict: date(full.trim_end_matches('Z')), loose: date(day), text: None })
            }
            FieldType::Boolean | FieldType::Enum | FieldType::List => same(chosen(value)),
            FieldType::String => {
                let plain = value.as_str()?;
                if plain.trim().is_empty() {
                    return Some(Truth::None);
                }
                let (strict, loose) = text(plain);
                Some(Truth::Value { strict, loose, text: Some(plain.to_owned()) })
            }
            FieldType::Table => None,
        }
    }

    /// Which of a field's options are right; empty where none is.
    /// Where some are so to the letter, only they are; where none is, those that a reader may have misread.
    pub(super) fn right(&self, rows: &FieldRows, candidates: &[CandidateRow]) -> Vec<bool> {
        let Truth::Value { strict, loose, text } = self else { return Vec::new() };
        let keys = |option: &OptionRow| -> (u64, u64) {
            let row = &candidates[option.candidate as usize];
            if option.value == 0 { (row.strict, row.loose) } else { (option.value, option.value) }
        };
        let marked = |right: &dyn Fn(&OptionRow) -> bool| -> Option<Vec<bool>> {
            let marks: Vec<bool> = rows.options.iter().map(right).collect();
            marks.contains(&true).then_some(marks)
        };
        let exact = marked(&|option| keys(option).0 == *strict);
        let equal = || marked(&|option| keys(option).1 == *loose);
        let near = || {
            let wanted = Trigrams::of(text.as_deref()?);
            let score =
                |option: &OptionRow| wanted.dice(&Trigrams::of(&candidates[option.candidate as usize].text));
            let best = rows.options.iter().map(score).fold(0.0, f32::max);
            if best < NEAR { None } else { marked(&|option| score(option) >= best) }
        };
        exact.or_else(equal).or_else(near).unwrap_or_default()
    }

    /// Whether an option's value is the confirmed one.
    pub(super) fn is(&self, loose_found: Option<u64>) -> bool {
        match (self, loose_found) {
            (Truth::None, None) => true,
            (Truth::Value { loose, .. }, Some(found)) => *loose == found,
            _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(kind: FieldType) -> Field {
        Field::new("field", "Field", kind)
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        let of = |kind, value: Value| Truth::of(&field(kind), &value).unwrap();
        assert_eq!(
            of(FieldType::Money, json!({"amount": "1.50"})),
            of(FieldType::Money, json!({"amount": "1.5", "currency": "EUR"}))
        );
        assert_eq!(of(FieldType::Number, json!(2)), of(FieldType::Number, json!(2.0)));
        assert_ne!(of(FieldType::Date, json!("2024-01-02")), of(FieldType::Date, json!("2024-02-01")));
        assert_eq!(of(FieldType::String, Value::Null), Truth::None);
        assert_eq!(Truth::of(&field(FieldType::Integer), &json!("many")), None);
    }

    #[test]
    fn the_exact_text_is_preferred_to_its_letters() {
        let row = |text_: &str| {
            let (strict, loose) = text(text_);
            CandidateRow { strict, loose, text: text_.to_owned(), ..CandidateRow::default() }
        };
        let candidates = [row("Some Ltd."), row("Some Ltd"), row("Other")];
        let options =
            (0..3).map(|candidate| OptionRow { candidate, prior: 0.0, narrow: true, value: 0 }).collect();
        let rows = FieldRows { options, none: 0.0 };
        let right = |value: &str| {
            Truth::of(&field(FieldType::String), &json!(value)).unwrap().right(&rows, &candidates)
        };
        assert_eq!(right("Some Ltd"), [false, true, false]);
        assert_eq!(right("SOME LTD"), [true, true, false]);
        assert_eq!(right("0ther"), Vec::<bool>::new());
        assert_eq!(right("Somme Ltd"), Vec::<bool>::new());
    }
}
