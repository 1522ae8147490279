//! What stands around a candidate, as hashed features that a hub learns weights for.
//!
//! A feature is a name ("left of it: `total`", "third line from the top") hashed to one of 2^18 places, and a value. They
//! depend on the candidate and its page only, not on the field: each field has weights of its own. Words count whole and as
//! character trigrams, so that a misread label still says most of what it said. Digits count by how many there are.

use super::{
    candidates::{Candidate, Cut, Reading},
    context::Context,
    features::{amount, key},
    layout::{Document, Span, size},
    lexicon::Meaning,
    tokens::{Class, Token, class, phrase, tokens},
};
use crate::{learn::hash, page::Rect};
use domain::hub::Field;

/// Places that features are hashed to.
pub(crate) const PLACES: u32 = 1 << 18;
/// Line heights within which what stands above or below still counts.
const ABOVE_MAX: f32 = 4.0;
/// Lines before and after that are searched for neighbours.
const LINES_MAX: usize = 10;
/// Tokens of one neighbour.
const TOKENS_MAX: usize = 8;

/// Sorted by place, each place once.
pub(crate) type Features = Vec<(u32, f32)>;

/// The geometry of a document that every candidate is compared with.
pub(super) struct Neighbourhood<'a, 'p> {
    document: &'a Document<'p>,
    context: &'a Context,
    fields: &'a [Field],
    /// Per segment.
    tokens: Vec<Vec<Token>>,
    /// Per page, the box of everything on it.
    contents: Vec<Rect>,
}

/// A candidate's neighbourhood, for the memory of layouts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    /// What stands left of it, else above it.
    pub label: u32,
    /// Of its first line on the page, in shares of the page.
    pub x: f32,
    pub right: f32,
    pub y: f32,
}

struct Row {
    features: Vec<(u32, f32)>,
}

impl Row {
    fn add(&mut self, name: &str, what: u64, value: f32) {
        let place = (hash::number(name, what) >> 46) as u32;
        self.features.push((place, value));
    }

    fn finish(mut self) -> Features {
        self.features.sort_unstable_by_key(|(place, _)| *place);
        self.features.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        self.features
    }
}

impl<'a, 'p> Neighbourhood<'a, 'p> {
    pub(super) fn new(document: &'a Document<'p>, context: &'a Context, fields: &'a [Field]) -> Self {
        let tokens = document.segments.iter().map(|segment| tokens(&segment.text)).collect();
        let mut contents: Vec<Option<Rect>> = vec![None; document.pages.len()];
        for segment in &document.segments {
            let known = &mut contents[segment.page];
            *known = Some(known.map_or(segment.rect, |all| all.union(&segment.rect)));
        }
        let contents = contents.into_iter().map(Option::unwrap_or_default).collect();
        Self { document, context, fields, tokens, contents }
    }

    /// The features of a candidate that is the `index`th of `count` in its pool.
    pub(super) fn features(&self, candidate: &Candidate, index: usize, count: usize) -> (Features, Anchor) {
        let mut row = Row { features: Vec::with_capacity(160) };
        row.add("one", 0, 1.0);
        self.place(&mut row, candidate, index, count);
        self.shape(&mut row, candidate);
        match &candidate.reading {
            Reading::Text(cut) => self.words(&mut row, candidate, *cut),
            Reading::Number(_) | Reading::Date(_) | Reading::Code { .. } => self.beside(&mut row, candidate),
        }
        if let Reading::Number(_) = candidate.reading {
            self.amounts(&mut row, candidate);
        }
        for relation in candidate.relations.iter().filter(|relation| relation.strength > 0.3) {
            let meaning = match relation.meaning {
                Meaning::Field(field) => hash::text(&self.fields[field].id),
                Meaning::Name => 1,
                Meaning::Address => 2,
                Meaning::Other(_) => 3,
            };
            row.add(if relation.section { "section" } else { "relation" }, meaning, relation.strength);
        }
        let label = self.around(&mut row, candidate);
        let (width, height) = size(&self.document.pages[candidate.page]);
        let anchor = Anchor {
            label,
            x: candidate.rect.x / width,
            right: candidate.rect.right() / width,
            y: candidate.rect.middle() / height,
        };
        (row.finish(), anchor)
    }

