//! `Idempotency-Key`: the same request made twice is done once.
//!
//! A handler reads the key, asks [`IdempotencyKey::earlier`] before it checks anything against the state of the world
//! (what was right the first time may be gone now), prepares the [`Reply`] it would give, and hands both to the store
//! in the same transaction as the work. [`Reply::settle`] then gives this answer or the first one.

use crate::{
    Api,
    problem::{Problem, Result},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{
    fault::{Code, Fault},
    id::OrgId,
    limits,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::idempotency::{Answer, Idempotency, Once};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The request's key, where it has one, and what the request is apart from its body.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: Option<String>,
    target: String,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let key = parts.headers.get(KEY).map(|value| {
            let text = value.to_str().ok().filter(|text| {
                (1..=limits::IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            });
            let max = limits::IDEMPOTENCY_KEY_CHARACTERS_MAX;
            let issue =
                || Fault::invalid(format!("Idempotency-Key must have 1 to {max} visible ASCII characters"));
            text.map(str::to_owned).ok_or_else(issue)
        });
        // The original path: a nested router shortens the one in the request.
        let uri =
            parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0);
        Ok(Self { key: key.transpose()?, target: format!("{} {}", parts.method, uri.path()) })
    }
}

impl IdempotencyKey {
    /// Over method, path and body; `None` where there is no key.
    fn request_hash(&self, body: &[u8; 32]) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.target.as_bytes())
            .chain_update([0])
            .chain_update(body)
            .finalize()
            .into()
    }

    /// The answer to the same request made before. Fails where the key was used for another one.
    pub async fn earlier(&self, api: &Api, org_id: OrgId, body: &[u8; 32]) -> Result<Option<Response>> {
        let Some(key) = &self.key else { return Ok(None) };
        let hash = self.request_hash(body);
        match api.store.idempotency().find(org_id, key, hash, api.context.now()).await? {
            Some(Once::Replay(answer)) => Ok(Some(replay(answer))),
            Some(Once::Mismatch) => Err(mismatch()),
            Some(Once::First(())) | None => Ok(None),
        }
    }

    /// The record to be written together with the work that `reply` answers.
    pub fn record(&self, org_id: OrgId, body: &[u8; 32], reply: &Reply) -> Option<Idempotency> {
        Some(Idempotency {
            org_id,
            key: self.key.clone()?,
            request_hash: self.request_hash(body),
            answer: Answer { status: reply.status.as_u16(), body: reply.body.clone() },
        })
    }
}

/// An answer that is ready before the work is committed.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

impl Reply {
    pub fn new(status: StatusCode, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Problem::internal()
        })?;
        Ok(Self { status, body })
    }

    /// What the client gets, now that the store has said which request was the first.
    pub fn settle<T>(self, once: Once<T>) -> Result<Response> {
        match once {
            Once::First(_) => Ok(self.into_response()),
            Once::Replay(answer) => Ok(replay(answer)),
            Once::Mismatch => Err(mismatch()),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

fn replay(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = Reply { status, body: answer.body }.into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn mismatch() -> Problem {
    Fault::new(Code::Conflict, "this Idempotency-Key was used for a request with another path or body").into()
}

/// For the OpenAPI document.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
pub struct IdempotencyHeader {
    /// Any text of the client's own. The same key with the same body within 24 hours gives the first answer again, with
    /// `Idempotency-Replayed: true`; with another body, 409.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    idempotency_key: Option<String>,
}
