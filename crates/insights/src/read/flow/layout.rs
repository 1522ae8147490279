//! Puts a flow on a virtual page.
//!
//! Letters are equally wide, so columns made of spaces stay columns. The first column of a table begins at its left; each
//! other one where it has room beside everything that stands before it in any row, so that a long text runs over the
//! empty cells beside it, as spreadsheets show it, and does not push the columns apart. Time and memory are linear in the
//! number of words, and no more words are laid out than extraction looks at.

use domain::limits;

use super::{Block, Cell, Flow, TYPE_SIZE};
use crate::page::{Page, PageSource, Rect, Word};

/// Width of a letter, in type sizes: two spaces are wide enough to end a segment, one is not.
const ADVANCE: f32 = 0.62;
/// From line to line, in type sizes.
const LEADING: f32 = 1.4;
/// Between the columns of a table, in points: wide enough to end a segment.
const COLUMN_GAP: f32 = 24.0;
/// A4 with a margin; longer texts have a longer page.
const PAGE_WIDTH: f32 = 595.0;
const PAGE_HEIGHT: f32 = 842.0;
const MARGIN: f32 = 36.0;
/// Letters of a line.
const LINE_COLUMNS: usize = 84;
/// Letters of a line in a cell.
const CELL_COLUMNS: usize = 60;
/// Letters of a tab stop.
const TAB: usize = 8;
/// What is longer is no word: its beginning is enough to say so.
const WORD_BYTES_MAX: usize = 256;

impl Flow {
    /// The page with this number.
    pub(in crate::read) fn into_page(self, number: u32) -> Page {
        let mut sheet = Sheet { flow: &self, placed: Vec::new(), width: 0.0 };
        let bottom = sheet.blocks(&self.blocks, MARGIN, MARGIN, LINE_COLUMNS);
        let (width, height) = (PAGE_WIDTH.max(sheet.width + MARGIN), PAGE_HEIGHT.max(bottom + MARGIN));
        let placed = sheet.placed;
        let mut words = Vec::with_capacity(placed.len());
        let mut offsets = Vec::with_capacity(placed.len());
        let mut counter = Counter { text: &self.text, byte: 0, character: 0 };
        for piece in &placed {
            let (start, end) = (counter.at(piece.start), counter.at(piece.end));
            let text = &self.text[piece.start..piece.end];
            let text = if self.doubled_quotes { text.replace("\"\"", "\"") } else { text.to_owned() };
            let rect = Rect {
                x: piece.x / width,
                y: piece.y / height,
                width: piece.width / width,
                height: piece.size / height,
            };
            words.push(Word { text, rect, confidence: 1.0, font_size: piece.size });
            offsets.push((start, end));
        }
        Page { offsets, ..Page::new(number, (width, height), PageSource::Flow, words) }
    }
}

/// A word that has its place: bytes of the text, and points.
struct Placed {
    start: usize,
    end: usize,
    x: f32,
    y: f32,
    width: f32,
    size: f32,
}

/// Counts characters up to a byte; quick where the bytes only grow.
struct Counter<'a> {
    text: &'a str,
    byte: usize,
    character: u32,
}

impl Counter<'_> {
    fn at(&mut self, byte: usize) -> u32 {
        if byte < self.byte {
            (self.byte, self.character) = (0, 0);
        }
        self.character += self.text[self.byte..byte].chars().count() as u32;
        self.byte = byte;
        self.character
    }
}

struct Sheet<'f> {
    flow: &'f Flow,
    placed: Vec<Placed>,
    /// The rightmost edge so far.
    width: f32,
}

