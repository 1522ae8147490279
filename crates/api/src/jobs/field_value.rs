//! Values that people hand in, against the type of the field they are for.

use crate::body::mismatch;
use domain::{
    extraction::{ExtractionOutput, FieldValue},
    fault::Detail,
    hub::{Field, FieldType, Hub},
};
use serde_json::Value;

/// The field that `field_id` names: of the hub, or of the output where the hub has changed since. A cell of a table is
/// named by its path, `lineItems[0].description`, and a row that was missed altogether may be named too.
pub fn find(field_id: &str, hub: Option<&Hub>, output: &ExtractionOutput) -> Option<Field> {
    let fields = hub.map(|hub| hub.fields.as_slice()).unwrap_or_default();
    if let Some(field) = fields.iter().find(|field| field.id == field_id) {
        return Some(field.clone());
    }
    if let Some((table_id, column_id)) = cell_path(field_id)
        && let Some(table) =
            fields.iter().find(|field| field.id == table_id && field.kind == FieldType::Table)
        && let Some(column) = table.columns.iter().find(|column| column.id == column_id)
    {
        return Some(column.clone());
    }
    let of_output = output.fields.iter().find(|field| field.id == field_id);
    if let Some(field) = of_output {
        return Some(Field::new(&field.id, &field.name, field.kind));
    }
    let tables = output.fields.iter().filter_map(|field| match &field.value {
        Some(FieldValue::Table(table)) => Some(table),
        _ => None,
    });
    let mut cells = tables.flat_map(|table| &table.rows).flat_map(|row| &row.cells);
    cells.find(|cell| cell.id == field_id).map(|cell| Field::new(&cell.id, &cell.column, cell.kind))
}

/// The table and the column of a cell's path.
fn cell_path(path: &str) -> Option<(&str, &str)> {
    let (table, rest) = path.split_once('[')?;
    let (row, column) = rest.split_once("].")?;
    (!row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit())).then_some((table, column))
}

/// What is wrong with `value`, as a path below `value`. `null` is right for every type: the document has none.
pub fn check_value(field: &Field, value: &Value) -> Result<(), Detail> {
    check(field, field.kind, value, "value")
}

