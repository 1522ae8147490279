//! Dates and times as documents write them: every order, month names in seven languages, two-digit years.
//!
//! `03/04/2025` alone cannot be decided. What can be decided is the document: one date in it with a day above 12 fixes
//! the order of all, else signs of an American document do, else the day comes first as in most of the world.

use super::text::fold;
use jiff::civil::{Date, DateTime, time};
use regex::Regex;
use std::sync::LazyLock;

/// A date in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundDate {
    pub start: usize,
    /// End of the date alone.
    pub end: usize,
    pub date: Date,
    /// The time behind the date, and where it ends.
    pub time: Option<(jiff::civil::Time, usize)>,
    /// How sure the shape alone is, in `[0, 1]`.
    pub quality: f32,
}

impl FoundDate {
    pub(super) fn date_time(&self) -> DateTime {
        self.date.to_datetime(self.time.map_or(time(0, 0, 0, 0), |(time, _)| time))
    }
}

/// Which number comes first in `03/04/2025`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

/// Later years are misread more often than they are meant.
const YEAR_USUAL_MAX: i16 = 2060;

/// Number, number, year: `03/04/2025`, `3.4.25`, `03 - 04 - 2025`.
static NUMERIC: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(\d{1,2}) ?([./\-‐–, ]) ?(\d{1,2}) ?([./\-‐–, ]) ?(\d{4}|\d{2})"));
/// Year first: `2025-04-03`, `2025/04/03`, `2025.04.03`.
static YEAR_FIRST: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(\d{4}) ?[./\-‐–年] ?(\d{1,2}) ?[./\-‐–月] ?(\d{1,2})"));
/// Day, month by name, year: `3. April 2025`, `03-Apr-25`, `3 de abril de 2025`, `1er avril 2025`.
static DAY_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(\d{1,2})(?:st|nd|rd|th|er|º|°|\.)? ?[\-/.,]? ?(?:de |of |di )?(\p{L}{3,10})\.?,? ?[\-/.,’']? ?(?:de |del |of )?(\d{4}|\d{2})",
    )
});
/// Month by name, day, year: `April 3, 2025`, `Apr 3rd 2025`.
static MONTH_DAY: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(\p{L}{3,10})\.? ?[\-/]?(\d{1,2})(?:st|nd|rd|th)?[,.\-/ ]? ?(\d{4})"));
/// Without separators: `20250403`.
static COMPACT: LazyLock<Regex> = LazyLock::new(|| regex(r"(20\d{2})(0[1-9]|1[0-2])([0-2]\d|3[01])"));
/// A time directly behind a date.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:T|,|;| |-|/|um|at|às|à|a las|alle|om|\(|\|)*(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(?:[.,]\d+)?\s*((?i:am|pm|a\.m\.|p\.m\.))?",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests run")
}

/// English, German, French, Spanish, Italian, Dutch, Portuguese; folded, in the order of the year.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "januar", "janner", "janvier", "enero", "gennaio", "januari", "janeiro", "jan", "janv",
        "ene", "gen",
    ],
    &[
        "february",
        "februar",
        "feber",
        "fevrier",
        "febrero",
        "febbraio",
        "februari",
        "fevereiro",
        "feb",
        "fevr",
        "fev",
    ],
    &["march", "marz", "maerz", "mars", "marzo", "maart", "marco", "mar", "mrz", "mrt"],
    &["april", "avril", "abril", "aprile", "apr", "avr", "abr"],
    &["may", "mai", "mayo", "maggio", "mei", "maio", "mag"],
    &["june", "juni", "juin", "junio", "giugno", "junho", "jun", "giu"],
    &["july", "juli", "juillet", "julio", "luglio", "julho", "jul", "juil", "lug"],
    &["august", "aout", "agosto", "augustus", "aug", "ago", "ag"],
    &["september", "septembre", "septiembre", "settembre", "setembro", "sep", "sept", "set", "setiembre"],
    &["october", "oktober", "octobre", "octubre", "ottobre", "outubro", "oct", "okt", "ott", "out"],
    &["november", "novembre", "noviembre", "novembro", "nov"],
    &["december", "dezember", "decembre", "diciembre", "dicembre", "dezembro", "dec", "dez", "dic"],
];

fn month_by_name(name: &str) -> Option<i8> {
    let folded = fold(name);
    MONTHS
        .iter()
        .position(|names| names.contains(&folded.as_str()))
        .and_then(|index| i8::try_from(index + 1).ok())
}

