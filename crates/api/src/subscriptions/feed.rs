//! `GET /event-subscriptions/{subscriptionId}/feed`
//!
//! The subscription's log by pull: what was to be sent, in the order of its sequence numbers, suppressed events
//! included. A receiver that sees a gap in `X-Plextera-Sequence` reads here what it missed. A request that finds
//! nothing new waits for it.

use crate::{
    Api,
    auth::Caller,
    follow::{Follow, FollowQuery},
    path::{Id, missing},
    problem::{Problem, Result},
    query::Query,
    serve::Stopping,
};
use axum::{Json, extract::State};
use domain::id::{EventId, SubscriptionId};
use serde::Serialize;
use serde_json::value::RawValue;
use store::events::FeedItem;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct Feed {
    data: Vec<FeedEntry>,
    /// To be given as `after` the next time.
    next: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FeedEntry {
    sequence: u64,
    event_id: EventId,
    /// The event exactly as it is sent; left out where its job was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    event: Option<Box<RawValue>>,
}

/// A subscription's events after a sequence number, in order. Waits for the next one where there is none yet.
#[utoipa::path(get, path = "/event-subscriptions/{subscriptionId}/feed", operation_id = "readFeed", tag = "Event subscriptions",
    params(
        ("subscriptionId" = SubscriptionId, Path),
        FollowQuery,
    ),
    responses((status = 200, description = "What is new", body = Feed)))]
pub async fn feed(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    stopping: Stopping,
    query: Query,
) -> Result<Json<Feed>> {
    let follow = Follow::read(query)?;
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;
    let look = || async { api.store.events().feed(caller.org_id, id, follow.after, follow.limit).await };
    answer(follow.wait(&api, &stopping, look).await?, follow.after).map(Json)
}

fn answer(items: Vec<FeedItem>, after: u64) -> Result<Feed> {
    let next = items.last().map_or(after, |item| item.sequence);
    let entry = |item: FeedItem| {
        let event = item.body.map(|body| serde_json::from_slice(&body)).transpose();
        let event = event.map_err(|error| {
            tracing::error!(%error, event_id = %item.event_id, "a stored event cannot be read");
            Problem::internal()
        })?;
        Ok(FeedEntry { sequence: item.sequence, event_id: item.event_id, event })
    };
    Ok(Feed { data: items.into_iter().map(entry).collect::<Result<_>>()?, next })
}