    fn place(&self, row: &mut Row, candidate: &Candidate, index: usize, count: usize) {
        let content = self.contents[candidate.page];
        let y = share(candidate.rect.middle() - content.y, content.height);
        let x = share(candidate.rect.x - content.x, content.width);
        let right = share(candidate.rect.right() - content.x, content.width);
        for scale in [4.0, 8.0, 16.0] {
            row.add("y", (y * scale) as u64 * 100 + scale as u64, 0.7);
        }
        row.add("x", (x * 4.0) as u64, 0.5);
        row.add("right", (right * 8.0) as u64, 0.5);
        row.add("index", index.min(6) as u64, 0.7);
        row.add("index from the end", (count - 1 - index.min(count - 1)).min(6) as u64, 0.7);
        let pages = self.document.pages.len();
        row.add("page", candidate.page.min(3) as u64, 0.5);
        row.add("page from the end", (pages - 1 - candidate.page).min(3) as u64, 0.5);
        let segment = candidate.spans[0].segment;
        row.add("segment", segment.min(8) as u64, 0.7);
        row.add("line", self.document.segments[segment].line.min(8) as u64, 0.5);
        row.add("lines", candidate.spans.len() as u64, 1.0);
        let size = candidate.rect.height / self.context.font_sizes[candidate.page];
        row.add("size", ((size * 4.0) as u64).min(10), 0.5);
        let middle = content.x + content.width / 2.0;
        let centred =
            ((candidate.rect.x + candidate.rect.right()) / 2.0 - middle).abs() < 0.12 * content.width;
        row.add("centred", u64::from(centred), 0.5);
    }

    fn shape(&self, row: &mut Row, candidate: &Candidate) {
        let mut shape = String::with_capacity(24);
        for character in candidate.text.chars().take(60) {
            let mark = match class(character) {
                Class::Digit => '9',
                Class::Letter if character.is_uppercase() => 'A',
                Class::Letter => 'a',
                _ => character,
            };
            let run = mark.is_alphabetic() && shape.ends_with(mark);
            if !run && shape.len() < 24 {
                shape.push(mark);
            }
        }
        row.add("shape", hash::text(&shape), 0.7);
        row.add("length", (candidate.text.chars().count() / 6).min(10) as u64, 0.5);
        let count = self.context.counts.get(&key(candidate)).copied().unwrap_or(0);
        row.add("count", u64::from(count.min(4)), 0.7);
    }

    /// What stands before and behind a value in its own segment.
    fn beside(&self, row: &mut Row, candidate: &Candidate) {
        let span = candidate.spans[0];
        let text = &self.document.segments[span.segment].text;
        let before = tokens(&text[..span.start]);
        let last = &before[before.len().saturating_sub(4)..];
        for token in last {
            row.add("before", token.hash, 1.0);
        }
        match phrase(&before[before.len().saturating_sub(3)..]) {
            Some(phrase) => row.add("phrase before", phrase, 1.0),
            None => row.add("nothing before", 0, 1.0),
        }
        let after = tokens(&text[span.end..]);
        for token in after.iter().take(3) {
            row.add("behind", token.hash, 1.0);
        }
        if after.is_empty() {
            row.add("nothing behind", 0, 0.7);
        }
    }

    fn amounts(&self, row: &mut Row, candidate: &Candidate) {
        let Reading::Number(number) = &candidate.reading else { return };
        let value = number.value.normalize();
        let rank = self.context.rank(candidate).map_or(9, |rank| rank.min(5));
        row.add("rank", rank as u64, 1.2);
        row.add("zero", u64::from(value.is_zero()), 1.0);
        row.add("decimals", number.decimals.min(4) as u64, 0.7);
        row.add("currency", u64::from(number.currency.is_some()), 0.7);
        row.add("percent", u64::from(number.percent), 0.7);
        if amount(candidate).is_some() {
            row.add("sum", u64::from(self.context.is_sum(value)), 1.0);
            row.add("difference", u64::from(self.context.is_difference(value)), 0.7);
            row.add("column sum", u64::from(self.context.is_column_sum(candidate)), 1.0);
        }
    }

