//! Deliveries: one event on its way to one subscription, and what each attempt makes of it.
//!
//! [`record`] is the whole state machine: what an attempt's end means for the delivery, for the time of the next attempt
//! and for the subscription. It is pure, so the schedule, `Retry-After`, 410 and automatic pausing are tested without a
//! socket.

use crate::{
    event::EventType,
    id::{DeliveryId, EventId, SubscriptionId},
    limits,
    retry::RetrySchedule,
    subscription::DisabledReason,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DeliveryStatus {
    /// Waiting for its first or its next attempt.
    Pending,
    Delivered,
    /// Every attempt failed; kept, and can be redelivered.
    Exhausted,
    /// The subscription was paused when the event happened; kept, and can be redelivered.
    Suppressed,
}

impl DeliveryStatus {
    pub const ALL: [DeliveryStatus; 4] = [Self::Pending, Self::Delivered, Self::Exhausted, Self::Suppressed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Exhausted => "EXHAUSTED",
            Self::Suppressed => "SUPPRESSED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a delivery is due. Within a subscription's lane live ones are served before retries, and these before replays,
/// by [`Class::weight`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Its event has just happened, or somebody asked for it by name.
    Live,
    /// An attempt has failed.
    Retry,
    /// A replay put it in line.
    Replay,
}

impl Class {
    pub const ALL: [Class; 3] = [Self::Live, Self::Retry, Self::Replay];

    /// How many are served in a round in which every class has something waiting.
    pub const fn weight(self) -> u32 {
        match self {
            Self::Live => 8,
            Self::Retry => 2,
            Self::Replay => 1,
        }
    }
}

/// Whose fault a failed attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Blame {
    /// The platform refused to send it (its address guard) or could not.
    Platform,
    /// The endpoint answered, but not with 2xx, or too slowly.
    Endpoint,
    /// The endpoint could not be reached.
    Network,
}

impl Blame {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Endpoint => "endpoint",
            Self::Network => "network",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Platform, Self::Endpoint, Self::Network].into_iter().find(|blame| blame.as_str() == text)
    }
}

/// One attempt, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// What `X-Plextera-Delivery-Id` said.
    pub id: DeliveryId,
    /// From 1, over all attempts at the delivery.
    pub number: u32,
    pub started_at: Timestamp,
    pub duration_ms: u64,
    /// Absent where there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Absent where it was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
    /// The first [`limits::DELIVERY_ANSWER_KEPT_BYTES_MAX`] bytes of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
}

/// A delivery as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub id: DeliveryId,
    pub subscription_id: SubscriptionId,
    pub event_id: EventId,
    pub event_type: EventType,
    /// Gapless within the subscription; absent for test events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    pub status: DeliveryStatus,
    pub attempt_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// In order; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
}

/// How an attempt ended, as far as what follows depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// `None` where there was none.
    pub status_code: Option<u16>,
    pub retry_after: Option<Duration>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        self.status_code.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What the operator set.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    pub schedule: RetrySchedule,
    /// Share of each wait by which it is varied, in `[0, 1]`.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { schedule: RetrySchedule::default(), jitter: 0.2 }
    }
}

/// What an attempt's end makes of its delivery and subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    pub status: DeliveryStatus,
    /// With `PENDING` only.
    pub next_attempt_at: Option<Timestamp>,
    /// The subscription's: since when there has been nothing but failures.
    pub failing_since: Option<Timestamp>,
    /// The subscription is to be paused.
    pub pause: Option<DisabledReason>,
}

