//! Long polling: what follows a sequence number in a log, waiting for the next entry where there is none yet.
//!
//! It passes every proxy, and a reader that was cut off asks again from the last number it saw.

use crate::{Api, problem::Result, query::Query, serve::Stopping};
use domain::{limits, time::Timestamp};
use std::time::Duration;
use store::wake::Topic;

/// How soon a waiting request looks again by itself: hints may be lost.
const PERIOD: Duration = Duration::from_secs(1);

/// The highest number that can be asked for.
const SEQUENCE_MAX: u64 = 1_000_000_000_000_000;

/// From where a log is read, how much of it, and how long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Follow {
    pub after: u64,
    pub limit: u32,
    wait: Duration,
}

/// For the OpenAPI document.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
pub struct FollowQuery {
    /// The last sequence number that was seen; 0 where it is left out
    #[param(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    after: Option<u64>,
    /// How many entries at most
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// How long to wait where there is nothing new; 20 where it is left out
    #[param(rename = "waitSeconds", minimum = 0, maximum = 20)]
    wait_seconds: Option<u32>,
}

impl Follow {
    pub fn read(mut query: Query) -> Result<Self> {
        let after = query.number("after", 0, SEQUENCE_MAX)?.unwrap_or(0);
        let limit = query.number("limit", 1, limits::FEED_ITEMS_MAX.into())?;
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limits::FEED_ITEMS_MAX);
        let wait_max = limits::FEED_WAIT.as_secs();
        let wait = query.number("waitSeconds", 0, wait_max)?.unwrap_or(wait_max);
        query.finish()?;
        Ok(Self { after, limit, wait: Duration::from_secs(wait) })
    }

    /// What `look` finds, as soon as it finds something; nothing where the wait is over or the server stops.
    pub async fn wait<T, F>(&self, api: &Api, stopping: &Stopping, look: impl Fn() -> F) -> Result<Vec<T>>
    where
        F: Future<Output = store::Result<Vec<T>>>,
    {
        let deadline = api.context.now().plus(self.wait);
        // Before the first look, so that nothing is lost between the look and the wait.
        let mut events = api.store.wake().waiter(Topic::Events);
        loop {
            let found = look().await?;
            let now = api.context.now();
            if !found.is_empty() || now >= deadline {
                return Ok(found);
            }
            let next_look: Timestamp = deadline.min(now.plus(PERIOD));
            tokio::select! {
                () = events.hinted() => {}
                () = api.context.clock.sleep_until(next_look) => {}
                () = stopping.stopping() => return Ok(found),
            }
        }
    }
}
