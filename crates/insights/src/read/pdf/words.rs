//! Glyphs in content order become words.
//!
//! A PDF has no words, only glyphs put somewhere, and producers do it in every way there is: one glyph at a time, with
//! and without real spaces, in pieces out of order, twice with a small shift to look bold. So words are built from where
//! the glyphs stand: a glyph continues a word when it sits on the same baseline, at about the same size, and no wider gap
//! than a fraction of the type size lies between. The order of the words is the order of the content.
//!
//! The thresholds were found on 210 public documents against words on which two of three reference readers agree.

use std::collections::HashMap;

use kurbo::{Point, Rect, Size, Vec2};

use crate::page::{self, Word};

/// A wider gap ends a word; in type sizes.
const WORD_GAP: f64 = 0.13;
/// The same where the line has real spaces: gaps within words may then be tracking.
const WORD_GAP_WITH_SPACES: f64 = 0.16;
/// A glyph may stand this far back over the one before (kerning, accents); in type sizes.
const OVERLAP: f64 = 0.5;
/// A glyph may stand this far off the baseline of its word; in type sizes.
const BASELINE_SHIFT: f64 = 0.25;
/// The same glyph within this distance is drawn twice to look bold; in type sizes.
const FAKE_BOLD_SHIFT: f64 = 0.1;
/// Two directions are the same from this cosine on.
const SAME_DIRECTION: f64 = 0.98;
/// Places are looked up by cells of this size, in points; nothing is looked for further away than one.
const CELL: f64 = 4.0;
/// A cell with more glyphs is nothing that could be read; it must not cost their square either.
const CELL_GLYPHS_MAX: usize = 64;

/// What a glyph says: nearly always one character, so that no glyph costs an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Letters {
    One(char),
    Several(Box<str>),
}

/// One glyph on the page as displayed: points, origin top-left, y down.
#[derive(Debug, Clone)]
pub(super) struct PlacedGlyph {
    pub text: Letters,
    /// Where it stands on its baseline.
    pub origin: Point,
    /// From its origin to where the next one would stand.
    pub advance: Vec2,
    /// Unit vector along the baseline.
    pub along: Vec2,
    /// Unit vector from the baseline up.
    pub up: Vec2,
    /// Height of the type in points.
    pub size: f64,
    /// Above the baseline, in type sizes.
    pub ascent: f64,
    /// Below the baseline, in type sizes, positive.
    pub descent: f64,
}

impl PlacedGlyph {
    fn end(&self) -> Point {
        self.origin + self.advance
    }

    fn is_space(&self) -> bool {
        let blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{200b}' || c == '\u{feff}';
        match &self.text {
            Letters::One(c) => blank(*c),
            Letters::Several(text) => text.chars().all(blank),
        }
    }

    fn is_finite(&self) -> bool {
        self.size.is_finite() && self.size > 0.0 && self.origin.is_finite() && self.advance.is_finite()
    }

    fn rect(&self) -> Rect {
        let top = self.origin + self.up * (self.size * self.ascent);
        let bottom = self.origin - self.up * (self.size * self.descent);
        Rect::from_points(top, bottom).union_pt(top + self.advance).union_pt(bottom + self.advance)
    }
}

/// A word, or a piece of one, while it grows.
struct Piece {
    text: String,
    rect: Rect,
    start: Point,
    end: Point,
    along: Vec2,
    up: Vec2,
    size: f64,
    /// A space follows: nothing may be joined to its end.
    closed: bool,
}

impl Piece {
    fn begin(glyph: &PlacedGlyph) -> Piece {
        let mut piece = Piece {
            text: String::with_capacity(12),
            rect: glyph.rect(),
            start: glyph.origin,
            end: glyph.origin,
            along: glyph.along,
            up: glyph.up,
            size: glyph.size,
            closed: false,
        };
        piece.append(glyph);
        piece
    }

    fn append(&mut self, glyph: &PlacedGlyph) {
        match &glyph.text {
            Letters::One(c) => self.text.push(*c),
            Letters::Several(text) => self.text.push_str(text),
        }
        self.rect = self.rect.union(glyph.rect());
        self.end = glyph.end();
    }

