//! Takes what a reader meets in the order in which it meets it, and makes a [`Flow`] of it.
//!
//! Documents are not well-formed, so nothing here is asked to match: a cell without a row begins one, the end of a table
//! ends its row and cell, the end of a table that never began is ignored. What is too much (text, columns, tables within
//! tables) is left out or read flat.

use std::ops::Range;

use domain::limits;

use super::{Block, Cell, Flow, TYPE_SIZE};

/// See the module.
#[derive(Debug)]
pub(in crate::read) struct Builder {
    text: String,
    /// What is open, the innermost last; the first is the document itself.
    open: Vec<Open>,
    /// Where the line that is being written began.
    line: Option<usize>,
    /// What is to stand before the next text.
    separator: Option<char>,
    size: f32,
    /// Tables that are too deep within others to be tables.
    flattened: usize,
}

#[derive(Debug)]
enum Open {
    Blocks(Vec<Block>),
    Table { rows: Vec<Vec<Cell>>, row: Option<Vec<Cell>>, column: usize, taken: Vec<usize> },
    Cell { column: usize, rows: usize, blocks: Vec<Block> },
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            text: String::new(),
            open: vec![Open::Blocks(Vec::new())],
            line: None,
            separator: None,
            size: TYPE_SIZE,
            flattened: 0,
        }
    }
}

impl Builder {
    /// Whether more text would not be looked at.
    pub(in crate::read) fn is_full(&self) -> bool {
        self.text.len() >= limits::FLOW_TEXT_BYTES_MAX
    }

    /// Whether something stands in the line that is being written.
    pub(in crate::read) fn has_text_in_line(&self) -> bool {
        self.line.is_some()
    }

