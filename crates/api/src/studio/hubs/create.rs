//! `POST /hubs`

use super::read;
use crate::{
    Api,
    auth::Studio,
    body::Body,
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    problem::Result,
};
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    fault::Fault,
    hub::{BusinessKey, Duplicates, Field, Hub, HubRecord, HubRule, Review, Routing},
    id::OrgId,
    limits,
};
use utoipa::ToSchema;

/// A kind of document and its fields.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct CreateHub {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    #[schema(min_items = 1, max_items = 200)]
    fields: Vec<Field>,
    /// Two-letter codes (ISO 639-1) of the languages it reads; all where it is left out.
    #[schema(max_items = 50)]
    languages: Option<Vec<String>>,
    /// The same bytes again; `reject` where it is left out.
    duplicates: Option<Duplicates>,
    /// The same text again, in another file; `allow` where it is left out.
    near_duplicates: Option<Duplicates>,
    business_key: Option<BusinessKey>,
    routing: Option<Routing>,
    review: Option<Review>,
    #[schema(max_items = 100)]
    rules: Option<Vec<HubRule>>,
    /// `true` where it is left out.
    enabled: Option<bool>,
}

/// Make a hub. Jobs can name it at once.
#[utoipa::path(post, path = "/hubs", operation_id = "createHub", tag = "Studio",
    params(IdempotencyHeader),
    request_body = CreateHub,
    responses((status = 201, description = "The hub", body = HubRecord)))]
pub async fn create(
    State(api): State<Api>,
    caller: Studio,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let blank = Hub::new(api.context.hub_id(), "", Vec::new());
    let hub = read::whole(body.fields()?, blank)?;
    insert(&api, caller.org_id, hub, &key, fingerprint).await
}

/// Stores a new hub and answers with it.
pub async fn insert(
    api: &Api,
    org_id: OrgId,
    hub: Hub,
    key: &IdempotencyKey,
    fingerprint: [u8; 32],
) -> Result<Response> {
    if let Some(earlier) = key.earlier(api, org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    if api.store.hubs().count(org_id).await? >= limits::HUBS_PER_ORG_MAX {
        let max = limits::HUBS_PER_ORG_MAX;
        return Err(Fault::conflict(format!("an organization has at most {max} hubs")).into());
    }
    let now = api.context.now();
    let record = HubRecord { hub, created_at: now, updated_at: now };
    let reply = Reply::new(StatusCode::CREATED, &record)?;
    let request = key.record(org_id, &fingerprint, &reply);
    reply.settle(api.store.hubs().insert(org_id, record.hub, request, now).await?)
}
