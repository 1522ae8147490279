//! What a text looks like: a name, an address, a title, prose.

use super::{
    boxes,
    candidates::{Candidate, Cut},
    features::{Feature, flag},
    labels::Labels,
    layout::{Document, Span},
    leads::is_cell,
    shapes::{
        ADDRESS, STRICT_LEGAL_FORM, TITLES, digit_share, has_inner_colon, has_legal_form, heads_section,
        words_beside_legal_form,
    },
    stacks,
    text::fold,
};

pub(super) fn text_features(
    document: &Document<'_>,
    labels: &Labels,
    candidate: &Candidate,
    cut: Cut,
) -> [(Feature, f32); 14] {
    let text = &candidate.text;
    let phrase = |label: Span| document.text(label).contains(' ');
    // A label inside is one only where its value follows: `Lieferant GmbH` is a name.
    let inside = candidate.spans.iter().any(|span| {
        labels.in_segment(span.segment).any(|label| {
            let within = label.span.start >= span.start && label.span.end <= span.end;
            // Several words that begin it are a label even without a colon: `Sold to Somebody`.
            let heads = label.span.start == span.start && label.span.end < span.end && phrase(label.span);
            within && label.quality > 0.3 && (label.consumed || heads)
        })
    });
    let span = candidate.spans[0];
    let segment = &document.segments[span.segment].text;
    let before = segment[..span.start].trim_end();
    let after_phrase = labels
        .in_segment(span.segment)
        .any(|label| label.span.start == 0 && label.span.end == before.len() && phrase(label.span));
    let remainder = cut == Cut::AfterLabel && !before.ends_with([':', '.', '#', '=', '-']) && !after_phrase;
    let bracketed = before.ends_with(['(', '[']) || text.starts_with('(');
    [
        (Feature::LegalForm, flag(has_legal_form(text))),
        (Feature::AddressLike, ADDRESS.find_iter(text).take(3).count() as f32 / 3.0),
        (
            Feature::Title,
            flag(candidate.spans.iter().any(|span| {
                let line = document.text(*span);
                TITLES.contains(&fold(line).as_str()) || heads_section(line)
            })),
        ),
        (Feature::Prose, prose(text)),
        (Feature::Digits, digit_share(text)),
        (Feature::LabelInside, flag(inside || has_inner_colon(text))),
        (Feature::Part, flag(cut == Cut::Word && segment.len() > span.end - span.start)),
        (Feature::Stripped, flag(cut == Cut::Stripped)),
        (Feature::Quality, (fold(text).chars().count() as f32 / 4.0).min(1.0)),
        (Feature::Bracketed, flag(bracketed)),
        (Feature::Unbalanced, flag(!is_balanced(text))),
        (Feature::Remainder, flag(remainder)),
        (Feature::Completes, completes(document, labels, candidate)),
        (
            Feature::Ticked,
            boxes::before(segment, span.start).map_or(0.0, |ticked| if ticked { 1.0 } else { -1.0 }),
        ),
    ]
}

/// How much more than a name a text is: words beyond six, or a piece out of the middle of a sentence.
fn prose(text: &str) -> f32 {
    let words = text.split_whitespace();
    let count = words.clone().count();
    let low = |word: &str| word.chars().next().is_some_and(char::is_lowercase);
    let piece = count >= PIECE_WORDS && words.filter(|word| !low(word)).count() == 0;
    if piece { PROSE_MAX } else { (count.saturating_sub(6) as f32 / 6.0).min(PROSE_MAX) }
}

/// So many words without a capital letter are no name.
const PIECE_WORDS: usize = 3;
const PROSE_MAX: f32 = 2.0;

/// Lines that could be one name: two, or three that a bracket holds together.
pub(super) fn could_be_name(document: &Document<'_>, stack: &Candidate) -> bool {
    match stack.spans.as_slice() {
        [_, _] => true,
        [_, _, last] => !is_balanced(document.text(*last)) && is_balanced(&stack.text),
        _ => false,
    }
}

/// Whether every bracket that opens closes in the same text, and the other way round.
fn is_balanced(text: &str) -> bool {
    let mut open = 0_i32;
    for character in text.chars() {
        open += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open < 0 {
            return false;
        }
    }
    open == 0
}

/// 1 where the lines are one cell or the last is nothing but a legal form, less where it has a word or two of its own.
fn completes(document: &Document<'_>, labels: &Labels, candidate: &Candidate) -> f32 {
    if is_cell(document, labels, &candidate.spans) {
        return 1.0;
    }
    let [first, .., last] = candidate.spans.as_slice() else { return 0.0 };
    let (first, last) = (document.text(*first), document.text(*last));
    // A bracket that opens on one line and closes on another holds them together.
    if !is_balanced(last) && is_balanced(&candidate.text) {
        return if stacks::goes_on_above(document, candidate.spans[0].segment) { 0.4 } else { 1.0 };
    }
    let forms = |text: &str| text.split_whitespace().any(|word| STRICT_LEGAL_FORM.is_match(word));
    let name = !first.contains(|c: char| c.is_ascii_digit() || c == ':');
    if !name || !forms(last) || forms(first) {
        return 0.0;
    }
    match words_beside_legal_form(last) {
        0 => 1.0,
        2 => 0.8,
        _ => 0.1,
    }
}
