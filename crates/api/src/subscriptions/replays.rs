//! `GET /event-subscriptions/{subscriptionId}/replays`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{id::SubscriptionId, page::Paged, replay::Replay};

/// A subscription's replays, the newest first, always by creation.
#[utoipa::path(get, path = "/event-subscriptions/{subscriptionId}/replays", operation_id = "listReplays", tag = "Deliveries",
    params(("subscriptionId" = SubscriptionId, Path), PageParameters),
    responses((status = 200, description = "One page of replays", body = Paged<Replay>)))]
pub async fn replays(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    mut query: Query,
) -> Result<Json<Paged<Replay>>> {
    let page = query.page()?;
    query.finish()?;
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    Ok(Json(api.store.replays().list(caller.org_id, id, page).await?))
}
