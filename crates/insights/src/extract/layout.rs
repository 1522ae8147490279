//! From words to lines and segments: the geometry every other step asks about.
//!
//! A line is what stands on one height of a page, left to right. A segment is a piece of a line without a wide gap: a
//! label, a value, a table cell, or a label with its value. Rectangles here are in points, so that widths and heights
//! compare; they become fractions of the page again only in [`Document::placements`].

use crate::page::{Page, PageSource, Rect};
use domain::{
    extraction::{PageBox, Placement, TextSpan},
    limits,
};
use std::ops::Range;

/// A gap wider than this ends a segment; in line heights.
const SEGMENT_GAP: f32 = 1.2;
/// Words of the longest segment.
const SEGMENT_WORDS_MAX: usize = 60;
/// A word belongs to a line when their middles are nearer than this; in heights of the lower of the two.
const LINE_SHIFT: f32 = 0.45;

/// A stretch of a segment's text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub segment: usize,
    pub start: usize,
    pub end: usize,
}

/// One word, or a piece of one where a label and its value stood together.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub text: String,
    pub rect: Rect,
    pub confidence: f32,
    /// What it may say instead, and how sure the reader is of that.
    pub alternatives: Vec<(String, f32)>,
    /// Of a format without pages: where it stands in the extracted text, in characters.
    pub offsets: (u32, u32),
}

#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// Index of the page.
    pub page: usize,
    /// Index of the line.
    pub line: usize,
    pub rect: Rect,
    /// The words with one space between them.
    pub text: String,
    /// Indices of the words.
    pub words: Range<usize>,
    /// Where each word starts in `text`.
    pub starts: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub page: usize,
    /// Indices of its segments, left to right.
    pub segments: Range<usize>,
}

/// The pages of one document, ready to be asked.
#[derive(Debug)]
pub(super) struct Document<'p> {
    pub pages: &'p [Page],
    pub words: Vec<Token>,
    pub segments: Vec<Segment>,
    pub lines: Vec<Line>,
    /// The usual line height of each page, in points.
    pub line_heights: Vec<f32>,
}

impl<'p> Document<'p> {
    /// Lays out at most [`limits::EXTRACT_WORDS_MAX`] words; the rest of a longer document is not looked at.
    pub(super) fn new(pages: &'p [Page]) -> Self {
        let mut document = Document {
            pages,
            words: Vec::new(),
            segments: Vec::new(),
            lines: Vec::new(),
            line_heights: Vec::new(),
        };
        for (index, page) in pages.iter().enumerate() {
            let room = limits::EXTRACT_WORDS_MAX.saturating_sub(document.words.len());
            let tokens = tokens(page, room);
            let mut heights: Vec<f32> = tokens.iter().map(|token| token.rect.height).collect();
            heights.sort_by(f32::total_cmp);
            document.line_heights.push(heights.get(heights.len() / 2).copied().unwrap_or(10.0).max(1.0));
            for line in group_lines(tokens) {
                document.push_line(index, line);
            }
        }
        document
    }

    fn push_line(&mut self, page: usize, mut line: Vec<Token>) {
        line.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
        let first_segment = self.segments.len();
        let index = self.lines.len();
        let mut current: Vec<Token> = Vec::new();
        for token in line {
            let gap_ends = current.last().is_some_and(|last| {
                token.rect.x - last.rect.right() > SEGMENT_GAP * token.rect.height.min(last.rect.height)
            });
            if gap_ends || current.len() >= SEGMENT_WORDS_MAX {
                self.push_segment(page, index, std::mem::take(&mut current));
            }
            current.push(token);
        }
        self.push_segment(page, index, current);
        self.lines.push(Line { page, segments: first_segment..self.segments.len() });
    }

    fn push_segment(&mut self, page: usize, line: usize, tokens: Vec<Token>) {
        let Some(first) = tokens.first() else { return };
        let mut rect = first.rect;
        let (mut text, mut starts) = (String::new(), Vec::with_capacity(tokens.len()));
        for token in &tokens {
            if !text.is_empty() {
                text.push(' ');
            }
            starts.push(text.len());
            text.push_str(&token.text);
            rect = rect.union(&token.rect);
        }
        let words = self.words.len()..self.words.len() + tokens.len();
        self.words.extend(tokens);
        self.segments.push(Segment { page, line, rect, text, words, starts });
    }

    pub(super) fn line_height(&self, page: usize) -> f32 {
        self.line_heights.get(page).copied().unwrap_or(10.0)
    }

    pub(super) fn text(&self, span: Span) -> &str {
        &self.segments[span.segment].text[span.start..span.end]
    }

    /// What stands on the page; lines are joined with a space.
    pub(super) fn joined(&self, spans: &[Span]) -> String {
        spans.iter().map(|span| self.text(*span)).collect::<Vec<_>>().join(" ")
    }

