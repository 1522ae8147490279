//! The memory of confirmed texts of one field: names that a hub has met are recognised where they are misread.
//!
//! A remembered name stands in for a text that is alike (Dice ≥ 0.6) but read from pixels, and only with a second signal: it
//! was confirmed twice, or the document shows the same telephone, register or web address. A text that a person corrected
//! to something that stands nowhere on the page is remembered with what stood there.

use super::{
    trigrams::{Trigrams, folded, folds_to},
    truth::loose,
};
use serde::{Deserialize, Serialize};
use std::{cell::OnceCell, collections::HashMap};

/// Names of one field.
const NAMES_MAX: usize = 1000;
/// Signals of one name.
const SIGNALS_MAX: usize = 24;
/// Less alike is another name.
const ALIKE: f32 = 0.6;
/// Read with at least this certainty, a text is what it says.
const CERTAIN: u8 = 252;

/// Letters of a slip at most.
const SLIP_LETTERS: usize = 2;

/// A confirmed text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Name {
    pub text: String,
    pub count: u32,
    pub signals: Vec<u64>,
    /// Letters and digits of what stands on the page for it, where that is not the same, and how often.
    pub shown: Vec<(String, u32)>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Names {
    all: Vec<Name>,
}

/// The names of a field, ready to be asked.
pub(super) struct Known<'n> {
    names: &'n [Name],
    /// Made when a misread text is met: a text layer's never is.
    trigrams: OnceCell<Vec<Trigrams>>,
    /// By the hash of a text's letters and digits, as candidates have it: there are a thousand times as many of them.
    by_text: HashMap<u64, usize>,
    /// By that of what stood on the page for a name: which one, and how often.
    by_shown: HashMap<u64, (usize, u32)>,
}

/// A name that could be meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Match<'n> {
    pub text: &'n str,
    pub alike: f32,
    pub count: u32,
}

impl Names {
    /// Remembers a confirmed text; `shown` is what stands on the page for it.
    pub(super) fn confirm(&mut self, text: &str, shown: Option<&str>, signals: &[u64]) {
        let plain = folded(text);
        if plain.chars().count() < 3 || text.len() > 400 {
            return;
        }
        let place = self.all.iter().position(|name| folds_to(&name.text, &plain));
        let mut name = place.map(|place| self.all.remove(place)).unwrap_or_default();
        // The last spelling wins, and the names met last are kept.
        name.text = text.to_owned();
        name.count += 1;
        for signal in signals {
            if !name.signals.contains(signal) && name.signals.len() < SIGNALS_MAX {
                name.signals.push(*signal);
            }
        }
        if let Some(shown) = shown.map(folded).filter(|shown| *shown != plain && !shown.is_empty()) {
            let place = name.shown.iter().position(|(known, _)| *known == shown);
            match place {
                Some(place) => name.shown[place].1 += 1,
                None if name.shown.len() < 8 => name.shown.push((shown, 1)),
                None => {}
            }
        }
        if self.all.len() >= NAMES_MAX {
            self.all.remove(0);
        }
        self.all.push(name);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The spelling that was confirmed last of a text with the same letters and digits.
    pub(super) fn spelling(&self, text: &str) -> Option<&str> {
        let plain = folded(text);
        self.all.iter().rev().find(|name| folds_to(&name.text, &plain)).map(|name| name.text.as_str())
    }

    pub(super) fn known(&self) -> Known<'_> {
        let mut by_shown: HashMap<u64, (usize, u32)> = HashMap::new();
        for (index, name) in self.all.iter().enumerate() {
            for (shown, count) in &name.shown {
                // Of two names that showed the same, the one that did so more often, else the later.
                let known = by_shown.entry(loose(shown)).or_insert((index, *count));
                if *count >= known.1 {
                    *known = (index, *count);
                }
            }
        }
        Known {
            names: &self.all,
            trigrams: OnceCell::new(),
            by_text: (0..).zip(&self.all).map(|(index, name)| (loose(&folded(&name.text)), index)).collect(),
            by_shown,
        }
    }
}

impl<'n> Known<'n> {
    /// How often exactly the text of this hash was confirmed.
    pub(super) fn count(&self, loose: u64) -> u32 {
        self.by_text.get(&loose).map_or(0, |&index| self.names[index].count)
    }

