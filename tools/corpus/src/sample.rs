//! One labelled document.

use crate::matching;
use domain::hub::{Field, FieldType, Hub, builtin};
use domain::id::HubId;
use insights::{
    learn::{Example, Sheet},
    page::{Page, Rect},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a document is; each kind has a built-in hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Invoice,
    Receipt,
    LabResult,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Invoice, Kind::Receipt, Kind::LabResult];

    /// The built-in hub of its documents.
    pub fn hub(self) -> Hub {
        let definition = match self {
            Kind::Invoice => builtin::invoices(),
            Kind::Receipt => builtin::receipts(),
            Kind::LabResult => builtin::lab_results(),
        };
        definition.into_hub(HubId::from_bytes([1; 12]))
    }
}

/// Each time that a text stands somewhere: boxes with their page, shares of it.
pub type Places = Vec<Vec<(u32, Rect)>>;

/// One document with what it says.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub kind: Kind,
    /// Documents that look alike: those of one seller, or a whole set.
    pub group: String,
    /// What it is a copy of: several files may be one document.
    pub document: String,
    pub pages: Vec<Page>,
    pub read_seconds: f64,
    /// Only fields that have a label.
    pub expected: Vec<Truth>,
    /// Rows of column id and text, where the labels have them.
    pub items: Option<Vec<Vec<(&'static str, String)>>>,
    /// Where cells stand, by row and column, where the labels say.
    pub cells: BTreeMap<(usize, &'static str), Places>,
}

/// A label.
#[derive(Debug, Clone)]
pub struct Truth {
    pub id: String,
    /// As the label has it.
    pub text: String,
    /// In the field's own encoding.
    pub value: Value,
    /// Where it stands, where the labels say; any of the places is right.
    pub boxes: Places,
    /// The label says that the document has none.
    pub absent: bool,
}

impl Truth {
    pub fn new(field: &Field, text: &str, boxes: Places) -> Truth {
        let value = match field.kind {
            FieldType::Date => matching::iso_date(text).map_or(Value::Null, Value::String),
            FieldType::Money => {
                matching::plain_number(text).map_or(Value::Null, |amount| json!({ "amount": amount }))
            }
            FieldType::Number | FieldType::Integer => matching::plain_number(text)
                .and_then(|number| number.parse::<f64>().ok())
                .map_or(Value::Null, |number| json!(number)),
            FieldType::Boolean => json!(text == "true"),
            _ => Value::String(text.to_owned()),
        };
        Truth { id: field.id.clone(), text: text.to_owned(), value, boxes, absent: false }
    }

    /// The document has no such thing.
    pub fn absent(field: &Field) -> Truth {
        Truth {
            id: field.id.clone(),
            text: String::new(),
            value: Value::Null,
            boxes: Vec::new(),
            absent: true,
        }
    }
}

impl Sample {
    /// The sample as a confirmed example.
    pub fn example(&self, sheet: Sheet) -> Example {
        Example { sheet, values: self.values() }
    }

    /// Its labels that have the field's encoding.
    pub fn values(&self) -> BTreeMap<String, Value> {
        let confirmed = self.expected.iter().filter(|truth| truth.absent || !truth.value.is_null());
        let mut values: BTreeMap<String, Value> =
            confirmed.map(|truth| (truth.id.clone(), truth.value.clone())).collect();
        let table = if self.kind == Kind::LabResult { "results" } else { "lineItems" };
        for (row, cells) in self.items.iter().flatten().enumerate() {
            for (column, text) in cells {
                let value = match *column {
                    "description" | "test" | "value" | "unit" | "referenceRange" | "flag" => {
                        Value::String(text.clone())
                    }
                    "quantity" => json!(text.parse::<f64>().unwrap_or_default()),
                    _ => json!({ "amount": text }),
                };
                values.insert(format!("{table}[{row}].{column}"), value);
            }
        }
        values
    }
}
