//! Schedules: at which instants a workflow starts by itself.
//!
//! A cron expression names times of a wall clock, and a time zone says which instants those are. Three rules make the
//! two agree on the days when a clock is changed:
//!
//! - A time that the clock jumps over is due at the instant of the jump: a nightly run is never left out.
//! - A time that the clock shows twice is due at its first instant: a nightly run never comes twice.
//! - Where the hours are not named (`*`, `*/2`), the expression means a distance, not a time of day: it is due whenever
//!   the clock shows a matching time, in the hour that comes twice both times, and never because of a jump.
//!
//! The zones' rules are part of the program, so two nodes never disagree about them.

mod cron;

pub use cron::{Cron, InvalidCron};

use crate::{limits, time::Timestamp};
use jiff::{
    ToSpan,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How far ahead a time is looked for: the 29th of February comes within eight years.
const DAYS_MAX: u32 = 8 * 366 + 1;

/// What happens to due times that passed while no server ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CatchUp {
    /// One run, for the last of them.
    #[default]
    Latest,
    /// A run for each of them.
    All,
    /// No run, where they passed more than [`limits::SCHEDULE_LATE_MAX`] ago.
    None,
}

impl CatchUp {
    pub const NAMES: &'static [&'static str] = &["latest", "all", "none"];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
            Self::None => "none",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Latest, Self::All, Self::None].into_iter().find(|one| one.as_str() == text)
    }
}

/// A time zone by its IANA name.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// There is no time zone of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a time zone, such as Europe/Berlin or UTC")]
pub struct InvalidZone;

impl Zone {
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;
    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        let zone = TimeZoneDatabase::bundled().get(text).map_err(|_| InvalidZone)?;
        Ok(Self { name: zone.iana_name().unwrap_or(text).to_owned(), zone })
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    pub cron: Cron,
    pub zone: Zone,
}

impl Timetable {
    /// The first due time after `after`; `None` where there is none within eight years.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = jiff::Timestamp::from_millisecond(after.as_ms()).ok()?;
        // A day early: what is due at a jump of the clock may belong to the day before.
        let mut date = self.zone.zone.to_datetime(after).date().yesterday().ok()?;
        for _ in 0..DAYS_MAX {
            if let Some(found) = self.due_on(date).into_iter().find(|due| *due > after) {
                return Some(Timestamp::from_ms(found.as_millisecond()));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The last due time not after `at`, and not before `from`.
    pub fn last_between(&self, from: Timestamp, at: Timestamp) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_millisecond(at.as_ms()).ok()?;
        let from = jiff::Timestamp::from_millisecond(from.as_ms()).ok()?;
        let mut date = self.zone.zone.to_datetime(at).date().tomorrow().ok()?;
        let first = self.zone.zone.to_datetime(from).date().yesterday().ok()?;
        for _ in 0..DAYS_MAX {
            let due = self.due_on(date).into_iter().rev().find(|due| *due <= at && *due >= from);
            if let Some(found) = due {
                return Some(Timestamp::from_ms(found.as_millisecond()));
            }
            if date <= first {
                return None;
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The due times of one day of the wall clock, in order.
    fn due_on(&self, date: Date) -> Vec<jiff::Timestamp> {
        if !self.cron.has_day(date) {
            return Vec::new();
        }
        let mut due: Vec<_> =
            self.cron.times().flat_map(|(hour, minute)| self.instants(date.at(hour, minute, 0, 0))).collect();
        due.sort_unstable();
        due.dedup();
        due
    }

    /// When the clock shows this, by the rules above.
    fn instants(&self, shown: DateTime) -> Vec<jiff::Timestamp> {
        let ambiguous = self.zone.zone.to_ambiguous_timestamp(shown);
        let distance = self.cron.names_no_hour();
        let instants = match (ambiguous.offset(), distance) {
            (AmbiguousOffset::Unambiguous { .. }, _) | (AmbiguousOffset::Fold { .. }, false) => {
                vec![ambiguous.earlier().ok()]
            }
            (AmbiguousOffset::Fold { .. }, true) => vec![ambiguous.earlier().ok(), ambiguous.later().ok()],
            (AmbiguousOffset::Gap { .. }, true) => Vec::new(),
            (AmbiguousOffset::Gap { .. }, false) => {
                vec![ambiguous.earlier().ok().and_then(|before| self.jump_after(before))]
            }
        };
        instants.into_iter().flatten().collect()
    }

    /// The change of the clock that comes next.
    fn jump_after(&self, instant: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let just_before = instant.checked_sub(1.nanosecond()).ok()?;
        self.zone.zone.following(just_before).next().map(|transition| transition.timestamp())
    }
}

/// Which due time of a schedule is to be acted on at `now`, where `due` is the one that was waited for; `None` where
/// all that passed are left out.
pub fn catch_up(timetable: &Timetable, rule: CatchUp, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
    match rule {
        CatchUp::All => Some(due),
        CatchUp::Latest => Some(timetable.last_between(due, now).unwrap_or(due)),
        CatchUp::None => {
            let last = timetable.last_between(due, now).unwrap_or(due);
            (now.since(last) <= limits::SCHEDULE_LATE_MAX).then_some(last)
        }
    }
}

#[cfg(test)]
mod tests;
