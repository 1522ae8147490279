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

const LANGUAGES: &[(&str, Lang, &str)] = &[
    ("en", Lang::Eng, "English"),
    ("de", Lang::Deu, "German"),
    ("fr", Lang::Fra, "French"),
    ("es", Lang::Spa, "Spanish"),
    ("it", Lang::Ita, "Italian"),
    ("nl", Lang::Nld, "Dutch"),
    ("pt", Lang::Por, "Portuguese"),
    ("pl", Lang::Pol, "Polish"),
    ("sv", Lang::Swe, "Swedish"),
    ("da", Lang::Dan, "Danish"),
    ("nb", Lang::Nob, "Norwegian"),
    ("fi", Lang::Fin, "Finnish"),
    ("cs", Lang::Ces, "Czech"),
    ("sk", Lang::Slk, "Slovak"),
    ("sl", Lang::Slv, "Slovenian"),
    ("hu", Lang::Hun, "Hungarian"),
    ("ro", Lang::Ron, "Romanian"),
    ("hr", Lang::Hrv, "Croatian"),
    ("et", Lang::Est, "Estonian"),
    ("lv", Lang::Lav, "Latvian"),
    ("lt", Lang::Lit, "Lithuanian"),
    ("tr", Lang::Tur, "Turkish"),
    ("el", Lang::Ell, "Greek"),
    ("bg", Lang::Bul, "Bulgarian"),
    ("ru", Lang::Rus, "Russian"),
    ("uk", Lang::Ukr, "Ukrainian"),
    ("ar", Lang::Ara, "Arabic"),
    ("he", Lang::Heb, "Hebrew"),
    ("zh", Lang::Cmn, "Chinese"),
    ("ja", Lang::Jpn, "Japanese"),
    ("ko", Lang::Kor, "Korean"),
    ("hi", Lang::Hin, "Hindi"),
    ("th", Lang::Tha, "Thai"),
    ("vi", Lang::Vie, "Vietnamese"),
    ("ca", Lang::Cat, "Catalan"),
];

/// The English name of a language, for messages; none of one that is not told apart here.
pub fn name(code: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(known, ..)| *known == code).map(|(_, _, name)| *name)
}

/// The language of `text` as a two-letter code (ISO 639-1) and how sure that is, in `[0, 1]`; `allowed` narrows the choice
/// where it is not empty. None where the text is too short or the call too close.
pub fn detect(text: &str, allowed: &[&str]) -> Option<(&'static str, f64)> {
    let text: String = text.chars().take(CHARACTERS_MAX).collect();
    let words: usize = text.split_whitespace().map(words_in).sum();
    if words < WORDS_MIN {
        return None;
    }
    let among: Vec<Lang> = LANGUAGES
        .iter()
        .filter(|(code, ..)| allowed.is_empty() || allowed.contains(code))
        .map(|(_, language, _)| *language)
        .collect();
    let found = Detector::with_allowlist(among).detect(&text)?;
    let confidence = found.confidence();
    let needed = if words < WORDS_ENOUGH { 0.9 } else { 0.5 };
    let code = LANGUAGES.iter().find(|(_, language, _)| *language == found.lang()).map(|(code, ..)| *code)?;
    (confidence >= needed).then_some((code, confidence))
}

/// Amounts, numbers and identifiers have no language. Scripts without spaces have a word in about two signs.
fn words_in(piece: &str) -> usize {
    let unspaced = piece.chars().filter(|c| is_unspaced(*c)).count();
    if unspaced > 0 {
        return unspaced.div_ceil(2);
    }
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    usize::from(letters >= 2 && !piece.chars().any(|c| c.is_ascii_digit()))
}

/// Chinese, Japanese, Thai.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
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
    fn scripts_without_spaces_have_words_too() {
        let chinese =
            "请在收到本发票后三十天内将应付金额转入下列账户，如有任何疑问，请随时与我们联系，谢谢您的惠顾。";
        assert_eq!(detect(chinese, &[]).map(|(code, _)| code), Some("zh"));
        assert_eq!(name("zh"), Some("Chinese"));
        assert_eq!(name("xx"), None);
    }

    #[test]
    fn little_text_has_no_language() {
        assert_eq!(detect("Total 12.50", &[]), None);
        assert_eq!(detect("", &[]), None);
        assert_eq!(detect(&"INV-0042 1,234.50 EUR 2026-01-05 ".repeat(40).replace("EUR", "1"), &[]), None);
    }
}
