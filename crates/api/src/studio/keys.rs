//! `POST /keys`, `GET /keys`, `DELETE /keys/{keyId}`

use super::page_of;
use crate::{
    Api,
    auth::Studio,
    body::{Body, mismatch},
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    id::KeyId,
    key::{ApiKey, KeyRecord, Scope},
    page::Paged,
};
use serde::Serialize;
use utoipa::ToSchema;

pub const NAME_CHARACTERS_MAX: usize = 128;

/// A name for people, and what the key may do.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct CreateKey {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// `public` where it is left out.
    #[schema(min_items = 1)]
    scopes: Option<Vec<Scope>>,
}

#[derive(Serialize, ToSchema)]
pub struct NewKey {
    #[serde(flatten)]
    record: KeyRecord,
    /// The key itself. It is shown this once: only a hash of it is kept.
    key: String,
}

/// Make an API key.
///
/// There is no idempotency here, because the answer holds the key and is therefore not kept.
#[utoipa::path(post, path = "/keys", operation_id = "createKey", tag = "Studio",
    request_body = CreateKey,
    responses((status = 201, description = "The key, shown this once", body = NewKey)))]
pub async fn create(
    State(api): State<Api>,
    caller: Studio,
    body: Body,
) -> Result<(StatusCode, Json<NewKey>)> {
    let mut body = body.fields()?;
    let name = body.required_text("name", 1..=NAME_CHARACTERS_MAX);
    let mut scopes = Vec::new();
    let given = body.array("scopes");
    for (index, item) in given.iter().flatten().enumerate() {
        let path = format!("scopes[{index}]");
        match item.as_str().map(Scope::parse) {
            Some(Some(scope)) if scopes.contains(&scope) => body.wrong(&path, "named twice"),
            Some(Some(scope)) => scopes.push(scope),
            Some(None) => body.wrong(&path, "must be one of public, studio"),
            None => body.wrong(&path, mismatch("a string", item)),
        }
    }
    match given {
        None => scopes.push(Scope::Public),
        Some(given) if given.is_empty() => body.wrong("scopes", "must name at least one scope"),
        Some(_) => {}
    }
    body.finish()?;
    let key = ApiKey::from_random(api.context.random());
    let record = KeyRecord {
        id: api.context.id(),
        org_id: caller.org_id,
        name,
        scopes,
        created_at: api.context.now(),
        revoked_at: None,
    };
    api.store.keys().insert(record.clone(), key.hash()).await?;
    Ok((StatusCode::CREATED, Json(NewKey { record, key: key.reveal().to_owned() })))
}

/// All keys, the newest first, revoked ones too. The keys themselves are not known any more.
#[utoipa::path(get, path = "/keys", operation_id = "listKeys", tag = "Studio",
    params(PageParameters),
    responses((status = 200, description = "One page of keys", body = Paged<KeyRecord>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    mut query: Query,
) -> Result<Json<Paged<KeyRecord>>> {
    let page = query.page()?;
    query.finish()?;
    Ok(Json(page_of(api.store.keys().list(caller.org_id).await?, &page)))
}

/// Revoke a key. It ends at once and for ever; revoking again changes nothing.
#[utoipa::path(delete, path = "/keys/{keyId}", operation_id = "revokeKey", tag = "Studio",
    params(("keyId" = KeyId, Path)),
    responses((status = 204, description = "Revoked")))]
pub async fn revoke(State(api): State<Api>, caller: Studio, Id(id): Id<KeyId>) -> Result<StatusCode> {
    if api.store.keys().revoke(caller.org_id, id, api.context.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing::<KeyId>())
    }
}
