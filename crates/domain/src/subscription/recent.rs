//! How a subscription has been doing lately: what its last attempts say, and what waits.

use crate::time::Timestamp;
use serde::Serialize;

/// Over the last attempts at the newest deliveries.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Recent {
    /// How many attempts the figures are of, at most 100.
    pub attempts: u32,
    /// The share of them that were answered with 2xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Half of them took no longer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// and 99 of 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u64>,
    /// Deliveries that wait for an attempt, counted to 10 000.
    pub waiting: u64,
    /// When the first of them is due, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

impl Recent {
    /// Of attempts, each with its duration in milliseconds and the status it was answered with; `None` where nothing was
    /// attempted and nothing waits.
    pub fn of(
        attempts: &[(u64, Option<u16>)],
        waiting: u64,
        next_attempt_at: Option<Timestamp>,
    ) -> Option<Self> {
        if attempts.is_empty() && waiting == 0 {
            return None;
        }
        let is_success = |status: &Option<u16>| status.is_some_and(|status| (200..300).contains(&status));
        let successes = attempts.iter().filter(|(_, status)| is_success(status)).count();
        let mut durations: Vec<u64> = attempts.iter().map(|(duration_ms, _)| *duration_ms).collect();
        durations.sort_unstable();
        // The nearest rank.
        let percentile = |percent: usize| {
            durations.get((durations.len() * percent).div_ceil(100).saturating_sub(1)).copied()
        };
        let rate = (!attempts.is_empty()).then(|| successes as f64 / attempts.len() as f64);
        Some(Self {
            attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
            success_rate: rate.map(|rate| (rate * 1000.0).round() / 1000.0),
            p50_ms: percentile(50),
            p99_ms: percentile(99),
            waiting,
            next_attempt_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_nearest_rank() {
        let attempts: Vec<(u64, Option<u16>)> = (1..=100)
            .map(|number| {
                (
                    number,
                    match number {
                        1..=90 => Some(204),
                        91..=95 => Some(500),
                        _ => None,
                    },
                )
            })
            .collect();
        let recent = Recent::of(&attempts, 3, None).unwrap();
        assert_eq!((recent.success_rate, recent.p50_ms, recent.p99_ms), (Some(0.9), Some(50), Some(99)));
        let one = Recent::of(&[(7, Some(200))], 0, None).unwrap();
        assert_eq!(
            (one.attempts, one.success_rate, one.p50_ms, one.p99_ms),
            (1, Some(1.0), Some(7), Some(7))
        );
    }

    #[test]
    fn nothing_says_nothing() {
        assert_eq!(Recent::of(&[], 0, None), None);
        let waiting = Recent::of(&[], 2, Some(Timestamp::from_ms(5))).unwrap();
        assert_eq!((waiting.attempts, waiting.success_rate, waiting.p50_ms), (0, None, None));
    }
}
