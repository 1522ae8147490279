//! Dates and numbers that stand on a page if one of its words is read otherwise.
//!
//! Where several looks at a scan differ, the page keeps what was outvoted. A `12.80` that was read as `12.88` cannot be told by
//! itself; but it may be the number that adds up, or the one that stands elsewhere too.

use super::{
    amounts,
    candidates::{Candidate, Needs, Pools, Reading, make},
    dates::{self, Order},
    labels::Labels,
    layout::{Document, Segment, Span},
};
use std::ops::Range;

/// Other readings of a word that are tried.
const TRIED_MAX: usize = 3;
/// Words of a segment that are tried.
const WORDS_MAX: usize = 12;
/// Candidates that a segment has at most, as far as is looked for the same again.
const SEGMENT_MAX: usize = 60;
/// Variants of a document.
const VARIANTS_MAX: usize = 2_000;

/// A segment's text with one word read otherwise.
struct Variant {
    text: String,
    /// Of the word in the segment's own text, and in this one.
    word: Range<usize>,
    instead: Range<usize>,
    confidence: f32,
    /// How likely it is beside what was read.
    odds: f32,
}

impl Variant {
    /// A range of this text in the segment's own; a place within the word is its beginning, or its end.
    fn back(&self, read: &Range<usize>) -> (usize, usize) {
        let start = if read.start <= self.instead.start || read.start >= self.instead.end {
            self.end(read.start)
        } else {
            self.word.start
        };
        (start, self.end(read.end))
    }

    fn end(&self, place: usize) -> usize {
        if place <= self.instead.start {
            place
        } else if place >= self.instead.end {
            place - self.instead.end + self.word.end
        } else {
            self.word.end
        }
    }

    /// What stands in a range of this text; none where the segment's own text says it too.
    fn candidate(
        &self,
        document: &Document<'_>,
        labels: &Labels,
        span: Span,
        (read, reading): (Range<usize>, Reading),
    ) -> Option<Candidate> {
        let is_new = read.start < self.instead.end && self.instead.start < read.end;
        is_new.then(|| Candidate {
            text: self.text[read].to_owned(),
            confidence: self.confidence,
            variant: Some(self.odds),
            ..make(document, labels, vec![span], reading)
        })
    }
}

fn variants(document: &Document<'_>, segment: &Segment) -> Vec<Variant> {
    let words = segment.words.clone().zip(&segment.starts);
    let mut found = Vec::new();
    for (word, &start) in
        words.filter(|(word, _)| !document.words[*word].alternatives.is_empty()).take(WORDS_MAX)
    {
        let token = &document.words[word];
        let end = start + token.text.len();
        for (other, confidence) in token.alternatives.iter().take(TRIED_MAX) {
            if !other.bytes().any(|byte| byte.is_ascii_digit()) {
                continue;
            }
            found.push(Variant {
                text: [&segment.text[..start], other.as_str(), &segment.text[end..]].concat(),
                word: start..end,
                instead: start..start + other.len(),
                confidence: *confidence,
                odds: (confidence / token.confidence.max(0.05)).clamp(0.05, 1.0),
            });
        }
    }
    found
}

/// The numbers and dates of a segment's variants that are not among those it has anyway.
pub(super) fn find(
    document: &Document<'_>,
    labels: &Labels,
    (index, order): (usize, Order),
    needs: Needs,
    pools: &mut Pools,
) {
    let Pools { numbers, dates, variants: pool, .. } = pools;
    let variants = variants(document, &document.segments[index]);
    for variant in variants.iter().filter(|_| needs.numbers) {
        for mut number in amounts::find(&variant.text) {
            let read = number.start..number.end;
            (number.start, number.end) = variant.back(&read);
            let span = Span { segment: index, start: number.start, end: number.end };
            push(variant.candidate(document, labels, span, (read, Reading::Number(number))), numbers, pool);
        }
    }
    for variant in variants.iter().filter(|_| needs.dates) {
        for mut date in dates::find(&variant.text, order) {
            let read = date.start..date.end;
            (date.start, date.end) = variant.back(&read);
            date.time = date.time.map(|(time, end)| (time, variant.end(end)));
            let span = Span { segment: index, start: date.start, end: date.end };
            push(variant.candidate(document, labels, span, (read, Reading::Date(date))), dates, pool);
        }
    }
}

fn push(candidate: Option<Candidate>, read: &[Candidate], pool: &mut Vec<Candidate>) {
    let Some(candidate) = candidate else { return };
    let known = |other: &Candidate| other.overlaps(&candidate) && is_same(&other.reading, &candidate.reading);
    // Candidates of one segment follow each other.
    let is_new = [read, pool].iter().all(|all| !all.iter().rev().take(SEGMENT_MAX).any(known));
    if is_new && pool.len() < VARIANTS_MAX {
        pool.push(candidate);
    }
}

/// Whether two readings are the same date or number.
fn is_same(one: &Reading, other: &Reading) -> bool {
    match (one, other) {
        (Reading::Date(one), Reading::Date(two)) => one.date == two.date,
        (Reading::Number(one), Reading::Number(two)) => one.value == two.value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{lexicon::Lexicon, samples::page};
    use crate::page::{Alternative, Page};

    fn document(text: &str, others: &[(u32, &str)]) -> Page {
        let other = |(word, text): &(u32, &str)| Alternative {
            word: *word,
            text: (*text).to_owned(),
            confidence: 0.2,
        };
        let mut page = page(&[(0.1, 0.1, text)]);
        page.words.iter_mut().for_each(|word| word.confidence = 0.5);
        Page { alternatives: others.iter().map(other).collect(), ..page }
    }

    #[test]
    fn what_was_outvoted_is_a_candidate_too() {
        let pages = [document(
            "Total RM 12.88 on 10/03/2078",
            &[(2, "12.80"), (2, "l2.8O"), (4, "10/03/2018"), (4, "IO/O3")],
        )];
        let document = Document::new(&pages);
        let labels = Labels::find(&document, &Lexicon::new(std::iter::empty()));
        let needs = |numbers: bool| Needs { numbers, dates: !numbers, ..Needs::default() };
        let mut pools = Pools::default();
        find(&document, &labels, (0, Order::DayFirst), needs(true), &mut pools);
        let [number] = pools.variants.as_slice() else { panic!("{pools:?}") };
        assert_eq!((number.text.as_str(), document.text(number.spans[0])), ("12.80", "12.88"));
        assert!(number.variant.is_some_and(|odds| (odds - 0.4).abs() < 1e-3), "{number:?}");
        let mut pools = Pools::default();
        find(&document, &labels, (0, Order::DayFirst), needs(false), &mut pools);
        let [date] = pools.variants.as_slice() else { panic!("{pools:?}") };
        assert_eq!((date.text.as_str(), document.text(date.spans[0])), ("10/03/2018", "10/03/2078"));
    }

    #[test]
    fn a_value_that_is_read_anyway_is_no_variant() {
        let pages = [document("12.80", &[(0, "12,80")])];
        let document = Document::new(&pages);
        let labels = Labels::find(&document, &Lexicon::new(std::iter::empty()));
        let read: Vec<Candidate> = amounts::find("12.80")
            .into_iter()
            .map(|number| {
                let span = Span { segment: 0, start: number.start, end: number.end };
                make(&document, &labels, vec![span], Reading::Number(number))
            })
            .collect();
        let mut pools = Pools { numbers: read, ..Pools::default() };
        let needs = Needs { numbers: true, ..Needs::default() };
        find(&document, &labels, (0, Order::DayFirst), needs, &mut pools);
        assert!(pools.variants.is_empty(), "{pools:?}");
    }
}
