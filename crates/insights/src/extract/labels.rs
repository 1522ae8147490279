//! Where the labels stand on the pages, and how a value relates to them.
//!
//! A value belongs to the label directly before it, left of it in its row, or above it in its column. How strongly is a
//! number in `[0, 1]`: nearness, what stands between, how much of the printed phrase the label explains, and whether the
//! label already has a value of its own.

use super::{
    layout::{Document, Span},
    lexicon::{LABEL_WORDS_MAX, Lexicon, Meaning},
    relate::{NEAR_MAX, SECTION_LINES_MAX, strength},
    shapes::heads_section,
    text::fold,
};
use crate::page::Rect;

/// Labels of a document that are looked at; more of them are no labels any more.
const LABELS_MAX: usize = 3000;

/// Quality of a label that ends the heading of a section.
const HEADING: f32 = 0.9;

/// A label on a page.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub meanings: Vec<Meaning>,
    pub span: Span,
    pub page: usize,
    pub rect: Rect,
    /// Similarity to the known label times how much of the printed phrase it explains, in `[0, 1]`.
    pub quality: f32,
    /// The segment is nothing but this label.
    pub whole: bool,
    /// Its value stands behind it in the same segment.
    pub consumed: bool,
    /// Something that is no label stands right of it in its row.
    pub has_right: bool,
}

/// The labels of a document.
#[derive(Debug)]
pub(super) struct Labels {
    /// By page, then from top to bottom.
    all: Vec<Label>,
    /// Per page, the range in `all`.
    pages: Vec<std::ops::Range<usize>>,
    /// Per segment, the labels in it, from left to right.
    by_segment: Vec<Vec<usize>>,
}

/// How a value stands to what a label means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Relation {
    pub meaning: Meaning,
    pub strength: f32,
    /// The label heads the section that the value stands in, and is not the value's own label.
    pub section: bool,
}

impl Labels {
    pub(super) fn find(document: &Document<'_>, lexicon: &Lexicon) -> Self {
        let mut all = Vec::new();
        for index in 0..document.segments.len() {
            labels_of_segment(document, lexicon, index, &mut all);
            if all.len() >= LABELS_MAX {
                break;
            }
        }
        all.sort_by(|a: &Label, b| (a.page).cmp(&b.page).then(a.rect.y.total_cmp(&b.rect.y)));
        let mut by_segment = vec![Vec::new(); document.segments.len()];
        for (index, label) in all.iter().enumerate() {
            by_segment[label.span.segment].push(index);
        }
        for segment in &mut by_segment {
            segment.sort_by_key(|&index| all[index].span.start);
        }
        for label in &mut all {
            let next = label.span.segment + 1;
            let same_line = document
                .segments
                .get(next)
                .is_some_and(|segment| segment.line == document.segments[label.span.segment].line);
            label.has_right = same_line && by_segment[next].is_empty();
        }
        let pages = (0..document.pages.len())
            .map(|page| {
                let start = all.partition_point(|label| label.page < page);
                start..all.partition_point(|label| label.page <= page)
            })
            .collect();
        Self { all, pages, by_segment }
    }

    /// The labels of a page, from top to bottom.
    pub(super) fn of_page(&self, page: usize) -> &[Label] {
        &self.all[self.pages[page].clone()]
    }

    /// The labels in a segment, from left to right.
    pub(super) fn in_segment(&self, segment: usize) -> impl Iterator<Item = &Label> {
        self.by_segment[segment].iter().map(|&index| &self.all[index])
    }

    /// Whether a segment is a label and nothing else.
    pub(super) fn is_label(&self, segment: usize) -> bool {
        self.in_segment(segment).any(|label| label.whole)
    }

