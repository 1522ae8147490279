//! One JSON object of a body, read key by key.
//!
//! Each endpoint takes the keys it knows. Whatever is missing, of the wrong type, too long or left over becomes one
//! [`Detail`] with its path, and [`Fields::finish`] answers all of them at once.

use crate::problem::Result;
use domain::fault::{Detail, Fault};
use serde_json::{Map, Value};
use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// How many mistakes one answer names.
const DETAILS_MAX: usize = 100;

/// The keys of one JSON object that are still to be read, and what was wrong so far.
#[derive(Debug)]
pub struct Fields {
    pub(super) path: String,
    map: Map<String, Value>,
    details: Vec<Detail>,
}

impl Fields {
    pub(super) fn new(path: String, map: Map<String, Value>) -> Self {
        Self { path, map, details: Vec::new() }
    }

    /// `None` where `value` is not an object. NUL anywhere inside is noted.
    pub(super) fn of(value: Value) -> Option<Self> {
        let mut details = Vec::new();
        find_nul(&value, "", &mut details);
        match value {
            Value::Object(map) => Some(Self { path: String::new(), map, details }),
            _ => None,
        }
    }

    /// The path of a key of this object.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Notes that something is wrong with a key.
    pub fn wrong(&mut self, name: &str, issue: impl Into<String>) {
        let path = self.path_of(name);
        self.details.push(Detail::new(path, issue));
    }

    /// Notes what a check of the domain found; its paths are whole already.
    pub fn note(&mut self, details: impl IntoIterator<Item = Detail>) {
        self.details.extend(details);
    }

    /// The key as it stands; `Some(Null)` where it is `null`.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// Whether the key is there, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub fn is_null(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_null)
    }

    /// A text with that many characters.
    pub fn text(&mut self, name: &str, characters: RangeInclusive<usize>) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => {
                let count = text.chars().count();
                if characters.contains(&count) {
                    return Some(text);
                }
                self.wrong(name, bounds("characters", &characters));
            }
            other => self.wrong(name, mismatch("a string", &other)),
        }
        None
    }

    /// The same where the key must be there. Empty where something is wrong: then [`Fields::finish`] fails.
    pub fn required_text(&mut self, name: &str, characters: RangeInclusive<usize>) -> String {
        self.require(name);
        self.text(name, characters).unwrap_or_default()
    }

    /// Notes a key that is missing.
    pub fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.wrong(name, "is required");
        }
    }

    /// A text of a form of its own: an id, a timestamp.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.take(name)? {
            Value::String(text) => match text.parse() {
                Ok(value) => return Some(value),
                Err(error) => self.wrong(name, error.to_string()),
            },
            other => self.wrong(name, mismatch("a string", &other)),
        }
        None
    }

    /// One of a closed list of texts.
    pub fn one_of<T>(&mut self, name: &str, parse: fn(&str) -> Option<T>, list: &[&str]) -> Option<T> {
        match self.take(name)? {
            Value::String(text) => match parse(&text) {
                Some(value) => return Some(value),
                None => self.wrong(name, format!("must be one of {}", list.join(", "))),
            },
            other => self.wrong(name, mismatch("a string", &other)),
        }
        None
    }

    pub fn integer(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let integer = value.as_u64().filter(|number| bounds.contains(number));
        if integer.is_none() {
            self.wrong(name, format!("must be an integer from {} to {}", bounds.start(), bounds.end()));
        }
        integer
    }

    /// An object below this one; give it back to [`Fields::absorb`] when it is read.
    pub fn object(&mut self, name: &str) -> Option<Fields> {
        match self.take(name)? {
            Value::Object(map) => return Some(Fields::new(self.path_of(name), map)),
            other => self.wrong(name, mismatch("an object", &other)),
        }
        None
    }

    /// An object among the items of an array that was taken from this object; give it back to [`Fields::absorb`].
    pub fn item(&mut self, name: &str, index: usize, value: Value) -> Option<Fields> {
        match value {
            Value::Object(map) => return Some(Fields::new(format!("{}[{index}]", self.path_of(name)), map)),
            other => self.wrong(&format!("{name}[{index}]"), mismatch("an object", &other)),
        }
        None
    }

    /// A list of texts with that many characters each.
    pub fn text_list(
        &mut self,
        name: &str,
        items_max: usize,
        characters: RangeInclusive<usize>,
    ) -> Option<Vec<String>> {
        let items = self.array(name)?;
        if items.len() > items_max {
            self.wrong(name, format!("must have at most {items_max} entries"));
            return None;
        }
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) if characters.contains(&text.chars().count()) => texts.push(text),
                Value::String(_) => {
                    self.wrong(&format!("{name}[{index}]"), bounds("characters", &characters));
                }
                other => self.wrong(&format!("{name}[{index}]"), mismatch("a string", &other)),
            }
        }
        Some(texts)
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => return Some(value),
            other => self.wrong(name, mismatch("a boolean", &other)),
        }
        None
    }

    pub fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.take(name)?;
        let number = value.as_f64();
        if number.is_none() {
            self.wrong(name, mismatch("a number", &value));
        }
        number
    }

    /// Whether something was found to be wrong so far.
    pub fn is_wrong(&self) -> bool {
        !self.details.is_empty()
    }

    pub fn array(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(items) => return Some(items),
            other => self.wrong(name, mismatch("an array", &other)),
        }
        None
    }

    /// An object whose keys are the client's own and whose values are texts.
    pub fn texts(&mut self, name: &str) -> Option<std::collections::BTreeMap<String, String>> {
        let object = self.object(name)?;
        let mut texts = std::collections::BTreeMap::new();
        for (key, value) in object.map {
            match value {
                Value::String(text) => {
                    texts.insert(key, text);
                }
                other => self.wrong(&format!("{name}.{key}"), mismatch("a string", &other)),
            }
        }
        Some(texts)
    }

    /// An object whose keys are the client's own and whose values may be anything.
    pub fn values(&mut self, name: &str) -> Option<std::collections::BTreeMap<String, Value>> {
        Some(self.object(name)?.map.into_iter().collect())
    }

    /// Ends the reading of an object below this one.
    pub fn absorb(&mut self, mut object: Fields) {
        object.note_unknown();
        self.details.append(&mut object.details);
    }

    /// Fails with everything that was wrong, unknown keys included.
    pub fn finish(mut self) -> Result<()> {
        self.note_unknown();
        self.details.truncate(DETAILS_MAX);
        if self.details.is_empty() { Ok(()) } else { Err(Fault::validation(self.details).into()) }
    }

    fn note_unknown(&mut self) {
        for name in std::mem::take(&mut self.map).keys() {
            self.wrong(name, "unknown key");
        }
    }
}