    /// The name that stands in for a text (with its hash): a corrected one, or one that the text is a misreading of.
    pub(super) fn meant(&self, (text, loose): (&str, u64), reader: u8, signals: &[u64]) -> Option<Match<'n>> {
        let found = |index: usize, alike| Match {
            text: &self.names[index].text,
            alike,
            count: self.names[index].count,
        };
        // What was confirmed as it stands more often than it was corrected is right as it stands.
        let itself = self.by_text.get(&loose).map(|&index| self.names[index].count);
        if let Some(&(index, count)) = self.by_shown.get(&loose)
            && itself.is_none_or(|itself| count > itself)
            && (count > 1 || reader < CERTAIN || !is_slip(&folded(text), &folded(&self.names[index].text)))
        {
            return Some(found(index, 1.0));
        }
        if reader >= CERTAIN || itself.is_some() {
            return None;
        }
        let wanted = Trigrams::of(text);
        let trigrams =
            self.trigrams.get_or_init(|| self.names.iter().map(|name| Trigrams::of(&name.text)).collect());
        let scored = trigrams.iter().enumerate().map(|(index, trigrams)| (trigrams.dice(&wanted), index));
        let seconded = |index: usize| {
            let name = &self.names[index];
            name.count >= 2 || name.signals.iter().any(|signal| signals.contains(signal))
        };
        let likely = scored.filter(|(alike, index)| *alike >= ALIKE && seconded(*index));
        let best = likely.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        best.map(|(alike, index)| found(index, alike))
    }
}

/// Whether two texts, folded, differ by so few letters that one may be a slip of whoever typed it: against what surely
/// stands on the page a person has to say so twice.
fn is_slip(shown: &str, text: &str) -> bool {
    rapidfuzz::distance::levenshtein::distance(shown.chars(), text.chars()) <= SLIP_LETTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (&str, u64) {
        (text, loose(&folded(text)))
    }

    #[test]
    fn a_misread_name_is_met_with_a_second_signal_only() {
        let mut names = Names::default();
        names.confirm("Perniagaan Zheng Hui", None, &[7]);
        let meant = |names: &Names, reader, signals: &[u64]| {
            names
                .known()
                .meant(read("PERN1AGAAN ZHENG HU1"), reader, signals)
                .map(|found| found.text.to_owned())
        };
        assert_eq!(meant(&names, 200, &[]), None);
        assert_eq!(meant(&names, 200, &[7]).as_deref(), Some("Perniagaan Zheng Hui"));
        assert_eq!(meant(&names, 255, &[7]), None, "a text layer says what it says");
        names.confirm("Perniagaan Zheng Hui", None, &[]);
        assert_eq!(meant(&names, 200, &[]).as_deref(), Some("Perniagaan Zheng Hui"));
    }

    #[test]
    fn a_correction_that_stands_nowhere_is_met_by_what_stood_there() {
        let mut names = Names::default();
        names.confirm("The Mill Ltd", Some("Au bon moulin"), &[]);
        assert_eq!(
            names.known().meant(read("AU BON MOULIN"), 255, &[]).map(|found| found.text),
            Some("The Mill Ltd")
        );
    }

    #[test]
    fn one_correction_does_not_outweigh_many_confirmations() {
        let mut names = Names::default();
        for _ in 0..3 {
            names.confirm("Mill Ltd", None, &[]);
        }
        names.confirm("Miller Ltd", Some("Mill Ltd"), &[]);
        let meant = |names: &Names| {
            names.known().meant(read("Mill Ltd"), 255, &[]).map(|found| found.text.to_owned())
        };
        assert_eq!(meant(&names), None);
        names.confirm("Miller Ltd", Some("Mill Ltd"), &[]);
        names.confirm("Miller Ltd", Some("Mill Ltd"), &[]);
        assert_eq!(meant(&names), None, "as often is not more often");
        names.confirm("Miller Ltd", Some("Mill Ltd"), &[]);
        assert_eq!(meant(&names).as_deref(), Some("Miller Ltd"));
    }

    #[test]
    fn a_slip_against_what_surely_stands_there_has_to_be_said_twice() {
        let mut names = Names::default();
        let meant = |names: &Names, reader| {
            names.known().meant(read("Northern Mills"), reader, &[]).map(|found| found.text.to_owned())
        };
        names.confirm("Nortern Mills", Some("Northern Mills"), &[]);
        assert_eq!(meant(&names, 255), None);
        assert_eq!(meant(&names, 200).as_deref(), Some("Nortern Mills"), "pixels are misread");
        names.confirm("Nortern Mills", Some("Northern Mills"), &[]);
        assert_eq!(meant(&names, 255).as_deref(), Some("Nortern Mills"));
    }

    #[test]
    fn a_text_is_spelled_as_it_was_confirmed_last() {
        let mut names = Names::default();
        names.confirm("Quay 3, 20457 Hamburg", None, &[]);
        assert_eq!(names.spelling("QUAY 3 20457 HAMBURG"), Some("Quay 3, 20457 Hamburg"));
        assert_eq!(names.spelling("Quay 4 20457 Hamburg"), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut names = Names::default();
        for index in 0..NAMES_MAX + 5 {
            names.confirm(&format!("Company number {index}"), None, &[]);
        }
        assert_eq!(names.all.len(), NAMES_MAX);
        assert_eq!(names.known().count(read("company number 1004").1), 1);
    }
}
