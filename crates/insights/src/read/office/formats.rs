//! How a spreadsheet shows its numbers (ECMA-376 part 1, 18.8.30 and 18.8.31).
//!
//! A sheet stores 9.9 and shows 9.90 €, stores 46095 and shows a date. What a reader of the sheet would write down is what
//! it shows, so the codes are followed as far as they say something: decimals, thousands, percent, currency and other
//! words beside the number. Dates are shown year first, because their order would otherwise have to be guessed again.

/// What a format code asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Format {
    /// As many decimals as the number has.
    #[default]
    General,
    Number {
        decimals: usize,
        thousands: bool,
        percent: bool,
        before: String,
        after: String,
    },
    Date {
        has_date: bool,
        has_time: bool,
    },
    Text,
}

impl Format {
    /// A format that is known by its number alone; none for those that a workbook defines.
    pub(super) fn built_in(id: u32) -> Option<Format> {
        let number = |decimals, thousands, percent| Format::Number {
            decimals,
            thousands,
            percent,
            before: String::new(),
            after: String::new(),
        };
        Some(match id {
            0 => Format::General,
            1 => number(0, false, false),
            2 => number(2, false, false),
            3 | 37 | 38 => number(0, true, false),
            4 | 39 | 40 | 43 | 44 => number(2, true, false),
            5..=8 => number(if id < 7 { 0 } else { 2 }, true, false),
            41 | 42 => number(0, true, false),
            9 => number(0, false, true),
            10 => number(2, false, true),
            14..=17 | 27..=31 | 36 | 50..=58 => Format::Date { has_date: true, has_time: false },
            18..=21 | 32..=35 | 45..=47 => Format::Date { has_date: false, has_time: true },
            22 => Format::Date { has_date: true, has_time: true },
            49 => Format::Text,
            _ => return None,
        })
    }

    /// The format that a code describes; of its sections the first.
    pub(super) fn parse(code: &str) -> Format {
        if code.trim().is_empty() || code.eq_ignore_ascii_case("general") {
            return Format::General;
        }
        Scanner::default().scan(code)
    }

    /// A number as the sheet shows it.
    pub(super) fn show(&self, value: f64, dates_from_1904: bool) -> String {
        match self {
            Format::Date { has_date, has_time } => {
                date(value, dates_from_1904, *has_date, *has_time).unwrap_or_else(|| plain(value))
            }
            Format::Number { decimals, thousands, percent, before, after } => {
                let scaled = if *percent { value * 100.0 } else { value };
                // 1.005 is stored as a little less and shown as 1.01.
                let mut digits = format!("{:.*}", *decimals, scaled.abs() * (1.0 + 2.0 * f64::EPSILON));
                if *thousands {
                    digits = grouped(&digits);
                }
                let is_zero = digits.chars().all(|c| matches!(c, '0' | '.'));
                let sign = if scaled < 0.0 && !is_zero { "-" } else { "" };
                let percent = if *percent { "%" } else { "" };
                format!("{before}{sign}{digits}{percent}{after}")
            }
            Format::General | Format::Text => plain(value),
        }
    }
}

/// The code as far as it is read.
#[derive(Default)]
struct Scanner {
    decimals: usize,
    in_decimals: bool,
    digits: usize,
    thousands: bool,
    percent: bool,
    date: bool,
    time: bool,
    before: String,
    after: String,
}

