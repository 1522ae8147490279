//! From what stands on the page to a typed value.

use super::{
    candidates::{Candidate, Reading},
    text::{fold, similarity},
};
use domain::{
    extraction::{FieldValue, Money},
    hub::{Field, FieldType},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Words for yes and no, folded.
const YES: [&str; 16] =
    ["yes", "ja", "oui", "si", "sim", "true", "x", "wahr", "vrai", "y", "checked", "☒", "☑", "✓", "✔", "✗"];
const NO: [&str; 10] = ["no", "nein", "non", "nao", "nee", "false", "falsch", "faux", "n", "☐"];
/// Below this a text is none of an enum's values.
const ENUM_SIMILARITY_MIN: f64 = 0.8;

/// The value of a candidate for a field; `None` where it cannot have the field's type.
pub(super) fn of_candidate(
    field: &Field,
    candidate: &Candidate,
    currency: Option<&'static str>,
) -> Option<FieldValue> {
    match (&candidate.reading, field.kind) {
        (Reading::Date(date), FieldType::Date) => Some(FieldValue::Text(date.date.to_string())),
        // A document's clock names no zone, so its time is given as if in UTC.
        (Reading::Date(date), FieldType::DateTime) => {
            Some(FieldValue::Text(format!("{}Z", date.date_time())))
        }
        (Reading::Number(number), kind) => of_number(kind, number.value, number.currency.or(currency)),
        (Reading::Code { value, .. }, FieldType::String) => Some(FieldValue::Text(value.clone())),
        (Reading::Text(_), kind) => of_text(field, kind, &candidate.text),
        _ => None,
    }
}

/// A number as the type wants it.
pub(super) fn of_number(kind: FieldType, value: Decimal, currency: Option<&str>) -> Option<FieldValue> {
    match kind {
        FieldType::Integer => value.is_integer().then(|| value.to_i64()).flatten().map(FieldValue::Integer),
        FieldType::Number => value.to_f64().map(FieldValue::Number),
        FieldType::Money => Some(FieldValue::Money(Money {
            amount: value.to_string(),
            currency: currency.map(str::to_owned),
        })),
        FieldType::String => Some(FieldValue::Text(value.to_string())),
        _ => None,
    }
}

fn of_text(field: &Field, kind: FieldType, text: &str) -> Option<FieldValue> {
    match kind {
        FieldType::String => Some(FieldValue::Text(squeezed(text))),
        FieldType::Boolean => boolean(text).map(FieldValue::Boolean),
        FieldType::Enum => enum_value(field, text).map(|(value, _)| FieldValue::Text(value)),
        FieldType::List => list(field, text),
        _ => None,
    }
}

/// The items of a list that stands in one text, between commas, semicolons or bullets.
fn list(field: &Field, text: &str) -> Option<FieldValue> {
    let kind = field.items.unwrap_or(FieldType::String);
    let item = Field { kind, ..Field::new(&field.id, &field.name, kind) };
    let item = Field { values: field.values.clone(), ..item };
    let parts = text.split([',', ';', '•', '|']).map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| match kind {
        FieldType::Money | FieldType::Number | FieldType::Integer => {
            let number = super::amounts::find(part).into_iter().next()?;
            of_number(kind, number.value, number.currency)
        }
        FieldType::Date | FieldType::DateTime => {
            let date = super::dates::find(part, super::dates::Order::DayFirst).into_iter().next()?;
            let text = if kind == FieldType::Date {
                date.date.to_string()
            } else {
                format!("{}Z", date.date_time())
            };
            Some(FieldValue::Text(text))
        }
        FieldType::List | FieldType::Table => None,
        _ => of_text(&item, kind, part),
    };
    let items: Vec<FieldValue> = parts.filter_map(read).collect();
    (!items.is_empty()).then_some(FieldValue::List(items))
}

/// White space folded to single spaces.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a word or a mark says.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let bare = text.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')') || c.is_whitespace());
    let marked = text.contains('[') || text.contains('(');
    if bare.is_empty() {
        return marked.then_some(false);
    }
    let folded = fold(bare);
    let word = if folded.is_empty() { bare.to_owned() } else { folded };
    if YES.contains(&word.as_str()) { Some(true) } else { NO.contains(&word.as_str()).then_some(false) }
}

/// Which of an enum's values a text says, and how surely.
pub(super) fn enum_value(field: &Field, text: &str) -> Option<(String, f32)> {
    let folded = fold(text);
    if folded.is_empty() {
        return None;
    }
    let scored = field.values.iter().map(|value| {
        let wanted = fold(value);
        let score = if wanted == folded { 1.0 } else { similarity(&wanted, &folded, ENUM_SIMILARITY_MIN) };
        (score, value)
    });
    let (score, value) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= ENUM_SIMILARITY_MIN).then(|| (value.clone(), score as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_type_of_their_field() {
        let value: Decimal = "1234.50".parse().unwrap();
        assert_eq!(of_number(FieldType::Number, value, None), Some(FieldValue::Number(1234.5)));
        assert_eq!(of_number(FieldType::Integer, value, None), None);
        assert_eq!(of_number(FieldType::Integer, Decimal::from(7), None), Some(FieldValue::Integer(7)));
        let money = Money { amount: "1234.50".into(), currency: Some("EUR".into()) };
        assert_eq!(of_number(FieldType::Money, value, Some("EUR")), Some(FieldValue::Money(money)));
    }

    #[test]
    fn marks_and_words_are_yes_and_no() {
        for (text, value) in [
            ("[x]", Some(true)),
            ("[ ]", Some(false)),
            ("Ja", Some(true)),
            ("☐", Some(false)),
            ("maybe", None),
        ] {
            assert_eq!(boolean(text), value, "{text}");
        }
    }

    #[test]
    fn lists_have_items_of_their_type() {
        let mut field = Field::new("sizes", "Sizes", FieldType::List);
        field.items = Some(FieldType::Integer);
        assert_eq!(
            list(&field, "3; 4, 5"),
            Some(FieldValue::List([3, 4, 5].map(FieldValue::Integer).to_vec()))
        );
        field.items = None;
        assert_eq!(
            list(&field, "red, blue"),
            Some(FieldValue::List(["red", "blue"].map(|item| FieldValue::Text(item.into())).to_vec()))
        );
    }

    #[test]
    fn enum_values_are_met_through_misreadings() {
        let mut field = Field::new("size", "Size", FieldType::Enum);
        field.values = vec!["Small".into(), "Medium".into()];
        assert_eq!(enum_value(&field, "MEDlUM").map(|(value, _)| value), Some("Medium".into()));
        assert_eq!(enum_value(&field, "huge"), None);
    }
}
