//! `POST /event-subscriptions/{subscriptionId}/replay`

use crate::{
    Api,
    auth::Caller,
    body::{Body, Fields},
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    delivery::DeliveryStatus,
    id::{OrgId, SubscriptionId},
    time::Timestamp,
};
use serde::Serialize;
use store::{deliveries::Replay, wake::Topic};
use utoipa::ToSchema;

/// Which deliveries are to be sent again.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ReplayRequest {
    /// Deliveries made at this time or later.
    since: Timestamp,
    /// Deliveries made earlier than this.
    until: Option<Timestamp>,
    /// Only those in this state; without it, all that are not waiting for an attempt anyway.
    status: Option<DeliveryStatus>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// How many deliveries will be sent again.
    replayed: u64,
}

/// Send a stretch of deliveries again: the same events, bytes and sequence numbers.
#[utoipa::path(post, path = "/event-subscriptions/{subscriptionId}/replay", operation_id = "replayDeliveries", tag = "Deliveries",
    params(("subscriptionId" = SubscriptionId, Path)),
    request_body = ReplayRequest,
    responses((status = 202, description = "They will be sent", body = ReplayAnswer)))]
pub async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    body: Body,
) -> Result<(StatusCode, Json<ReplayAnswer>)> {
    let replay = read(body.fields()?, caller.org_id, id)?;
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    let replayed = api.store.deliveries().replay(replay, api.context.now()).await?;
    api.store.wake().hint(Topic::Deliveries);
    Ok((StatusCode::ACCEPTED, Json(ReplayAnswer { replayed })))
}

fn read(mut body: Fields, org_id: OrgId, subscription_id: SubscriptionId) -> Result<Replay> {
    body.require("since");
    let since = body.parsed("since").unwrap_or(Timestamp::from_ms(0));
    let until = body.parsed::<Timestamp>("until");
    if until.is_some_and(|until| until <= since) {
        body.wrong("until", "must be later than since");
    }
    let list = DeliveryStatus::ALL.map(DeliveryStatus::as_str);
    let status = body.one_of("status", DeliveryStatus::parse, &list);
    body.finish()?;
    Ok(Replay { org_id, subscription_id, since, until, status })
}