    fn continues_with(&self, glyph: &PlacedGlyph, word_gap: f64) -> bool {
        let (gap, shift) = offset(self.end, glyph.origin, self.along, self.up, self.size);
        self.along.dot(glyph.along) > SAME_DIRECTION
            && shift.abs() < BASELINE_SHIFT
            && gap < word_gap
            && gap > -OVERLAP
            && (glyph.size / self.size - 1.0).abs() < 0.2
    }

    /// Whether `next` stands exactly where this one ends; stricter than within a run, because the content said otherwise.
    fn is_followed_by(&self, next: &Piece) -> bool {
        let (gap, shift) = offset(self.end, next.start, self.along, self.up, self.size);
        self.along.dot(next.along) > SAME_DIRECTION
            && shift.abs() < 0.05
            && gap.abs() < WORD_GAP * 0.8
            && (next.size / self.size - 1.0).abs() < 0.05
    }

    fn into_word(self, page: Size) -> Option<Word> {
        let text = clean(&self.text);
        let rect = fraction(self.rect, page);
        let is_shown = !text.is_empty() && rect.width > 0.0 && rect.height > 0.0;
        is_shown.then_some(Word { text, rect, confidence: 1.0, font_size: self.size as f32 })
    }
}

/// From `end` to `start` along and off the baseline, in type sizes.
fn offset(end: Point, start: Point, along: Vec2, up: Vec2, size: f64) -> (f64, f64) {
    let step = start - end;
    (step.dot(along) / size, step.dot(up) / size)
}

/// Ligatures as letters and no invisible characters: what a person would type to find the word.
fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => cleaned.push_str("ff"),
            '\u{fb01}' => cleaned.push_str("fi"),
            '\u{fb02}' => cleaned.push_str("fl"),
            '\u{fb03}' => cleaned.push_str("ffi"),
            '\u{fb04}' => cleaned.push_str("ffl"),
            '\u{00ad}' | '\u{2010}' | '\u{2011}' => cleaned.push('-'),
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' => {}
            c if c.is_control() => {}
            c => cleaned.push(c),
        }
    }
    cleaned.trim().to_owned()
}

/// A box in points as fractions of the page, cut at the page's edges.
pub(super) fn fraction(rect: Rect, page: Size) -> page::Rect {
    let unit = |value: f64, whole: f64| ((value / whole).clamp(0.0, 1.0)) as f32;
    let (x, y) = (unit(rect.x0, page.width), unit(rect.y0, page.height));
    let (right, bottom) = (unit(rect.x1, page.width), unit(rect.y1, page.height));
    page::Rect { x, y, width: right - x, height: bottom - y }
}

/// The words of one page of `page` points.
pub(super) fn build(glyphs: &[PlacedGlyph], page: Size) -> Vec<Word> {
    let gaps = word_gaps(glyphs);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open: Option<Piece> = None;
    let mut drawn = DrawnGlyphs::new(glyphs);
    let bounds = page.to_rect();
    for (index, (glyph, word_gap)) in glyphs.iter().zip(gaps).enumerate() {
        if !glyph.is_finite() {
            continue;
        }
        if glyph.is_space() {
            if let Some(mut piece) = open.take() {
                piece.closed = true;
                pieces.push(piece);
            }
            continue;
        }
        if !bounds.contains(glyph.origin + glyph.advance * 0.5) {
            continue;
        }
        if drawn.is_repeated(index) {
            continue;
        }
        match &mut open {
            Some(piece) if piece.continues_with(glyph, word_gap) => piece.append(glyph),
            _ => pieces.extend(open.replace(Piece::begin(glyph))),
        }
    }
    pieces.extend(open);
    rejoin(pieces).into_iter().filter_map(|piece| piece.into_word(page)).collect()
}

/// The cell that a place lies in.
fn cell(point: Point) -> (i64, i64) {
    ((point.x / CELL).floor() as i64, (point.y / CELL).floor() as i64)
}

