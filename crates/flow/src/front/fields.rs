//! Reading a map key by key, noting all that is wrong with it.

use std::collections::HashSet;

use serde_json::Value;

use super::yaml::{Kind, Node, Place, Span};
use crate::diagnostics::{Code, Diagnostic};
use crate::expr::suggest;
use domain::limits;

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Report {
    pub found: Vec<Diagnostic>,
}

impl Report {
    pub fn add(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.add_with(code, span, message, None);
    }

    pub fn add_with(&mut self, code: Code, span: Span, message: impl Into<String>, hint: Option<String>) {
        if self.is_full() {
            return;
        }
        let Span { start, end } = span;
        // A block ends where the next one begins: its first line says enough.
        let end = if end > start { end } else { Place { column: start.column + 1, ..start } };
        self.found.push(Diagnostic {
            code,
            message: shortened(message.into()),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            hint: hint.map(shortened),
        });
    }

    /// What is found from now on is not told, so it need not be looked at closely.
    pub fn is_full(&self) -> bool {
        self.found.len() >= limits::WORKFLOW_DIAGNOSTICS_MAX
    }
}

/// Messages quote their author, who may have written a name of 200 KB.
fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(limits::DIAGNOSTIC_CHARACTERS_MAX) {
        message.truncate(end);
        message.push('…');
    }
    message
}

pub(super) fn did_you_mean<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    suggest(wrong, names).map(|near| format!("did you mean `{near}`?"))
}

/// A map of the definition.
pub(super) struct Fields<'n> {
    pairs: Vec<(&'n str, Span, &'n Node, bool)>,
    pub span: Span,
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// `what` names the map in messages: `a step`.
    pub fn of(node: &'n Node, what: &'static str, report: &mut Report) -> Option<Self> {
        let Kind::Map(pairs) = &node.kind else {
            report.add(Code::WrongType, node.span, format!("{what} is a map of keys and values"));
            return None;
        };
        let mut fields = Self { pairs: Vec::new(), span: node.span, what };
        let mut names = HashSet::new();
        for (key, value) in pairs {
            let Kind::Scalar { text, .. } = &key.kind else {
                let hint = "an unquoted `{{ … }}` is a map in YAML; write `${{ … }}`".to_owned();
                report.add_with(Code::YamlKey, key.span, "a key that is no text", Some(hint));
                continue;
            };
            if !names.insert(text) {
                report.add(Code::YamlKey, key.span, format!("`{text}` stands twice"));
                continue;
            }
            fields.pairs.push((text, key.span, value, false));
        }
        Some(fields)
    }

    pub fn take(&mut self, name: &str) -> Option<&'n Node> {
        self.take_with_key(name).map(|(_, node)| node)
    }

    /// With the place of the key.
    pub fn take_with_key(&mut self, name: &str) -> Option<(Span, &'n Node)> {
        let found = self.pairs.iter_mut().find(|(key, ..)| *key == name)?;
        found.3 = true;
        Some((found.1, found.2))
    }

    pub fn need(&mut self, name: &str, report: &mut Report) -> Option<&'n Node> {
        let found = self.take(name);
        if found.is_none() {
            let start = self.span.start;
            let span = Span { start, end: Place { column: start.column + 1, ..start } };
            report.add(Code::MissingKey, span, format!("{} needs `{name}`", self.what));
        }
        found
    }

    /// Everything that nobody asked for is a mistake.
    pub fn finish(self, known: &[&str], report: &mut Report) {
        for (name, span, _, taken) in &self.pairs {
            if !taken && !report.is_full() {
                let message = format!("{} has no key `{name}`", self.what);
                report.add_with(Code::UnknownKey, *span, message, did_you_mean(name, known.iter().copied()));
            }
        }
    }
}

/// A scalar as YAML's core schema reads it.
pub(crate) fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !digits.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    if let Ok(number) = text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
        return Some(Value::from(number));
    }
    let shaped = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let number: f64 = text.parse().ok().filter(|_| shaped)?;
    // A whole number that 64 bits cannot hold stays a text, so that no digit is lost.
    let whole = digits.chars().all(|c| c.is_ascii_digit());
    (number.is_finite() && !whole).then(|| Value::from(number))
}

pub(super) fn text(node: &Node, what: &str, report: &mut Report) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text, plain } if scalar(text, *plain).is_string() => {
            if text.contains("${{") {
                let message = format!("{what} is a text that is known when the workflow is published");
                report.add(Code::ExpressionNotAllowed, node.span, message);
                return None;
            }
            Some(text.clone())
        }
        _ => {
            report.add(Code::WrongType, node.span, format!("{what} is a text"));
            None
        }
    }
}

pub(super) fn whole_number(
    node: &Node,
    what: &str,
    range: std::ops::RangeInclusive<u32>,
    report: &mut Report,
) -> Option<u32> {
    let value = match &node.kind {
        Kind::Scalar { text, plain } => scalar(text, *plain).as_u64(),
        _ => None,
    };
    let value = value.and_then(|value| u32::try_from(value).ok()).filter(|value| range.contains(value));
    if value.is_none() {
        let message = format!("{what} is a whole number from {} to {}", range.start(), range.end());
        report.add(Code::BadValue, node.span, message);
    }
    value
}

pub(super) fn boolean(node: &Node, what: &str, report: &mut Report) -> Option<bool> {
    let value = match &node.kind {
        Kind::Scalar { text, plain } => scalar(text, *plain).as_bool(),
        _ => None,
    };
    if value.is_none() {
        report.add(Code::WrongType, node.span, format!("{what} is `true` or `false`"));
    }
    value
}

pub(super) fn duration(node: &Node, what: &str, report: &mut Report) -> Option<u64> {
    let parsed = match &node.kind {
        Kind::Scalar { text, .. } if text.contains("${{") => {
            report.add(Code::ExpressionNotAllowed, node.span, format!("{what} is a duration, written out"));
            return None;
        }
        Kind::Scalar { text, .. } => crate::duration::parse_ms(text).map_err(|error| error.to_string()),
        _ => Err(format!("{what} is a duration such as `5m`")),
    };
    match parsed {
        Ok(ms) if ms > 0 => Some(ms),
        Ok(_) => {
            report.add(Code::BadDuration, node.span, format!("{what} is more than nothing"));
            None
        }
        Err(message) => {
            report.add(Code::BadDuration, node.span, message);
            None
        }
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(node: &Node, what: &str, words: &[(&str, T)], report: &mut Report) -> Option<T> {
    let given = match &node.kind {
        Kind::Scalar { text, .. } => text.as_str(),
        _ => "",
    };
    let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    if found.is_none() {
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let hint = did_you_mean(given, words.iter().map(|(word, _)| *word));
        report.add_with(Code::BadValue, node.span, format!("{what} is one of {}", all.join(", ")), hint);
    }
    found
}

pub(super) fn list<'n>(node: &'n Node, what: &str, report: &mut Report) -> &'n [Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => {
            report.add(Code::WrongType, node.span, format!("{what} is a list"));
            &[]
        }
    }
}
