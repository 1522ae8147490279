//! `POST /replays/{replayId}/cancel`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{id::ReplayId, replay::Replay};

/// End a replay where it is. What it has put in line already is still sent; one that has ended stays as it is.
#[utoipa::path(post, path = "/replays/{replayId}/cancel", operation_id = "cancelReplay", tag = "Deliveries",
    params(("replayId" = ReplayId, Path)),
    responses((status = 200, description = "The replay as it is now", body = Replay)))]
pub async fn cancel(State(api): State<Api>, caller: Caller, Id(id): Id<ReplayId>) -> Result<Json<Replay>> {
    let replay = api.store.replays().cancel(caller.org_id, id, api.context.now()).await?;
    Ok(Json(replay.ok_or_else(missing::<ReplayId>)?))
}
