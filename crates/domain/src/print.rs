//! A document's text in a few numbers, so that the same text in another file is known again.
//!
//! Two parts, because documents of one sender share nearly all words and differ in nearly all numbers: a MinHash (Broder
//! 1997) over pairs of neighbouring words, and every token with a digit in it, as its hash. A text is the same where both
//! agree: a file that was printed or exported again, not the next invoice of the same seller.

use serde::{Deserialize, Serialize};

const MINIMA: usize = 64;
/// Words that are looked at.
const WORDS_MAX: usize = 2000;
/// Tokens with digits that are kept.
const NUMBERS_MAX: usize = 300;
/// Fewer words say too little: two short pages may be alike by accident.
const WORDS_MIN: usize = 12;
const SAME_WORDS: f64 = 0.9;
const SAME_NUMBERS: f64 = 0.95;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextPrint {
    /// Empty where the text is too short to tell.
    words: Vec<u32>,
    numbers: Vec<u32>,
}

impl TextPrint {
    /// Of a text's words in their order. Case and punctuation do not count.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let tokens: Vec<String> =
            words.into_iter().take(WORDS_MAX).map(folded).filter(|token| !token.is_empty()).collect();
        if tokens.len() < WORDS_MIN {
            return Self::default();
        }
        let mut minima = vec![u32::MAX; MINIMA];
        for pair in tokens.windows(2) {
            let mut state = mix(hash(&pair[0]).rotate_left(17) ^ hash(&pair[1]));
            for minimum in &mut minima {
                state = mix(state);
                *minimum = (*minimum).min((state >> 32) as u32);
            }
        }
        let with_digits = tokens.iter().filter(|token| token.bytes().any(|byte| byte.is_ascii_digit()));
        let mut numbers: Vec<u32> = with_digits.take(NUMBERS_MAX).map(|token| hash(token) as u32).collect();
        numbers.sort_unstable();
        Self { words: minima, numbers }
    }

    /// Whether there is enough text to tell.
    pub fn is_telling(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether two texts are the same.
    pub fn is_same(&self, other: &Self) -> bool {
        if !self.is_telling() || self.words.len() != other.words.len() {
            return false;
        }
        let equal = self.words.iter().zip(&other.words).filter(|(one, two)| one == two).count();
        equal as f64 >= SAME_WORDS * self.words.len() as f64 && self.numbers_in_common(other) >= SAME_NUMBERS
    }

    /// Share of the tokens with digits that both have, each as often as it stands there.
    fn numbers_in_common(&self, other: &Self) -> f64 {
        let (mut one, mut two, mut common) = (0, 0, 0_usize);
        while one < self.numbers.len() && two < other.numbers.len() {
            match self.numbers[one].cmp(&other.numbers[two]) {
                std::cmp::Ordering::Less => one += 1,
                std::cmp::Ordering::Greater => two += 1,
                std::cmp::Ordering::Equal => {
                    common += 1;
                    one += 1;
                    two += 1;
                }
            }
        }
        let all = self.numbers.len() + other.numbers.len() - common;
        if all == 0 { 1.0 } else { common as f64 / all as f64 }
    }
}

fn folded(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// FNV-1a (Fowler, Noll, Vo 1991), 64 bits: the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(text: &str) -> TextPrint {
        TextPrint::of(text.split_whitespace())
    }

    const LETTER: &str = "Northwind Traders Harbour Road Invoice number INV-0042 of 2026-01-05 for goods that we delivered in \
        January as agreed with you Net 100.00 Tax 19.00 Total 119.00 payable within fourteen days to our account";

    #[test]
    fn the_same_text_written_otherwise_is_the_same() {
        assert!(print(LETTER).is_same(&print(
            &LETTER.to_uppercase().replace("INV-0042", "INV 0042").replace("INV 0042", "INV-0042")
        )));
        assert!(print(LETTER).is_same(&print(&LETTER.replace(" as ", ", as "))));
    }

    #[test]
    fn the_next_invoice_of_the_seller_is_another_text() {
        let next = LETTER.replace("0042", "0043").replace("01-05", "01-06");
        assert!(!print(LETTER).is_same(&print(&next)));
        let long = "word ".repeat(5)
            + &(0..400).map(|n| format!("text{} ", (b'a' + (n % 26) as u8) as char)).collect::<String>();
        assert!(!print(&format!("{long} number 17")).is_same(&print(&format!("{long} number 18"))));
    }

    #[test]
    fn a_few_words_are_the_same_as_nothing() {
        assert!(!print("Page left blank").is_telling());
        assert!(!print("Page left blank").is_same(&print("Page left blank")));
    }
}