impl Sheet<'_> {
    /// Places blocks below each other; the bottom of the last.
    fn blocks(&mut self, blocks: &[Block], x: f32, y: f32, columns: usize) -> f32 {
        let mut bottom = y;
        for block in blocks {
            if self.placed.len() >= limits::EXTRACT_WORDS_MAX {
                break;
            }
            bottom = match block {
                Block::Line(range, size) => {
                    self.line(range.start, &self.flow.text[range.clone()], x, bottom, columns, *size)
                }
                Block::Table(rows) => self.table(rows, x, bottom),
            };
        }
        bottom
    }

    /// Places a line, and goes on below where it is too long.
    fn line(&mut self, start: usize, text: &str, x: f32, y: f32, columns: usize, size: f32) -> f32 {
        let (advance, mut y) = (size * ADVANCE, y);
        for (column, row, from, to) in pieces(text, columns) {
            let top = y + row as f32 * size * LEADING;
            let width = text[from..to].chars().count() as f32 * advance;
            let left = x + column as f32 * advance;
            self.width = self.width.max(left + width);
            self.placed.push(Placed { start: start + from, end: start + to, x: left, y: top, width, size });
        }
        y += (rows_of(text, columns) as f32) * size * LEADING;
        y
    }

    fn table(&mut self, rows: &[Vec<Cell>], x: f32, y: f32) -> f32 {
        let lefts = column_lefts(self.flow, rows);
        let mut top = y;
        // Cells that take several rows: after which row they end, and where.
        let mut tall: Vec<(usize, f32)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if self.placed.len() >= limits::EXTRACT_WORDS_MAX {
                break;
            }
            // A row without anything is space between others.
            let mut bottom = if row.is_empty() { top + TYPE_SIZE * LEADING } else { top };
            for cell in row {
                let left = x + lefts.get(cell.column).copied().unwrap_or_default();
                let end = self.blocks(&cell.blocks, left, top, CELL_COLUMNS);
                if cell.rows > 1 {
                    tall.push((index + cell.rows - 1, end));
                } else {
                    bottom = bottom.max(end);
                }
            }
            tall.retain(|(last, end)| {
                if *last == index {
                    bottom = bottom.max(*end);
                }
                *last > index
            });
            top = bottom;
        }
        tall.iter().fold(top, |bottom, (_, end)| bottom.max(*end))
    }
}

/// The words of a line: column, row, and which bytes.
fn pieces(text: &str, columns: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> + '_ {
    let (mut column, mut row, mut at) = (0_usize, 0_usize, 0_usize);
    std::iter::from_fn(move || {
        loop {
            let rest = &text[at..];
            let c = rest.chars().next()?;
            if c.is_whitespace() {
                at += c.len_utf8();
                column = match c {
                    '\t' => (column + 2).div_ceil(TAB) * TAB,
                    _ => column + 1,
                };
                continue;
            }
            let whole = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let end = rest.floor_char_boundary(whole.min(WORD_BYTES_MAX)).max(c.len_utf8());
            let letters = rest[..end].chars().count();
            if column > 0 && column + letters > columns {
                (column, row) = (0, row + 1);
            }
            let piece = (column, row, at, at + end);
            (column, at) = (column + letters, at + whole);
            return Some(piece);
        }
    })
}

fn rows_of(text: &str, columns: usize) -> usize {
    pieces(text, columns).last().map_or(1, |(_, row, ..)| row + 1)
}

/// How wide blocks are when nothing stands beside them, in points.
fn width_of(flow: &Flow, blocks: &[Block], columns: usize) -> f32 {
    let width = |block: &Block| match block {
        Block::Line(range, size) => {
            let text = &flow.text[range.clone()];
            let end = |(column, _, from, to): (usize, usize, usize, usize)| {
                (column + text[from..to].chars().count()) as f32 * size * ADVANCE
            };
            pieces(text, columns).map(end).fold(0.0, f32::max)
        }
        Block::Table(rows) => {
            let lefts = column_lefts(flow, rows);
            let right = |cell: &Cell| lefts[cell.column] + width_of(flow, &cell.blocks, CELL_COLUMNS);
            rows.iter().flatten().map(right).fold(0.0, f32::max)
        }
    };
    blocks.iter().map(width).fold(0.0, f32::max)
}

