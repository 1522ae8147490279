//! Cron expressions of five fields: minute, hour, day of the month, month, day of the week.
//!
//! Lists (`1,15`), ranges (`9-17`), steps (`*/5`, `10-30/10`), names (`jan`, `mon`), 0 and 7 for Sunday, and `@daily`
//! and its like. As in every cron: where both kinds of days are named, either is enough.

use jiff::civil::Date;
use std::{fmt, str::FromStr};

/// A cron expression.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    /// Bit n: n is among them.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Bit 0: Sunday.
    weekdays: u64,
    names_no_hour: bool,
    any_day: bool,
    any_weekday: bool,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a cron expression such as `30 2 * * mon-fri`: {0}")]
pub struct InvalidCron(String);

struct FieldKind {
    name: &'static str,
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MINUTE: FieldKind = FieldKind { name: "minute", min: 0, max: 59, names: &[] };
const HOUR: FieldKind = FieldKind { name: "hour", min: 0, max: 23, names: &[] };
const DAY: FieldKind = FieldKind { name: "day of the month", min: 1, max: 31, names: &[] };
const MONTH: FieldKind = FieldKind {
    name: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: FieldKind = FieldKind {
    name: "day of the week",
    min: 0,
    max: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// Short for a whole expression.
const SHORT: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Cron {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether anything is due on this day.
    pub(super) fn has_day(&self, date: Date) -> bool {
        let has = |bits: u64, value: i8| bits & (1 << value) != 0;
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let either = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        either && has(self.months, date.month())
    }

    /// Hours and minutes of the day, in order.
    pub(super) fn times(&self) -> impl Iterator<Item = (i8, i8)> {
        let within = |bits: u64, max: i8| (0..max).filter(move |value| bits & (1 << value) != 0);
        within(self.hours, 24)
            .flat_map(move |hour| within(self.minutes, 60).map(move |minute| (hour, minute)))
    }

    /// The hours are all of them, or steps through all of them.
    pub(super) fn names_no_hour(&self) -> bool {
        self.names_no_hour
    }
}

impl FromStr for Cron {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        let lower = text.trim().to_ascii_lowercase();
        let whole =
            SHORT.iter().find(|(short, _)| *short == lower).map_or(lower.as_str(), |(_, whole)| whole);
        let fields: Vec<&str> = whole.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let message = format!("it has {} fields, not minute, hour, day, month, weekday", fields.len());
            return Err(InvalidCron(message));
        };
        let mut weekdays = bits(weekday, &WEEKDAY)?;
        // 7 is Sunday too.
        weekdays = (weekdays | (weekdays >> 7)) & 0x7f;
        Ok(Self {
            text: text.trim().to_owned(),
            minutes: bits(minute, &MINUTE)?,
            hours: bits(hour, &HOUR)?,
            days: bits(day, &DAY)?,
            months: bits(month, &MONTH)?,
            weekdays,
            names_no_hour: hour.starts_with('*'),
            any_day: day.starts_with('*'),
            any_weekday: weekday.starts_with('*'),
        })
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn bits(field: &str, kind: &FieldKind) -> Result<u64, InvalidCron> {
    field.split(',').try_fold(0, |bits, part| Ok(bits | part_bits(part, kind)?))
}

/// `*`, `7`, `1-5`, and each with `/2`.
fn part_bits(part: &str, kind: &FieldKind) -> Result<u64, InvalidCron> {
    let wrong = || InvalidCron(format!("`{part}` is no {} ({} to {})", kind.name, kind.min, kind.max));
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0).ok_or_else(wrong)?)),
        None => (part, None),
    };
    let (from, to) = match range.split_once('-') {
        Some((from, to)) => (value(from, kind).ok_or_else(wrong)?, value(to, kind).ok_or_else(wrong)?),
        None if range == "*" => (kind.min, kind.max.min(if kind.max == 7 { 6 } else { kind.max })),
        None => {
            let from = value(range, kind).ok_or_else(wrong)?;
            // `5/15`: from 5 on.
            (from, if step.is_some() { kind.max } else { from })
        }
    };
    if from > to {
        return Err(wrong());
    }
    let step = usize::try_from(step.unwrap_or(1)).map_err(|_| wrong())?;
    Ok((from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
}

fn value(text: &str, kind: &FieldKind) -> Option<u64> {
    let named = kind.names.iter().position(|name| *name == text);
    let value = match named {
        Some(position) => position as u64 + kind.min,
        None => number(text)?,
    };
    (kind.min..=kind.max).contains(&value).then_some(value)
}

fn number(text: &str) -> Option<u64> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
