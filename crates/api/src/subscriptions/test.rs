//! `POST /event-subscriptions/{subscriptionId}/test`

use crate::{
    Api,
    auth::Caller,
    body::Body,
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    delivery::Delivery,
    event::{EventType, sample},
    fault::Fault,
    id::{EventId, SubscriptionId},
    subscription::SubscriptionStatus,
};
use store::{deliveries::TestEvent, wake::Topic};
use utoipa::ToSchema;

/// Of which type the specimen is to be.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct TestRequest {
    event_type: EventType,
}

/// Send a signed specimen of an event, marked `"test": true` in its data.
#[utoipa::path(post, path = "/event-subscriptions/{subscriptionId}/test", operation_id = "sendTestEvent", tag = "Event subscriptions",
    params(("subscriptionId" = SubscriptionId, Path)),
    request_body = TestRequest,
    responses((status = 202, description = "The delivery, which says what became of it", body = Delivery)))]
pub async fn test(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    body: Body,
) -> Result<(StatusCode, Json<Delivery>)> {
    let mut body = body.fields()?;
    body.require("eventType");
    let event_type = body.one_of("eventType", EventType::parse, &EventType::ALL.map(EventType::as_str));
    body.finish()?;
    let event_type = event_type.unwrap_or(EventType::JobCompleted);
    let subscription =
        api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    if subscription.status == SubscriptionStatus::Paused {
        return Err(Fault::conflict("the subscription is paused, so nothing is sent; resume it first").into());
    }
    let now = api.context.now();
    let event_id = api.context.id::<EventId>();
    let body = sample::render_test(event_id, event_type, now).map_err(|error| {
        tracing::error!(%error, "a test event cannot be written");
        Problem::internal()
    })?;
    let test =
        TestEvent { org_id: caller.org_id, subscription_id: id, event_id, event_type, body: body.into() };
    let delivery_id =
        api.store.deliveries().insert_test(test, now).await?.ok_or_else(missing::<SubscriptionId>)?;
    api.store.wake().hint(Topic::Deliveries);
    let delivery = api.store.deliveries().get(caller.org_id, delivery_id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.ok_or_else(missing::<SubscriptionId>)?)))
}
