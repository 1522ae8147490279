//! Replays: a stretch of a subscription's deliveries, sent again piece by piece in the background.
//!
//! A replay walks the deliveries in the order in which they were made and puts those that fit in line again, a few each
//! second. It is a row, so it survives every restart, and what it has done is never done twice.

use crate::{
    delivery::DeliveryStatus,
    id::{ReplayId, SubscriptionId},
    time::Timestamp,
};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReplayStatus {
    Running,
    /// Everything that fits is in line to be sent, or was sent already.
    Completed,
    Cancelled,
}

impl ReplayStatus {
    pub const ALL: [ReplayStatus; 3] = [Self::Running, Self::Completed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReplayProgress {
    /// Deliveries that were looked at.
    pub examined: u64,
    /// Deliveries that were put in line again.
    pub replayed: u64,
    /// When the last one that was looked at had been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<Timestamp>,
}

/// A replay as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Replay {
    pub id: ReplayId,
    pub subscription_id: SubscriptionId,
    pub status: ReplayStatus,
    /// Deliveries made at this time or later.
    pub since: Timestamp,
    /// Deliveries made earlier than this; the time of the request where that named none.
    pub until: Timestamp,
    /// Only those that were in this state when the replay came to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<DeliveryStatus>,
    pub progress: ReplayProgress,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}
