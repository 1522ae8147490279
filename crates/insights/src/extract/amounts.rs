//! Numbers, percentages and amounts of money as documents write them.
//!
//! `1,234.56`, `1.234,56`, `1 234,56` and `1'234.56` are the same number. The last separator with one or two digits
//! behind it is the decimal one; with three digits behind it the currency's habit decides, so `1.234` is a thousand and
//! something as money and may be a little over one as a quantity. A minus may stand behind, or brackets around.

use regex::Regex;
use rust_decimal::Decimal;
use std::sync::LazyLock;

/// A number in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundNumber {
    pub start: usize,
    pub end: usize,
    pub value: Decimal,
    /// Digits behind the decimal separator.
    pub decimals: usize,
    pub percent: bool,
    /// ISO 4217, where it stands beside the number.
    pub currency: Option<&'static str>,
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\d{1,3}(?:[.,'’ \u{a0}\u{202f}]\d{3}\b)+(?: ?[.,] ?\d{1,4})?|\d+(?: ?[.,] ?\d{1,4}| [.,]\d{2})?",
    )
    .expect("the pattern is a constant that the tests run")
});

/// Signs and codes of currencies; longer ones first where one begins with another.
const CURRENCIES: [(&str, &str); 40] = [
    ("EUR", "EUR"),
    ("Euro", "EUR"),
    ("euros", "EUR"),
    ("€", "EUR"),
    ("US$", "USD"),
    ("USD", "USD"),
    ("CHF", "CHF"),
    ("SFr.", "CHF"),
    ("Fr.", "CHF"),
    ("GBP", "GBP"),
    ("£", "GBP"),
    ("MYR", "MYR"),
    ("RM", "MYR"),
    ("SGD", "SGD"),
    ("S$", "SGD"),
    ("A$", "AUD"),
    ("AUD", "AUD"),
    ("C$", "CAD"),
    ("CAD", "CAD"),
    ("R$", "BRL"),
    ("BRL", "BRL"),
    ("HK$", "HKD"),
    ("HKD", "HKD"),
    ("NZD", "NZD"),
    ("JPY", "JPY"),
    ("¥", "JPY"),
    ("CNY", "CNY"),
    ("INR", "INR"),
    ("₹", "INR"),
    ("Rs.", "INR"),
    ("PLN", "PLN"),
    ("zł", "PLN"),
    ("CZK", "CZK"),
    ("Kč", "CZK"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("TRY", "TRY"),
    ("MXN", "MXN"),
    ("$", "USD"),
];

/// Every number of a text.
pub(super) fn find(text: &str) -> Vec<FoundNumber> {
    let mut found = Vec::new();
    for number in NUMBER.find_iter(text) {
        if let Some(number) = read(text, number.start(), number.end()) {
            found.push(number);
        }
    }
    found
}

fn read(text: &str, start: usize, end: usize) -> Option<FoundNumber> {
    let (before, after) = (&text[..start], &text[end..]);
    let glued_before = before.chars().next_back();
    let glued_after = after.chars().next();
    // A piece of a longer thing (`A4`, `3x4`, `12:30`, `01/02`) is no number of its own.
    let currency_before = currency_at_end(before);
    if currency_before.is_none()
        && glued_before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | ':' | '.' | ',' | '_'))
    {
        return None;
    }
    let currency_after = currency_at_start(after);
    let percent = after.trim_start().starts_with('%');
    let number_goes_on = glued_after.is_some_and(|c| matches!(c, '/' | ':' | '_'))
        && after.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    let second = after.chars().nth(1);
    let joined_digits = (glued_after.is_some_and(|c| matches!(c, '.' | ','))
        && second.is_some_and(|c| c.is_ascii_digit()))
        || (glued_after == Some('-') && second.is_some_and(char::is_alphanumeric))
        || (glued_before == Some('-') && before.chars().rev().nth(1).is_some_and(char::is_alphanumeric));
    if number_goes_on || joined_digits {
        return None;
    }
    if currency_after.is_none() && glued_after.is_some_and(|c| c.is_alphabetic()) {
        return None;
    }
    let (mut value, decimals) = parse(&text[start..end])?;
    let (mut from, mut to) = (start, end);
    let head = strip_currency_end(before).trim_end();
    let tail = after.trim_start();
    let sign = |c: char| matches!(c, '-' | '−' | '–');
    // A dash with letters or digits before it joins, it does not negate.
    if let Some(rest) = head.strip_suffix(sign) {
        let joins = rest.ends_with(char::is_alphanumeric)
            || (rest.ends_with(' ') && head.len() < before.trim_end().len());
        let near = before.len() - head.len() <= 6 && !before[head.len()..].starts_with("  ");
        if !joins && near && (before.len() == head.len() || currency_before.is_some()) {
            value = -value;
            from = rest.len();
        }
    } else if after.len() == tail.len()
        && tail.strip_prefix(sign).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    {
        value = -value;
        to = end + tail.chars().next().map_or(0, char::len_utf8);
    } else if head.ends_with('(') && head.len() == before.len() && tail.starts_with(')') && decimals == 2 {
        value = -value;
        from = head.len() - 1;
        to = end + 1;
    }
    Some(FoundNumber {
        start: from,
        end: to,
        value,
        decimals,
        percent,
        currency: currency_before.or(currency_after),
    })
}

