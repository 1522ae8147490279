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

mod fields;

use fields::find_nul;
pub use fields::{Fields, mismatch};

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

#[cfg(test)]
mod tests {
    use super::*;

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
