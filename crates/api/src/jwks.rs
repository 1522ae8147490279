//! `GET /.well-known/jwks.json`: the public keys that deliveries are signed with, as a JSON Web Key Set (RFC 7517).
//!
//! Everybody may read it. It holds the key that signs, the one that will sign next, and those that were replaced a short
//! while ago; a receiver that reads it once a day knows every key before it meets it.

use crate::{Api, problem::Result};
use axum::{Json, Router, extract::State, http::header, response::IntoResponse, routing::get};
use domain::signing_key::Jwk;
use serde::Serialize;

const PATH: &str = "/.well-known/jwks.json";
const CACHE: &str = "public, max-age=300";
/// RFC 7517, 8.5.2.
const MEDIA_TYPE: &str = "application/jwk-set+json";

#[derive(Serialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

pub fn routes() -> Router<Api> {
    Router::new().route(PATH, get(keys))
}

async fn keys(State(api): State<Api>) -> Result<impl IntoResponse> {
    let published = api.store.signing_keys().published().await?;
    let keys = published.into_iter().map(|(key, _)| key.to_jwk()).collect();
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, CACHE)], Json(KeySet { keys })))
}
