//! How one document writes dates and amounts: chosen once, like a program that printed it.

use super::words::Pen;
use jiff::civil::Date;

pub struct Shapes {
    date: &'static str,
    months: Vec<&'static str>,
    thousands: char,
    decimal: char,
    /// With `1` in the place of the amount.
    currency: &'static str,
    pub currency_code: &'static str,
    /// Whether cells of tables name the currency.
    in_cells: bool,
}

impl Shapes {
    pub fn choose(pen: &mut Pen<'_>) -> Shapes {
        let number: Vec<char> = pen.pick("numbers").chars().collect();
        let british = pen.words.code == "en";
        Shapes {
            date: pen.pick("dates"),
            months: pen.words.list("months", pen.frozen).to_vec(),
            thousands: number[1],
            decimal: number[5],
            currency: pen.pick("currencies"),
            currency_code: if british { "GBP" } else { "EUR" },
            in_cells: pen.chance(20),
        }
    }

    pub fn date(&self, date: Date) -> String {
        let month = self.months[date.month() as usize - 1];
        let short: String = month.chars().take(3).collect();
        let year = format!("{:04}", date.year());
        // Longer forms first, and letters that a month's name has come last.
        self.date
            .split_inclusive(|c: char| !c.is_alphabetic())
            .map(|piece| {
                let word = piece.trim_end_matches(|c: char| !c.is_alphabetic());
                let rest = &piece[word.len()..];
                let text = match word {
                    "d" => date.day().to_string(),
                    "dd" => format!("{:02}", date.day()),
                    "m" => date.month().to_string(),
                    "mm" => format!("{:02}", date.month()),
                    "MMM" => short.clone(),
                    "MMMM" => month.to_owned(),
                    "y" | "yyyy" => year.clone(),
                    "yy" => year[2..].to_owned(),
                    other => other.to_owned(),
                };
                format!("{text}{rest}")
            })
            .collect()
    }

    /// Cents as an amount without a currency.
    pub fn plain(&self, cents: i64) -> String {
        let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
        let digits = whole.to_string();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(self.thousands);
            }
            grouped.push(digit);
        }
        format!("{}{grouped}{}{rest:02}", if cents < 0 { "-" } else { "" }, self.decimal)
    }

    /// With the currency as this document writes it; the amount stands between the two parts.
    pub fn around(&self) -> (&'static str, &'static str) {
        self.currency.split_once('1').unwrap_or_default()
    }

    pub fn around_cells(&self) -> (&'static str, &'static str) {
        if self.in_cells { self.around() } else { ("", "") }
    }

    /// Hundredths as a quantity, without decimals that say nothing.
    pub fn quantity(&self, hundredths: i64) -> String {
        match hundredths % 100 {
            0 => (hundredths / 100).to_string(),
            _ => self.plain(hundredths),
        }
    }
}

/// Cents as labels write them.
pub fn label(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(date: &'static str) -> Shapes {
        Shapes {
            date,
            months: vec!["janvier", "février", "mars"],
            thousands: '.',
            decimal: ',',
            currency: "1 €",
            currency_code: "EUR",
            in_cells: false,
        }
    }

    #[test]
    fn dates_and_amounts_are_written_in_one_way() {
        let date = jiff::civil::date(2031, 3, 4);
        for (form, expected) in [
            ("dd.mm.yy", "04.03.31"),
            ("d. MMMM yyyy", "4. mars 2031"),
            ("d de MMMM de yyyy", "4 de mars de 2031"),
        ] {
            assert_eq!(shapes(form).date(date), expected);
        }
        assert_eq!(shapes("d").plain(123_456_700), "1.234.567,00");
        assert_eq!(shapes("d").plain(-5), "-0,05");
        assert_eq!(shapes("d").quantity(250), "2,50");
        assert_eq!(shapes("d").quantity(300), "3");
        assert_eq!(label(120), "1.20");
    }
}
