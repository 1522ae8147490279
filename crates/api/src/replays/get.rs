//! `GET /replays/{replayId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{id::ReplayId, replay::Replay};

/// A replay, and how far it has come.
#[utoipa::path(get, path = "/replays/{replayId}", operation_id = "getReplay", tag = "Deliveries",
    params(("replayId" = ReplayId, Path)),
    responses((status = 200, description = "The replay", body = Replay)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<ReplayId>) -> Result<Json<Replay>> {
    Ok(Json(api.store.replays().get(caller.org_id, id).await?.ok_or_else(missing::<ReplayId>)?))
}
