//! `DELETE /event-subscriptions/{subscriptionId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::id::SubscriptionId;
use store::wake::Topic;

/// Delete a subscription with its deliveries. What was not sent yet will not be.
#[utoipa::path(delete, path = "/event-subscriptions/{subscriptionId}", operation_id = "deleteEventSubscription", tag = "Event subscriptions",
    params(("subscriptionId" = SubscriptionId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<StatusCode> {
    if api.store.subscriptions().delete(caller.org_id, id, api.context.now()).await? {
        api.store.wake().hint(Topic::Deliveries);
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing::<SubscriptionId>())
    }
}
