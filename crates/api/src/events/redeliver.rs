//! `POST /events/{eventId}/redeliver`

use crate::{
    Api,
    auth::Caller,
    body::Body,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    delivery::Delivery,
    fault::Fault,
    id::{EventId, SubscriptionId},
};
use serde::Serialize;
use store::{deliveries::Redelivered, wake::Topic};
use utoipa::ToSchema;

/// To whom; without it, to every subscription that was told of the event.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct RedeliverRequest {
    /// Any subscription of the organization; one that was not told of the event yet is told now.
    subscription_id: Option<SubscriptionId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RedeliverAnswer {
    /// The deliveries as they are now.
    data: Vec<Delivery>,
}

/// Send an event again: the same bytes, under the same event id and sequence number.
#[utoipa::path(post, path = "/events/{eventId}/redeliver", operation_id = "redeliverEvent", tag = "Deliveries",
    params(("eventId" = EventId, Path)),
    request_body = Option<RedeliverRequest>,
    responses((status = 202, description = "It will be sent", body = RedeliverAnswer)))]
pub async fn redeliver(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<EventId>,
    body: Body,
) -> Result<(StatusCode, Json<RedeliverAnswer>)> {
    let mut body = body.optional_fields()?;
    let subscription_id = body.parsed::<SubscriptionId>("subscriptionId");
    body.finish()?;
    let now = api.context.now();
    match api.store.deliveries().redeliver(caller.org_id, id, subscription_id, now).await? {
        Redelivered::Done(data) => {
            api.store.wake().hint(Topic::Deliveries);
            Ok((StatusCode::ACCEPTED, Json(RedeliverAnswer { data })))
        }
        Redelivered::NotFound => Err(missing::<EventId>()),
        Redelivered::NoSubscription => {
            Err(Fault::field("subscriptionId", "no such event subscription").into())
        }
        Redelivered::Erased => {
            Err(Fault::conflict("the event's job was deleted, and its content with it").into())
        }
    }
}
