//! Where on the pages a value stands that came from somewhere else: from data in the file, or from a second reader.
//!
//! A value counts as found only where the page says it, whatever its form there: an amount with other separators, a date
//! with a month's name, a name in capitals.

use super::{
    amounts,
    dates::{self, Order},
    layout::{Document, Span},
    text::fold,
    values,
};
use domain::{
    extraction::{FieldValue, Money},
    hub::{Field, FieldType},
};
use rust_decimal::Decimal;

/// A longer text is not looked for.
const LETTERS_MAX: usize = 400;
/// Places of one value.
const PLACES_MAX: usize = 50;

/// A document that values are looked for in.
pub(super) struct Ground<'d, 'p> {
    document: &'d Document<'p>,
    /// The words in order: folded, and where they stand.
    words: Vec<(String, Span)>,
}

impl<'d, 'p> Ground<'d, 'p> {
    pub(super) fn new(document: &'d Document<'p>) -> Self {
        let mut words = Vec::with_capacity(document.words.len());
        for (index, segment) in document.segments.iter().enumerate() {
            for (nth, &start) in segment.starts.iter().enumerate() {
                let text = &document.words[segment.words.start + nth].text;
                let folded = fold(text);
                if !folded.is_empty() {
                    words.push((folded, Span { segment: index, start, end: start + text.len() }));
                }
            }
        }
        Self { document, words }
    }

    /// The places where a value stands, in the order of the pages.
    pub(super) fn places(&self, value: &FieldValue, kind: FieldType) -> Vec<Vec<Span>> {
        match (value, kind) {
            (FieldValue::Text(date), FieldType::Date | FieldType::DateTime) => self.dates(date),
            (FieldValue::Text(text), _) => self.texts(text),
            (FieldValue::Money(_) | FieldValue::Number(_) | FieldValue::Integer(_), _) => {
                number_of(value).map(|number| self.numbers(number)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn segments(&self) -> impl Iterator<Item = (usize, &str)> {
        self.document.segments.iter().map(|segment| segment.text.as_str()).enumerate()
    }

    fn dates(&self, date: &str) -> Vec<Vec<Span>> {
        let day = &date[..date.floor_char_boundary(10)];
        let in_segment = |(segment, text): (usize, &str)| {
            let found =
                [Order::DayFirst, Order::MonthFirst].into_iter().flat_map(|order| dates::find(text, order));
            let same = found.filter(|found| found.date.to_string() == day);
            same.map(|found| vec![Span { segment, start: found.start, end: found.end }]).next()
        };
        self.segments().filter_map(in_segment).take(PLACES_MAX).collect()
    }

    fn numbers(&self, wanted: Decimal) -> Vec<Vec<Span>> {
        let in_segment = |(segment, text): (usize, &str)| {
            let found =
                amounts::find(text).into_iter().filter(|number| number.value == wanted && !number.percent);
            found
                .map(|number| vec![Span { segment, start: number.start, end: number.end }])
                .collect::<Vec<_>>()
        };
        self.segments().flat_map(in_segment).take(PLACES_MAX).collect()
    }

    /// Words that together are the text, however it is spaced.
    fn texts(&self, text: &str) -> Vec<Vec<Span>> {
        let wanted: String = text.split_whitespace().map(fold).collect();
        if wanted.is_empty() || wanted.len() > LETTERS_MAX {
            return Vec::new();
        }
        let from = |first: usize| {
            let mut rest = wanted.as_str();
            let mut spans: Vec<Span> = Vec::new();
            for (folded, span) in &self.words[first..] {
                rest = rest.strip_prefix(folded.as_str())?;
                match spans.last_mut() {
                    Some(last) if last.segment == span.segment => last.end = span.end,
                    _ => spans.push(*span),
                }
                if rest.is_empty() {
                    return Some(spans);
                }
            }
            None
        };
        (0..self.words.len()).filter_map(from).take(PLACES_MAX).collect()
    }
}

/// A text as a value of a field; none where it cannot be one.
pub(super) fn typed(field: &Field, text: &str, currency: Option<&str>) -> Option<FieldValue> {
    let text = text.trim();
    match field.kind {
        FieldType::String => (!text.is_empty()).then(|| FieldValue::Text(values::squeezed(text))),
        FieldType::Money | FieldType::Number | FieldType::Integer => {
            let number = amounts::find(text).into_iter().next()?;
            values::of_number(field.kind, number.value, number.currency.or(currency))
        }
        FieldType::Date | FieldType::DateTime => {
            let date = dates::find(text, Order::DayFirst).into_iter().next()?;
            Some(FieldValue::Text(match field.kind {
                FieldType::Date => date.date.to_string(),
                _ => format!("{}Z", date.date_time()),
            }))
        }
        FieldType::Enum => values::enum_value(field, text).map(|(value, _)| FieldValue::Text(value)),
        FieldType::Boolean => values::boolean(text).map(FieldValue::Boolean),
        FieldType::List | FieldType::Table => None,
    }
}

/// Whether two values of one field say the same.
pub(super) fn agree(left: &FieldValue, right: &FieldValue) -> bool {
    match (left, right) {
        (FieldValue::Text(left), FieldValue::Text(right)) => {
            let folded = |text: &str| text.split_whitespace().map(fold).collect::<String>();
            left == right || folded(left) == folded(right)
        }
        _ => match (number_of(left), number_of(right)) {
            (Some(left), Some(right)) => left == right,
            _ => left == right,
        },
    }
}

fn number_of(value: &FieldValue) -> Option<Decimal> {
    match value {
        FieldValue::Money(Money { amount, .. }) => amount.parse().ok(),
        FieldValue::Number(number) => Decimal::try_from(*number).ok().map(|number| number.normalize()),
        FieldValue::Integer(number) => Some(Decimal::from(*number)),
        _ => None,
    }
}
