//! More places that could be a text, for hubs that have been shown examples.
//!
//! Without examples these would only be noise: lines cut at commas and brackets, without their first or last words, whole
//! lines below each other. With examples they are what lets a hub learn that its company is "the first line without the
//! register number", or its address "lines two to four up to the telephone number".

use super::{
    candidates::{Candidate, Cut, Reading, make},
    labels::Labels,
    layout::{Document, Span},
    text::trimmed_range,
};
use std::collections::HashSet;

/// Segments and lines that are cut, from the beginning of the document.
const SEGMENTS_MAX: usize = 400;
const LINES_MAX: usize = 150;
/// Candidates of this kind.
const CANDIDATES_MAX: usize = 1500;
const STACK_LINES_MAX: usize = 6;
/// Longer texts are not cut word by word.
const WORDS_MAX: usize = 10;

/// Candidates that are not among `known`.
pub(super) fn find<'c>(
    document: &Document<'_>,
    labels: &Labels,
    known: impl Iterator<Item = &'c Candidate>,
) -> Vec<Candidate> {
    let mut seen: HashSet<Vec<Span>> = known.map(|candidate| candidate.spans.clone()).collect();
    let mut found = Vec::new();
    let mut push = |spans: Vec<Span>, cut: Cut| {
        if found.len() < CANDIDATES_MAX && !spans.is_empty() && seen.insert(spans.clone()) {
            found.push(make(document, labels, spans, Reading::Text(cut)));
        }
    };
    for segment in 0..document.segments.len().min(SEGMENTS_MAX) {
        let text = &document.segments[segment].text;
        for (start, end) in pieces(text) {
            let (start, end) = trimmed_range(text, start, end);
            if text[start..end].chars().any(char::is_alphanumeric) {
                push(vec![Span { segment, start, end }], Cut::Piece);
            }
        }
    }
    for first in 0..document.lines.len().min(LINES_MAX) {
        for spans in stacks(document, first) {
            push(spans, Cut::Lines);
        }
    }
    found
}

/// Parts of a text, in bytes.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    let mut pieces = vec![(0, text.len())];
    for (at, sign) in text
        .char_indices()
        .filter(|(_, c)| matches!(c, '(' | '[' | ')' | ']' | ',' | ':' | ';' | '|' | '/' | '=' | '#'))
    {
        pieces.push((0, at));
        pieces.push((at + sign.len_utf8(), text.len()));
    }
    for (at, _) in text.match_indices(" - ") {
        pieces.push((0, at));
        pieces.push((at + 3, text.len()));
    }
    let spaces: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    if spaces.len() < WORDS_MAX {
        for count in 1..=2 {
            if let Some(&at) = spaces.get(count - 1) {
                pieces.push((at + 1, text.len()));
            }
            if let Some(&at) = spaces.len().checked_sub(count).and_then(|index| spaces.get(index)) {
                pieces.push((0, at));
            }
        }
    }
    pieces.truncate(40);
    pieces
}

/// Whole lines below each other, from `first` on; the last one also up to what is appended to it.
fn stacks(document: &Document<'_>, first: usize) -> Vec<Vec<Span>> {
    let mut all = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let mut above: Option<usize> = None;
    for (index, line) in document.lines.iter().enumerate().skip(first).take(STACK_LINES_MAX) {
        let Some(segment) = document.segments.get(line.segments.start) else { break };
        let height = document.line_height(line.page).max(segment.rect.height);
        if let Some(above) = above {
            let upper = &document.segments[document.lines[above].segments.start];
            if line.page != upper.page || segment.rect.y - upper.rect.bottom() > 2.0 * height {
                break;
            }
        }
        above = Some(index);
        let before = spans.clone();
        for segment in line.segments.clone() {
            let text = &document.segments[segment].text;
            let (start, end) = trimmed_range(text, 0, text.len());
            if start < end {
                spans.push(Span { segment, start, end });
            }
        }
        all.push(spans.clone());
        // The last line may end before a bracket, a point or a telephone number.
        if let Some(last) = spans.last().copied().filter(|_| spans.len() > before.len()) {
            let text = &document.segments[last.segment].text;
            for end in endings(text, last) {
                let mut cut = spans.clone();
                let place = cut.len() - 1;
                cut[place].end = end;
                all.push(cut);
            }
        }
    }
    all
}

fn endings(text: &str, last: Span) -> Vec<usize> {
    let cuts = ["(", "[", " TEL", " Tel", " tel", " FAX", " GST", " - "];
    let inside = &text[last.start..last.end];
    let found = cuts.iter().filter_map(|cut| inside.find(cut));
    let mut ends: Vec<usize> = found
        .map(|at| trimmed_range(text, last.start, last.start + at).1)
        .filter(|end| *end > last.start)
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}
