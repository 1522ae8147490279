//! `GET /event-subscriptions`

use crate::{
    Api,
    auth::Caller,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    event::EventType,
    page::Paged,
    subscription::{Subscription, SubscriptionStatus},
};
use store::subscriptions::SubscriptionFilter;

/// All subscriptions, the newest first.
#[utoipa::path(get, path = "/event-subscriptions", operation_id = "listEventSubscriptions", tag = "Event subscriptions",
    params(
        PageParameters,
        ("status" = inline(Option<SubscriptionStatus>), Query),
        ("eventType" = inline(Option<EventType>), Query, description = "Only those that are told of this type"),
    ),
    responses((status = 200, description = "One page of subscriptions", body = Paged<Subscription>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Paged<Subscription>>> {
    let page = query.page()?;
    let filter = SubscriptionFilter {
        status: query.one_of("status", SubscriptionStatus::parse, &["active", "paused"])?,
        event_type: query.one_of("eventType", EventType::parse, &EventType::ALL.map(EventType::as_str))?,
    };
    query.finish()?;
    Ok(Json(api.store.subscriptions().list(caller.org_id, filter, page).await?))
}