/// Reads one number without sign; also how many decimals it has.
pub(super) fn parse(text: &str) -> Option<(Decimal, usize)> {
    let compact: String =
        text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’')).collect();
    let last = compact.rfind(['.', ',']);
    let (whole, fraction) = match last {
        None => (compact.as_str(), ""),
        Some(position) => {
            let (whole, fraction) = (&compact[..position], &compact[position + 1..]);
            let separator = compact.as_bytes()[position];
            let repeated = compact.bytes().filter(|byte| *byte == separator).count() > 1;
            let grouped = fraction.len() == 3 && (repeated || (whole.len() <= 3 && !whole.starts_with('0')));
            if grouped || repeated { (compact.as_str(), "") } else { (whole, fraction) }
        }
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let plain = if fraction.is_empty() { digits } else { format!("{digits}.{fraction}") };
    Some((plain.parse().ok()?, fraction.len()))
}

fn currency_at_end(before: &str) -> Option<&'static str> {
    let head = before.trim_end_matches([' ', '-', '−', '\u{a0}', '(', ':']);
    CURRENCIES.iter().find(|(sign, _)| ends_with_word(head, sign)).map(|(_, code)| *code)
}

fn strip_currency_end(before: &str) -> &str {
    let head = before.trim_end();
    CURRENCIES
        .iter()
        .find(|(sign, _)| ends_with_word(head, sign))
        .map_or(before, |(sign, _)| &head[..head.len() - sign.len()])
}

fn ends_with_word(head: &str, sign: &str) -> bool {
    head.ends_with(sign) && {
        let rest = &head[..head.len() - sign.len()];
        !sign.starts_with(char::is_alphabetic) || !rest.ends_with(char::is_alphabetic)
    }
}

fn currency_at_start(after: &str) -> Option<&'static str> {
    let tail = after.trim_start_matches([' ', '-', '\u{a0}', ')']);
    CURRENCIES
        .iter()
        .find(|(sign, _)| {
            tail.strip_prefix(sign).is_some_and(|rest| {
                !sign.starts_with(char::is_alphabetic) || !rest.starts_with(char::is_alphanumeric)
            })
        })
        .map(|(_, code)| *code)
}

/// The range of an amount with the sign or code of its currency before or behind it.
pub(super) fn with_currency(text: &str, start: usize, end: usize) -> (usize, usize) {
    let before = strip_currency_end(&text[..start]);
    let head = text[..start].trim_end();
    if before.len() < head.len() {
        return (before.len(), end);
    }
    let tail = &text[end..];
    let sign = CURRENCIES.iter().find(|(sign, _)| tail.trim_start().starts_with(sign));
    let gap = tail.len() - tail.trim_start().len();
    sign.filter(|_| currency_at_start(tail).is_some())
        .map_or((start, end), |(sign, _)| (start, end + gap + sign.len()))
}

/// The currency of a whole document: the sign or code that stands most often beside an amount, else the one it names.
pub(super) fn document_currency<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Option<&'static str> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    let mut count =
        |code: &'static str, weight: usize| match counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, total)) => *total += weight,
            None => counts.push((code, weight)),
        };
    for text in texts {
        let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
        if has_digits {
            find(text).iter().filter_map(|number| number.currency).for_each(|code| count(code, 2));
        } else {
            let words = text.split(|c: char| !c.is_alphabetic() && c != '€' && c != '£' && c != '$');
            words
                .filter_map(|word| CURRENCIES.iter().find(|(sign, _)| *sign == word))
                .filter(|(sign, _)| sign.len() > 1)
                .for_each(|(_, code)| count(code, 1));
        }
    }
    counts.into_iter().max_by_key(|(_, total)| *total).map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        let found = find(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found[0].value.to_string()
    }

    #[test]
    fn every_usual_way_to_write_an_amount_is_read() {
        for (text, value) in [
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1 234,56", "1234.56"),
            ("1'234.56", "1234.56"),
            ("1 234 567,80 €", "1234567.80"),
            ("12.345.678", "12345678"),
            ("1.234", "1234"),
            ("0.125", "0.125"),
            ("3,3333", "3.3333"),
            ("9 .50", "9.50"),
            ("9. 50", "9.50"),
            ("RM42.90", "42.90"),
            ("$ 7.10", "7.10"),
            ("-9,07", "-9.07"),
            ("9,07-", "-9.07"),
            ("(9.07)", "-9.07"),
            ("-$5.00", "-5.00"),
            ("19 %", "19"),
        ] {
            assert_eq!(one(text), value, "{text}");
        }
    }

    #[test]
    fn the_currency_beside_an_amount_is_known() {
        assert_eq!(find("1.234,50 €")[0].currency, Some("EUR"));
        assert_eq!(find("CHF 12.00")[0].currency, Some("CHF"));
        assert_eq!(find("R$ 12,00")[0].currency, Some("BRL"));
        assert_eq!(find("12 Eurokisten"), find("12 Eurokisten"));
        assert_eq!(find("12,00")[0].currency, None);
        assert_eq!(document_currency(["Currency: EUR", "12,00"].into_iter()), Some("EUR"));
    }

    #[test]
    fn an_amount_is_shown_with_its_currency() {
        for (text, number, shown) in [
            ("Total RM8.50", "8.50", "RM8.50"),
            ("RM 8.50 paid", "8.50", "RM 8.50"),
            ("1.234,50 € net", "1.234,50", "1.234,50 €"),
            ("12,00 EUR", "12,00", "12,00 EUR"),
            ("12,00 net", "12,00", "12,00"),
        ] {
            let start = text.find(number).expect("it is in the text");
            let (from, to) = with_currency(text, start, start + number.len());
            assert_eq!(&text[from..to], shown);
        }
    }

    #[test]
    fn pieces_of_other_things_are_no_numbers() {
        for text in ["A4", "12:30", "3/4", "x12y", "01.02.2024"] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
        assert!(find("7%")[0].percent);
    }
}