/// Where the columns of a table begin, in points from its left.
fn column_lefts(flow: &Flow, rows: &[Vec<Cell>]) -> Vec<f32> {
    let count = rows.iter().flatten().map(|cell| cell.column + 1).max().unwrap_or_default();
    // For each column what stands directly before it: column and width of the neighbour on the left.
    let mut before: Vec<Vec<(usize, f32)>> = vec![Vec::new(); count];
    for pair in rows.iter().flat_map(|row| row.windows(2)) {
        let width = width_of(flow, &pair[0].blocks, CELL_COLUMNS);
        let neighbours = &mut before[pair[1].column];
        match neighbours.iter_mut().find(|(column, _)| *column == pair[0].column) {
            Some((_, widest)) => *widest = widest.max(width),
            None => neighbours.push((pair[0].column, width)),
        }
    }
    let mut lefts = vec![0.0_f32; count];
    for column in 1..count {
        let least = lefts[column - 1];
        let needed = before[column].iter().filter(|(other, _)| *other < column);
        lefts[column] = needed.map(|(other, width)| lefts[*other] + width + COLUMN_GAP).fold(least, f32::max);
    }
    lefts
}

#[cfg(test)]
mod tests {
    use super::super::Builder;
    use super::*;

    fn table(rows: &[&[&str]]) -> Page {
        let mut builder = Builder::default();
        builder.begin_table();
        for row in rows {
            builder.begin_row();
            for cell in *row {
                builder.begin_cell(1, 1);
                builder.text(cell);
            }
        }
        builder.finish().into_page(1)
    }

    fn left(page: &Page, text: &str) -> f32 {
        page.words.iter().find(|word| word.text == text).map(|word| word.rect.x).expect("it is there")
    }

    #[test]
    fn cells_stand_under_their_headers() {
        let page =
            table(&[&["Item", "Quantity", "Amount"], &["Blue widget", "3", "29.70"], &["A", "", "1.00"]]);
        assert_eq!(left(&page, "Quantity"), left(&page, "3"));
        assert_eq!(left(&page, "Amount"), left(&page, "1.00"));
        assert!(left(&page, "3") > left(&page, "widget"));
    }

    #[test]
    fn a_text_runs_over_empty_cells() {
        let long = "A heading that is far longer than anything below it";
        let page = table(&[&[long, "", ""], &["Item", "Quantity", "Amount"]]);
        assert!(left(&page, "Amount") < left(&page, "below"));
    }

    #[test]
    fn offsets_are_characters_of_the_extracted_text() {
        let mut builder = Builder::default();
        builder.collapsed("  Größe \n der  ");
        builder.collapsed("Welle");
        builder.end_line();
        builder.begin_table();
        builder.begin_row();
        builder.begin_cell(1, 1);
        builder.text("café");
        builder.begin_cell(1, 1);
        builder.text("12");
        builder.end_table();
        let flow = builder.finish();
        assert_eq!(flow.text, "Größe der Welle\ncafé\t12");
        let text: Vec<char> = flow.text.chars().collect();
        let page = flow.into_page(1);
        for (word, (start, end)) in page.words.iter().zip(&page.offsets) {
            assert_eq!(text[*start as usize..*end as usize].iter().collect::<String>(), word.text);
        }
        assert_eq!(page.words.len(), 5);
    }

    #[test]
    fn deep_and_broken_nesting_is_read_flat() {
        let mut builder = Builder::default();
        builder.end_table();
        builder.end_cell();
        for depth in 0..1000 {
            builder.begin_table();
            builder.begin_row();
            builder.begin_cell(1, 1);
            builder.text(&format!("w{depth}"));
        }
        let page = builder.finish().into_page(1);
        assert_eq!(page.words.len(), 1000);
        assert!(page.words.iter().all(|word| word.rect.bottom() <= 1.0 && word.rect.right() <= 1.0));
    }
}