impl Scanner {
    fn scan(mut self, code: &str) -> Format {
        let mut characters = code.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                ';' => break,
                '"' => {
                    let literal: String = characters.by_ref().take_while(|c| *c != '"').collect();
                    self.literal(&literal);
                }
                '\\' => {
                    let literal = characters.next().map(String::from).unwrap_or_default();
                    self.literal(&literal);
                }
                // Room as wide as a character, and a character that fills the cell.
                '_' | '*' => {
                    characters.next();
                }
                '[' => {
                    let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    self.bracket(&inside);
                }
                '0' | '#' | '?' => {
                    self.digits += 1;
                    self.decimals += usize::from(self.in_decimals);
                }
                '.' if self.digits > 0 => self.in_decimals = true,
                ',' => self.thousands |= matches!(characters.peek(), Some('0' | '#' | '?')),
                '%' => self.percent = true,
                '@' => return Format::Text,
                'y' | 'Y' | 'd' | 'D' => self.date = true,
                'h' | 'H' | 's' | 'S' => self.time = true,
                'm' | 'M' | 'E' | 'e' | 'A' | 'P' | 'a' | 'p' | '/' | ':' | '-' | '+' | '(' | ')' => {}
                c => self.literal(&c.to_string()),
            }
        }
        if self.date || self.time {
            return Format::Date { has_date: self.date, has_time: self.time };
        }
        if self.digits == 0 {
            return Format::General;
        }
        let Scanner { decimals, thousands, percent, before, after, .. } = self;
        Format::Number { decimals: decimals.min(15), thousands, percent, before, after }
    }

    fn literal(&mut self, text: &str) {
        let side = if self.digits == 0 { &mut self.before } else { &mut self.after };
        if side.len() + text.len() <= 40 {
            side.push_str(text);
        }
    }

    /// `[$€-407]` is a currency with its locale; `[h]` hours beyond a day; the rest colours and conditions.
    fn bracket(&mut self, inside: &str) {
        match inside.strip_prefix('$') {
            Some(currency) => self.literal(currency.split('-').next().unwrap_or_default()),
            None => {
                self.time |=
                    matches!(inside.to_ascii_lowercase().as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss")
            }
        }
    }
}

/// As many decimals as it takes, at most nine: `0.1 + 0.2` is shown as 0.3.
fn plain(value: f64) -> String {
    let text = format!("{value:.9}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, c) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(c);
    }
    grouped + rest
}

/// Days since the last day of 1899 (with a 29th of February 1900 that never was), or since 1904.
fn date(value: f64, from_1904: bool, has_date: bool, has_time: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&value) {
        return None;
    }
    let seconds = (value.fract() * 86_400.0).round() as i64;
    let days = value.trunc() as i64 + if from_1904 { 1462 } else { 0 };
    let first = jiff::civil::date(1899, 12, if days < 60 { 31 } else { 30 });
    let midnight = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?.at(0, 0, 0, 0);
    let moment = midnight.checked_add(jiff::Span::new().try_seconds(seconds).ok()?).ok()?;
    Some(match (has_date, has_time) {
        (true, true) if seconds > 0 => moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        (false, _) => moment.strftime("%H:%M:%S").to_string(),
        _ => moment.strftime("%Y-%m-%d").to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_their_code_says() {
        for (code, value, shown) in [
            ("General", 29.7, "29.7"),
            ("General", 3.0, "3"),
            ("0.00", 29.7, "29.70"),
            ("#,##0.00", 1234.5, "1,234.50"),
            ("#,##0.00\\ \"€\"", 1234.5, "1,234.50 €"),
            ("[$€-407]\\ #,##0.00;[Red]-#,##0.00", -5.0, "€ -5.00"),
            ("0%", 0.19, "19%"),
            ("0.0\" kg\"", 2.25, "2.3 kg"),
            ("dd.mm.yyyy", 46095.0, "2026-03-14"),
            ("m/d/yy h:mm", 46095.5, "2026-03-14 12:00:00"),
            ("[h]:mm", 0.75, "18:00:00"),
            ("_-* #,##0.00_-", 1.0, "1.00"),
        ] {
            assert_eq!(Format::parse(code).show(value, false), shown, "{code}");
        }
        assert_eq!(
            Format::built_in(14).map(|format| format.show(59.0, false)).as_deref(),
            Some("1900-02-28")
        );
        assert_eq!(Format::General.show(0.1 + 0.2, false), "0.3");
        assert_eq!(Format::parse("yyyy").show(-4.0, false), "-4");
    }
}
