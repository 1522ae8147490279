//! `GET /hubs/{hubId}/export`, `POST /hubs/import`: a hub as one JSON file, to be kept under version control or taken to
//! another organization. What the hub has learned is not in it: that is made of the organization's documents.

use super::{create, read};
use crate::{
    Api,
    auth::Studio,
    body::Body,
    idempotency::{IdempotencyHeader, IdempotencyKey},
    path::{Id, missing},
    problem::Result,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::Response,
};
use domain::{
    hub::{BusinessKey, Duplicates, Field, Hub, HubRecord, HubRule, Review, Routing},
    id::HubId,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Names what the file is, and how it is written.
pub const FORMAT: &str = "plextera-hub/1";

/// A hub apart from any organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubFile {
    /// `plextera-hub/1`
    format: String,
    name: String,
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    languages: Vec<String>,
    #[schema(required = false)]
    duplicates: Duplicates,
    #[schema(required = false)]
    near_duplicates: Duplicates,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_key: Option<BusinessKey>,
    #[schema(required = false)]
    routing: Routing,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Review>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    rules: Vec<HubRule>,
    #[schema(required = false)]
    enabled: bool,
}

/// A hub as one file.
#[utoipa::path(get, path = "/hubs/{hubId}/export", operation_id = "exportHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The file", body = HubFile)))]
pub async fn export(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
) -> Result<([(HeaderName, String); 1], Json<HubFile>)> {
    let hub = api.store.hubs().get(caller.org_id, id).await?.ok_or_else(missing::<HubId>)?;
    let attachment = format!("attachment; filename=\"hub-{id}.json\"");
    let file = HubFile {
        format: FORMAT.to_owned(),
        name: hub.name,
        fields: hub.fields,
        languages: hub.languages,
        duplicates: hub.duplicates,
        near_duplicates: hub.near_duplicates,
        business_key: hub.business_key,
        routing: hub.routing,
        review: hub.review,
        rules: hub.rules,
        enabled: hub.enabled,
    };
    Ok(([(header::CONTENT_DISPOSITION, attachment)], Json(file)))
}

/// Make a hub of an exported file. It is a new hub, with an id of its own.
#[utoipa::path(post, path = "/hubs/import", operation_id = "importHub", tag = "Studio",
    params(IdempotencyHeader),
    request_body = HubFile,
    responses((status = 201, description = "The hub", body = HubRecord)))]
pub async fn import(
    State(api): State<Api>,
    caller: Studio,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let fields = read::exported(body)?;
    let hub = read::whole(fields, Hub::new(api.context.hub_id(), "", Vec::new()))?;
    create::insert(&api, caller.org_id, hub, &key, fingerprint).await
}
