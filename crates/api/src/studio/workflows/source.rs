//! The text of a definition as a request's body: YAML in UTF-8.

use crate::{
    body::content_length,
    problem::{Problem, Result},
};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use domain::{
    fault::{Code, Fault},
    limits,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// RFC 9512, and what was in use before it.
const TYPES: &[&str] = &["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

/// The body; empty where the request has none.
#[derive(Debug)]
pub struct Source(pub String);

impl<S: Send + Sync> FromRequest<S> for Source {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (head, body) = request.into_parts();
        let too_large = || {
            let message = format!("a definition has at most {} bytes", limits::WORKFLOW_BYTES_MAX);
            Problem(Fault::new(Code::PayloadTooLarge, message))
        };
        if content_length(&head.headers).is_some_and(|length| length > limits::WORKFLOW_BYTES_MAX as u64) {
            return Err(too_large());
        }
        let bytes = match Limited::new(body, limits::WORKFLOW_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
            Err(_) => return Err(Fault::invalid("the body ended early").into()),
        };
        if !bytes.is_empty() && !is_yaml(&head.headers) {
            let message = "the body must be application/yaml in UTF-8";
            return Err(Fault::new(Code::UnsupportedMediaType, message).into());
        }
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| Fault::invalid("the definition is not UTF-8"))?;
        if text.contains('\0') {
            return Err(Fault::invalid("the definition must not contain NUL").into());
        }
        Ok(Self(text))
    }
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let yaml = parts.next().is_some_and(|kind| TYPES.contains(&kind.as_str()));
    let mut charsets = parts.filter_map(|part| part.strip_prefix("charset=").map(str::to_owned));
    yaml && charsets.all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_has_several_names() {
        let is =
            |value: &str| is_yaml(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        assert!(is("application/yaml") && is("text/yaml; charset=UTF-8") && is("Application/X-YAML"));
        assert!(!is("application/json") && !is("text/plain") && !is("application/yaml; charset=utf-16"));
    }
}
