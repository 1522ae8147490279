//! Everything on the pages that could be a value, with what the labels around it say.
//!
//! Recall comes first: what is not a candidate cannot be chosen. Candidates are made once for the document and weighed for
//! every field; a field sees the pools of its type only.

use super::{
    amounts::{self, FoundNumber},
    boxes, codes,
    dates::{self, FoundDate, Order},
    labels::{Label, Labels, Relation},
    layout::{Document, Span},
    leads::is_cell,
    shapes::sender_name_end,
    stacks,
    text::trimmed_range,
    variants, wide,
};
use crate::page::Rect;
use domain::limits::EXTRACT_CANDIDATES_MAX;
use regex::Regex;
use std::sync::LazyLock;

/// How a text candidate was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// A whole segment.
    Segment,
    /// What stands behind a label in its segment.
    AfterLabel,
    /// One word of a segment.
    Word,
    /// A segment without what is usually appended (registration numbers, telephone numbers).
    Stripped,
    /// The name that begins the line of a sender.
    Sender,
    /// Segments below each other.
    Stack,
    /// A part of a segment, for hubs with examples.
    Piece,
    /// Whole lines below each other, for hubs with examples.
    Lines,
}

#[derive(Debug, Clone)]
pub(super) enum Reading {
    Date(FoundDate),
    Number(FoundNumber),
    Code { value: String, kind: CodeKind, quality: f32 },
    Text(Cut),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeKind {
    Iban,
    TaxId,
}

/// Something that could be a value.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// One for each line, from top to bottom.
    pub spans: Vec<Span>,
    pub reading: Reading,
    /// As it stands on the page; lines are joined with a space.
    pub text: String,
    /// Of the first line, in points.
    pub rect: Rect,
    pub page: usize,
    pub relations: Vec<Relation>,
    /// How sure the reader was of the words, in `[0, 1]`.
    pub confidence: f32,
    /// Of another reading of the words: how likely it is beside what was read, in `(0, 1]`.
    pub variant: Option<f32>,
}

impl Candidate {
    /// Whether the first lines of two candidates share letters.
    pub(super) fn overlaps(&self, other: &Candidate) -> bool {
        let (one, two) = (self.spans[0], other.spans[0]);
        one.segment == two.segment && one.start < two.end && two.start < one.end
    }
}

/// The candidates of a document by kind.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pub dates: Vec<Candidate>,
    pub numbers: Vec<Candidate>,
    pub codes: Vec<Candidate>,
    pub texts: Vec<Candidate>,
    pub stacks: Vec<Candidate>,
    /// Texts for fields that have been shown examples.
    pub wide: Vec<Candidate>,
    /// Dates and numbers of other readings.
    pub variants: Vec<Candidate>,
}

/// Which pools the fields of a hub need.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub dates: bool,
    pub numbers: bool,
    pub texts: bool,
    pub stacks: bool,
}

static TRAILING_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(.{4,}?)\s*[(\[]\s*[A-Z0-9\-\s./:]*\d[A-Z0-9\-\s./]*[)\]]?\s*$")
        .expect("the pattern is a constant that the tests run")
});
static TRAILING_CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(.{6,}?)[\s,;|·•–-]*\b(?:tel|fax|phone|gst|e-?mail|hp|co\.? ?reg|reg\.? ?no|roc|vat|ust|au capital|registered|amtsgericht|siret|rcs|hrb|telefon|tél|telefoon|company no)\b.*$")
        .expect("the pattern is a constant that the tests run")
});

impl Pools {
    pub(super) fn build(document: &Document<'_>, labels: &Labels, order: Order, needs: Needs) -> Self {
        let mut pools = Pools::default();
        for index in looked_at(document.segments.len()) {
            let maker = Maker { document, labels, index };
            if pools.longest() >= EXTRACT_CANDIDATES_MAX {
                break;
            }
            let dates = dates::find(&document.segments[index].text, order);
            if needs.numbers {
                maker.numbers(&dates, &mut pools.numbers);
            }
            if needs.texts {
                maker.texts(&mut pools.texts);
                maker.codes(&dates, &mut pools.codes);
            }
            if needs.dates {
                maker.dates(dates, &mut pools.dates);
            }
            variants::find(document, labels, (index, order), needs, &mut pools);
        }
        if needs.stacks {
            stacks::find(document, labels, &mut pools.stacks);
        }
        if needs.texts {
            let known = pools.texts.iter().chain(&pools.stacks).chain(&pools.codes);
            pools.wide = wide::find(document, labels, known);
        }
        pools
    }

    /// All pools, in the order in which candidates are numbered.
    pub(super) fn all(&self) -> [&Vec<Candidate>; 7] {
        [&self.dates, &self.numbers, &self.codes, &self.texts, &self.stacks, &self.wide, &self.variants]
    }

