//! Identifiers that prove themselves: IBANs by their check digits, tax ids by the shape of their country.

use regex::Regex;
use std::sync::LazyLock;

/// An identifier in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundCode {
    pub start: usize,
    pub end: usize,
    /// Without the spaces it is printed with.
    pub value: String,
    /// How sure shape and check digits are, in `[0, 1]`.
    pub quality: f32,
}

static IBAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Z]{2} ?\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,3})?\b")
        .expect("the pattern is a constant that the tests run")
});

/// By country: two letters and what follows them.
static TAX_ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)\b(?:
        ATU\ ?\d{8} | BE\ ?[01]?\d{3}[.\ ]?\d{3}[.\ ]?\d{3} | BG\ ?\d{9,10} | CHE[\-\ ]?\d{3}[.\ ]?\d{3}[.\ ]?\d{3}(?:\ (?:MWST|TVA|IVA))? |
        CY\ ?\d{8}[A-Z] | CZ\ ?\d{8,10} | DE\ ?\d{3}\ ?\d{3}\ ?\d{3} | DK\ ?\d{2}\ ?\d{2}\ ?\d{2}\ ?\d{2} | EE\ ?\d{9} |
        EL\ ?\d{9} | ES\ ?[A-Z0-9]\d{7}[A-Z0-9] | FI\ ?\d{8} | FR\ ?[A-Z0-9]{2}\ ?\d{3}\ ?\d{3}\ ?\d{3} |
        GB\ ?\d{3}\ ?\d{4}\ ?\d{2}(?:\ ?\d{3})? | HR\ ?\d{11} | HU\ ?\d{8} | IE\ ?\d[A-Z0-9+*]\d{5}[A-Z]{1,2} | IT\ ?\d{11} |
        LT\ ?(?:\d{12}|\d{9}) | LU\ ?\d{8} | LV\ ?\d{11} | MT\ ?\d{8} | NL\ ?\d{9}\ ?B\ ?\d{2} | PL\ ?\d{10} | PT\ ?\d{9} |
        RO\ ?\d{2,10} | SE\ ?\d{12} | SI\ ?\d{8} | SK\ ?\d{10} )\b",
    )
    .expect("the pattern is a constant that the tests run")
});

/// Lengths of IBANs by country, of the countries whose documents are common here.
const IBAN_LENGTHS: [(&str, usize); 30] = [
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
];

/// Every IBAN of a text. One whose check digits are wrong is kept at half the quality: documents with mistakes exist.
pub(super) fn ibans(text: &str) -> Vec<FoundCode> {
    IBAN.find_iter(text)
        .filter_map(|found| {
            let mut value = String::new();
            let mut end = found.start();
            let length = IBAN_LENGTHS
                .iter()
                .find(|(country, _)| found.as_str().starts_with(country))
                .map(|(_, length)| *length);
            for (offset, character) in found.as_str().char_indices() {
                if character.is_ascii_alphanumeric() && length.is_none_or(|length| value.len() < length) {
                    value.push(character);
                    end = found.start() + offset + 1;
                }
            }
            let complete = length.map_or(value.len() >= 15, |length| value.len() == length);
            let quality = if check_digits_fit(&value) { 1.0 } else { 0.5 };
            complete.then_some(FoundCode { start: found.start(), end, value, quality })
        })
        .collect()
}

/// ISO 7064 mod 97-10, as ISO 13616 prescribes.
fn check_digits_fit(iban: &str) -> bool {
    let turned = iban.chars().skip(4).chain(iban.chars().take(4));
    let mut rest = 0_u32;
    for character in turned {
        let Some(value) = character.to_digit(36) else { return false };
        rest = if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 };
    }
    rest == 1
}

/// Every tax id of a text whose shape is that of a country.
pub(super) fn tax_ids(text: &str) -> Vec<FoundCode> {
    TAX_ID
        .find_iter(text)
        .map(|found| FoundCode {
            start: found.start(),
            end: found.end(),
            value: found.as_str().chars().filter(char::is_ascii_alphanumeric).collect(),
            quality: 1.0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_are_checked() {
        let found = ibans("IBAN: DE89 3704 0044 0532 0130 00 BIC X");
        assert_eq!((found[0].value.as_str(), found[0].quality), ("DE89370400440532013000", 1.0));
        assert_eq!(ibans("DE88370400440532013000")[0].quality, 0.5);
        assert_eq!(ibans("GB29NWBK60161331926819").len(), 1);
        assert_eq!(ibans("NL91 ABNA 0417 1643 00 KvK 123")[0].value, "NL91ABNA0417164300");
        assert!(ibans("INV20240001").is_empty());
    }

    #[test]
    fn tax_ids_have_the_shape_of_their_country() {
        for text in [
            "DE123456789",
            "ATU12345678",
            "FR 12 345 678 901",
            "NL123456789B01",
            "IT12345678901",
            "ESB12345678",
            "CHE-123.456.789 MWST",
        ] {
            assert_eq!(tax_ids(text).len(), 1, "{text}");
        }
        assert!(tax_ids("DE12345").is_empty());
    }
}