/// What follows from an attempt.
///
/// `failures` counts the attempts of this round including this one (a redelivery begins a new round); `failing_since` is
/// the subscription's; `unit` in `[0, 1)` places the jitter.
pub fn record(
    answer: &Answer,
    failures: u32,
    failing_since: Option<Timestamp>,
    now: Timestamp,
    policy: &RetryPolicy,
    unit: f64,
) -> Transition {
    if answer.is_success() {
        return Transition {
            status: DeliveryStatus::Delivered,
            next_attempt_at: None,
            failing_since: None,
            pause: None,
        };
    }
    let failing_since = failing_since.unwrap_or(now);
    let ended = Transition {
        status: DeliveryStatus::Exhausted,
        next_attempt_at: None,
        failing_since: Some(failing_since),
        pause: None,
    };
    if answer.status_code == Some(410) {
        return Transition { pause: Some(DisabledReason::Gone), ..ended };
    }
    let pause =
        (now.since(failing_since) >= limits::SUBSCRIPTION_FAILING_MAX).then_some(DisabledReason::Failing);
    let Some(scheduled) = policy.schedule.delay(failures, policy.jitter, unit) else {
        return Transition { pause, ..ended };
    };
    let asked = match answer.status_code {
        Some(429 | 503) => answer.retry_after.unwrap_or(Duration::ZERO).min(limits::DELIVERY_RETRY_AFTER_MAX),
        _ => Duration::ZERO,
    };
    let next_attempt_at = Some(now.plus(scheduled.max(asked)));
    Transition { status: DeliveryStatus::Pending, next_attempt_at, pause, ..ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn answered(status: u16) -> Answer {
        Answer { status_code: Some(status), retry_after: None }
    }

    fn policy() -> RetryPolicy {
        RetryPolicy { schedule: "1s,1s,2s".parse().unwrap(), jitter: 0.0 }
    }

    #[test]
    fn only_2xx_is_delivered() {
        for status in [100, 199, 300, 302, 400, 404, 500, 503] {
            assert_eq!(
                record(&answered(status), 1, None, NOW, &policy(), 0.5).status,
                DeliveryStatus::Pending,
                "{status}"
            );
        }
        for status in [200, 204, 299] {
            let transition = record(&answered(status), 3, Some(NOW), NOW, &policy(), 0.5);
            assert_eq!(
                (transition.status, transition.failing_since),
                (DeliveryStatus::Delivered, None),
                "{status}"
            );
        }
    }

    #[test]
    fn failures_walk_the_schedule_and_then_exhaust() {
        let silent = Answer { status_code: None, retry_after: None };
        let waits: Vec<_> = (1..=4)
            .map(|failures| {
                record(&silent, failures, None, NOW, &policy(), 0.5)
                    .next_attempt_at
                    .map(|at| at.since(NOW).as_secs())
            })
            .collect();
        assert_eq!(waits, [Some(1), Some(1), Some(2), None]);
        assert_eq!(record(&silent, 4, None, NOW, &policy(), 0.5).status, DeliveryStatus::Exhausted);
    }

    #[test]
    fn retry_after_counts_on_429_and_503_only_and_never_shortens() {
        let asked = |status, seconds| Answer {
            status_code: Some(status),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let wait = |answer: Answer| {
            record(&answer, 1, None, NOW, &policy(), 0.5).next_attempt_at.unwrap().since(NOW).as_secs()
        };
        assert_eq!(wait(asked(429, 30)), 30);
        assert_eq!(wait(asked(503, 30)), 30);
        assert_eq!(wait(asked(500, 30)), 1);
        assert_eq!(wait(asked(429, 0)), 1);
        assert_eq!(wait(asked(429, 999_999)), 86_400);
    }

    #[test]
    fn gone_ends_the_delivery_and_pauses() {
        let transition = record(&answered(410), 1, None, NOW, &policy(), 0.5);
        assert_eq!(
            (transition.status, transition.pause),
            (DeliveryStatus::Exhausted, Some(DisabledReason::Gone))
        );
    }

    #[test]
    fn five_days_of_failures_pause() {
        let since = NOW.minus(limits::SUBSCRIPTION_FAILING_MAX);
        assert_eq!(
            record(&answered(500), 1, Some(since), NOW, &policy(), 0.5).pause,
            Some(DisabledReason::Failing)
        );
        let later = since.plus(Duration::from_secs(1));
        assert_eq!(record(&answered(500), 1, Some(later), NOW, &policy(), 0.5).pause, None);
    }
}