    /// The words of a text, and the lines before and after it.
    fn words(&self, row: &mut Row, candidate: &Candidate, cut: Cut) {
        let all: Vec<Token> =
            candidate.spans.iter().flat_map(|span| tokens(self.document.text(*span))).collect();
        for token in all.iter().take(12) {
            row.add("word", token.hash, 0.6);
        }
        let mut parts: Vec<u64> =
            all.iter().take(30).flat_map(|token| token.trigrams.iter().copied()).collect();
        parts.sort_unstable();
        parts.dedup();
        for part in parts {
            row.add("part", part, 0.25);
        }
        row.add("cut", cut as u64, 1.0);
        row.add("first", all.first().map_or(0, |token| token.hash), 1.0);
        row.add("last", all.last().map_or(0, |token| token.hash), 1.0);
        let letters = candidate.text.chars().filter(|c| c.is_alphabetic());
        row.add("capitals", u64::from(letters.clone().all(char::is_uppercase)), 1.0);
        let digits = candidate.text.chars().filter(|c| c.is_numeric()).count() as f32;
        let share = digits / candidate.text.chars().count().max(1) as f32;
        row.add("digits", (share * 6.0) as u64, 1.0);
        self.edges(row, candidate);
    }

    /// Whether a text is cut out of its lines, and what the lines before and after say.
    fn edges(&self, row: &mut Row, candidate: &Candidate) {
        let (first, last) = (candidate.spans[0], candidate.spans[candidate.spans.len() - 1]);
        let segments = &self.document.segments;
        row.add("begins inside", u64::from(first.start > 0), 1.0);
        row.add("ends inside", u64::from(last.end < segments[last.segment].text.len()), 1.0);
        if first.start > 0 {
            let before = tokens(&segments[first.segment].text[..first.start]);
            if let Some(token) = before.last() {
                row.add("cut after", token.hash, 1.0);
            }
            for token in before.iter().take(TOKENS_MAX) {
                row.add("before", token.hash, 1.0);
            }
        }
        if last.end < segments[last.segment].text.len() {
            let after = tokens(&segments[last.segment].text[last.end..]);
            if let Some(token) = after.first() {
                row.add("cut before", token.hash, 1.0);
            }
        }
        let height = self.document.line_height(candidate.page);
        match first.segment.checked_sub(1).filter(|index| segments[*index].page == candidate.page) {
            Some(previous) => {
                for token in self.tokens[previous].iter().take(5) {
                    row.add("previous", token.hash, 0.5);
                }
                let gap = (segments[first.segment].rect.y - segments[previous].rect.bottom()) / height;
                row.add("gap before", gap.clamp(0.0, 4.0) as u64, 0.5);
            }
            None => row.add("previous", 0, 0.5),
        }
        if let Some(next) = segments.get(last.segment + 1).filter(|next| next.page == candidate.page) {
            for token in self.tokens[last.segment + 1].iter().take(5) {
                row.add("next", token.hash, 0.5);
            }
            let gap = (next.rect.y - segments[last.segment].rect.bottom()) / height;
            row.add("gap behind", gap.clamp(0.0, 4.0) as u64, 0.5);
        }
    }

