//! `web_function`: one HTTP request through the guarded client.
//!
//! Every attempt carries `Idempotency-Key: {run}/{step}`, the same over retries and when another node takes the run
//! over, so the other side can tell a repetition from a second wish.

use super::{
    Desk,
    begin::{Filled, Step},
    decide::unavailable,
};
use crate::client::{Call as Request, CallFailure, Called, Client, Failure as Lost};
use bytes::Bytes;
use domain::{id::RunId, limits, time::Timestamp};
use flow::{
    ir::{FailureClass, Method, Template, WebFunction},
    run::{Failure, Output},
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

const AGENT: HeaderValue = HeaderValue::from_static("Plextera-Workflows/1");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Headers that the connection itself is made of.
const OURS: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te"];

/// A call with all its values; never shown, because it may hold secrets.
pub(super) struct Call {
    request: Request,
    now: Timestamp,
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::permanent("STEP_INPUT_INVALID", message)
}

pub(super) async fn prepare(
    filled: &Filled<'_>,
    with: &WebFunction,
    run_id: RunId,
    step: &Step<'_>,
    desk: &Desk,
) -> Result<Call, Failure> {
    let url = filled.text(&with.url, "url").await?;
    let mut url = Url::parse(&url).map_err(|_| invalid("url is not an absolute URL"))?;
    for (name, value) in texts(filled, with.query.as_ref(), "query").await? {
        url.query_pairs_mut().append_pair(&name, &value);
    }
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, AGENT);
    let key = HeaderValue::from_str(&format!("{run_id}/{}", step.key));
    headers.insert(IDEMPOTENCY_KEY, key.map_err(|_| invalid("the step's key cannot be a header"))?);
    let given = texts(filled, with.headers.as_ref(), "headers").await?;
    if given.len() > limits::WEB_FUNCTION_HEADERS_MAX {
        return Err(invalid(format!("more than {} headers", limits::WEB_FUNCTION_HEADERS_MAX)));
    }
    let body = match filled.optional(with.body.as_ref()).await? {
        None => None,
        Some(value) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Some(Bytes::from(value.to_string()))
        }
    };
    if body.as_ref().is_some_and(|body| body.len() > limits::WEB_FUNCTION_BODY_BYTES_MAX) {
        return Err(invalid(format!("a body of more than {} bytes", limits::WEB_FUNCTION_BODY_BYTES_MAX)));
    }
    for (name, value) in given {
        let bad = || invalid(format!("`{name}` cannot be sent as a header"));
        let header: HeaderName = name.parse().map_err(|_| bad())?;
        if OURS.contains(&header.as_str()) {
            return Err(bad());
        }
        headers.insert(header, HeaderValue::from_str(&value).map_err(|_| bad())?);
    }
    let now = desk.parts.ctx.now();
    let left = step.deadline_ms.and_then(|deadline| u64::try_from(deadline - now.as_ms()).ok());
    let timeout = left.map_or(limits::WEB_FUNCTION_TIMEOUT, Duration::from_millis);
    let method = match with.method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    };
    Ok(Call { request: Request { method, url, headers, body, timeout }, now })
}

async fn texts(
    filled: &Filled<'_>,
    template: Option<&Template>,
    what: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let map = match filled.optional(template).await? {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(invalid(format!("{what} must be an object of texts"))),
    };
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        _ => Err(invalid(format!("{what}.{name} must be a text"))),
    };
    map.into_iter().map(text).collect()
}

impl Call {
    pub(super) async fn make(self, client: &Client) -> Result<Output, Failure> {
        match client.call(self.request).await {
            Ok(called) => answer(called, self.now),
            Err(CallFailure::TooLarge) => {
                Err(Failure::permanent("ANSWER_TOO_LARGE", CallFailure::TooLarge.to_string()))
            }
            Err(CallFailure::Request(lost)) => Err(self::lost(&lost)),
        }
    }
}

fn lost(lost: &Lost) -> Failure {
    let (code, class) = match lost {
        Lost::Timeout | Lost::ConnectTimeout => ("CALL_TIMEOUT", FailureClass::Timeout),
        Lost::Refused(_) | Lost::Request(_) => ("CALL_REFUSED", FailureClass::Permanent),
        _ => ("CALL_FAILED", FailureClass::Connection),
    };
    Failure::new(code, class, lost.to_string())
}

fn answer(called: Called, now: Timestamp) -> Result<Output, Failure> {
    let status = called.status;
    let message = format!("the server answered {status}");
    let class = match status {
        200..=299 => return Ok(Output::Inline(value(&called))),
        300..=399 => {
            return Err(Failure::permanent("CALL_STATUS", format!("{message}; redirects are not followed")));
        }
        429 => FailureClass::RateLimited,
        408 => FailureClass::Timeout,
        500..=599 => {
            return Err(Failure {
                retry_after_ms: retry_after(&called, now),
                ..unavailable("CALL_STATUS", message)
            });
        }
        _ => FailureClass::Permanent,
    };
    Err(Failure { retry_after_ms: retry_after(&called, now), ..Failure::new("CALL_STATUS", class, message) })
}

fn retry_after(called: &Called, now: Timestamp) -> Option<u64> {
    let wait = domain::retry::parse_retry_after(called.retry_after.as_deref()?, now)?;
    u64::try_from(wait.as_millis()).ok()
}

/// `{status, headers, body}`; a body that is no JSON is a text.
fn value(called: &Called) -> Value {
    let mut headers = Map::new();
    for (name, value) in &called.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.as_str().to_owned(), Value::String(text));
    }
    let is_json =
        called.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind == "application/json" || kind.ends_with("+json")
        });
    let parsed = is_json.then(|| serde_json::from_slice(&called.body).ok()).flatten();
    let body = parsed.unwrap_or_else(|| match called.body.is_empty() {
        true => Value::Null,
        false => Value::String(String::from_utf8_lossy(&called.body).replace('\0', "\u{fffd}")),
    });
    json!({"status": called.status, "headers": headers, "body": body})
}
