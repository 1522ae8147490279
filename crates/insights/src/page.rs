//! One model of a page for every format.
//!
//! Whatever the bytes were (a text layer, a scan, a photograph), the readers end here: words with boxes on pages.
//! Everything after this module works on nothing else, so a new format is a new reader and no new extraction.
//! Boxes are fractions of the page as displayed (rotation applied), origin top-left, so they survive any rendering size.
//! A format without pages (text, tables, office documents) is laid out on a virtual page, so that rows and columns are
//! where a reader expects them; there the boxes mean nothing outside, and [`Page::offsets`] say where words stand.

use serde::{Deserialize, Serialize};

/// A box on a page: all four are fractions of the page as displayed, in `[0, 1]`; `x`, `y` is the top-left corner.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Rect {
    /// The right edge.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// The bottom edge.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The vertical middle.
    pub fn middle(&self) -> f32 {
        self.y + self.height / 2.0
    }

    /// The same place when the page is turned by so many quarters, clockwise.
    pub fn turned(&self, quarters: u8) -> Rect {
        let Rect { x, y, width, height } = *self;
        match quarters % 4 {
            0 => *self,
            1 => Rect { x: 1.0 - y - height, y: x, width: height, height: width },
            2 => Rect { x: 1.0 - x - width, y: 1.0 - y - height, width, height },
            _ => Rect { x: y, y: 1.0 - x - width, width: height, height: width },
        }
    }

    /// The smallest box that holds both.
    pub fn union(&self, other: &Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (right, bottom) = (self.right().max(other.right()), self.bottom().max(other.bottom()));
        Rect { x, y, width: right - x, height: bottom - y }
    }
}

/// One word as it stands on the page, in the reader's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub rect: Rect,
    /// How sure the reader is of `text`, in `[0, 1]`; 1 for a text layer.
    pub confidence: f32,
    /// Height of the type in points (1/72 inch) on the displayed page.
    pub font_size: f32,
}

/// A ruled line (of a table, of a form), as a thin box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    pub rect: Rect,
}

/// Where a page's words came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageSource {
    TextLayer,
    Ocr,
    /// The words of a format without pages, on a virtual page.
    Flow,
    /// The page could not be read within its limits; it has no words.
    Unreadable,
}

/// One page of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Width of the page as displayed, in points.
    pub width: f32,
    /// Height of the page as displayed, in points.
    pub height: f32,
    pub source: PageSource,
    pub words: Vec<Word>,
    pub rulings: Vec<Ruling>,
    /// Of [`PageSource::Flow`] only: where each word begins and ends in the extracted text, in characters.
    pub offsets: Vec<(u32, u32)>,
    /// Quarter turns, clockwise, from here to the page as displayed: 0, but for a page whose text runs up, down or upside
    /// down, which is kept as it is read.
    pub turned: u8,
}
