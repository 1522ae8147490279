//! What documents of seven languages say: labels with their synonyms, invented names and places, goods, forms of dates and
//! numbers. One text file for each language under `words/`; a line is a key and its alternatives.
//!
//! Alternatives behind `//` are said by the frozen test set only, and it says nothing else where a line has such: so what is
//! fitted on synthetic documents has seen none of the words that it is tested with.

use crate::random::Random;
use std::collections::BTreeMap;

const FILES: [(&str, &str); 7] = [
    ("en", include_str!("words/en.txt")),
    ("de", include_str!("words/de.txt")),
    ("fr", include_str!("words/fr.txt")),
    ("es", include_str!("words/es.txt")),
    ("it", include_str!("words/it.txt")),
    ("nl", include_str!("words/nl.txt")),
    ("pt", include_str!("words/pt.txt")),
];

/// The words of one language.
pub struct Words {
    pub code: &'static str,
    lines: BTreeMap<&'static str, Alternatives>,
}

/// Of the documents to learn from, and of the frozen ones.
struct Alternatives {
    train: Vec<&'static str>,
    frozen: Vec<&'static str>,
}

pub fn all() -> Vec<Words> {
    FILES.iter().map(|(code, text)| Words::parse(code, text)).collect()
}

impl Words {
    fn parse(code: &'static str, text: &'static str) -> Words {
        let split = |text: &'static str| text.split('|').map(str::trim).collect::<Vec<_>>();
        let entries = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (key, rest) = line.split_once(": ")?;
            let (train, frozen) = match rest.split_once(" // ") {
                Some((train, frozen)) => (split(train), split(frozen)),
                None => (split(rest), split(rest)),
            };
            Some((key, Alternatives { train, frozen }))
        });
        Words { code, lines: entries.collect() }
    }

    /// All alternatives of a key.
    pub fn list(&self, key: &str, frozen: bool) -> &[&'static str] {
        let Some(line) = self.lines.get(key) else { return &[] };
        if frozen { &line.frozen } else { &line.train }
    }
}

/// Chooses words and numbers for one document.
pub struct Pen<'w> {
    pub words: &'w Words,
    pub random: Random,
    pub frozen: bool,
}

impl Pen<'_> {
    /// One alternative of a key.
    pub fn pick(&mut self, key: &str) -> &'static str {
        let list = self.words.list(key, self.frozen);
        match list.len() {
            0 => "",
            count => list[self.random.below(count)],
        }
    }

    pub fn one<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.random.below(list.len())]
    }

    /// True so many times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.random.below((high - low + 1) as usize) as i64
    }

    /// A pattern with `#` as any digit and `A` as any capital letter.
    pub fn fill(&mut self, pattern: &str) -> String {
        let mut first = true;
        let mut fill = |c| match c {
            // What leads a number is no zero.
            '#' if std::mem::take(&mut first) => char::from(b'1' + self.random.below(9) as u8),
            '#' => char::from(b'0' + self.random.below(10) as u8),
            'A' => char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZ"[self.random.below(24)]),
            other => other,
        };
        pattern.chars().map(&mut fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        let all = all();
        let keys: Vec<_> = all[0].lines.keys().collect();
        for words in &all {
            assert_eq!(words.lines.keys().collect::<Vec<_>>(), keys, "{}", words.code);
            for (key, line) in &words.lines {
                assert!(line.train.iter().chain(&line.frozen).all(|word| !word.is_empty()), "{key}");
            }
        }
    }

    #[test]
    fn labels_of_the_frozen_set_are_its_own() {
        const LABELS: [&str; 14] = [
            "number",
            "date",
            "due",
            "order",
            "customer",
            "vat-id",
            "net",
            "tax",
            "total",
            "description",
            "quantity",
            "unit-price",
            "bill-to",
            "receipt-total",
        ];
        for words in all() {
            for key in LABELS {
                let (train, frozen) = (words.list(key, false), words.list(key, true));
                assert!(frozen.iter().all(|word| !train.contains(word)), "{} {key}", words.code);
            }
        }
    }
}
