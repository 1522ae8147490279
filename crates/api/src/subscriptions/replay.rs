//! `POST /event-subscriptions/{subscriptionId}/replay`

use crate::{
    Api,
    auth::Caller,
    body::{Body, Fields},
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    context::Context,
    delivery::DeliveryStatus,
    fault::Fault,
    id::SubscriptionId,
    limits,
    replay::{Replay, ReplayProgress, ReplayStatus},
    time::Timestamp,
};
use store::{
    idempotency::Once,
    replays::{Begun, NewReplay},
    wake::Topic,
};
use utoipa::ToSchema;

/// Which deliveries are to be sent again.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ReplayRequest {
    /// Deliveries made at this time or later.
    since: Timestamp,
    /// Deliveries made earlier than this; without it, earlier than now.
    until: Option<Timestamp>,
    /// Only those in this state; without it, all that are not waiting for an attempt anyway.
    status: Option<DeliveryStatus>,
}

/// Send a stretch of deliveries again, in the order in which they were made: the same events, bytes and sequence
/// numbers.
///
/// It happens in the background, some each second, behind everything else that the endpoint is to be told; it goes on
/// after a restart. `GET /replays/{replayId}` says how far it has come, `POST /replays/{replayId}/cancel` ends it.
#[utoipa::path(post, path = "/event-subscriptions/{subscriptionId}/replay", operation_id = "replayDeliveries", tag = "Deliveries",
    params(("subscriptionId" = SubscriptionId, Path), IdempotencyHeader),
    request_body = ReplayRequest,
    responses((status = 202, description = "It is under way", body = Replay)))]
pub async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let replay = read(body.fields()?, id, &api.context)?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    let reply = Reply::new(StatusCode::ACCEPTED, &replay)?;
    let request = key.record(caller.org_id, &fingerprint, &reply);
    let begun = api.store.replays().insert(NewReplay { org_id: caller.org_id, replay, request }).await?;
    if begun == Once::First(Begun::TooMany) {
        let max = limits::REPLAYS_RUNNING_MAX;
        return Err(Fault::conflict(format!("{max} replays of this subscription are under way")).into());
    }
    api.store.wake().hint(Topic::Deliveries);
    reply.settle(begun)
}

fn read(mut body: Fields, subscription_id: SubscriptionId, context: &Context) -> Result<Replay> {
    let now = context.now();
    body.require("since");
    let since = body.parsed("since").unwrap_or(now);
    let until = body.parsed::<Timestamp>("until");
    if until.is_some_and(|until| until <= since) {
        body.wrong("until", "must be later than since");
    }
    let list = DeliveryStatus::ALL.map(DeliveryStatus::as_str);
    let delivery_status = body.one_of("status", DeliveryStatus::parse, &list);
    body.finish()?;
    Ok(Replay {
        id: context.id(),
        subscription_id,
        status: ReplayStatus::Running,
        since,
        // What is made while it runs is live, and not its business.
        until: until.map_or(now, |until| until.min(now)),
        delivery_status,
        progress: ReplayProgress::default(),
        created_at: now,
        updated_at: now,
        completed_at: None,
    })
}