    /// Neighbours left, right, above and below; what stands left, else above, is the candidate's label.
    fn around(&self, row: &mut Row, candidate: &Candidate) -> u32 {
        let span = candidate.spans[0];
        let last = candidate.spans[candidate.spans.len() - 1];
        let document = self.document;
        let line = document.segments[span.segment].line;
        let height = document.line_height(candidate.page);
        let rect = candidate.rect;
        let bottom = if last == span { rect } else { document.rect(last) };
        let lines = line.saturating_sub(LINES_MAX)..(line + LINES_MAX).min(document.lines.len());
        let mut left: Option<(f32, u64)> = None;
        let mut above: Option<(f32, u64)> = None;
        for index in lines.filter(|&index| document.lines[index].page == candidate.page) {
            for segment in document.lines[index].segments.clone() {
                if candidate.spans.iter().any(|span| span.segment == segment) {
                    continue;
                }
                let Some((zone, distance)) = zone(rect, bottom, document.segments[segment].rect, height)
                else {
                    continue;
                };
                self.neighbour(row, segment, zone, distance);
                let Some(phrase) = phrase(&self.tokens[segment][..self.tokens[segment].len().min(3)]) else {
                    continue;
                };
                let nearest = match zone {
                    Zone::Left => &mut left,
                    Zone::Above => &mut above,
                    _ => continue,
                };
                if nearest.is_none_or(|(known, _)| distance < known) {
                    *nearest = Some((distance, phrase));
                }
            }
        }
        let own = self.own_label(span);
        let label = own.map(|phrase| (0.0, phrase)).or(left).or(above).map_or(0, |(_, phrase)| phrase);
        if let Some((_, phrase)) = above {
            row.add("heading", phrase, 1.0);
        }
        row.add("label", label, 1.0);
        (label >> 32) as u32
    }

    /// What stands before a value in its own segment.
    fn own_label(&self, span: Span) -> Option<u64> {
        let before = tokens(&self.document.segments[span.segment].text[..span.start]);
        phrase(&before[before.len().saturating_sub(3)..])
    }

    fn neighbour(&self, row: &mut Row, segment: usize, zone: Zone, distance: f32) {
        let (word, part, whole) = zone.names();
        let weight = match distance {
            near if near < 1.3 => 1.0,
            near if near < 2.6 => 0.6,
            _ => 0.35,
        };
        for token in self.tokens[segment].iter().take(TOKENS_MAX) {
            if !token.weak {
                row.add(word, token.hash, weight);
            }
            if matches!(zone, Zone::Left | Zone::Above) {
                for trigram in &token.trigrams {
                    row.add(part, *trigram, 0.25 * weight);
                }
            }
        }
        if weight >= 1.0
            && let Some(phrase) = phrase(&self.tokens[segment][..self.tokens[segment].len().min(3)])
        {
            row.add(whole, phrase, 1.0);
        }
    }
}

fn share(part: f32, all: f32) -> f32 {
    (part / all.max(1.0)).clamp(0.0, 0.9999)
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Left,
    Right,
    Above,
    Below,
    Diagonal,
}

impl Zone {
    /// Of words, of trigrams, of the phrase.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Zone::Left => ("left", "left part", "left phrase"),
            Zone::Right => ("right", "right part", "right phrase"),
            Zone::Above => ("above", "above part", "above phrase"),
            Zone::Below => ("below", "below part", "below phrase"),
            Zone::Diagonal => ("diagonal", "diagonal part", "diagonal phrase"),
        }
    }
}

/// Where another box stands seen from a value whose first and last lines are given, and how far in line heights.
fn zone(rect: Rect, last: Rect, other: Rect, height: f32) -> Option<(Zone, f32)> {
    let (middle, there) = (rect.middle(), other.middle());
    if (there - middle).abs() < 0.6 * height.max(rect.height) {
        let left = other.right() <= rect.x + height;
        let right = other.x >= rect.right() - height;
        return match (left, right) {
            (true, _) => Some((Zone::Left, ((rect.x - other.right()) / height).max(0.0) / 3.0)),
            (_, true) => Some((Zone::Right, ((other.x - rect.right()) / height).max(0.0) / 3.0)),
            _ => None,
        };
    }
    let overlap = rect.right().min(other.right()) - rect.x.max(other.x);
    let up = (middle - there) / height;
    let down = (there - last.middle()) / height;
    if overlap > 0.0 || (other.x - rect.x).abs() < 2.0 * height {
        if (0.0..ABOVE_MAX).contains(&up) {
            return Some((Zone::Above, up));
        }
        return (0.0..3.0).contains(&down).then_some((Zone::Below, down));
    }
    (0.0..3.0).contains(&up).then_some((Zone::Diagonal, up))
}