    /// The numbers of each pool's candidates.
    pub(super) fn ranges(&self) -> [std::ops::Range<usize>; 7] {
        let mut end = 0;
        self.all().map(|pool| {
            let start = end;
            end += pool.len();
            start..end
        })
    }

    /// Of another reading: which of how many dates or numbers it stands in the place of.
    pub(super) fn standing(&self, candidate: &Candidate) -> Option<(usize, usize)> {
        candidate.variant?;
        let pool = if matches!(candidate.reading, Reading::Date(_)) { &self.dates } else { &self.numbers };
        pool.iter().position(|other| other.overlaps(candidate)).map(|index| (index, pool.len()))
    }

    fn longest(&self) -> usize {
        [&self.dates, &self.numbers, &self.codes, &self.texts].into_iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// Of a long document the beginning and the end: what is asked for stands there.
fn looked_at(segments: usize) -> impl Iterator<Item = usize> {
    let half = EXTRACT_CANDIDATES_MAX / 2;
    (0..segments).filter(move |&index| index < half || index + half >= segments)
}

struct Maker<'a, 'p> {
    document: &'a Document<'p>,
    labels: &'a Labels,
    index: usize,
}

impl Maker<'_, '_> {
    fn candidate(&self, start: usize, end: usize, reading: Reading) -> Option<Candidate> {
        let span = Span { segment: self.index, start, end };
        (start < end).then(|| make(self.document, self.labels, vec![span], reading))
    }

    fn text(&self) -> &str {
        &self.document.segments[self.index].text
    }

    fn dates(&self, dates: Vec<FoundDate>, pool: &mut Vec<Candidate>) {
        pool.extend(dates.into_iter().filter_map(|date| {
            let end = date.time.map_or(date.end, |(_, end)| end);
            self.candidate(date.start, end, Reading::Date(date))
        }));
    }

    fn numbers(&self, dates: &[FoundDate], pool: &mut Vec<Candidate>) {
        if !self.text().bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        for number in amounts::find(self.text()) {
            let in_date = dates
                .iter()
                .any(|date| date.start < number.end && number.start < date.end && date.quality > 0.7);
            if !in_date {
                pool.extend(self.candidate(number.start, number.end, Reading::Number(number)));
            }
        }
    }

    fn codes(&self, dates: &[FoundDate], pool: &mut Vec<Candidate>) {
        let text = self.text();
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        for (kind, found) in [(CodeKind::Iban, codes::ibans(text)), (CodeKind::TaxId, codes::tax_ids(text))] {
            for code in found {
                let reading = Reading::Code { value: code.value, kind, quality: code.quality };
                pool.extend(self.candidate(code.start, code.end, reading));
            }
        }
        let segment = &self.document.segments[self.index];
        for (nth, &start) in segment.starts.iter().enumerate() {
            let word = &self.document.words[segment.words.start + nth].text;
            let (start, end) = trimmed_range(text, start, start + word.len());
            let in_date = dates.iter().any(|date| date.start < end && start < date.end);
            let value = text[start..end].trim_end_matches(['.', ')', ']']);
            let value_start = start + (value.len() - value.trim_start_matches(['(', '[']).len());
            let digits = value.bytes().any(|byte| byte.is_ascii_digit());
            if digits && !in_date && (2..=40).contains(&value.len()) {
                pool.extend(self.candidate(value_start, start + value.len(), Reading::Text(Cut::Word)));
            }
        }
    }

    fn texts(&self, pool: &mut Vec<Candidate>) {
        let text = self.text();
        if !self.labels.is_label(self.index) {
            self.push_text(0, text.len(), Cut::Segment, pool);
            for pattern in [&TRAILING_NUMBER, &TRAILING_CONTACT] {
                if let Some(stripped) = pattern.captures(text).and_then(|captures| captures.get(1)) {
                    self.push_text(stripped.start(), stripped.end(), Cut::Stripped, pool);
                }
            }
        }
        // The line of the sender: name, street and town between points.
        if let Some(end) = sender_name_end(text) {
            self.push_text(0, end, Cut::Sender, pool);
        }
        for separator in [" ● ", " • ", " · ", " ∙ "] {
            if let Some(end) = text.find(separator) {
                self.push_text(0, end, Cut::Stripped, pool);
            }
        }
        let labels: Vec<Span> = self.labels.in_segment(self.index).map(|label| label.span).collect();
        self.boxes(pool);
        for (nth, label) in labels.iter().enumerate() {
            self.push_text(label.end, text.len(), Cut::AfterLabel, pool);
            if let Some(next) = labels.get(nth + 1) {
                self.push_text(label.end, next.start, Cut::AfterLabel, pool);
            }
        }
        let colon = text.find(": ").filter(|colon| *colon < 40);
        let unlabelled =
            |colon: &usize| labels.iter().all(|label| label.end < *colon || label.start > colon + 1);
        if let Some(colon) = colon.filter(unlabelled) {
            self.push_text(colon + 1, text.len(), Cut::AfterLabel, pool);
        }
    }

    /// Boxes to tick, each with the label before or behind it; and what stands between them.
    fn boxes(&self, pool: &mut Vec<Candidate>) {
        let text = self.text();
        let marks = boxes::marks(text);
        for (nth, mark) in marks.iter().enumerate() {
            let Some(mut candidate) = self.candidate(mark.start, mark.end, Reading::Text(Cut::Word)) else {
                continue;
            };
            let next = marks.get(nth + 1).map_or(text.len(), |next| next.start);
            let named = self.label_of(mark.start, mark.end, next);
            candidate.relations.extend(named.into_iter().flat_map(|label| {
                label.meanings.iter().map(|&meaning| Relation { meaning, strength: 0.95, section: false })
            }));
            candidate.relations.sort_by(|a, b| b.strength.total_cmp(&a.strength));
            pool.push(candidate);
            self.push_text(mark.end, next, Cut::AfterLabel, pool);
        }
    }

    /// The label of a mark: directly behind it, else directly before it, else in the next text when the mark is alone.
    fn label_of(&self, start: usize, end: usize, next: usize) -> Option<&Label> {
        let text = self.text();
        let blank = |from: usize, to: usize| !text[from..to].contains(char::is_alphanumeric);
        let behind = self
            .labels
            .in_segment(self.index)
            .find(|label| label.span.start >= end && label.span.end <= next && blank(end, label.span.start));
        let before = || {
            self.labels
                .in_segment(self.index)
                .find(|label| label.span.end <= start && blank(label.span.end, start))
        };
        let beside = || {
            let other = self.document.segments.get(self.index + 1)?;
            let own = &self.document.segments[self.index];
            let near = other.line == own.line && other.rect.x - own.rect.right() < 3.0 * own.rect.height;
            self.labels.in_segment(self.index + 1).find(|label| label.span.start == 0 && near)
        };
        behind.or_else(before).or_else(|| if boxes::is_mark(text) { beside() } else { None })
    }

    fn push_text(&self, start: usize, end: usize, cut: Cut, pool: &mut Vec<Candidate>) {
        let (start, end) = trimmed_range(self.text(), start, end);
        if self.text()[start..end].chars().any(char::is_alphanumeric) {
            pool.extend(self.candidate(start, end, Reading::Text(cut)));
        }
    }
}

pub(super) fn make(
    document: &Document<'_>,
    labels: &Labels,
    spans: Vec<Span>,
    reading: Reading,
) -> Candidate {
    let text = spans.iter().map(|span| document.text(*span)).collect::<Vec<_>>().join(" ");
    let rect = document.rect(spans[0]);
    // The label of a cell's lines stands beside the second of them.
    let labelled = if is_cell(document, labels, &spans) { spans[1] } else { spans[0] };
    Candidate {
        page: document.segments[spans[0].segment].page,
        relations: labels.relations(document, labelled, document.rect(labelled)),
        confidence: document.confidence(&spans),
        variant: None,
        spans,
        reading,
        text,
        rect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{
        lexicon::{Lexicon, Meaning},
        samples::page,
    };

    fn pools(texts: &[(f32, f32, &str)]) -> Pools {
        let pages = [page(texts)];
        let document = Document::new(&pages);
        let labels = [(0, "Invoice number"), (1, "Seller")]
            .map(|(field, label)| (Meaning::Field(field), label.to_owned()));
        let labels = Labels::find(&document, &Lexicon::new(labels));
        Pools::build(
            &document,
            &labels,
            Order::DayFirst,
            Needs { dates: true, numbers: true, texts: true, stacks: true },
        )
    }

    fn texts(pool: &[Candidate]) -> Vec<&str> {
        pool.iter().map(|candidate| candidate.text.as_str()).collect()
    }

    #[test]
    fn every_kind_of_value_is_found() {
        let pools = pools(&[
            (0.1, 0.1, "Invoice number: A-17"),
            (0.1, 0.15, "12.03.2024"),
            (0.1, 0.2, "EUR 1.234,50"),
            (0.1, 0.25, "Some Company Ltd (123-X)"),
        ]);
        assert_eq!(texts(&pools.dates), ["12.03.2024"]);
        assert_eq!(texts(&pools.numbers), ["1.234,50"]);
        assert!(texts(&pools.codes).contains(&"A-17"));
        assert!(texts(&pools.texts).contains(&"Some Company Ltd"));
    }

    #[test]
    fn lines_below_each_other_are_a_stack() {
        let pools = pools(&[(0.1, 0.1, "Some Street 1"), (0.1, 0.112, "12345 Town"), (0.1, 0.3, "Far away")]);
        assert_eq!(texts(&pools.stacks), ["Some Street 1 12345 Town"]);
        assert_eq!(pools.stacks[0].spans.len(), 2);
    }
}