/// Two digits: the century that keeps the year within 1950 to 2049.
fn year(digits: &str) -> Option<i16> {
    let number: i16 = digits.parse().ok()?;
    match digits.len() {
        2 => Some(if number < 50 { 2000 + number } else { 1900 + number }),
        _ => (1900..=2100).contains(&number).then_some(number),
    }
}

fn civil(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok()
}

/// What the numeric dates of a document say about the order of day and month.
pub(super) fn decide_order<'t>(texts: impl Iterator<Item = &'t str>, american: bool) -> Order {
    let (mut day_first, mut month_first) = (0_u32, 0_u32);
    for text in texts {
        for found in overlapping(&NUMERIC, text) {
            let number = |group: usize| found[group].parse::<u8>().unwrap_or(0);
            let whole = found.get(0).map_or(0..0, |whole| whole.range());
            if found[2] != found[4] || &found[2] == " " || !stands_alone(text, whole.start, whole.end) {
                continue;
            }
            match (number(1), number(3)) {
                (13..=31, 1..=12) => day_first += 1,
                // Between points the day always comes first.
                (1..=12, 13..=31) if &found[2] != "." => month_first += 1,
                _ => {}
            }
        }
    }
    match day_first.cmp(&month_first) {
        std::cmp::Ordering::Greater => Order::DayFirst,
        std::cmp::Ordering::Less => Order::MonthFirst,
        std::cmp::Ordering::Equal => {
            if american {
                Order::MonthFirst
            } else {
                Order::DayFirst
            }
        }
    }
}

/// Every date of a text, overlapping readings left out in favour of the surer.
pub(super) fn find(text: &str, order: Order) -> Vec<FoundDate> {
    if text.bytes().filter(u8::is_ascii_digit).count() < 3 {
        return Vec::new();
    }
    let mut found: Vec<FoundDate> = Vec::new();
    let mut keep = |candidate: Option<FoundDate>| {
        let Some(candidate) = candidate else { return };
        if !stands_alone(text, candidate.start, candidate.end) {
            return;
        }
        let clash = |other: &FoundDate| other.start < candidate.end && candidate.start < other.end;
        if !found.iter().any(clash) {
            found.push(candidate);
        }
    };
    for captures in overlapping(&YEAR_FIRST, text) {
        let parts = (year(&captures[1]), captures[2].parse().ok(), captures[3].parse().ok());
        keep(build(&captures, parts, 1.0));
    }
    for captures in overlapping(&DAY_MONTH, text) {
        let parts = (year(&captures[3]), month_by_name(&captures[2]), captures[1].parse().ok());
        keep(build(&captures, parts, 1.0));
    }
    for captures in overlapping(&MONTH_DAY, text) {
        let parts = (year(&captures[3]), month_by_name(&captures[1]), captures[2].parse().ok());
        keep(build(&captures, parts, 1.0));
    }
    for captures in overlapping(&NUMERIC, text) {
        keep(numeric(&captures, order));
    }
    for captures in overlapping(&COMPACT, text) {
        let parts = (year(&captures[1]), captures[2].parse().ok(), captures[3].parse().ok());
        keep(build(&captures, parts, 0.5));
    }
    found.sort_by_key(|date| date.start);
    for date in &mut found {
        date.time = time_after(text, date.end);
    }
    found
}

/// Matches that may overlap: in `no 19 11/03/2018` the first match is not the date.
fn overlapping<'t>(pattern: &'static Regex, text: &'t str) -> impl Iterator<Item = regex::Captures<'t>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let captures = pattern.captures_at(text, from)?;
        let start = captures.get(0)?.start();
        from = start + text[start..].chars().next().map_or(1, char::len_utf8);
        Some(captures)
    })
}

fn build(
    captures: &regex::Captures<'_>,
    parts: (Option<i16>, Option<i8>, Option<i8>),
    quality: f32,
) -> Option<FoundDate> {
    let whole = captures.get(0)?;
    let date = civil(parts.0?, parts.1?, parts.2?)?;
    let quality = if date.year() > YEAR_USUAL_MAX { 0.5 * quality } else { quality };
    Some(FoundDate { start: whole.start(), end: whole.end(), date, time: None, quality })
}