    /// The words of a span: index of the word, and which bytes of it.
    fn words_of(&self, span: Span) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let segment = &self.segments[span.segment];
        segment.starts.iter().enumerate().filter_map(move |(nth, &start)| {
            let word = segment.words.start + nth;
            let length = self.words[word].text.len();
            let (from, to) = (span.start.max(start), span.end.min(start + length));
            (from < to).then(|| (word, from - start..to - start))
        })
    }

    /// Where a span stands, in points. Of a word that is only partly in it, the part by number of characters.
    pub(super) fn rect(&self, span: Span) -> Rect {
        let mut rect: Option<Rect> = None;
        for (index, bytes) in self.words_of(span) {
            let word = &self.words[index];
            let part = part_of(word.rect, &word.text, bytes);
            rect = Some(rect.map_or(part, |all| all.union(&part)));
        }
        rect.unwrap_or(self.segments[span.segment].rect)
    }

    /// How sure the reader was of the words of a span.
    pub(super) fn confidence(&self, spans: &[Span]) -> f32 {
        let words = spans.iter().flat_map(|span| self.words_of(*span));
        words.map(|(index, _)| self.words[index].confidence).fold(1.0, f32::min).clamp(0.0, 1.0)
    }

    /// Where a span stands in the extracted text of a format without pages, in characters.
    fn offsets(&self, span: Span) -> Option<(u32, u32)> {
        let parts = self.words_of(span).map(|(index, bytes)| {
            let word = &self.words[index];
            let characters = |bytes: Range<usize>| word.text[bytes].chars().count() as u32;
            let end = if bytes.end == word.text.len() {
                word.offsets.1
            } else {
                word.offsets.0 + characters(0..bytes.end)
            };
            (word.offsets.0 + characters(0..bytes.start), end)
        });
        parts.reduce(|all, part| (all.0.min(part.0), all.1.max(part.1)))
    }

    /// One box per line, as fractions of the page as displayed; of a format without pages one stretch of text per line.
    pub(super) fn placements(&self, spans: &[Span]) -> Vec<Placement> {
        let Some(first) = spans.first() else { return Vec::new() };
        let page = &self.pages[self.segments[first.segment].page];
        if page.source != PageSource::Flow {
            return self.boxes(spans);
        }
        let mut stretches: Vec<(usize, u32, u32)> = Vec::with_capacity(spans.len());
        for span in spans {
            let Some((start, end)) = self.offsets(*span) else { continue };
            let line = self.segments[span.segment].line;
            match stretches.iter_mut().find(|(other, ..)| *other == line) {
                Some(all) => *all = (line, all.1.min(start), all.2.max(end)),
                None => stretches.push((line, start, end)),
            }
        }
        stretches.sort_unstable();
        let placement = |(_, start, end): (usize, u32, u32)| {
            Placement::Span(TextSpan { page: page.number, start: u64::from(start), end: u64::from(end) })
        };
        stretches.into_iter().map(placement).collect()
    }

    fn boxes(&self, spans: &[Span]) -> Vec<Placement> {
        let mut boxes: Vec<(usize, Rect)> = Vec::with_capacity(spans.len());
        for span in spans {
            let (line, rect) = (self.segments[span.segment].line, self.rect(*span));
            match boxes.iter_mut().find(|(other, _)| *other == line) {
                Some((_, all)) => *all = all.union(&rect),
                None => boxes.push((line, rect)),
            }
        }
        boxes.sort_by_key(|(line, _)| *line);
        boxes
            .into_iter()
            .map(|(line, rect)| {
                let page = &self.pages[self.lines[line].page];
                let (width, height) = size(page);
                let shown = Rect {
                    x: rect.x / width,
                    y: rect.y / height,
                    width: rect.width / width,
                    height: rect.height / height,
                };
                let Rect { x, y, width, height } = page.displayed(shown);
                let [x, y, width, height] = [x, y, width, height].map(f64::from);
                Placement::Box(PageBox::new(page.number, x, y, width, height))
            })
            .collect()
    }
}

/// The size of a page in points; a page that does not tell counts as A4.
pub(super) fn size(page: &Page) -> (f32, f32) {
    let usable = |length: f32| length.is_finite() && length > 1.0;
    if usable(page.width) && usable(page.height) { (page.width, page.height) } else { (595.0, 842.0) }
}

/// The part of a word's box that some of its bytes take.
fn part_of(rect: Rect, text: &str, bytes: Range<usize>) -> Rect {
    if bytes.start == 0 && bytes.end == text.len() {
        return rect;
    }
    let all = text.chars().count().max(1) as f32;
    let before = text[..bytes.start].chars().count() as f32;
    let inside = text[bytes.start..bytes.end].chars().count() as f32;
    Rect { x: rect.x + rect.width * before / all, width: rect.width * inside / all, ..rect }
}

