//! What the documents of a hub say, as far as it tells them from those of other hubs.
//!
//! A profile counts in how many of a hub's confirmed documents each word stands on the first page. A new document is
//! compared with each profile by the cosine of their words, where a word weighs the less the more documents of all hubs
//! have it (inverse document frequency, Spärck Jones 1972). Five documents of a kind are enough; a document that is like
//! none of them is of none of these kinds.

use super::hash;
use crate::page::Page;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Words of a document that are looked at.
const WORDS_MAX: usize = 600;
/// Words of a profile: those that most of its documents have.
const KEPT_MAX: usize = 400;
/// Fewer documents say too little about a hub.
pub const PROFILE_DOCUMENTS_MIN: u32 = 3;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    documents: u32,
    /// Hash of a word, and how many documents have it.
    words: Vec<(u64, u32)>,
}

/// The words of a first page that may be words of a form: what has digits differs from document to document.
fn words(pages: &[Page]) -> BTreeSet<u64> {
    let first = pages.iter().take(1).flat_map(|page| &page.words).take(WORDS_MAX);
    let words = first.filter(|word| !word.text.contains(|c: char| c.is_ascii_digit()));
    let letters = words.map(|word| {
        let letters = word.text.chars().filter(|c| c.is_alphabetic());
        letters.flat_map(char::to_lowercase).collect::<String>()
    });
    letters.filter(|word| word.chars().count() >= 3).map(|word| hash::text(&word)).collect()
}

impl Profile {
    /// Of the pages of a hub's documents.
    pub fn of<'p>(documents: impl IntoIterator<Item = &'p [Page]>) -> Profile {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        let mut profile = Profile::default();
        for pages in documents {
            profile.documents += 1;
            for word in words(pages) {
                *counts.entry(word).or_default() += 1;
            }
        }
        let mut words: Vec<(u64, u32)> = counts.into_iter().collect();
        words.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
        words.truncate(KEPT_MAX);
        profile.words = words;
        profile
    }

    /// Whether it rests on enough documents to be asked.
    pub fn is_telling(&self) -> bool {
        self.documents >= PROFILE_DOCUMENTS_MIN
    }
}

/// How alike a document is to each of the profiles, in `[0, 1]`.
pub fn likeness(pages: &[Page], profiles: &[&Profile]) -> Vec<f64> {
    let all: u32 = profiles.iter().map(|profile| profile.documents).sum();
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for (word, count) in profiles.iter().flat_map(|profile| &profile.words) {
        *counts.entry(*word).or_default() += count;
    }
    let weight = |word: &u64| {
        let count = counts.get(word).copied().unwrap_or_default();
        // One more than usual inside, so that words which all of them have still count: there may be one profile only.
        (1.0 + f64::from(all + 1) / (f64::from(count) + 0.5)).ln()
    };
    let document = words(pages);
    let length = document.iter().map(|word| weight(word).powi(2)).sum::<f64>().sqrt();
    let alike = profiles.iter().map(|profile| {
        let own = profile.words.iter().map(|(word, count)| (word, f64::from(*count) * weight(word)));
        let (mut product, mut squares) = (0.0, 0.0);
        for (word, value) in own {
            squares += value * value;
            if document.contains(word) {
                product += value * weight(word);
            }
        }
        let lengths = length * squares.sqrt();
        if lengths > 0.0 { product / lengths } else { 0.0 }
    });
    alike.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{PageSource, Rect, Word};

    fn document(text: &str) -> Vec<Page> {
        let word = |text: &str| Word {
            text: text.to_owned(),
            rect: Rect { x: 0.1, y: 0.1, width: 0.1, height: 0.01 },
            confidence: 1.0,
            font_size: 10.0,
        };
        let words = text.split(' ').map(word).collect();
        vec![Page::new(1, (595.0, 842.0), PageSource::TextLayer, words)]
    }

    fn profile(texts: &[&str]) -> Profile {
        let documents: Vec<Vec<Page>> = texts.iter().map(|text| document(text)).collect();
        Profile::of(documents.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_document_is_like_its_own_kind_and_unlike_what_nobody_knows() {
        let orders = profile(&[
            "Order of chairs from Harbour Road",
            "Order of lamps from Harbour Road",
            "Order of desks from Harbour Road",
        ]);
        let leave = profile(&[
            "Request for leave days granted",
            "Request for leave days refused",
            "Request for leave days open",
        ]);
        assert!(orders.is_telling());
        let alike = likeness(&document("Order of tables from Harbour Road"), &[&orders, &leave]);
        assert!(alike[0] > 0.5 && alike[1] < 0.1, "{alike:?}");
        let nothing = likeness(&document("Dear aunt the weather is fine here"), &[&orders, &leave]);
        assert!(nothing.iter().all(|alike| *alike < 0.1), "{nothing:?}");
    }

    #[test]
    fn nothing_is_like_nothing() {
        assert_eq!(likeness(&[], &[&Profile::default()]), [0.0]);
        assert!(!profile(&["one", "two"]).is_telling());
    }
}
