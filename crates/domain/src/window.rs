//! How an endpoint has been doing of late: its attempts of this hour and the hour before, counted.
//!
//! A subscription keeps one of these beside its other health, as a short text. Whoever records an attempt adds to it,
//! so a summary costs no query over attempts, however many there are. Durations are counted in steps of a quarter of a
//! doubling, so a percentile is right to within a tenth.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
/// Steps for each doubling of a duration.
const STEPS: f64 = 4.0;
/// The last step takes everything from 65 s on; no attempt may take longer.
const STEP_MAX: u8 = 64;

/// The attempts of two hours. Its JSON is what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Window {
    /// Which hour since 1970 `now` counts.
    hour: i64,
    now: Tally,
    before: Tally,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Tally {
    delivered: u32,
    failed: u32,
    /// How many attempts took how long, by step.
    steps: BTreeMap<u8, u32>,
}

/// What an endpoint's recent attempts come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Recent {
    /// Attempts before this time are not counted: the start of the hour before this one.
    pub since: Timestamp,
    pub attempt_count: u32,
    /// Of the attempts, those that were answered 2xx; from 0 to 1.
    pub success_rate: f64,
    /// How long half of the attempts took at most, to the end of the answer.
    pub latency_p50_ms: u64,
    /// How long all but one in a hundred took at most.
    pub latency_p99_ms: u64,
}

impl Window {
    /// Counts an attempt that ended at `now`.
    pub fn note(&mut self, delivered: bool, duration_ms: u64, now: Timestamp) {
        self.turn(now);
        let tally = &mut self.now;
        let count = if delivered { &mut tally.delivered } else { &mut tally.failed };
        *count = count.saturating_add(1);
        let step = tally.steps.entry(step(duration_ms)).or_default();
        *step = step.saturating_add(1);
    }

    /// The summary at `now`; `None` where there was no attempt.
    pub fn recent(&self, now: Timestamp) -> Option<Recent> {
        let mut window = self.clone();
        window.turn(now);
        let (now, before) = (&window.now, &window.before);
        let delivered = u64::from(now.delivered) + u64::from(before.delivered);
        let attempts = delivered + u64::from(now.failed) + u64::from(before.failed);
        if attempts == 0 {
            return None;
        }
        let mut steps = before.steps.clone();
        for (step, count) in &now.steps {
            let sum = steps.entry(*step).or_default();
            *sum = sum.saturating_add(*count);
        }
        let rate = delivered as f64 / attempts as f64;
        Some(Recent {
            since: Timestamp::from_ms((window.hour - 1) * HOUR_MS),
            attempt_count: u32::try_from(attempts).unwrap_or(u32::MAX),
            success_rate: (rate * 10_000.0).floor() / 10_000.0,
            latency_p50_ms: percentile(&steps, 0.5),
            latency_p99_ms: percentile(&steps, 0.99),
        })
    }

    /// Moves on to the hour of `now`. A clock that steps back stays in the hour that was reached.
    fn turn(&mut self, now: Timestamp) {
        let hour = now.as_ms().div_euclid(HOUR_MS);
        if hour > self.hour {
            let finished = std::mem::take(&mut self.now);
            self.before = if hour == self.hour + 1 { finished } else { Tally::default() };
            self.hour = hour;
        }
    }
}

/// Step 0 is up to 1 ms, step n up to 2^(n/4) ms.
fn step(duration_ms: u64) -> u8 {
    let step = ((duration_ms.max(1) as f64).log2() * STEPS).ceil();
    if step >= f64::from(STEP_MAX) { STEP_MAX } else { step as u8 }
}

/// The middle of the step in which the attempt of this rank lies.
fn percentile(steps: &BTreeMap<u8, u32>, share: f64) -> u64 {
    let total: u64 = steps.values().map(|count| u64::from(*count)).sum();
    let rank = (total as f64 * share).ceil().max(1.0);
    let mut seen = 0.0;
    for (step, count) in steps {
        seen += f64::from(*count);
        if seen >= rank {
            let middle = f64::from(*step) - 0.5;
            return if *step == 0 { 1 } else { (middle / STEPS).exp2().round() as u64 };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_772_357_400_000);

    fn later(hours: i64) -> Timestamp {
        Timestamp::from_ms(NOON.as_ms() + hours * HOUR_MS)
    }

    #[test]
    fn two_hours_count_and_no_more() {
        let mut window = Window::default();
        assert_eq!(window.recent(NOON), None);
        window.note(true, 10, NOON);
        window.note(false, 10, later(1));
        let recent = window.recent(later(1)).unwrap();
        assert_eq!((recent.attempt_count, recent.success_rate), (2, 0.5));
        assert_eq!(recent.since.as_ms(), NOON.as_ms() / HOUR_MS * HOUR_MS);
        assert_eq!(window.recent(later(2)).unwrap().success_rate, 0.0);
        assert_eq!(window.recent(later(3)), None);
        window.note(true, 10, later(-5));
        assert_eq!(
            window.recent(later(1)).unwrap().attempt_count,
            3,
            "a clock that steps back loses nothing"
        );
    }

    #[test]
    fn percentiles_are_right_to_within_a_tenth() {
        for unit in [1, 3, 10, 100, 600] {
            let mut window = Window::default();
            for n in 1..=100 {
                window.note(true, n * unit, NOON);
            }
            let recent = window.recent(NOON).unwrap();
            for (found, expected) in [(recent.latency_p50_ms, 50 * unit), (recent.latency_p99_ms, 99 * unit)]
            {
                let off = (found as f64 - expected as f64).abs() / expected as f64;
                assert!(off <= 0.1, "{found} is not {expected}");
            }
        }
        let mut window = Window::default();
        window.note(true, 0, NOON);
        window.note(false, u64::MAX, NOON);
        let recent = window.recent(NOON).unwrap();
        assert_eq!((recent.latency_p50_ms, recent.latency_p99_ms), (1, 60_097));
    }

    #[test]
    fn what_is_kept_is_short_and_reads_back() {
        let mut window = Window::default();
        for n in 0..100_000 {
            window.note(n % 3 == 0, n, NOON);
        }
        let text = serde_json::to_string(&window).unwrap();
        assert!(text.len() < 1500, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window);
    }
}