fn tokens(page: &Page, room: usize) -> Vec<Token> {
    let (width, height) = size(page);
    let mut tokens = Vec::with_capacity(page.words.len().min(room));
    let mut alternatives = page.alternatives.iter().peekable();
    for (index, word) in page.words.iter().take(room).enumerate() {
        let fractions = word.rect;
        let finite =
            [fractions.x, fractions.y, fractions.width, fractions.height].iter().all(|v| v.is_finite());
        let text = word.text.trim();
        while alternatives.next_if(|other| (other.word as usize) < index).is_some() {}
        let instead = std::iter::from_fn(|| alternatives.next_if(|other| other.word as usize == index));
        if text.is_empty() || !finite {
            continue;
        }
        let rect = Rect {
            x: fractions.x * width,
            y: fractions.y * height,
            width: (fractions.width * width).max(0.1),
            height: (fractions.height * height).max(0.1),
        };
        let offsets = page.offsets.get(index).copied().unwrap_or_default();
        let token = |text: &str, rect, offsets| Token {
            text: text.to_owned(),
            rect,
            confidence: word.confidence,
            alternatives: Vec::new(),
            offsets,
        };
        match label_end(text) {
            Some(end) => {
                let middle = (offsets.0 + text[..end].chars().count() as u32).min(offsets.1);
                tokens.push(token(&text[..end], part_of(rect, text, 0..end), (offsets.0, middle)));
                let rest = part_of(rect, text, end..text.len());
                tokens.push(token(&text[end..], rest, (middle, offsets.1)));
            }
            None => tokens.push(token(text, rect, offsets)),
        }
        // Of a label with its value only the value is asked for.
        if let Some(last) = tokens.last_mut() {
            last.alternatives = instead
                .map(|other| {
                    (other.text[label_end(&other.text).unwrap_or(0)..].trim().to_owned(), other.confidence)
                })
                .filter(|(other, _)| !other.is_empty() && *other != last.text)
                .collect();
        }
    }
    tokens
}

/// Where a word is a label with its value (`No:123`), the end of the label; not in times, addresses of the web or ratios.
fn label_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let (before, after) = (&text[..colon], &text[colon + 1..]);
    let label = before.chars().any(char::is_alphabetic) && !before.chars().any(|c| c.is_ascii_digit());
    (label && after.chars().any(char::is_alphanumeric) && !after.starts_with("//")).then_some(colon + 1)
}

/// Words on one height, from top to bottom.
fn group_lines(mut tokens: Vec<Token>) -> Vec<Vec<Token>> {
    tokens.sort_by(|a, b| a.rect.middle().total_cmp(&b.rect.middle()));
    let mut lines: Vec<Vec<Token>> = Vec::new();
    let mut reference = (f32::MIN, 0.0_f32);
    for token in tokens {
        let (middle, height) = (token.rect.middle(), token.rect.height);
        match lines.last_mut() {
            Some(line) if middle - reference.0 < LINE_SHIFT * height.min(reference.1) => {
                // The reference follows slowly, so that a slightly turned line stays one.
                reference.0 += (middle - reference.0) / (line.len() as f32 + 1.0);
                line.push(token);
            }
            _ => {
                reference = (middle, height);
                lines.push(vec![token]);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::samples::page;

    #[test]
    fn a_wide_gap_splits_a_line_into_segments() {
        let pages = [page(&[(0.1, 0.1, "Invoice no"), (0.6, 0.1, "A-17"), (0.1, 0.2, "Next line")])];
        let document = Document::new(&pages);
        let texts: Vec<_> = document.segments.iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(texts, ["Invoice no", "A-17", "Next line"]);
        assert_eq!(document.lines.len(), 2);
        assert_eq!(document.segments[0].line, document.segments[1].line);
    }

    #[test]
    fn a_label_glued_to_its_value_is_split() {
        assert_eq!(label_end("No:123"), Some(3));
        assert_eq!(label_end("12:30"), None);
        assert_eq!(label_end("https://example.org"), None);
        assert_eq!(label_end("Total:"), None);
    }

    #[test]
    fn a_part_of_a_word_has_a_part_of_its_box() {
        let pages = [page(&[(0.1, 0.1, "RM42.90")])];
        let document = Document::new(&pages);
        let whole = document.rect(Span { segment: 0, start: 0, end: 7 });
        let amount = document.rect(Span { segment: 0, start: 2, end: 7 });
        assert!((amount.right() - whole.right()).abs() < 0.01);
        assert!((amount.width / whole.width - 5.0 / 7.0).abs() < 0.01);
    }

    #[test]
    fn a_value_on_two_lines_has_two_boxes() {
        let pages = [page(&[(0.1, 0.1, "Some Street 1"), (0.1, 0.12, "12345 Town")])];
        let document = Document::new(&pages);
        let spans: Vec<_> = (0..2)
            .map(|segment| Span { segment, start: 0, end: document.segments[segment].text.len() })
            .collect();
        assert_eq!(document.placements(&spans).len(), 2);
    }
}
