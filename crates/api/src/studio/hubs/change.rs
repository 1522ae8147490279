//! `PATCH /hubs/{hubId}`, and the three changes that have a path of their own.

use super::read;
use crate::{
    Api,
    auth::Studio,
    body::Body,
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use domain::{
    fault::Fault,
    hub::{BusinessKey, Duplicates, Field, HubRecord, HubRule, Review, Routing},
    id::{HubId, OrgId},
    org::Org,
};
use store::wake::Topic;
use utoipa::ToSchema;

/// What is to change; what is left out stays as it is. Lists are replaced whole.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ChangeHub {
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    #[schema(min_items = 1, max_items = 200)]
    fields: Option<Vec<Field>>,
    #[schema(max_items = 50)]
    languages: Option<Vec<String>>,
    duplicates: Option<Duplicates>,
    near_duplicates: Option<Duplicates>,
    /// `null` clears.
    #[schema(nullable)]
    business_key: Option<BusinessKey>,
    routing: Option<Routing>,
    /// `null` clears.
    #[schema(nullable)]
    review: Option<Review>,
    #[schema(max_items = 100)]
    rules: Option<Vec<HubRule>>,
    enabled: Option<bool>,
}

/// Change a hub. Each change is a version; jobs name the version that read their document.
#[utoipa::path(patch, path = "/hubs/{hubId}", operation_id = "updateHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    request_body = ChangeHub,
    responses((status = 200, description = "The hub as it is now", body = HubRecord)))]
pub async fn patch(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<HubRecord>> {
    let fields = body.fields()?;
    let before = get(&api, caller.org_id, id).await?.hub;
    let after = read::merged(fields, before.clone())?;
    if after == before {
        return Ok(Json(get(&api, caller.org_id, id).await?));
    }
    if !api.store.hubs().update(caller.org_id, after, api.context.now()).await? {
        return Err(Fault::transient_conflict("the hub was changed meanwhile; read it again").into());
    }
    api.store.wake().hint(Topic::Learning);
    Ok(Json(get(&api, caller.org_id, id).await?))
}

/// Let a hub take documents.
#[utoipa::path(post, path = "/hubs/{hubId}/enable", operation_id = "enableHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The hub as it is now", body = HubRecord)))]
pub async fn enable(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<HubRecord>> {
    switch(&api, caller.org_id, id, body, true).await
}

/// Let a hub take no documents. Its jobs and all that it has learned stay.
#[utoipa::path(post, path = "/hubs/{hubId}/disable", operation_id = "disableHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The hub as it is now", body = HubRecord)))]
pub async fn disable(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<HubRecord>> {
    switch(&api, caller.org_id, id, body, false).await
}

async fn switch(api: &Api, org_id: OrgId, id: HubId, body: Body, enabled: bool) -> Result<Json<HubRecord>> {
    body.optional_fields()?.finish()?;
    api.store.hubs().set_enabled(org_id, id, enabled, api.context.now()).await?;
    Ok(Json(get(api, org_id, id).await?))
}

/// Make a hub the one that takes documents which nothing else routes.
#[utoipa::path(post, path = "/hubs/{hubId}/default", operation_id = "makeDefaultHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The hub", body = HubRecord)))]
pub async fn make_default(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<HubRecord>> {
    body.optional_fields()?.finish()?;
    let record = get(&api, caller.org_id, id).await?;
    if !record.hub.enabled {
        return Err(Fault::conflict("the hub is not enabled; enable it first").into());
    }
    let org = org(&api, caller.org_id).await?;
    api.store.orgs().update(Org { default_hub_id: Some(id), ..org }).await?;
    Ok(Json(record))
}

async fn get(api: &Api, org_id: OrgId, id: HubId) -> Result<HubRecord> {
    api.store.hubs().record(org_id, id).await?.ok_or_else(missing::<HubId>)
}

/// The caller's organization.
pub async fn org(api: &Api, org_id: OrgId) -> Result<Org> {
    let org = api.store.orgs().get(org_id).await?;
    org.ok_or_else(|| {
        tracing::error!(%org_id, "a key belongs to no organization");
        Problem::internal()
    })
}