fn numeric(captures: &regex::Captures<'_>, order: Order) -> Option<FoundDate> {
    // The two separators are the same (`3/4/2025`), save for what OCR confuses.
    let (left, right) = (&captures[2], &captures[4]);
    let dashes = |text: &str| matches!(text, "-" | "‐" | "–");
    let points = |text: &str| matches!(text, "." | "," | " ");
    if left != right && !(dashes(left) && dashes(right)) && !(points(left) && points(right)) {
        return None;
    }
    if left == "," || (left == " " && captures[5].len() != 4) {
        return None;
    }
    let (first, second): (i8, i8) = (captures[1].parse().ok()?, captures[3].parse().ok()?);
    let year = year(&captures[5])?;
    let quality = if captures[5].len() == 4 { 1.0 } else { 0.8 };
    let (day_first, month_first) = ((year, Some(second), Some(first)), (year, Some(first), Some(second)));
    let tried = if order == Order::DayFirst || left == "." {
        [day_first, month_first]
    } else {
        [month_first, day_first]
    };
    tried.into_iter().find_map(|(year, month, day)| build(captures, (Some(year), month, day), quality))
}

/// A date inside a longer number (a telephone number, an amount) is none.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let mut after = text[end..].chars();
    let (next, second) = (after.next(), after.next());
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let joins = |c: Option<char>| c.is_some_and(|c| matches!(c, '.' | '/' | '-' | ','));
    let digit_before_joiner = joins(before) && digit(text[..start].chars().rev().nth(1));
    let part_of_more = digit(before) || digit_before_joiner || digit(next) || (joins(next) && digit(second));
    !part_of_more
}

fn time_after(text: &str, end: usize) -> Option<(jiff::civil::Time, usize)> {
    let captures = TIME.captures(&text[end..])?;
    let mut hour: i8 = captures[1].parse().ok()?;
    let minute: i8 = captures[2].parse().ok()?;
    let second: i8 = captures.get(3).and_then(|part| part.as_str().parse().ok()).unwrap_or(0);
    if let Some(half) = captures.get(4) {
        let afternoon = half.as_str().to_ascii_lowercase().starts_with('p');
        hour = match (hour, afternoon) {
            (12, false) => 0,
            (1..=11, true) => hour + 12,
            _ => hour,
        };
    }
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    Some((time, end + captures.get(0)?.end()))
}

/// Signs that a document is American, where the month comes first.
pub(super) fn looks_american(text: &str) -> bool {
    static AMERICAN: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?x)\bUSA\b|United\ States|\bZIP\b|(?i:\bsales\ tax\b)|
            \b(?:A[KLRZ]|C[AOT]|DC|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]),?\ \d{5}(?:-\d{4})?\b",
        )
    });
    AMERICAN.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        let found = find(text, Order::DayFirst);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found[0].date.to_string()
    }

    #[test]
    fn every_usual_way_to_write_a_date_is_read() {
        for (text, date) in [
            ("2025-04-03", "2025-04-03"),
            ("03.04.2025", "2025-04-03"),
            ("3/4/25", "2025-04-03"),
            ("dated 3. April 2025.", "2025-04-03"),
            ("03-Apr-25", "2025-04-03"),
            ("April 3rd, 2025", "2025-04-03"),
            ("le 1er février 2024", "2024-02-01"),
            ("3 de marzo de 2024", "2024-03-03"),
            ("12 maart 2024", "2024-03-12"),
            ("5 março 2024", "2024-03-05"),
            ("7 dicembre 2023", "2023-12-07"),
            ("24. Dezember 2014", "2014-12-24"),
            ("20250403", "2025-04-03"),
            ("31/12/1999", "1999-12-31"),
        ] {
            assert_eq!(one(text), date, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in
            ["99/99/2025", "+49 30 12 34 56", "192.168.10.20", "1.234,50", "4012345001235", "03-40210276"]
        {
            assert!(find(text, Order::DayFirst).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_document_decides_the_order_of_day_and_month() {
        assert_eq!(decide_order(["05/06/2024", "12/25/2024"].into_iter(), false), Order::MonthFirst);
        assert_eq!(decide_order(["05/06/2024", "25/12/2024"].into_iter(), true), Order::DayFirst);
        assert_eq!(decide_order(["05/06/2024"].into_iter(), true), Order::MonthFirst);
        assert_eq!(find("05/06/2024", Order::MonthFirst)[0].date.to_string(), "2024-05-06");
        assert_eq!(find("25/06/2024", Order::MonthFirst)[0].date.to_string(), "2024-06-25");
    }

    #[test]
    fn a_time_behind_a_date_is_read() {
        let found = find("25/12/2018 8:13:39 PM", Order::DayFirst);
        assert_eq!(found[0].date_time().to_string(), "2018-12-25T20:13:39");
        let found = find("2024-02-01T09:05", Order::DayFirst);
        assert_eq!(found[0].date_time().to_string(), "2024-02-01T09:05:00");
    }
}