    /// What the labels around a value say it is, strongest first; one relation for each meaning.
    pub(super) fn relations(&self, document: &Document<'_>, span: Span, rect: Rect) -> Vec<Relation> {
        let page = document.segments[span.segment].page;
        let height = document.line_height(page);
        let labels = self.of_page(page);
        let first = labels.partition_point(|label| label.rect.y < rect.y - SECTION_LINES_MAX * height);
        let last = labels.partition_point(|label| label.rect.y <= rect.bottom());
        let mut relations: Vec<Relation> = Vec::new();
        for label in labels[first.min(last)..last].iter().rev().take(NEAR_MAX) {
            let Some((strength, section)) = strength(document, self, label, span, rect, height) else {
                continue;
            };
            for &meaning in &label.meanings {
                match relations.iter_mut().find(|known| known.meaning == meaning) {
                    Some(known) if known.strength >= strength => {}
                    Some(known) => *known = Relation { meaning, strength, section },
                    None => relations.push(Relation { meaning, strength, section }),
                }
            }
        }
        relations.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        relations
    }
}

fn labels_of_segment(document: &Document<'_>, lexicon: &Lexicon, index: usize, all: &mut Vec<Label>) {
    let segment = &document.segments[index];
    let texts: Vec<&str> =
        document.words[segment.words.clone()].iter().map(|word| word.text.as_str()).collect();
    let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    let mut word = 0;
    while word < folded.len() {
        let met = if folded[word].is_empty() { None } else { lexicon.longest_at(&folded[word..]) };
        let Some((count, met)) = met else {
            word += 1;
            continue;
        };
        let end = word + count;
        let start_byte = segment.starts[word];
        let end_byte = segment.starts[end - 1] + texts[end - 1].len();
        let percentages = of_percentages(&segment.text[start_byte..end_byte], &segment.text[end_byte..]);
        // `Informationen zum Käufer` is a label as `Käufer` is.
        let heading = end == texts.len() && word > 0 && heads_section(&segment.text);
        let phrase = if heading { HEADING } else { phrase_quality(&texts, &folded, word, end, met.length) };
        let quality = met.similarity * phrase * if percentages { 0.3 } else { 1.0 };
        if quality > 0.15 {
            let span = Span { segment: index, start: start_byte, end: end_byte };
            let rest = &segment.text[end_byte..];
            all.push(Label {
                meanings: met.meanings.to_vec(),
                span,
                page: segment.page,
                rect: document.rect(span),
                quality,
                whole: heading || covers(&folded, word, end),
                consumed: holds_value(rest)
                    || rest
                        .split_once(':')
                        .is_some_and(|(_, value)| value.chars().any(char::is_alphanumeric))
                    || (texts[end - 1].ends_with(':') && rest.chars().any(char::is_alphanumeric)),
                has_right: false,
            });
        }
        word = end;
    }
}

/// Whether digits stand behind a label that are no percentage: `VAT 19 %` still waits for its value.
fn holds_value(rest: &str) -> bool {
    let mut digits = false;
    for part in rest.split_inclusive('%') {
        let number = part.trim_end_matches('%').trim_end();
        let percentage = part.ends_with('%') && number.ends_with(|c: char| c.is_ascii_digit());
        let plain = if percentage {
            number.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
        } else {
            number
        };
        digits = digits || plain.contains(|c: char| c.is_ascii_digit());
    }
    digits
}

/// A label of percentages (`VAT %`) is none of amounts.
fn of_percentages(label: &str, rest: &str) -> bool {
    let tail = rest.trim_start();
    let named = label
        .split('%')
        .next()
        .is_some_and(|head| head.len() < label.len() && !head.ends_with(|c: char| c.is_ascii_digit()));
    named || (tail.starts_with('%') && !tail.contains(char::is_alphanumeric))
}

fn covers(folded: &[String], start: usize, end: usize) -> bool {
    let outside = folded[..start].iter().chain(&folded[end..]);
    outside.map(|word| word.len()).sum::<usize>() <= 3
}