fn bounds(unit: &str, range: &RangeInclusive<usize>) -> String {
    match (*range.start(), *range.end()) {
        (0, max) => format!("must have at most {max} {unit}"),
        (min, max) => format!("must have {min} to {max} {unit}"),
    }
}

/// What to say about a value of another type than was asked for.
pub fn mismatch(wanted: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null; leave the key out instead",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("must be {wanted}, not {found}")
}

pub(super) fn find_nul(value: &Value, path: &str, details: &mut Vec<Detail>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::String(text) if text.contains('\0') => details.push(Detail::new(path, "must not contain NUL")),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nul(item, &format!("{path}[{index}]"), details);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                if key.contains('\0') {
                    details.push(Detail::new(below(&key.replace('\0', "\u{fffd}")), "must not contain NUL"));
                }
                find_nul(value, &below(key), details);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::Body, problem::Problem};

    fn fields(text: &str) -> Fields {
        Body::parse(text.as_bytes()).and_then(Body::fields).unwrap()
    }

    fn details(fields: Fields) -> Vec<String> {
        let Err(Problem(fault)) = fields.finish() else { return Vec::new() };
        fault.details.into_iter().map(|detail| format!("{}: {}", detail.field, detail.issue)).collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_path() {
        let mut body = fields(r#"{"a":1,"b":{"c":"xx","typo":1},"d":null,"unknown":[]}"#);
        body.text("a", 0..=9);
        let mut below = body.object("b").unwrap();
        below.text("c", 3..=4);
        body.absorb(below);
        body.text("d", 0..=9);
        body.require("e");
        assert_eq!(
            details(body),
            [
                "a: must be a string, not a number",
                "b.c: must have 3 to 4 characters",
                "b.typo: unknown key",
                "d: must be a string, not null; leave the key out instead",
                "e: is required",
                "unknown: unknown key"
            ]
        );
    }

    #[test]
    fn nul_is_refused_wherever_it_stands() {
        let mut body = fields(r#"{"a":["x","y\u0000"],"m":{"k\u0000":"v"}}"#);
        body.take("a");
        body.take("m");
        assert_eq!(details(body), ["a[1]: must not contain NUL", "m.k\u{fffd}: must not contain NUL"]);
    }
}
