//! Which language a text is in, among those that matter.
//!
//! Trigram statistics are right on a few sentences and guess on a few words. A document is refused for its language, so
//! a guess is worse than no answer: short texts and close calls give none.

use whatlang::{Detector, Lang};

/// Fewer words than this say nothing.
const WORDS_MIN: usize = 12;
/// Fewer words than this are believed only when the runner-up is far behind.
const WORDS_ENOUGH: usize = 40;
/// More is not read: the answer does not change.
const CHARACTERS_MAX: usize = 20_000;

const LANGUAGES: &[(&str, Lang)] = &[
    ("en", Lang::Eng),
    ("de", Lang::Deu),
    ("fr", Lang::Fra),
    ("es", Lang::Spa),
    ("it", Lang::Ita),
    ("nl", Lang::Nld),
    ("pt", Lang::Por),
    ("pl", Lang::Pol),
    ("sv", Lang::Swe),
    ("da", Lang::Dan),
    ("nb", Lang::Nob),
    ("fi", Lang::Fin),
    ("cs", Lang::Ces),
    ("sk", Lang::Slk),
    ("sl", Lang::Slv),
    ("hu", Lang::Hun),
    ("ro", Lang::Ron),
    ("hr", Lang::Hrv),
    ("et", Lang::Est),
    ("lv", Lang::Lav),
    ("lt", Lang::Lit),
    ("tr", Lang::Tur),
    ("el", Lang::Ell),
    ("bg", Lang::Bul),
    ("ru", Lang::Rus),
    ("uk", Lang::Ukr),
    ("ar", Lang::Ara),
    ("he", Lang::Heb),
    ("zh", Lang::Cmn),
    ("ja", Lang::Jpn),
    ("ko", Lang::Kor),
    ("hi", Lang::Hin),
    ("th", Lang::Tha),
    ("vi", Lang::Vie),
    ("ca", Lang::Cat),
];

/// The language of `text` as a two-letter code (ISO 639-1) and how sure that is, in `[0, 1]`; `allowed` narrows the choice
/// where it is not empty. None where the text is too short or the call too close.
pub fn detect(text: &str, allowed: &[&str]) -> Option<(&'static str, f64)> {
    let text: String = text.chars().take(CHARACTERS_MAX).collect();
    let words = text.split_whitespace().filter(|word| is_word(word)).count();
    if words < WORDS_MIN {
        return None;
    }
    let among: Vec<Lang> = LANGUAGES
        .iter()
        .filter(|(code, _)| allowed.is_empty() || allowed.contains(code))
        .map(|(_, language)| *language)
        .collect();
    let found = Detector::with_allowlist(among).detect(&text)?;
    let confidence = found.confidence();
    let needed = if words < WORDS_ENOUGH { 0.9 } else { 0.5 };
    let code = LANGUAGES.iter().find(|(_, language)| *language == found.lang()).map(|(code, _)| *code)?;
    (confidence >= needed).then_some((code, confidence))
}

/// Amounts, numbers and identifiers have no language.
fn is_word(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() >= 2 && !word.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Bitte überweisen Sie den Rechnungsbetrag innerhalb von vierzehn Tagen auf das unten genannte \
        Konto. Wir danken für Ihren Auftrag und freuen uns auf die weitere Zusammenarbeit. Die Lieferung erfolgte am \
        vereinbarten Tag, und alle Preise verstehen sich zuzüglich der gesetzlichen Mehrwertsteuer.";

    #[test]
    fn sentences_are_told_apart() {
        let english = "Please transfer the amount due within thirty days of the date of this invoice. If you have any \
            questions about this invoice, call the number below. Thank you for your business and your trust in us.";
        assert_eq!(detect(GERMAN, &[]).map(|(code, _)| code), Some("de"));
        assert_eq!(detect(english, &["en", "de", "fr"]).map(|(code, _)| code), Some("en"));
    }

    #[test]
    fn little_text_has_no_language() {
        assert_eq!(detect("Total 12.50", &[]), None);
        assert_eq!(detect("", &[]), None);
        assert_eq!(detect(&"INV-0042 1,234.50 EUR 2026-01-05 ".repeat(40).replace("EUR", "1"), &[]), None);
    }
}
