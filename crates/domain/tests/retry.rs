//! When a failed delivery is tried again, for every schedule, answer and jitter.

use domain::{
    delivery::{Answer, DeliveryStatus, RetryPolicy, record},
    limits,
    retry::{RetrySchedule, parse_duration, parse_retry_after},
    subscription::DisabledReason,
    time::Timestamp,
};
use proptest::prelude::*;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_ms(1_772_357_400_000);

/// As an operator writes it, and what it says.
fn schedule() -> impl Strategy<Value = (RetrySchedule, Vec<Duration>)> {
    let wait = (0_u64..5000, prop::sample::select(vec!["ms", "s", "m", "h"]));
    prop::collection::vec(wait, 0..=limits::DELIVERY_RETRIES_MAX).prop_map(|waits| {
        let texts: Vec<String> = waits.iter().map(|(count, unit)| format!("{count}{unit}")).collect();
        let waits = texts.iter().map(|text| parse_duration(text).expect("a duration")).collect();
        (texts.join(", ").parse().expect("a schedule"), waits)
    })
}

/// One that is not a success.
fn refusal() -> impl Strategy<Value = Answer> {
    let status =
        prop::option::of((100_u16..600).prop_filter("no success", |status| !(200..300).contains(status)));
    let retry_after = prop::option::of((0_u64..200_000).prop_map(Duration::from_secs));
    (status, retry_after).prop_map(|(status_code, retry_after)| Answer { status_code, retry_after })
}

proptest! {
    #[test]
    fn a_schedule_prints_as_what_it_is((schedule, waits) in schedule()) {
        prop_assert_eq!(schedule.to_string().parse::<RetrySchedule>(), Ok(schedule.clone()));
        for (failures, wait) in (1..).zip(&waits) {
            prop_assert_eq!(schedule.delay(failures, 0.0, 0.3), Some(*wait));
        }
        prop_assert_eq!(schedule.delay(waits.len() as u32 + 1, 0.2, 0.5), None);
        prop_assert_eq!(schedule.delay(0, 0.2, 0.5), None);
    }

    #[test]
    fn jitter_moves_a_wait_within_its_share_and_in_one_direction(
        (schedule, waits) in schedule(), jitter in 0.0..=1.0_f64, (low, high) in (0.0..1.0_f64, 0.0..1.0_f64)
    ) {
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        for (failures, wait) in (1..).zip(waits) {
            let delay = |unit| schedule.delay(failures, jitter, unit).expect("not used up");
            let rounding = Duration::from_micros(1);
            prop_assert!(delay(low) <= delay(high));
            prop_assert!(delay(low) + rounding >= wait.mul_f64(1.0 - jitter));
            prop_assert!(delay(high) <= wait.mul_f64(1.0 + jitter) + rounding);
        }
    }

    #[test]
    fn a_refusal_is_retried_until_the_schedule_is_used_up(
        (schedule, waits) in schedule(), answer in refusal(), jitter in 0.0..=1.0_f64, unit in 0.0..1.0_f64
    ) {
        let policy = RetryPolicy { schedule, jitter };
        for failures in 1..=waits.len() as u32 + 2 {
            let transition = record(&answer, failures, Some(NOW), NOW, &policy, unit);
            prop_assert_eq!(transition.next_attempt_at.is_some(), transition.status == DeliveryStatus::Pending);
            prop_assert!(transition.failing_since.is_some());
            if answer.status_code == Some(410) {
                prop_assert_eq!(transition.status, DeliveryStatus::Exhausted);
                prop_assert_eq!(transition.pause, Some(DisabledReason::Gone));
                continue;
            }
            prop_assert_eq!(transition.pause, None);
            let Some(scheduled) = policy.schedule.delay(failures, jitter, unit) else {
                prop_assert_eq!(transition.status, DeliveryStatus::Exhausted);
                continue;
            };
            let waited = transition.next_attempt_at.expect("it is pending").since(NOW);
            // Times are kept in whole milliseconds.
            let asked = answer.retry_after.filter(|_| matches!(answer.status_code, Some(429 | 503)));
            let wanted = scheduled.max(asked.unwrap_or_default().min(limits::DELIVERY_RETRY_AFTER_MAX));
            prop_assert!(waited + Duration::from_millis(1) >= wanted, "{waited:?} instead of {wanted:?}");
            prop_assert!(waited <= wanted + Duration::from_millis(1), "{waited:?} instead of {wanted:?}");
        }
    }

    #[test]
    fn a_success_ends_it_and_clears_the_record(status in 200_u16..300, failures in 1_u32..100) {
        let answer = Answer { status_code: Some(status), retry_after: Some(Duration::from_secs(9)) };
        let transition = record(&answer, failures, Some(NOW), NOW, &RetryPolicy::default(), 0.5);
        prop_assert_eq!(transition.status, DeliveryStatus::Delivered);
        prop_assert_eq!((transition.next_attempt_at, transition.failing_since), (None, None));
        prop_assert_eq!(transition.pause, None);
    }

    #[test]
    fn a_subscription_is_paused_after_its_days_of_failures_and_not_before(ms in 0_u64..1_000_000_000) {
        let answer = Answer { status_code: Some(500), retry_after: None };
        let failing_for = Duration::from_millis(ms);
        let since = Some(NOW.minus(failing_for));
        let transition = record(&answer, 1, since, NOW, &RetryPolicy::default(), 0.5);
        let expected = (failing_for >= limits::SUBSCRIPTION_FAILING_MAX).then_some(DisabledReason::Failing);
        prop_assert_eq!(transition.pause, expected);
        prop_assert_eq!(transition.failing_since, since, "a failure does not restart the clock");
    }

    #[test]
    fn any_header_is_a_wait_of_at_most_a_day_or_none(header in ".*") {
        if let Some(wait) = parse_retry_after(&header, NOW) {
            prop_assert!(wait <= limits::DELIVERY_RETRY_AFTER_MAX);
        }
    }

    #[test]
    fn seconds_are_read_as_they_stand(seconds in 0_u64..=86_400) {
        prop_assert_eq!(parse_retry_after(&format!(" {seconds} "), NOW), Some(Duration::from_secs(seconds)));
    }
}
