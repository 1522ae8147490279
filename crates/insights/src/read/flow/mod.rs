//! Formats without pages: lines and tables of text, laid out on a virtual page.
//!
//! Office documents, e-mails, web pages and tables have no places, but they have an order and, in tables, rows and
//! columns, which is what extraction asks places for. So their readers tell a [`Builder`] what comes after what, and
//! [`Flow::into_page`] puts it on a page in type of one size: lines below each other, the cells of a table under the
//! headers of their columns. The places are for extraction only; outside, a value of such a page is told by where it
//! stands in the extracted text, which is [`Flow::text`].

mod builder;
mod layout;

use std::ops::Range;

pub(super) use builder::Builder;

/// Height of ordinary type, in points.
pub(super) const TYPE_SIZE: f32 = 10.0;

/// What a reader found, in order.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The extracted text.
    pub text: String,
    pub blocks: Vec<Block>,
    /// Quotes in the text stand twice, as in a table of comma-separated values.
    pub doubled_quotes: bool,
}

/// A piece of a flow.
#[derive(Debug)]
pub(super) enum Block {
    /// A line of text: which bytes of [`Flow::text`], in type of which size. An empty one is space between others.
    Line(Range<usize>, f32),
    Table(Vec<Vec<Cell>>),
}

/// A cell of a table.
#[derive(Debug)]
pub(super) struct Cell {
    /// The first column that it stands in.
    pub column: usize,
    /// How many rows it takes.
    pub rows: usize,
    pub blocks: Vec<Block>,
}
