//! One labelled document.

use crate::matching;
use domain::hub::{Field, FieldType};
use insights::{
    learn::{Example, Sheet},
    page::{Page, Rect},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One document with what it says.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
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
}

/// A label.
#[derive(Debug, Clone)]
pub struct Truth {
    pub id: String,
    /// As the label has it.
    pub text: String,
    /// In the field's own encoding.
    pub value: Value,
    /// Where it stands, where the labels say: page, and shares of it.
    pub boxes: Vec<(u32, Rect)>,
}

impl Truth {
    pub fn new(field: &Field, text: &str, boxes: Vec<(u32, Rect)>) -> Truth {
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
        Truth { id: field.id.clone(), text: text.to_owned(), value, boxes }
    }
}

impl Sample {
    /// The sample as a confirmed example: its labels that have the field's encoding.
    pub fn example(&self, sheet: Sheet) -> Example {
        let confirmed = self.expected.iter().filter(|truth| !truth.value.is_null());
        let mut values: BTreeMap<String, Value> =
            confirmed.map(|truth| (truth.id.clone(), truth.value.clone())).collect();
        for (row, cells) in self.items.iter().flatten().enumerate() {
            for (column, text) in cells {
                let value = match *column {
                    "description" => Value::String(text.clone()),
                    "quantity" => json!(text.parse::<f64>().unwrap_or_default()),
                    _ => json!({ "amount": text }),
                };
                values.insert(format!("lineItems[{row}].{column}"), value);
            }
        }
        Example { sheet, values }
    }
}
