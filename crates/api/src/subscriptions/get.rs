//! `GET /event-subscriptions/{subscriptionId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{id::SubscriptionId, subscription::Subscription};

/// A subscription, and how its deliveries have been going.
#[utoipa::path(get, path = "/event-subscriptions/{subscriptionId}", operation_id = "getEventSubscription", tag = "Event subscriptions",
    params(("subscriptionId" = SubscriptionId, Path)),
    responses((status = 200, description = "The subscription", body = Subscription)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<Json<Subscription>> {
    let subscriptions = api.store.subscriptions();
    let found = subscriptions.get(caller.org_id, id).await?;
    let mut subscription = found.ok_or_else(missing::<SubscriptionId>)?;
    subscription.health.recent = subscriptions.recent(id).await?;
    Ok(Json(subscription))
}
