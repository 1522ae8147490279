//! The envelope as a type.

use crate::{Rejected, Verifier};
use serde::{Deserialize, de::DeserializeOwned};
use std::fmt;

/// An event. `D` is what you make of `data`: a type of your own, or `serde_json::Value`.
///
/// ```
/// # use plextera_webhooks::Event;
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Job { job_id: String, status: String }
///
/// let body = r#"{"eventId":"evt_1","eventType":"document-insights.job.completed","occurredAt":"2026-03-01T09:30:02Z",
///     "apiVersion":"v1","data":{"jobId":"dijob_1","status":"COMPLETED"}}"#;
/// let event: Event<Job> = serde_json::from_str(body)?;
/// assert_eq!((event.data.job_id.as_str(), event.data.status.as_str()), ("dijob_1", "COMPLETED"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<D> {
    /// The same on every attempt: what to deduplicate by.
    pub event_id: String,
    /// A text, because a later platform may send types that this crate does not know.
    pub event_type: String,
    /// UTC, ISO 8601.
    pub occurred_at: String,
    pub api_version: String,
    pub data: D,
}

/// Why a request gives no event.
#[derive(Debug)]
pub enum Unread {
    /// Its signature does not hold: answer 401.
    Rejected(Rejected),
    /// It was sent by Plextera, and its data is not what was expected.
    NotUnderstood(serde_json::Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::NotUnderstood(error) => write!(f, "the event is not of the expected shape: {error}"),
        }
    }
}

impl std::error::Error for Unread {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::NotUnderstood(error) => Some(error),
        }
    }
}

impl Verifier {
    /// Verifies a request now and reads its event.
    pub fn event<'h, D: DeserializeOwned>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
    ) -> Result<Event<D>, Unread> {
        self.verify(header, body).map_err(Unread::Rejected)?;
        serde_json::from_slice(body).map_err(Unread::NotUnderstood)
    }
}
