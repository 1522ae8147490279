//! How strongly a label and a value belong together, by where they stand.

use super::{
    labels::{Label, Labels, is_currency},
    layout::{Document, Span},
    lexicon::Meaning,
};
use crate::page::Rect;

/// How far above a value its column's label may stand, in line heights.
const ABOVE_LINES_MAX: f32 = 7.0;
/// How far above a value its section's label may stand, in line heights.
pub(super) const SECTION_LINES_MAX: f32 = 14.0;
/// Labels near one value that are looked at.
pub(super) const NEAR_MAX: usize = 400;

/// In `[0, 1]`, and whether the label only heads the section of the value; `None` where they do not belong together.
pub(super) fn strength(
    document: &Document<'_>,
    labels: &Labels,
    label: &Label,
    span: Span,
    rect: Rect,
    height: f32,
) -> Option<(f32, bool)> {
    if label.span.segment == span.segment {
        return before_in_segment(document, label, span).map(|strength| (strength * label.quality, false));
    }
    let overlap = label.rect.bottom().min(rect.bottom()) - label.rect.y.max(rect.y);
    if overlap > 0.4 * label.rect.height.min(rect.height) {
        return (label.rect.right() <= rect.x + height)
            .then(|| (left_in_row(document, label, span) * label.quality, false));
    }
    let distance = (rect.y - label.rect.bottom()) / height;
    if !(-0.6..=SECTION_LINES_MAX).contains(&distance) {
        return None;
    }
    let column =
        (distance <= ABOVE_LINES_MAX).then(|| above(document, label, span, rect, distance, height)).flatten();
    if let Some(strength) = column {
        return Some((strength * label.quality, false));
    }
    if let Some(strength) = wrapped(document, label, span, distance) {
        return Some((strength * label.quality, false));
    }
    section(document, labels, label, span, rect, height).map(|strength| (strength * label.quality, true))
}

fn before_in_segment(document: &Document<'_>, label: &Label, span: Span) -> Option<f32> {
    let between = document.segments[span.segment].text.get(label.span.end..span.start)?;
    let words = between
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric) && !is_currency(word));
    Some(match words.count() {
        0 => 1.0,
        1 => 0.8,
        2 => 0.65,
        3..=5 => 0.4,
        _ => 0.15,
    })
}

fn left_in_row(document: &Document<'_>, label: &Label, span: Span) -> f32 {
    let (from, to) = (label.span.segment, span.segment);
    let same_line = document.segments[from].line == document.segments[to].line;
    let between = if same_line {
        (from + 1..to)
            .take(8)
            .filter(|&index| {
                let text = &document.segments[index].text;
                text.chars().any(char::is_alphanumeric) && !is_currency(text)
            })
            .count()
    } else {
        0
    };
    let value_text = &document.segments[to].text[..span.start];
    let inside = value_text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric) && !is_currency(word));
    let base = match between + inside.count().min(2) {
        0 => 0.97,
        1 => 0.6,
        2 => 0.4,
        _ => 0.25,
    };
    base * if label.consumed { 0.35 } else { 1.0 }
}

fn above(
    document: &Document<'_>,
    label: &Label,
    span: Span,
    rect: Rect,
    distance: f32,
    height: f32,
) -> Option<f32> {
    let overlap = label.rect.right().min(rect.right()) - label.rect.x.max(rect.x);
    let aligned =
        (label.rect.x - rect.x).abs() < 1.5 * height || (label.rect.right() - rect.right()).abs() < height;
    if overlap <= 0.0 && !aligned {
        return None;
    }
    let base = match distance {
        d if d < 1.2 => 0.85,
        d if d < 2.2 => 0.75,
        d if d < 3.5 => 0.62,
        _ => 0.45,
    };
    let (from, to) = (document.segments[label.span.segment].line, document.segments[span.segment].line);
    let mut crossed = 1.0_f32;
    for line in document.lines.get(from + 1..to).unwrap_or_default().iter().take(12) {
        let between = document.segments[line.segments.clone()].iter().find(|segment| {
            segment.rect.right().min(rect.right()) - segment.rect.x.max(rect.x) > 0.0
                && segment.rect.y >= label.rect.bottom() - 0.5 * height
                && segment.rect.bottom() <= rect.y + 0.5 * height
        });
        // Down a column of numbers the header stays the header.
        if let Some(between) = between {
            let number = between.text.chars().all(|c| !c.is_alphabetic());
            crossed *= if number { 0.87 } else { 0.75 };
        }
    }
    let lead = document.segments[span.segment].text[..span.start].chars().any(char::is_alphanumeric);
    Some(
        base * crossed
            * if label.consumed { 0.35 } else { 1.0 }
            * if label.has_right { 0.5 } else { 1.0 }
            * if lead { 0.6 } else { 1.0 },
    )
}

/// A label at the end of a line of prose, whose value begins the next line.
fn wrapped(document: &Document<'_>, label: &Label, span: Span, distance: f32) -> Option<f32> {
    let (from, to) = (&document.segments[label.span.segment], &document.segments[span.segment]);
    let ends_line = !from.text[label.span.end..].contains(char::is_alphanumeric) && label.span.start > 0;
    let begins_line = span.start == 0 && document.lines[to.line].segments.start == span.segment;
    (ends_line && begins_line && to.line == from.line + 1 && distance < 1.2).then_some(0.8)
}

/// A label alone on its line heads what stands below it, until the next such label.
fn section(
    document: &Document<'_>,
    labels: &Labels,
    label: &Label,
    span: Span,
    rect: Rect,
    height: f32,
) -> Option<f32> {
    // One that has its value beside it (`Customer: 2`) heads nothing.
    if !label.whole || label.has_right || label.consumed || label.rect.y >= rect.y {
        return None;
    }
    let line = &document.lines[document.segments[span.segment].line];
    let line_start = document.segments[line.segments.start].rect.x;
    let under =
        (label.rect.x - rect.x).abs() < 2.0 * height || (label.rect.x - line_start).abs() < 2.0 * height;
    if !under {
        return None;
    }
    let page = labels.of_page(label.page);
    let start = page.partition_point(|other| other.rect.y < label.rect.y);
    let interrupted =
        page[start..].iter().take_while(|other| other.rect.y < rect.y).take(NEAR_MAX).any(|other| {
            other.whole
                && !other.has_right
                && other.rect.y > label.rect.bottom() - 0.3 * height
                && other.rect.bottom() < rect.y
                && (other.rect.x - label.rect.x).abs() < 2.0 * height
                && !other.meanings.iter().all(|meaning| matches!(meaning, Meaning::Name | Meaning::Address))
                && document.segments[other.span.segment].line != document.segments[span.segment].line
        });
    (!interrupted).then_some(0.55)
}
