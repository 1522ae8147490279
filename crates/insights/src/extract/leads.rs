//! What leads to a value: the words before it, the title in its row, the word alone above it.
//!
//! Letters have conventions that no label shows: a town before the date, `Rechnung Nr. 17 vom`, `Herrn` above a name.

use super::{
    labels::Labels,
    layout::{Document, Segment, Span},
    shapes::{ADDRESS, TITLES, is_salutation},
    text::fold,
};

/// What stands before a value in its row: in its segment, else the segment left of it.
pub(super) fn before_in_row<'d>(document: &'d Document<'_>, span: Span) -> &'d str {
    let segment = &document.segments[span.segment];
    let before = segment.text[..span.start].trim_end();
    if !before.is_empty() || document.lines[segment.line].segments.start == span.segment {
        return before;
    }
    document.segments[span.segment - 1].text.trim_end()
}

/// What leads to a value, and the line that it stands on: where nothing stands before a value in its row, the end of the
/// line above, which may have been too long.
pub(super) fn lead<'d>(document: &'d Document<'_>, span: Span) -> (&'d str, usize) {
    let segment = &document.segments[span.segment];
    let before = before_in_row(document, span);
    let above = segment.line.checked_sub(1).filter(|_| before.is_empty());
    let upper = above.and_then(|line| document.segments[document.lines[line].segments.clone()].first());
    let continued = upper.filter(|upper| {
        let gap = segment.rect.y - upper.rect.bottom();
        upper.page == segment.page
            && (upper.rect.x - segment.rect.x).abs() < segment.rect.height
            && gap < 0.8 * segment.rect.height
            && dated(upper.text.trim_end())
    });
    continued.map_or((before, segment.line), |upper| (upper.text.trim_end(), upper.line))
}

/// Whether words that lead to a date stand before it: `vom`, `dated`, or a town (`Erfurt, den`).
pub(super) fn dated(before: &str) -> bool {
    const WORDS: [&str; 14] =
        ["vom", "dated", "of", "du", "del", "de", "van", "d.d.", "datum", "date", "le", "den", "the", "dd"];
    let town = before.strip_suffix(',').is_some_and(|town| {
        town.chars().next().is_some_and(char::is_uppercase)
            && town.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '.' | '/' | '\''))
            && town.split(' ').count() <= 4
    });
    town || before.rsplit(' ').next().is_some_and(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

/// Whether a date begins or ends a period: `01.04.2024 bis 30.06.2024`.
pub(super) fn in_period(text: &str, start: usize, end: usize) -> bool {
    const TO: [&str; 12] = ["bis", "to", "until", "au", "al", "a", "hasta", "tot", "até", "t/m", "-", "–"];
    let digit = |c: char| c.is_ascii_digit();
    let mut behind = text[end..].split_whitespace();
    let mut before = text[..start].split_whitespace().rev();
    let opens =
        behind.next().is_some_and(|word| TO.contains(&word)) && behind.any(|word| word.contains(digit));
    let closes =
        before.next().is_some_and(|word| TO.contains(&word)) && before.any(|word| word.contains(digit));
    opens || closes
}

/// Whether a line shows what kind of document this is (`Invoice`, `Handelsrechnung`).
pub(super) fn has_title(document: &Document<'_>, line: usize) -> bool {
    let line = &document.lines[line];
    let Some(first) = document.segments.get(line.segments.start) else { return false };
    let word = first.text.split_whitespace().next().map(fold).unwrap_or_default();
    TITLES.iter().take(9).any(|title| word == *title || (word.len() > title.len() && word.ends_with(title)))
}

/// Whether the line above is a word like "Herrn" or "To" alone, on the same edge.
pub(super) fn addressed(document: &Document<'_>, span: Span) -> bool {
    let segment = &document.segments[span.segment];
    let Some(above) = segment.line.checked_sub(1).map(|line| &document.lines[line]) else { return false };
    let height = document.line_height(segment.page);
    let near = |upper: &Segment| {
        let gap = segment.rect.y - upper.rect.bottom();
        (upper.rect.x - segment.rect.x).abs() < height && (-height..1.5 * height).contains(&gap)
    };
    let mut uppers = document.segments[above.segments.clone()].iter();
    span.start == 0
        && above.page == segment.page
        && uppers.any(|upper| near(upper) && is_salutation(&upper.text))
}

/// Whether two lines are one cell of a form: a label stands left of the second and nothing left of the first, because
/// labels stand in the middle of their rows.
pub(super) fn is_cell(document: &Document<'_>, labels: &Labels, spans: &[Span]) -> bool {
    let [upper, lower] = spans else { return false };
    let (above, below) = (&document.segments[upper.segment], &document.segments[lower.segment]);
    let first = |segment: &Segment| document.lines[segment.line].segments.start;
    let labelled = lower.segment > first(below) && labels.is_label(lower.segment - 1);
    labelled
        && upper.segment == first(above)
        && (upper.start, lower.start) == (0, 0)
        && (above.rect.x - below.rect.x).abs() < 0.5 * below.rect.height
}

pub(super) fn starts_address(line: &str) -> bool {
    ADDRESS.is_match(line) && !line.starts_with(['(', '['])
}