/// How much of the phrase around a label the label explains, and how trustworthy so short a label is.
fn phrase_quality(texts: &[&str], folded: &[String], start: usize, end: usize, length: usize) -> f32 {
    let counts = |word: usize| {
        let plain = !folded[word].bytes().any(|byte| byte.is_ascii_digit()) && !is_currency(texts[word]);
        if plain { folded[word].chars().count() } else { 0 }
    };
    let ends_phrase = |word: usize| {
        texts[word].ends_with(':')
            || (folded[word].bytes().any(|byte| byte.is_ascii_digit()) && !texts[word].ends_with('%'))
    };
    let mut extra = 0;
    for word in (start.saturating_sub(LABEL_WORDS_MAX)..start).rev() {
        if ends_phrase(word) {
            break;
        }
        extra += counts(word);
    }
    let mut colon = texts[end - 1].ends_with(':');
    if !colon {
        for word in end..texts.len().min(end + LABEL_WORDS_MAX) {
            if texts[word] == ":" || texts[word] == "=" {
                colon = true;
                break;
            }
            if folded[word].bytes().any(|byte| byte.is_ascii_digit())
                && !texts[word].ends_with('%')
                && texts.get(word + 1).is_none_or(|next| *next != "%")
            {
                break;
            }
            extra += counts(word);
            if texts[word].ends_with(':') {
                colon = true;
                break;
            }
        }
    }
    let coverage = length as f32 / (length + extra).max(1) as f32;
    let short = match length {
        0..=2 => 0.7,
        3 => 0.85,
        _ => 1.0,
    };
    let certain = if colon { 1.0 } else { 0.95 };
    // The label at the end of a phrase of prose is a word, not a label.
    short * certain * (0.25 + 0.75 * coverage) * if extra > 30 { 0.6 } else { 1.0 }
}

pub(super) fn is_currency(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ':' | '.'));
    matches!(
        bare,
        "EUR" | "€" | "USD" | "$" | "CHF" | "GBP" | "£" | "RM" | "MYR" | "SGD" | "R$" | "BRL" | "%"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::samples::page;

    fn relations_of(texts: &[(f32, f32, &str)], value: &str) -> Vec<Relation> {
        let pages = [page(texts)];
        let document = Document::new(&pages);
        let labels =
            [(0, "Total"), (1, "Date")].map(|(field, label)| (Meaning::Field(field), label.to_owned()));
        let labels = Labels::find(&document, &Lexicon::new(labels));
        let segment = document.segments.iter().position(|segment| segment.text.contains(value)).unwrap();
        let start = document.segments[segment].text.find(value).unwrap();
        let span = Span { segment, start, end: start + value.len() };
        labels.relations(&document, span, document.rect(span))
    }

    #[test]
    fn a_value_belongs_to_the_label_in_its_row() {
        let relations =
            relations_of(&[(0.1, 0.1, "Date"), (0.1, 0.13, "Total:"), (0.6, 0.13, "12.00")], "12.00");
        assert_eq!(relations[0].meaning, Meaning::Field(0));
        assert!(relations[0].strength > 0.9);
    }

    #[test]
    fn a_value_belongs_to_the_label_above_it() {
        let texts = [(0.1, 0.1, "Total"), (0.5, 0.1, "Date"), (0.1, 0.12, "12.00"), (0.5, 0.12, "x")];
        let relations = relations_of(&texts, "12.00");
        assert_eq!(relations[0].meaning, Meaning::Field(0));
        assert!(relations[0].strength > 0.6);
    }

    #[test]
    fn a_label_in_the_same_segment_is_strongest() {
        let relations = relations_of(&[(0.1, 0.1, "Total: 12.00")], "12.00");
        assert!(relations[0].strength > 0.95);
        let prose = relations_of(&[(0.1, 0.1, "the total of all we sold to you was 12.00")], "12.00");
        assert!(prose.is_empty() || prose[0].strength < 0.3);
    }
}
