//! Addresses: blocks of lines that end with a postal code and a town, and whose they are by where they stand.

use super::{
    labels::Labels,
    layout::{Document, size},
    shapes::{TITLES, asks_attention, digit_share, is_salutation, sender_name_end},
    text::fold,
};
use regex::Regex;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Blocks of three or more lines that end with a postal code and a town.
pub(super) fn block_heads(document: &Document<'_>, labels: &Labels) -> HashSet<usize> {
    static TOWN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?x)^(?:[A-Z]{1,2}[\-\ ])?\d{4,5}(?:-\d{3})?(?:\ ?[A-Z]{2})?\ +\p{Lu}[\p{L}.\-]+ | \p{L}+,?\ [A-Z]{2},?\ \d{5} | \b[A-Z]{1,2}\d[A-Z\d]?\ \d[A-Z]{2}$")
            .expect("the pattern is a constant that the tests run")
    });
    let first_page = document.segments.iter().enumerate().filter(|(_, segment)| segment.page == 0);
    let towns = first_page.filter(|(_, segment)| TOWN.is_match(&segment.text)).take(TOWNS_MAX);
    towns.filter_map(|(town, _)| head_of_block(document, labels, town)).collect()
}

/// Share of the page above which a letter names its parties.
const PARTIES_ABOVE: f32 = 0.45;

/// The first of several addresses in the upper part of the page; where a line of the sender stands above it, none is his.
pub(super) fn first_block(document: &Document<'_>, heads: &HashSet<usize>) -> Option<usize> {
    let upper = |head: &&usize| {
        let segment = &document.segments[**head];
        segment.rect.y < PARTIES_ABOVE * size(&document.pages[segment.page]).1
    };
    let mut blocks: Vec<usize> = heads.iter().filter(upper).copied().collect();
    blocks.sort_unstable();
    let (&first, _) = blocks.split_first().filter(|(_, others)| !others.is_empty())?;
    (!names_sender_above(document, first)).then_some(first)
}

/// Whether a line of the sender stands above an address: then none of the addresses is the sender's.
fn names_sender_above(document: &Document<'_>, head: usize) -> bool {
    let segment = &document.segments[head];
    let lines = document.lines[..segment.line].iter().filter(|line| line.page == segment.page);
    let mut above = lines.take(LINES_ABOVE_MAX).flat_map(|line| &document.segments[line.segments.clone()]);
    above.any(|upper| sender_name_end(&upper.text).is_some())
}

/// Lines of a page's head that are looked at.
const LINES_ABOVE_MAX: usize = 40;

/// Which of two addresses is the sender's by where they stand: the upper one, as letters begin with who writes them; of two
/// side by side the left one where the document's language is not German, whose envelopes have their window on the left.
pub(super) fn sides(document: &Document<'_>, heads: &HashSet<usize>) -> HashMap<usize, f32> {
    let upper = |head: &usize| {
        let segment = &document.segments[*head];
        segment.rect.y < PARTIES_ABOVE * size(&document.pages[segment.page]).1
    };
    let mut blocks: Vec<usize> = heads.iter().copied().filter(upper).collect();
    blocks.sort_unstable();
    let [one, other] = blocks.as_slice() else { return HashMap::new() };
    let (a, b) = (document.segments[*one].rect, document.segments[*other].rect);
    let height = document.line_height(document.segments[*one].page);
    let first = if (a.y - b.y).abs() > 1.3 * height {
        if a.y < b.y { *one } else { *other }
    } else {
        let (left, right) = if a.x < b.x { (*one, *other) } else { (*other, *one) };
        if is_german(document) { right } else { left }
    };
    if names_sender_above(document, first) {
        return HashMap::new();
    }
    blocks.iter().map(|head| (*head, if *head == first { 1.0 } else { -1.0 })).collect()
}

/// Words from the beginning that tell the language.
const WORDS_MAX: usize = 1000;

/// Whether a document has the words that every German invoice has.
fn is_german(document: &Document<'_>) -> bool {
    let words =
        |word: &&str| document.words.iter().take(WORDS_MAX).any(|token| fold(&token.text).starts_with(*word));
    ["rechnung", "gutschrift", "mwst", "ust", "umsatzsteuer", "betrag", "datum", "steuernummer"]
        .into_iter()
        .filter(words)
        .count()
        >= 2
}

/// Towns on a page that are looked at.
const TOWNS_MAX: usize = 40;
/// Lines of an address above its town.
const LINES_ABOVE_TOWN_MAX: usize = 4;

/// Walks up from the line with the town; addresses behind the window of an envelope are widely spaced.
fn head_of_block(document: &Document<'_>, labels: &Labels, town: usize) -> Option<usize> {
    const SEPARATORS: [char; 8] = [':', '●', '•', '·', '|', '@', '∙', '⋅'];
    let page = document.segments[town].page;
    let height = document.line_height(page);
    let (mut current, mut count) = (town, 0);
    while count < LINES_ABOVE_TOWN_MAX {
        let lower = document.segments[current].rect;
        let lines = document.lines[..document.segments[current].line].iter().rev().take(8);
        let above = lines.take_while(|line| line.page == page).flat_map(|line| line.segments.clone()).find(
            |&index| {
                let rect = document.segments[index].rect;
                let edges = [
                    rect.x - lower.x,
                    rect.right() - lower.right(),
                    rect.x + rect.right() - lower.x - lower.right(),
                ];
                edges.iter().any(|shift| shift.abs() < 0.8 * height)
                    && rect.bottom() <= lower.y + 0.4 * height
            },
        );
        let Some(above) =
            above.filter(|&above| lower.y - document.segments[above].rect.bottom() < 4.0 * height)
        else {
            break;
        };
        let text = &document.segments[above].text;
        // Whose attention is asked for stands within an address, and often looks like a label.
        let plain = !labels.is_label(above)
            && !text.contains(SEPARATORS)
            && !TITLES.contains(&fold(text).as_str())
            && !is_salutation(text)
            && sender_name_end(text).is_none();
        if !(plain || asks_attention(text)) || text.split_whitespace().count() > 8 || digit_share(text) > 0.5
        {
            break;
        }
        (current, count) = (above, count + 1);
    }
    (count >= 2).then_some(current)
}
