//! `GET /event-subscriptions/{subscriptionId}/deliveries`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    delivery::{Delivery, DeliveryStatus},
    event::EventType,
    id::SubscriptionId,
    page::Paged,
    time::Timestamp,
};
use store::deliveries::DeliveryFilter;

/// A subscription's deliveries, the newest first, without their attempts.
#[utoipa::path(get, path = "/event-subscriptions/{subscriptionId}/deliveries", operation_id = "listDeliveries", tag = "Deliveries",
    params(
        ("subscriptionId" = SubscriptionId, Path),
        PageParameters,
        ("status" = inline(Option<DeliveryStatus>), Query),
        ("eventType" = inline(Option<EventType>), Query),
        ("since" = Option<Timestamp>, Query, description = "Only deliveries made at this time or later"),
    ),
    responses((status = 200, description = "One page of deliveries", body = Paged<Delivery>)))]
pub async fn deliveries(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    mut query: Query,
) -> Result<Json<Paged<Delivery>>> {
    let page = query.page()?;
    let filter = DeliveryFilter {
        status: query.one_of(
            "status",
            DeliveryStatus::parse,
            &DeliveryStatus::ALL.map(DeliveryStatus::as_str),
        )?,
        event_type: query.one_of("eventType", EventType::parse, &EventType::ALL.map(EventType::as_str))?,
        since: query.timestamp("since")?,
    };
    query.finish()?;
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    Ok(Json(api.store.deliveries().list(caller.org_id, id, filter, page).await?))
}
