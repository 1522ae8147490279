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

/// Another reading of a word: what a way of looking at the page saw there, and was outvoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Index of the word.
    pub word: u32,
    pub text: String,
    /// How sure the reader is of it, in `[0, 1]`.
    pub confidence: f32,
}

/// One page of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Width of the page as it is read, in points; as displayed where it was not turned.
    pub width: f32,
    /// Its height.
    pub height: f32,
    pub source: PageSource,
    pub words: Vec<Word>,
    pub rulings: Vec<Ruling>,
    /// Of [`PageSource::Flow`] only: where each word begins and ends in the extracted text, in characters.
    pub offsets: Vec<(u32, u32)>,
    /// Quarter turns, clockwise, from here to the page as displayed: 0, but for a page whose text runs up, down or upside
    /// down, which is kept as it is read.
    pub turned: u8,
    /// Degrees, clockwise, from here to the page as displayed, before its quarter turns: 0, but for a crooked scan, which is
    /// kept as it was straightened, on a page large enough for all of it.
    #[serde(default)]
    pub skew: f32,
    /// Of [`PageSource::Ocr`] only: what words may say instead, in the order of the words.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
}

impl Page {
    /// A level, upright page of `size` (width and height in points) without ruled lines.
    pub fn new(number: u32, size: (f32, f32), source: PageSource, words: Vec<Word>) -> Page {
        let (width, height) = size;
        Page {
            number,
            width,
            height,
            source,
            words,
            rulings: Vec::new(),
            offsets: Vec::new(),
            turned: 0,
            skew: 0.0,
            alternatives: Vec::new(),
        }
    }

    /// Where a box of this page stands on the page as displayed: of a crooked scan the smallest upright box around it.
    pub fn displayed(&self, rect: Rect) -> Rect {
        self.crooked(rect).turned(self.turned)
    }

    fn crooked(&self, rect: Rect) -> Rect {
        if self.skew == 0.0 {
            return rect;
        }
        let (sin, cos) = self.skew.to_radians().sin_cos();
        // The straightened page is the box around the displayed one: `self.width = width · cos + height · |sin|`, and so on.
        let determinant = cos * cos - sin * sin;
        let width = (self.width * cos - self.height * sin.abs()) / determinant;
        let height = (self.height * cos - self.width * sin.abs()) / determinant;
        let corners = [
            (rect.x, rect.y),
            (rect.right(), rect.y),
            (rect.x, rect.bottom()),
            (rect.right(), rect.bottom()),
        ];
        let corners = corners.map(|(x, y)| {
            let (x, y) = ((x - 0.5) * self.width, (y - 0.5) * self.height);
            ((x * cos - y * sin) / width + 0.5, (x * sin + y * cos) / height + 0.5)
        });
        let range = |get: fn(&(f32, f32)) -> f32| {
            let values = corners.iter().map(get).map(|value| value.clamp(0.0, 1.0));
            values.fold((1.0_f32, 0.0_f32), |(low, high), value| (low.min(value), high.max(value)))
        };
        let ((left, right), (top, bottom)) = (range(|corner| corner.0), range(|corner| corner.1));
        Rect { x: left, y: top, width: right - left, height: bottom - top }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_straightened_page_are_found_on_the_crooked_one() {
        // A page of 400 × 600 points that was turned by 5° to be level.
        let (sin, cos) = 5_f32.to_radians().sin_cos();
        let size = (400.0 * cos + 600.0 * sin, 400.0 * sin + 600.0 * cos);
        let page = Page { skew: 5.0, ..Page::new(1, size, PageSource::Ocr, Vec::new()) };
        let point = |x: f32, y: f32| Rect { x, y, width: 0.0, height: 0.0 };
        let middle = page.displayed(point(0.5, 0.5));
        assert!((middle.x - 0.5).abs() < 1e-4 && (middle.y - 0.5).abs() < 1e-4);
        // 100 points to the right of the middle are 100 · cos to the right and 100 · sin further down.
        let right = page.displayed(point(0.5 + 100.0 / size.0, 0.5));
        assert!((right.x - (0.5 + 100.0 * cos / 400.0)).abs() < 1e-4, "{right:?}");
        assert!((right.y - (0.5 + 100.0 * sin / 600.0)).abs() < 1e-4, "{right:?}");
        // A level line becomes the box around a slanted one.
        let line = page.displayed(Rect { x: 0.25, y: 0.5, width: 0.5, height: 0.01 });
        assert!((line.height * 600.0 - (0.5 * size.0 * sin + 0.01 * size.1 * cos)).abs() < 0.01, "{line:?}");
    }
}
