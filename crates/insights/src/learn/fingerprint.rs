//! What a document looks like, in 64 numbers: documents of one layout share many of them.
//!
//! MinHash (Broder 1997) over the words of a document: half of the numbers over words alone, half over words with their
//! place on the first page. Words with digits are left out, because they change from document to document.

use super::hash;
use crate::page::Page;
use serde::{Deserialize, Serialize};

/// Numbers of each half.
const HALF: usize = 32;
/// Words that are looked at.
const WORDS_MAX: usize = 600;
/// Cells across and down a page.
const GRID: (f32, f32) = (32.0, 44.0);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    words: Vec<u32>,
    places: Vec<u32>,
}

impl Fingerprint {
    pub fn of(pages: &[Page]) -> Fingerprint {
        let mut words = Minima::default();
        let mut places = Minima::default();
        for page in pages.iter().take(3) {
            for word in page.words.iter().take(WORDS_MAX) {
                let letters: String =
                    word.text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
                let digits = word.text.chars().any(|c| c.is_ascii_digit());
                if digits || letters.chars().count() < 3 {
                    continue;
                }
                let hash = hash::text(&letters);
                words.add(hash);
                if page.number == 1 {
                    let column = (word.rect.x * GRID.0) as u64;
                    let row = (word.rect.y * GRID.1) as u64;
                    places.add(hash::mix(hash ^ (column << 32) ^ row));
                }
            }
        }
        Fingerprint { words: words.finish(), places: places.finish() }
    }

    /// Estimated share of what two documents have in common, in `[0, 1]`.
    pub fn similarity(&self, other: &Fingerprint) -> f32 {
        let share = |a: &[u32], b: &[u32]| {
            let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
            if a.is_empty() || b.is_empty() { 0.0 } else { same as f32 / HALF as f32 }
        };
        (share(&self.words, &other.words) + share(&self.places, &other.places)) / 2.0
    }
}

#[derive(Default)]
struct Minima(Vec<u32>);

impl Minima {
    fn add(&mut self, item: u64) {
        if self.0.is_empty() {
            self.0 = vec![u32::MAX; HALF];
        }
        let mut state = hash::mix(item);
        for minimum in &mut self.0 {
            // A fresh permutation for each number, by stepping the generator.
            state = hash::mix(state);
            *minimum = (*minimum).min((state >> 32) as u32);
        }
    }

    fn finish(self) -> Vec<u32> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{PageSource, Rect, Word};

    fn document(words: &[(&str, f32)]) -> Vec<Page> {
        let words = words
            .iter()
            .map(|(text, y)| Word {
                text: (*text).to_owned(),
                rect: Rect { x: 0.1, y: *y, width: 0.1, height: 0.01 },
                confidence: 1.0,
                font_size: 10.0,
            })
            .collect();
        vec![Page::new(1, (595.0, 842.0), PageSource::TextLayer, words)]
    }

    const LETTER: [&str; 8] = ["Some", "Company", "Invoice", "number", "date", "total", "bank", "thanks"];

    #[test]
    fn one_layout_with_other_values_is_nearly_the_same() {
        let placed = |value| {
            LETTER
                .iter()
                .zip([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9])
                .map(|(w, y)| (*w, y))
                .chain([(value, 0.6)])
                .collect::<Vec<_>>()
        };
        let (one, other) =
            (Fingerprint::of(&document(&placed("123.00"))), Fingerprint::of(&document(&placed("77"))));
        assert_eq!(one.similarity(&other), 1.0);
    }

    #[test]
    fn another_layout_is_another_print() {
        let one = Fingerprint::of(&document(&LETTER.map(|word| (word, 0.1))));
        let other = Fingerprint::of(&document(&[("Laboratory", 0.2), ("patient", 0.3), ("glucose", 0.4)]));
        assert!(one.similarity(&other) < 0.1);
        assert_eq!(Fingerprint::default().similarity(&one), 0.0);
    }
}
