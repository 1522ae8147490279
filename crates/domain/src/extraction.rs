//! What extraction gives: typed values with confidence and places, in exactly the contract's shape.

use crate::hub::FieldType;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExtractionOutput {
    pub field_count: u32,
    /// Every field of the hub, in the hub's order.
    pub fields: Vec<FieldOutput>,
    /// Which rules of the hub the values break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
}

/// A rule that does not hold. It never fails a job: a person decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Issue {
    /// The fields that it is about, the first one first to be looked at.
    pub field_ids: Vec<String>,
    pub rule: RuleKind,
    pub message: String,
}

/// What kind of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum RuleKind {
    Required,
    Pattern,
    Min,
    Max,
    Sum,
    Order,
    AtLeastOne,
}

impl ExtractionOutput {
    pub fn new(fields: Vec<FieldOutput>) -> Self {
        Self { field_count: u32::try_from(fields.len()).unwrap_or(u32::MAX), fields, issues: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldOutput {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// `null` where the document has none.
    pub value: Option<FieldValue>,
    /// What stands on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The probability, in `[0, 1]`, that `value` is what a careful reader would write down, `null` included.
    pub confidence: f64,
    /// One box per line that the value spans.
    pub placements: Vec<Placement>,
    /// Why the confidence is what it is, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confidence_reasons: Vec<String>,
}

/// A typed value. Dates (`YYYY-MM-DD`), date-times (RFC 3339) and enum values are `Text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(no_recursion))]
pub enum FieldValue {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Money(Money),
    Table(Table),
    List(Vec<FieldValue>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Money {
    /// A decimal number as text, with a point: `1234.50`.
    pub amount: String,
    /// ISO 4217, where the document tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Table {
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Row {
    pub cells: Vec<Cell>,
}

/// One cell of a table; its id is a path: `lineItems[0].description`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(no_recursion))]
pub struct Cell {
    pub id: String,
    pub column: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    pub value: Option<FieldValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub confidence: f64,
    pub placements: Vec<Placement>,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Placement {
    /// A box on a page.
    Box(PageBox),
    /// Characters of the extracted text, for formats without pages.
    Span(TextSpan),
}

/// A box on a page as displayed (rotation applied); all but `page` are fractions of that page, 4 decimals, with `x`,`y`
/// the top-left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PageBox {
    /// From 1.
    pub page: u32,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TextSpan {
    /// 1; in an archive or an e-mail with attachments, the number that the part has among the pages of all parts.
    pub page: u32,
    pub start: u64,
    pub end: u64,
}

impl PageBox {
    /// Rounds to 4 decimals and keeps the box inside the page.
    pub fn new(page: u32, x: f64, y: f64, width: f64, height: f64) -> Self {
        let clamp = |value: f64, max: f64| value.clamp(0.0, max.max(0.0));
        let (x, y) = (round4(clamp(x, 1.0)), round4(clamp(y, 1.0)));
        Self { page, x, y, width: round4(clamp(width, 1.0 - x)), height: round4(clamp(height, 1.0 - y)) }
    }
}

/// Rounds to 4 decimals, half away from zero.
pub fn round4(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types_through_json() {
        for (json, value) in [
            ("true", FieldValue::Boolean(true)),
            ("3", FieldValue::Integer(3)),
            ("3.5", FieldValue::Number(3.5)),
            ("\"2026-03-01\"", FieldValue::Text("2026-03-01".into())),
            (r#"{"amount":"1.50"}"#, FieldValue::Money(Money { amount: "1.50".into(), currency: None })),
            (r#"{"rows":[]}"#, FieldValue::Table(Table { rows: vec![] })),
            ("[1]", FieldValue::List(vec![FieldValue::Integer(1)])),
        ] {
            assert_eq!(serde_json::from_str::<FieldValue>(json).unwrap(), value);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }

    #[test]
    fn a_missing_value_is_null_with_no_places() {
        let field = FieldOutput {
            id: "iban".into(),
            name: "IBAN".into(),
            kind: FieldType::String,
            value: None,
            text: None,
            confidence: 0.9,
            placements: vec![],
            confidence_reasons: vec![],
        };
        let json = serde_json::to_string(&ExtractionOutput::new(vec![field])).unwrap();
        assert_eq!(
            json,
            r#"{"fieldCount":1,"fields":[{"id":"iban","name":"IBAN","type":"string","value":null,"confidence":0.9,"placements":[]}]}"#
        );
    }

    #[test]
    fn boxes_are_rounded_and_stay_on_the_page() {
        let page_box = PageBox::new(1, 0.123_456, 0.9, 2.0, 0.05);
        assert_eq!((page_box.x, page_box.width, page_box.height), (0.1235, 0.8765, 0.05));
    }
}
