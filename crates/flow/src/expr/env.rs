//! What the names in an expression stand for, as data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::run::{Failure, RowStatus};

/// Plain data, so that it can be sent to a child process. Only what the expressions at hand read need be there; what is
/// missing is null.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Env {
    pub body: Value,
    /// By id: `{"status", "output"?, "error"?}`.
    pub steps: Map<String, Value>,
    pub item: Value,
    pub index: Value,
    /// By name. Present only while a `web_function` is performed.
    pub secrets: Map<String, Value>,
    /// `{"id", "workflowId", "now", "status", "error"?}`.
    pub run: Value,
}

/// Secrets are not for logs.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("steps", &self.steps.keys()).finish_non_exhaustive()
    }
}

impl Env {
    pub(super) fn root(&self, name: &str) -> Value {
        match name {
            "body" => self.body.clone(),
            "steps" => Value::Object(self.steps.clone()),
            "item" => self.item.clone(),
            "index" => self.index.clone(),
            "secrets" => Value::Object(self.secrets.clone()),
            "run" => self.run.clone(),
            _ => Value::Null,
        }
    }
}

/// `steps.<id>` as expressions see it.
pub fn step_value(status: RowStatus, output: Option<Value>, failure: Option<&Failure>) -> Value {
    let mut map = Map::new();
    map.insert("status".to_owned(), json!(status));
    map.insert("output".to_owned(), output.unwrap_or_default());
    if let Some(failure) = failure {
        map.insert("error".to_owned(), json!({"code": failure.code, "message": failure.message}));
    }
    Value::Object(map)
}

/// One element of the output of a `for_each`.
pub fn item_value(index: u32, status: RowStatus, output: Option<Value>, failure: Option<&Failure>) -> Value {
    let mut value = step_value(status, output, failure);
    if let Value::Object(map) = &mut value {
        map.insert("index".to_owned(), json!(index));
    }
    value
}

/// A job's output as expressions see it: `fields` keyed by field id, table rows as plain objects by column.
///
/// Takes the API's job (with `output.fields` as an array) or its `output`; anything else comes back as it is. The array form
/// stays beside it, as `fieldList`.
pub fn outputs_by_field(mut job: Value) -> Value {
    let inner = job.get("output").is_some();
    let output = if inner { job.get_mut("output") } else { Some(&mut job) };
    let Some(Value::Object(output)) = output else { return job };
    let Some(Value::Array(list)) = output.get("fields").cloned() else { return job };
    let mut fields = Map::new();
    for field in &list {
        if let Some(id) = field.get("id").and_then(Value::as_str) {
            fields.insert(id.to_owned(), plain_field(field));
        }
    }
    output.insert("fields".to_owned(), Value::Object(fields.clone()));
    output.insert("fieldList".to_owned(), Value::Array(list.clone()));
    if inner && let Value::Object(job) = &mut job {
        job.insert("fields".to_owned(), Value::Object(fields));
        job.insert("fieldList".to_owned(), Value::Array(list));
    }
    job
}

fn plain_field(field: &Value) -> Value {
    let mut plain = field.clone();
    let rows = field.pointer("/value/rows").and_then(Value::as_array);
    let (Some(rows), Some(target)) = (rows, plain.get_mut("value")) else { return plain };
    let rows = rows.iter().map(|row| {
        let cells = row.get("cells").and_then(Value::as_array).into_iter().flatten();
        let pairs = cells.filter_map(|cell| {
            let column = cell.get("column")?.as_str()?.to_owned();
            Some((column, cell.get("value").cloned().unwrap_or_default()))
        });
        Value::Object(pairs.collect())
    });
    *target = serde_json::json!({ "rows": rows.collect::<Vec<_>>() });
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_id_and_rows_are_objects() {
        let job = json!({"id": "dijob_1", "output": {"fieldCount": 2, "fields": [
            {"id": "total", "type": "money", "value": {"amount": "9.50"}},
            {"id": "lines", "type": "table", "value": {"rows": [{"cells": [
                {"id": "lines[0].sku", "column": "sku", "value": "A1"}, {"id": "lines[0].qty", "column": "qty", "value": 2}]}]}}]}});
        let seen = outputs_by_field(job);
        assert_eq!(seen.pointer("/fields/total/value/amount"), Some(&json!("9.50")));
        assert_eq!(seen.pointer("/output/fields/lines/value/rows"), Some(&json!([{"sku": "A1", "qty": 2}])));
        assert_eq!(seen.pointer("/output/fieldList/0/id"), Some(&json!("total")));
    }
}
