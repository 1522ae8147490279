//! JSON bodies, read by hand so that every mistake is named.
//!
//! A typed deserializer stops at the first mistake and says where only roughly. Here a body is a [`Fields`]: each
//! endpoint takes the keys it knows, and whatever is missing, of the wrong type, too long or left over becomes one
//! [`Detail`] with its path. [`Fields::finish`] answers all of them at once.
//!
//! Rules for all bodies: no NUL in any text (PostgreSQL cannot keep it), no `null` where a key may simply be left out,
//! no unknown key.

use crate::problem::{Problem, Result};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use domain::{
    fault::{Code, Detail, Fault},
    limits,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// How many mistakes one answer names.
const DETAILS_MAX: usize = 100;

/// The JSON body of a request: an object. A request without any body has none.
#[derive(Debug, Clone)]
pub struct Body {
    value: Value,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (head, body) = request.into_parts();
        let too_large = || {
            let message = format!("a JSON body has at most {} bytes", limits::JSON_BODY_BYTES_MAX);
            Problem(Fault::new(Code::PayloadTooLarge, message))
        };
        if content_length(&head.headers).is_some_and(|length| length > limits::JSON_BODY_BYTES_MAX as u64) {
            return Err(too_large());
        }
        let bytes = match Limited::new(body, limits::JSON_BODY_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
            Err(_) => return Err(Fault::invalid("the body ended early").into()),
        };
        if bytes.is_empty() {
            return Ok(Self { value: Value::Null });
        }
        if !is_json(&head.headers) {
            let message = "the body must be application/json in UTF-8";
            return Err(Fault::new(Code::UnsupportedMediaType, message).into());
        }
        Self::parse(&bytes)
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self { value }
    }
}

impl Body {
    /// Of the bytes of a JSON text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = serde_json::from_slice(bytes);
        let value = value.map_err(|error| Fault::invalid(format!("the body is not JSON: {error}")))?;
        Ok(Self { value })
    }

    /// What tells this body from another: the same for texts that differ in white space or in the order of keys.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.value.to_string().as_bytes()).into()
    }

    /// Any JSON value; a request without a body has an empty object.
    pub fn value(self) -> Result<Value> {
        let mut details = Vec::new();
        find_nul(&self.value, "body", &mut details);
        if !details.is_empty() {
            return Err(Fault::validation(details).into());
        }
        Ok(if self.value.is_null() { Value::Object(Map::new()) } else { self.value })
    }

    /// The value of one part of a multipart body; `null` is one.
    pub fn part(self) -> Result<Value> {
        Ok(self.value)
    }

    /// The keys of a body that must be there.
    pub fn fields(self) -> Result<Fields> {
        match self.value {
            Value::Null => Err(Fault::invalid("a JSON body is needed").into()),
            value => Fields::of(value).ok_or_else(|| not_an_object().into()),
        }
    }

    /// A body that is one object, or a list of 1 to `items_max` of them; and whether it is a list. The paths of a list's
    /// entries begin with their place: `[0].fileId`.
    pub fn one_or_many(self, items_max: usize) -> Result<(Vec<Fields>, bool)> {
        let Value::Array(items) = self.value else { return Ok((vec![self.fields()?], false)) };
        if items.is_empty() || items.len() > items_max {
            return Err(Fault::field("body", format!("must have 1 to {items_max} entries")).into());
        }
        let mut all = Vec::with_capacity(items.len());
        let mut details = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match Fields::of(item) {
                Some(mut fields) => {
                    fields.path = format!("[{index}]");
                    all.push(fields);
                }
                None => details.push(Detail::new(format!("[{index}]"), "must be a JSON object")),
            }
        }
        if details.is_empty() { Ok((all, true)) } else { Err(Fault::validation(details).into()) }
    }

    /// The keys of a body that may be left out whole.
    pub fn optional_fields(self) -> Result<Fields> {
        match self.value {
            Value::Null => Ok(Fields::new(String::new(), Map::new())),
            value => Fields::of(value).ok_or_else(|| not_an_object().into()),
        }
    }
}

fn not_an_object() -> Fault {
    Fault::field("body", "must be a JSON object")
}

/// The length the client announced.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|kind| {
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    let mut charsets = parts.filter_map(|part| part.strip_prefix("charset=").map(str::to_owned));
    json && charsets.all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
}

/// The keys of one JSON object that are still to be read, and what was wrong so far.
#[derive(Debug)]
pub struct Fields {
    path: String,
    map: Map<String, Value>,
    details: Vec<Detail>,
}

impl Fields {
    fn new(path: String, map: Map<String, Value>) -> Self {
        Self { path, map, details: Vec::new() }
    }

    /// `None` where `value` is not an object. NUL anywhere inside is noted.
    fn of(value: Value) -> Option<Self> {
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

fn find_nul(value: &Value, path: &str, details: &mut Vec<Detail>) {
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

    #[test]
    fn a_fingerprint_ignores_how_the_text_is_written() {
        let print = |text: &str| Body::parse(text.as_bytes()).unwrap().fingerprint();
        assert_eq!(print(r#"{"a":1,"b":2}"#), print("{\"b\": 2,\n\"a\": 1}"));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":"1"}"#));
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        let is =
            |value: &str| is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        assert!(
            is("application/json")
                && is("Application/JSON; charset=UTF-8")
                && is("application/merge-patch+json")
        );
        assert!(!is("text/plain") && !is("application/json; charset=utf-16") && !is("multipart/form-data"));
    }
}
