//! `GET /hubs`, `GET /hubs/{hubId}`

use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
    studio::page_of,
};
use axum::{Json, extract::State};
use domain::{hub::HubRecord, id::HubId, page::Paged};

/// All hubs with their fields, the newest first.
#[utoipa::path(get, path = "/hubs", operation_id = "listHubs", tag = "Studio",
    params(PageParameters),
    responses((status = 200, description = "One page of hubs", body = Paged<HubRecord>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    mut query: Query,
) -> Result<Json<Paged<HubRecord>>> {
    let page = query.page()?;
    query.finish()?;
    Ok(Json(page_of(api.store.hubs().records(caller.org_id).await?, &page)))
}

/// A hub with its fields.
#[utoipa::path(get, path = "/hubs/{hubId}", operation_id = "getHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The hub", body = HubRecord)))]
pub async fn get(State(api): State<Api>, caller: Studio, Id(id): Id<HubId>) -> Result<Json<HubRecord>> {
    Ok(Json(api.store.hubs().record(caller.org_id, id).await?.ok_or_else(missing::<HubId>)?))
}
