//! `GET /hubs/{hubId}/versions`, `GET /hubs/{hubId}/versions/{version}`

use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
    studio::page_of,
};
use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    fault::Fault,
    hub::{Hub, HubVersion},
    id::HubId,
    page::Paged,
};

/// What a hub has been, the newest version first. The latest 200 are kept.
#[utoipa::path(get, path = "/hubs/{hubId}/versions", operation_id = "listHubVersions", tag = "Studio",
    params(("hubId" = HubId, Path), PageParameters),
    responses((status = 200, description = "One page of versions", body = Paged<HubVersion>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    mut query: Query,
) -> Result<Json<Paged<HubVersion>>> {
    let page = query.page()?;
    query.finish()?;
    let versions = api.store.hubs().versions(caller.org_id, id).await?;
    if versions.is_empty() {
        return Err(missing::<HubId>());
    }
    Ok(Json(page_of(versions, &page)))
}

/// A hub as it was at a version.
#[utoipa::path(get, path = "/hubs/{hubId}/versions/{version}", operation_id = "getHubVersion", tag = "Studio",
    params(("hubId" = HubId, Path), ("version" = u32, Path)),
    responses((status = 200, description = "The hub as it was", body = Hub)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Path((id, version)): Path<(String, String)>,
) -> Result<Json<Hub>> {
    let (Ok(id), Ok(version)) = (id.parse(), version.parse()) else {
        return Err(Fault::not_found("version of a hub").into());
    };
    let hub = api.store.hubs().version(caller.org_id, id, version).await?;
    Ok(Json(hub.ok_or_else(|| Fault::not_found("version of a hub"))?))
}
