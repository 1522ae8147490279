//! Writing YAML that people go on with: block style, keys in the order that our own examples have.

use serde_json::Value;

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Out {
    Map(Vec<(String, Out)>),
    List(Vec<Out>),
    Text(String),
    Number(u32),
    Json(Value),
}

impl Out {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// `${{ … }}`.
    pub fn expression(source: &str) -> Self {
        Self::Text(format!("${{{{ {source} }}}}"))
    }

    pub fn of(value: &Value) -> Self {
        match value {
            Value::Object(pairs) => {
                Self::Map(pairs.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            Value::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::String(text) => Self::Text(text.clone()),
            scalar => Self::Json(scalar.clone()),
        }
    }
}

pub(super) fn yaml(out: &Out) -> String {
    let mut text = String::new();
    block(out, 0, &mut text);
    text
}

/// On lines of its own.
fn block(out: &Out, indent: usize, text: &mut String) {
    match out {
        Out::Map(pairs) if !pairs.is_empty() => {
            for (position, (key, value)) in pairs.iter().enumerate() {
                // The first key of a list's item stands behind its dash.
                if position > 0 || !text.ends_with("- ") {
                    text.push_str(&" ".repeat(indent));
                }
                text.push_str(&scalar(key));
                text.push(':');
                below(value, indent + 2, text);
            }
        }
        Out::List(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push_str("- ");
                match item {
                    Out::Map(pairs) if !pairs.is_empty() => block(item, indent + 2, text),
                    _ => {
                        text.pop();
                        below(item, indent + 2, text);
                    }
                }
            }
        }
        _ => {
            text.push_str(&inline(out));
            text.push('\n');
        }
    }
}

/// After a `:` or a `-`.
fn below(out: &Out, indent: usize, text: &mut String) {
    match out {
        Out::Map(pairs) if !pairs.is_empty() => {
            text.push('\n');
            block(out, indent, text);
        }
        Out::List(items) if !items.is_empty() => {
            text.push('\n');
            block(out, indent, text);
        }
        Out::Text(lines) if lines.contains('\n') && !lines.starts_with(char::is_whitespace) => {
            text.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in lines.lines() {
                text.push_str(&" ".repeat(if line.is_empty() { 0 } else { indent }));
                text.push_str(line);
                text.push('\n');
            }
        }
        _ => {
            text.push(' ');
            text.push_str(&inline(out));
            text.push('\n');
        }
    }
}

fn inline(out: &Out) -> String {
    match out {
        Out::Map(_) => "{}".to_owned(),
        Out::List(_) => "[]".to_owned(),
        Out::Text(text) => scalar(text),
        Out::Number(number) => number.to_string(),
        Out::Json(value) => value.to_string(),
    }
}

/// Plain where that is read back as the same text, else in double quotes, which YAML reads as JSON does.
fn scalar(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '$' | '/' | '_');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let plain = text.starts_with(first)
        && !word
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|c| !c.is_control());
    if plain { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({
            "plain": "a b", "number": "12", "word": "yes", "colon": "a: b", "hash": "a #b", "empty": "", "dash": "- a",
            "lines": "one\n\n  two\n", "no end": "one\ntwo", "list": [1, "x", [], {}, ["in", ["side"]], {"a": {"b": null}, "c": true}],
            "quote": "\"ä\" \\ \t", "expression": "${{ steps.a.output | .x }}"
        });
        let written = yaml(&Out::of(&value));
        let read = crate::front::yaml::parse(&written).expect("it is YAML").expect("it is not empty");
        assert_eq!(super::super::value(&read), value, "{written}");
    }
}