/// Which glyphs were drawn where, to notice those that are drawn twice. Chains of indices instead of a list for each
/// cell: this is the inner loop.
struct DrawnGlyphs<'a> {
    glyphs: &'a [PlacedGlyph],
    /// The last glyph in each cell.
    cells: HashMap<(i64, i64), usize>,
    /// For each glyph the one before it in its cell.
    before: Vec<Option<usize>>,
}

impl<'a> DrawnGlyphs<'a> {
    fn new(glyphs: &'a [PlacedGlyph]) -> DrawnGlyphs<'a> {
        DrawnGlyphs { glyphs, cells: HashMap::with_capacity(glyphs.len()), before: vec![None; glyphs.len()] }
    }

    /// Whether the same glyph was drawn in nearly the same place; if not it is remembered.
    fn is_repeated(&mut self, index: usize) -> bool {
        let glyph = &self.glyphs[index];
        let shift = (glyph.size * FAKE_BOLD_SHIFT).min(CELL);
        let (left, top) = cell(glyph.origin - Vec2::new(shift, shift));
        let (right, bottom) = cell(glyph.origin + Vec2::new(shift, shift));
        for place in (left..=right).flat_map(|x| (top..=bottom).map(move |y| (x, y))) {
            let newest = self.cells.get(&place).copied();
            let drawn = std::iter::successors(newest, |other| self.before[*other]).take(CELL_GLYPHS_MAX);
            for known in drawn.map(|other| &self.glyphs[other]) {
                if known.text == glyph.text && (known.origin - glyph.origin).hypot() <= shift {
                    return true;
                }
            }
        }
        self.before[index] = self.cells.insert(cell(glyph.origin), index);
        false
    }
}

/// For each glyph the gap that ends its word, in type sizes: it depends on whether the run it belongs to has real spaces.
fn word_gaps(glyphs: &[PlacedGlyph]) -> Vec<f64> {
    let mut gaps = vec![WORD_GAP; glyphs.len()];
    let mut first = 0;
    while first < glyphs.len() {
        let mut last = first;
        let (mut spaces, mut letters) = (0, 0);
        while last + 1 < glyphs.len() && is_one_run(&glyphs[last], &glyphs[last + 1]) {
            let next = &glyphs[last + 1];
            if next.is_space() {
                spaces += 1;
            } else if !glyphs[last].is_space() {
                letters += 1;
            }
            last += 1;
        }
        if spaces >= 2 && spaces * 15 >= letters {
            gaps[first..=last].fill(WORD_GAP_WITH_SPACES);
        }
        first = last + 1;
    }
    gaps
}

/// Whether two neighbours in the content stand on one line of text, spaces included.
fn is_one_run(left: &PlacedGlyph, right: &PlacedGlyph) -> bool {
    let (gap, shift) = offset(left.end(), right.origin, left.along, left.up, left.size);
    left.along.dot(right.along) > SAME_DIRECTION
        && shift.abs() < BASELINE_SHIFT
        && gap < 1.5
        && gap > -OVERLAP
        && (right.size / left.size - 1.0).abs() < 0.2
}

/// Joins pieces that the content draws apart but that stand end to start on one baseline.
fn rejoin(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut starts: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
    for (index, piece) in pieces.iter().enumerate() {
        starts.entry(cell(piece.start)).or_default().push(index);
    }
    let mut slots: Vec<Option<Piece>> = pieces.into_iter().map(Some).collect();
    for index in 0..slots.len() {
        let Some(mut piece) = slots[index].take() else { continue };
        while !piece.closed {
            let (column, row) = cell(piece.end);
            let next = (column - 1..=column + 1)
                .flat_map(|column| (row - 1..=row + 1).map(move |row| (column, row)))
                .filter_map(|place| starts.get(&place))
                .flat_map(|pieces| pieces.iter().take(CELL_GLYPHS_MAX))
                .find_map(|candidate| slots[*candidate].take_if(|next| piece.is_followed_by(next)));
            let Some(next) = next else { break };
            piece.text.push_str(&next.text);
            piece.rect = piece.rect.union(next.rect);
            piece.end = next.end;
            piece.closed = next.closed;
        }
        slots[index] = Some(piece);
    }
    slots.into_iter().flatten().collect()
}
