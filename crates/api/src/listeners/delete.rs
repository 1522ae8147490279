//! `DELETE /event-listeners/{listenerId}`

use super::deliveries::no_listener;
use crate::{Api, auth::Caller, path::Id, problem::Result};
use axum::{extract::State, http::StatusCode};
use domain::id::SubscriptionId;
use store::wake::Topic;

/// Stop listening. What was not read is gone.
#[utoipa::path(delete, path = "/event-listeners/{listenerId}", operation_id = "deleteEventListener", tag = "Event listeners",
    params(("listenerId" = SubscriptionId, Path)),
    responses((status = 204, description = "It has ended")))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<StatusCode> {
    if !api.store.listeners().keep(caller.org_id, id, api.context.now()).await? {
        return Err(no_listener());
    }
    api.store.subscriptions().delete(caller.org_id, id, api.context.now()).await?;
    api.store.wake().hint(Topic::Deliveries);
    Ok(StatusCode::NO_CONTENT)
}
