//! Small pages made by hand, for the tests of this folder.

use crate::page::{Page, PageSource, Rect, Word};

/// A4 with 10-point type; each entry is where a text begins (as fractions) and the text, whose words follow each other.
pub(super) fn page(texts: &[(f32, f32, &str)]) -> Page {
    const WIDTH: f32 = 595.0;
    const HEIGHT: f32 = 842.0;
    const TYPE: f32 = 10.0;
    let mut words = Vec::new();
    for (x, y, text) in texts {
        let mut left = *x;
        for word in text.split_whitespace() {
            let width = word.chars().count() as f32 * 0.5 * TYPE / WIDTH;
            let rect = Rect { x: left, y: *y, width, height: TYPE / HEIGHT };
            words.push(Word { text: word.to_owned(), rect, confidence: 1.0, font_size: TYPE });
            left += width + 0.3 * TYPE / WIDTH;
        }
    }
    Page::new(1, (WIDTH, HEIGHT), PageSource::TextLayer, words)
}
