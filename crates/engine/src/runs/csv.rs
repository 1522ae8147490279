//! CSV by RFC 4180, as an array of objects by the names in the first row.

use serde_json::{Map, Value};

/// Errors say what is wrong with the text.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut records = records(text)?.into_iter();
    let Some(names) = records.next() else { return Ok(Value::Array(Vec::new())) };
    let mut rows = Vec::new();
    for (number, record) in records.enumerate() {
        if record.len() != names.len() {
            return Err(format!(
                "record {} has {} values, the first row {}",
                number + 2,
                record.len(),
                names.len()
            ));
        }
        let pairs = names.iter().cloned().zip(record.into_iter().map(Value::String));
        rows.push(Value::Object(pairs.collect()));
    }
    Ok(Value::Array(rows))
}

fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut value = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                value.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut value)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut value));
                records.push(std::mem::take(&mut record));
            }
            c => value.push(c),
        }
    }
    if quoted {
        return Err("a quoted value has no end".to_owned());
    }
    if !value.is_empty() || !record.is_empty() {
        record.push(value);
        records.push(record);
    }
    Ok(records)
}

/// From an array of objects; the columns are the keys of the first.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let rows: Option<Vec<&Map<String, Value>>> =
        value.as_array().and_then(|rows| rows.iter().map(Value::as_object).collect());
    let rows = rows.ok_or("only an array of objects can be written as CSV")?;
    let Some(first) = rows.first() else { return Ok(String::new()) };
    let names: Vec<&String> = first.keys().collect();
    let mut text = line(names.iter().map(|name| (*name).clone()));
    for row in &rows {
        text.push_str(&line(names.iter().map(|name| match row.get(*name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        })));
    }
    Ok(text)
}

fn line(values: impl Iterator<Item = String>) -> String {
    let quote = |value: String| match value.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value,
    };
    let mut line = values.map(quote).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_can_be_read() {
        let rows = json!([{"a": "1,5", "b": "say \"x\"\nand y"}, {"a": "", "b": "ä"}]);
        let text = write(&rows).expect("rows");
        assert!(text.starts_with("a,b\r\n\"1,5\","), "{text}");
        assert_eq!(parse(&text), Ok(rows));
        assert_eq!(parse("a,b\n1,2"), Ok(json!([{"a": "1", "b": "2"}])));
        assert_eq!(parse(""), Ok(json!([])));
        assert!(parse("a,b\n1").is_err() && parse("\"a").is_err() && write(&json!([1])).is_err());
    }
}
