//! When a failed delivery is tried again.

use crate::{limits, time::Timestamp};
use std::{fmt, str::FromStr, time::Duration};

/// The waits between attempts; when they are used up the delivery is exhausted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    delays: Vec<Duration>,
}

/// The text is not a retry schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error("`{0}` is not a duration; write a number and ms, s, m, h or d, such as 30s")]
    Duration(String),
    #[error("at most {} retries", limits::DELIVERY_RETRIES_MAX)]
    TooLong,
}

impl Default for RetrySchedule {
    /// 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h, 24 h, 24 h.
    fn default() -> Self {
        let seconds = [5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 24 * 3600];
        Self { delays: seconds.into_iter().map(Duration::from_secs).collect() }
    }
}

impl RetrySchedule {
    /// The wait after the `failures`-th failed attempt in a row (from 1), with jitter: the scheduled wait times
    /// `1 ± jitter`, where `unit` in `[0, 1)` says where in that range. `None` where the schedule is used up.
    pub fn delay(&self, failures: u32, jitter: f64, unit: f64) -> Option<Duration> {
        let index = usize::try_from(failures).ok()?.checked_sub(1)?;
        let factor = 1.0 + jitter.clamp(0.0, 1.0) * (2.0 * unit.clamp(0.0, 1.0) - 1.0);
        Some(self.delays.get(index)?.mul_f64(factor))
    }
}

impl FromStr for RetrySchedule {
    type Err = InvalidSchedule;
    /// Durations joined by commas, `1s,1s,2s`; the empty text means no retries.
    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.len() > limits::DELIVERY_RETRIES_MAX {
            return Err(InvalidSchedule::TooLong);
        }
        let delays = parts
            .into_iter()
            .map(|part| parse_duration(part).ok_or_else(|| InvalidSchedule::Duration(part.to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { delays })
    }
}

impl fmt::Display for RetrySchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.delays.iter().map(|delay| format_duration(*delay)).collect();
        f.write_str(&texts.join(","))
    }
}

/// `500ms`, `15s`, `2m`, `1h`, `1d`. `None` for anything else, and above a year.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit_ms = match text.get(digits..)? {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let ms = number.checked_mul(unit_ms)?;
    (ms <= 366 * 86_400_000).then(|| Duration::from_millis(ms))
}

/// The shortest text that [`parse_duration`] reads as `duration`.
pub fn format_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, unit_ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms > 0 && ms.is_multiple_of(unit_ms) {
            return format!("{}{unit}", ms / unit_ms);
        }
    }
    format!("{ms}ms")
}

/// A `Retry-After` header (RFC 9110, 10.2.3): seconds or an HTTP date. At most
/// [`limits::DELIVERY_RETRY_AFTER_MAX`]; `None` where it is neither.
pub fn parse_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let date = jiff::fmt::rfc2822::parse(header).ok()?;
        Timestamp::from_ms(date.timestamp().as_millisecond()).since(now)
    };
    Some(wait.min(limits::DELIVERY_RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_parse_and_print() {
        let schedule: RetrySchedule = "1s,1s,2s".parse().unwrap();
        assert_eq!(schedule.delay(1, 0.0, 0.0), Some(Duration::from_secs(1)));
        assert_eq!(schedule.delay(3, 0.0, 0.0), Some(Duration::from_secs(2)));
        assert_eq!(schedule.delay(4, 0.0, 0.0), None);
        assert_eq!(schedule.to_string(), "1s,1s,2s");
        assert_eq!(RetrySchedule::default().to_string(), "5s,30s,2m,10m,1h,3h,6h,12h,1d,1d");
        assert_eq!("".parse::<RetrySchedule>().unwrap().delay(1, 0.0, 0.0), None);
        assert!("1s,soon".parse::<RetrySchedule>().is_err());
        assert!(vec!["1s"; 51].join(",").parse::<RetrySchedule>().is_err());
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let schedule = RetrySchedule::default();
        for (unit, ms) in [(0.0, 4000), (0.5, 5000), (1.0, 6000)] {
            assert_eq!(schedule.delay(1, 0.2, unit), Some(Duration::from_millis(ms)));
        }
    }

    #[test]
    fn retry_after_reads_seconds_and_dates_up_to_a_day() {
        let now = Timestamp::from_ms(784_111_777_000);
        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("99999999999999999999999", now), Some(Duration::from_secs(86_400)));
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_after("", now), None);
    }
}
