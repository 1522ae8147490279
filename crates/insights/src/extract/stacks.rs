//! Values on several lines: names that go on below, addresses.

use super::{
    candidates::{Candidate, Cut, Reading, make},
    labels::Labels,
    layout::{Document, Span},
    shapes::TITLES,
    text::{fold, trimmed_range},
};

/// Lines of the longest value.
const STACK_LINES_MAX: usize = 6;
/// Blocks wider than this share of the page are prose.
const STACK_SEGMENTS_MAX: usize = 400;

/// Two to six segments directly below each other: names on two lines, addresses.
pub(super) fn find(document: &Document<'_>, labels: &Labels, pool: &mut Vec<Candidate>) {
    for start in 0..document.segments.len().min(STACK_SEGMENTS_MAX) {
        let after_label = labels.in_segment(start).last().map(|label| label.span.end);
        let first_text = &document.segments[start].text;
        let mut firsts = Vec::new();
        if !labels.is_label(start) {
            firsts.push(trimmed_range(first_text, 0, first_text.len()));
        }
        if let Some(end) = after_label.filter(|end| {
            first_text[..*end].ends_with(':') || first_text[*end..].trim_start().starts_with(':')
        }) {
            firsts.push(trimmed_range(first_text, end, first_text.len()));
        }
        for (from, to) in firsts.into_iter().filter(|(from, to)| from < to) {
            let mut spans = vec![Span { segment: start, start: from, end: to }];
            let mut current = start;
            while spans.len() < STACK_LINES_MAX {
                let Some(next) = below(document, current, start) else { break };
                if labels.is_label(next) {
                    break;
                }
                let text = &document.segments[next].text;
                let (start, end) = trimmed_range(text, 0, text.len());
                if start == end {
                    break;
                }
                spans.push(Span { segment: next, start, end });
                pool.push(make(document, labels, spans.clone(), Reading::Text(Cut::Stack)));
                current = next;
            }
        }
    }
}

/// Whether a text stands directly above a segment that could be the beginning of the same name.
pub(super) fn goes_on_above(document: &Document<'_>, segment: usize) -> bool {
    let line = document.segments[segment].line;
    let mut above =
        document.lines[line.saturating_sub(2)..line].iter().flat_map(|line| line.segments.clone());
    above.any(|upper| {
        let text = &document.segments[upper].text;
        let name = text.contains(char::is_alphabetic)
            && !text.contains(|c: char| c.is_ascii_digit() || c == ':')
            && !TITLES.contains(&fold(text).as_str());
        name && below(document, upper, upper) == Some(segment)
    })
}

/// The segment directly below another, in the same column of text.
fn below(document: &Document<'_>, upper: usize, first: usize) -> Option<usize> {
    let segment = &document.segments[upper];
    let height = segment.rect.height.max(0.6 * document.line_height(segment.page));
    let column = document.segments[first].rect;
    for line in document.lines.get(segment.line + 1..)?.iter().take(3) {
        if line.page != segment.page {
            return None;
        }
        for index in line.segments.clone() {
            let rect = document.segments[index].rect;
            let gap = rect.y - segment.rect.bottom();
            let left = (rect.x - column.x).abs() < 1.5 * height;
            let centred = ((rect.x + rect.right()) - (column.x + column.right())).abs() < 3.0 * height;
            if (left || centred) && gap < 0.9 * height && gap > -0.6 * height {
                return Some(index);
            }
        }
    }
    None
}
