//! `GET /event-subscriptions/{subscriptionId}/feed`
//!
//! The subscription's log by pull: what was to be sent, in the order of its sequence numbers, suppressed events
//! included. A receiver that sees a gap in `X-Plextera-Sequence` reads here what it missed. A request that finds
//! nothing new waits for it.

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::{Problem, Result},
    query::Query,
    serve::Stopping,
};
use axum::{Json, extract::State};
use domain::{
    id::{EventId, SubscriptionId},
    limits,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use store::{events::FeedItem, wake::Topic};
use utoipa::ToSchema;

/// How soon a waiting request looks again by itself: hints may be lost.
const PERIOD: Duration = Duration::from_secs(1);

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
        ("after" = Option<u64>, Query, description = "The last sequence number that was seen; 0 where it is left out", minimum = 0, maximum = 1_000_000_000_000_000_u64),
        ("limit" = Option<u32>, Query, description = "How many events at most", minimum = 1, maximum = 100),
        ("waitSeconds" = Option<u32>, Query, description = "How long to wait where there is nothing new; 20 where it is left out", minimum = 0, maximum = 20),
    ),
    responses((status = 200, description = "What is new", body = Feed)))]
pub async fn feed(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    stopping: Stopping,
    mut query: Query,
) -> Result<Json<Feed>> {
    let after = query.number("after", 0, 1_000_000_000_000_000)?.unwrap_or(0);
    let limit = query.number("limit", 1, limits::FEED_ITEMS_MAX.into())?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limits::FEED_ITEMS_MAX);
    let wait_max = limits::FEED_WAIT.as_secs();
    let wait = query.number("waitSeconds", 0, wait_max)?.unwrap_or(wait_max);
    query.finish()?;
    api.store.subscriptions().get(caller.org_id, id).await?.ok_or_else(missing::<SubscriptionId>)?;

    let deadline = api.context.now().plus(Duration::from_secs(wait));
    // Before the first look, so that nothing is lost between the look and the wait.
    let mut events = api.store.wake().waiter(Topic::Events);
    loop {
        let items = api.store.events().feed(caller.org_id, id, after, limit).await?;
        let now = api.context.now();
        if !items.is_empty() || now >= deadline {
            return answer(items, after).map(Json);
        }
        let next_look: Timestamp = deadline.min(now.plus(PERIOD));
        tokio::select! {
            () = events.hinted() => {}
            () = api.context.clock.sleep_until(next_look) => {}
            () = stopping.stopping() => return answer(items, after).map(Json),
        }
    }
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
