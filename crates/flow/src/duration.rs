//! Durations as people write them: `90s`, `5m`, `36h`, `7d`, `1h30m`.

use domain::limits;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("`{0}` is not a duration such as `500ms`, `90s`, `5m`, `36h`, `7d` or `1h30m`")]
    Syntax(String),
    #[error("a duration of more than 366 days")]
    TooLong,
}

/// Milliseconds. Units from large to small, each at most once.
pub fn parse_ms(text: &str) -> Result<u64, DurationError> {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let fail = || DurationError::Syntax(text.chars().take(40).collect());
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut units = UNITS.as_slice();
    if rest.is_empty() {
        return Err(fail());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fail)?;
        let number: u64 = rest[..digits].parse().map_err(|_| fail())?;
        let after = &rest[digits..];
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let at = units.iter().position(|(name, _)| *name == &after[..letters]).ok_or_else(fail)?;
        total = total.saturating_add(number.saturating_mul(units[at].1));
        units = &units[at + 1..];
        rest = &after[letters..];
    }
    if total > limits::WORKFLOW_DURATION_MAX.as_millis() as u64 {
        return Err(DurationError::TooLong);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_units_in_order() {
        let good =
            [("500ms", 500), ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("7d", 604_800_000)];
        for (text, ms) in good {
            assert_eq!(parse_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "5", "m", "5 m", "5x", "30m1h", "1h1h", "-5m", "1.5h", "99999999999999999999s"] {
            assert!(matches!(parse_ms(text), Err(DurationError::Syntax(_))), "{text}");
        }
        assert_eq!(parse_ms("367d"), Err(DurationError::TooLong));
        assert_eq!(parse_ms("18446744073709551615d"), Err(DurationError::TooLong));
    }
}