fn check(field: &Field, kind: FieldType, value: &Value, path: &str) -> Result<(), Detail> {
    let wrong = |wanted: &str| Err(Detail::new(path, mismatch(wanted, value)));
    match (kind, value) {
        (_, Value::Null) => Ok(()),
        (FieldType::String, Value::String(_)) | (FieldType::Boolean, Value::Bool(_)) => Ok(()),
        (FieldType::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
        (FieldType::Number, Value::Number(_)) => Ok(()),
        (FieldType::Date, Value::String(text)) if is_date(text) => Ok(()),
        (FieldType::Date, _) => Err(Detail::new(path, "must be a date, YYYY-MM-DD")),
        (FieldType::DateTime, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => Ok(()),
        (FieldType::DateTime, _) => Err(Detail::new(path, "must be an RFC 3339 timestamp")),
        (FieldType::Money, money) if is_money(money) => Ok(()),
        (FieldType::Money, _) => {
            Err(Detail::new(path, r#"must be {"amount":"<decimal>","currency":"<three capital letters>"}"#))
        }
        (FieldType::Enum, Value::String(text)) if field.values.is_empty() || field.values.contains(text) => {
            Ok(())
        }
        (FieldType::Enum, _) => Err(Detail::new(path, format!("must be one of {}", field.values.join(", ")))),
        (FieldType::List, Value::Array(items)) => {
            let kind = field.items.unwrap_or(FieldType::String);
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check(field, kind, item, &format!("{path}[{index}]")))
        }
        (FieldType::Table, Value::Object(_)) => check_table(field, value, path),
        (FieldType::String, _) => wrong("a string"),
        (FieldType::Integer, _) => wrong("an integer"),
        (FieldType::Number, _) => wrong("a number"),
        (FieldType::Boolean, _) => wrong("a boolean"),
        (FieldType::List, _) => wrong("an array"),
        (FieldType::Table, _) => wrong(r#"an object with "rows""#),
    }
}

/// `{"rows":[{"cells":[{"column","value"}]}]}`; whatever else a cell of an output has may stay in it.
fn check_table(field: &Field, value: &Value, path: &str) -> Result<(), Detail> {
    let rows = value.get("rows").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Detail::new(format!("{path}.rows"), "must be an array"))?;
    for (row_index, row) in rows.iter().enumerate() {
        let path = format!("{path}.rows[{row_index}].cells");
        let cells = row.get("cells").and_then(Value::as_array);
        let cells = cells.ok_or_else(|| Detail::new(&path, "must be an array"))?;
        for (index, cell) in cells.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let column = cell.get("column").and_then(Value::as_str);
            let column = column.ok_or_else(|| Detail::new(format!("{path}.column"), "must be a string"))?;
            // Without the hub's columns nothing is known about them.
            if field.columns.is_empty() {
                continue;
            }
            let known = field.columns.iter().find(|known| known.id == column);
            let known =
                known.ok_or_else(|| Detail::new(format!("{path}.column"), "the table has no such column"))?;
            check(known, known.kind, cell.get("value").unwrap_or(&Value::Null), &format!("{path}.value"))?;
        }
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_money(value: &Value) -> bool {
    let Value::Object(map) = value else { return false };
    let amount = map.get("amount").and_then(Value::as_str).is_some_and(is_decimal);
    let currency = map.get("currency").is_none_or(|currency| {
        currency
            .as_str()
            .is_some_and(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
    });
    amount && currency && map.keys().all(|key| key == "amount" || key == "currency")
}

fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    text.len() <= 40
        && match unsigned.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(unsigned),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn issue(field: &Field, value: Value) -> Option<String> {
        check_value(field, &value).err().map(|detail| detail.field)
    }

    #[test]
    fn each_type_takes_its_own_encoding_and_null() {
        use FieldType::*;
        let right = [
            (String, json!("x")),
            (Integer, json!(-3)),
            (Number, json!(1.5)),
            (Boolean, json!(false)),
            (Date, json!("2026-02-28")),
            (DateTime, json!("2026-02-28T10:00:00+01:00")),
            (Money, json!({"amount": "-12.50", "currency": "EUR"})),
            (Money, json!({"amount": "12"})),
            (List, json!(["a", "b"])),
        ];
        for (kind, value) in right {
            let field = Field::new("f", "F", kind);
            assert_eq!(issue(&field, value.clone()), None, "{kind:?} {value}");
            assert_eq!(issue(&field, Value::Null), None);
        }
        let wrong = [
            (String, json!(1)),
            (Integer, json!(1.5)),
            (Integer, json!("1")),
            (Number, json!("1")),
            (Boolean, json!("true")),
            (Date, json!("28.02.2026")),
            (Date, json!("2026-02-30")),
            (DateTime, json!("2026-02-28")),
            (Money, json!("12.50")),
            (Money, json!({"amount": 12.5})),
            (Money, json!({"amount": "1,5"})),
            (Money, json!({"amount": "1", "currency": "eur"})),
            (List, json!("a")),
            (Table, json!([])),
        ];
        for (kind, value) in wrong {
            assert!(issue(&Field::new("f", "F", kind), value.clone()).is_some(), "{kind:?} {value}");
        }
    }

    fn table() -> Field {
        let columns = vec![Field::new("quantity", "Quantity", FieldType::Number)];
        Field { columns, ..Field::new("lineItems", "Line items", FieldType::Table) }
    }

    #[test]
    fn tables_are_checked_cell_by_cell() {
        let rows =
            |column: &str, value: Value| json!({"rows": [{"cells": [{"column": column, "value": value}]}]});
        assert_eq!(issue(&table(), rows("quantity", json!(2))), None);
        assert_eq!(
            issue(&table(), rows("quantity", json!("2"))).as_deref(),
            Some("value.rows[0].cells[0].value")
        );
        assert_eq!(issue(&table(), rows("size", json!(2))).as_deref(), Some("value.rows[0].cells[0].column"));
        assert_eq!(issue(&table(), json!({})).as_deref(), Some("value.rows"));
    }

    #[test]
    fn fields_and_cells_are_found_by_their_paths() {
        let hub = Hub::new(domain::id::HubId::from_bytes([1; 12]), "H", vec![table()]);
        let output = ExtractionOutput::new(vec![]);
        let kind = |id: &str| find(id, Some(&hub), &output).map(|field| field.kind);
        assert_eq!(kind("lineItems"), Some(FieldType::Table));
        assert_eq!(kind("lineItems[7].quantity"), Some(FieldType::Number));
        assert_eq!(kind("lineItems[x].quantity"), None);
        assert_eq!(kind("lineItems[0].other"), None);
        assert_eq!(kind("total"), None);
    }
}
