//! Whether the words of a text layer are words.
//!
//! A font may show one letter and say another, and then the layer is a cipher; an OCR layer may be of a page that nobody
//! could read. Such a page must be looked at instead. Languages of Latin script use their letters alike, a cipher of one
//! does not: what is asked is how surprising the letters are to a reader of all of them.

use crate::page::Word;

/// Fewer letters than this say nothing about the rest.
const LETTERS_MIN: usize = 150;
/// Words of fewer letters, and words with digits, are codes.
const WORD_LETTERS_MIN: usize = 3;
/// Bits of surprise a letter. Text of the languages that were tried is at 4.2 (English) to 5.0 (Polish), a shifted
/// alphabet at 5.0 to 6.5.
const SURPRISE_MAX: f32 = 5.2;
/// Share of characters that are neither letters nor numbers nor any usual sign.
const ODD_MAX: f32 = 0.25;
const CHARACTERS_MIN: usize = 80;

/// How often each letter from a to z stands in a thousand, over eight languages of Europe.
const USE: [f32; 26] = [
    90.0, 13.0, 32.0, 45.0, 130.0, 13.0, 20.0, 25.0, 80.0, 6.0, 14.0, 40.0, 28.0, 80.0, 65.0, 25.0, 4.0,
    65.0, 65.0, 65.0, 40.0, 13.0, 12.0, 2.0, 9.0, 12.0,
];

/// See the module. Little text is always believed, and so is text in other scripts.
pub(super) fn is_legible(words: &[Word]) -> bool {
    let (mut characters, mut odd, mut letters, mut surprise) = (0_usize, 0_usize, 0_usize, 0.0_f32);
    for word in words {
        characters += word.text.chars().count();
        odd += word.text.chars().filter(|c| is_odd(*c)).count();
        let is_word = word.text.chars().filter(|c| c.is_alphabetic()).count() >= WORD_LETTERS_MIN
            && !word.text.chars().any(|c| c.is_ascii_digit());
        for letter in word.text.bytes().filter(|byte| is_word && byte.is_ascii_alphabetic()) {
            letters += 1;
            surprise -= (USE[usize::from(letter.to_ascii_lowercase() - b'a')] / 1000.0).log2();
        }
    }
    let is_noise = characters >= CHARACTERS_MIN && odd as f32 > ODD_MAX * characters as f32;
    let is_cipher = letters >= LETTERS_MIN && surprise > SURPRISE_MAX * letters as f32;
    !is_noise && !is_cipher
}

fn is_odd(c: char) -> bool {
    !(c.is_alphanumeric()
        || c.is_ascii_punctuation()
        || ('\u{a1}'..='\u{bf}').contains(&c)
        || matches!(c, '×' | '÷')
        || ('\u{2010}'..='\u{2044}').contains(&c)
        || ('\u{20a0}'..='\u{20cf}').contains(&c)
        || ('\u{2100}'..='\u{27bf}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Rect;

    fn words(text: &str) -> Vec<Word> {
        let word = |text: &str| Word {
            text: text.to_owned(),
            rect: Rect::default(),
            confidence: 1.0,
            font_size: 10.0,
        };
        text.split_whitespace().map(word).collect()
    }

    const LETTERS: [&str; 4] = [
        "Please transfer the amount due within thirty days of the date of this invoice. If you have any questions about \
         this invoice, call the number below. Thank you for your business and your trust in us. All goods remain the \
         property of the seller until they have been paid for in full.",
        "Bitte überweisen Sie den Rechnungsbetrag innerhalb von vierzehn Tagen auf das unten genannte Konto. Wir danken für \
         Ihren Auftrag und freuen uns auf die weitere Zusammenarbeit. Die Lieferung erfolgte am vereinbarten Tag, und alle \
         Preise verstehen sich zuzüglich der gesetzlichen Mehrwertsteuer.",
        "Prosimy o zapłatę należności w terminie czternastu dni od daty wystawienia faktury na wskazany rachunek bankowy. \
         Dziękujemy za zamówienie i zapraszamy do dalszej współpracy. Towar pozostaje własnością sprzedawcy do czasu pełnej \
         zapłaty, a reklamacje przyjmujemy w ciągu tygodnia.",
        "Veuillez régler le montant de cette facture dans un délai de trente jours à compter de sa date d'émission. Nous vous \
         remercions de votre confiance et restons à votre disposition pour toute question relative à cette commande ou à son \
         règlement.",
    ];

    fn shifted(text: &str, by: u8) -> String {
        let shift = |c: char| match c {
            'a'..='z' => char::from(b'a' + (c as u8 - b'a' + by) % 26),
            'A'..='Z' => char::from(b'A' + (c as u8 - b'A' + by) % 26),
            c => c,
        };
        text.chars().map(shift).collect()
    }

    #[test]
    fn language_is_legible_and_a_cipher_is_not() {
        for letter in LETTERS {
            assert!(is_legible(&words(letter)), "{letter}");
        }
        // Of the shifts of the alphabet a few put frequent letters on frequent ones.
        let caught = (1..26).filter(|by| !is_legible(&words(&shifted(LETTERS[0], *by)))).count();
        assert!(caught >= 15, "{caught}");
        assert!(!is_legible(&words(&"\u{f8ff}\u{f8fe}\u{fffd} ".repeat(40))));
    }

    #[test]
    fn codes_and_little_text_are_legible() {
        assert!(is_legible(&words(&"ABC-17 2031 12.50 EUR XK9Q DN50 Nr. ".repeat(20))));
        assert!(is_legible(&words("short and Xrtq")));
    }
}