    /// Adds to the line. White space is kept as it is, so that columns made of spaces stay columns; a line feed is a
    /// space.
    pub(in crate::read) fn text(&mut self, text: &str) {
        if text.is_empty() || self.is_full() {
            return;
        }
        if self.line.is_none() {
            self.text.extend(self.separator.take().filter(|_| !self.text.is_empty()));
            self.line = Some(self.text.len());
        }
        let room = limits::FLOW_TEXT_BYTES_MAX - self.text.len();
        let end = text.floor_char_boundary(room.min(text.len()));
        self.text.extend(text[..end].chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    }

    /// Adds text as markup means it: white space of any length is one space, and none begins a line.
    pub(in crate::read) fn collapsed(&mut self, text: &str) {
        let mut rest = text;
        while let Some(end) = rest.find(is_blank) {
            self.text(&rest[..end]);
            if self.line.is_some() && !self.text.ends_with([' ', '\t']) {
                self.text(" ");
            }
            rest = rest[end..].trim_start_matches(is_blank);
        }
        self.text(rest);
    }

    /// Ends the line, where there is one.
    pub(in crate::read) fn end_line(&mut self) {
        let Some(start) = self.line.take() else { return };
        let end = start + self.text[start..].trim_end().len();
        let size = self.size;
        self.push(Block::Line(start..end, size));
        self.separator = Some('\n');
    }

    /// Leaves space.
    pub(in crate::read) fn blank_line(&mut self) {
        self.end_line();
        let (at, size) = (self.text.len(), self.size);
        self.push(Block::Line(at..at, size));
    }

    /// The height of the type from here on, in points.
    pub(in crate::read) fn set_size(&mut self, size: f32) {
        self.size = if size.is_finite() { size.clamp(4.0, 40.0) } else { TYPE_SIZE };
    }

    pub(in crate::read) fn begin_table(&mut self) {
        self.end_line();
        let depth = self.open.iter().filter(|open| matches!(open, Open::Table { .. })).count();
        if depth >= limits::TABLE_DEPTH_MAX || self.flattened > 0 {
            self.flattened += 1;
            return;
        }
        // What stands between the cells of a table belongs to none of them.
        if matches!(self.open.last(), Some(Open::Table { .. })) {
            self.begin_cell(1, 1);
        }
        self.open.push(Open::Table { rows: Vec::new(), row: None, column: 0, taken: Vec::new() });
    }

    pub(in crate::read) fn begin_row(&mut self) {
        if self.flattened > 0 {
            return self.end_line();
        }
        self.end_row();
        if !matches!(self.open.last(), Some(Open::Table { .. })) {
            self.begin_table();
        }
        if let Some(Open::Table { row, column, .. }) = self.open.last_mut() {
            (*row, *column) = (Some(Vec::new()), 0);
        }
    }

    /// A cell that takes so many columns and rows.
    pub(in crate::read) fn begin_cell(&mut self, columns: usize, rows: usize) {
        if self.flattened > 0 {
            if self.line.is_some() {
                self.text("\t");
            }
            return;
        }
        self.end_cell();
        if !matches!(self.open.last(), Some(Open::Table { row: Some(_), .. })) {
            self.begin_row();
        }
        let rows = rows.clamp(1, limits::EXTRACT_ROWS_MAX);
        if let Some(Open::Table { column, taken, .. }) = self.open.last_mut() {
            while taken.get(*column).is_some_and(|rows| *rows > 0) {
                *column += 1;
            }
            let at = *column;
            let end = at.saturating_add(columns.max(1)).min(limits::TABLE_COLUMNS_MAX.max(at + 1));
            if taken.len() < end && rows > 1 {
                taken.resize(end, 0);
            }
            if rows > 1 {
                // One more than it takes below, because the end of its own row takes one away.
                taken[at..end].fill(rows);
            }
            *column = end;
            self.open.push(Open::Cell { column: at, rows, blocks: Vec::new() });
        }
    }

    /// The column that the next cell of the row stands in, where it is not the one after the last.
    pub(in crate::read) fn skip_to_column(&mut self, wanted: usize) {
        self.end_cell();
        if let Some(Open::Table { column, .. }) = self.open.last_mut() {
            *column = (*column).max(wanted);
        }
    }

    pub(in crate::read) fn end_cell(&mut self) {
        if self.flattened > 0 {
            return;
        }
        self.end_line();
        if !matches!(self.open.last(), Some(Open::Cell { .. })) {
            return;
        }
        let Some(Open::Cell { column, rows, blocks }) = self.open.pop() else { return };
        self.separator = Some('\t');
        if let Some(Open::Table { row: Some(row), .. }) = self.open.last_mut()
            && column < limits::TABLE_COLUMNS_MAX
            && !is_empty(&blocks)
        {
            row.push(Cell { column, rows, blocks });
        }
    }

    pub(in crate::read) fn end_row(&mut self) {
        if self.flattened > 0 {
            return self.end_line();
        }
        self.end_cell();
        if let Some(Open::Table { rows, row, taken, .. }) = self.open.last_mut()
            && let Some(row) = row.take()
        {
            rows.push(row);
            taken.iter_mut().for_each(|rows| *rows = rows.saturating_sub(1));
            self.separator = Some('\n');
        }
    }

    pub(in crate::read) fn end_table(&mut self) {
        self.end_line();
        if self.flattened > 0 {
            self.flattened -= 1;
            return;
        }
        if self.open.iter().any(|open| matches!(open, Open::Table { .. })) {
            self.end_row();
            if let Some(Open::Table { rows, .. }) =
                self.open.pop_if(|open| matches!(open, Open::Table { .. }))
            {
                self.push(Block::Table(rows));
                self.separator = Some('\n');
            }
        }
    }

    /// Ends everything that is open.
    pub(in crate::read) fn finish(mut self) -> Flow {
        self.flattened = 0;
        self.end_line();
        while self.open.len() > 1 {
            self.end_table();
        }
        let blocks = match self.open.pop() {
            Some(Open::Blocks(blocks)) => blocks,
            _ => Vec::new(),
        };
        Flow { text: self.text, blocks, doubled_quotes: false }
    }

    /// Into the innermost that holds blocks; between the cells of a table a cell is made for it.
    fn push(&mut self, block: Block) {
        if matches!(self.open.last(), Some(Open::Table { .. })) {
            if matches!(&block, Block::Line(range, _) if range.is_empty()) {
                return;
            }
            self.push_into_own_cell(block);
            return;
        }
        if let Some(Open::Blocks(blocks) | Open::Cell { blocks, .. }) = self.open.last_mut() {
            blocks.push(block);
        }
    }

    fn push_into_own_cell(&mut self, block: Block) {
        if let Some(Open::Table { rows, row, column, .. }) = self.open.last_mut() {
            let cell = Cell { column: *column, rows: 1, blocks: vec![block] };
            match row {
                Some(row) => {
                    row.push(cell);
                    *column += 1;
                }
                None => rows.push(vec![Cell { column: 0, ..cell }]),
            }
        }
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'
}

fn is_empty(blocks: &[Block]) -> bool {
    blocks.iter().all(|block| match block {
        Block::Line(range, _) => Range::is_empty(range),
        Block::Table(rows) => rows.iter().flatten().all(|cell| is_empty(&cell.blocks)),
    })
}
