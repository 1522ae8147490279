//! A page whose words are put there by hand, in type of any size.

use insights::page::{Page, PageSource, Rect, Word};

/// A text at fractions of the page, in a type size in points.
pub type Text = (f32, f32, &'static str, f32);

/// A4 with the given texts; letters are half as wide as high.
pub fn page(texts: &[Text]) -> Page {
    let (width, height) = (595.0, 842.0);
    let mut words = Vec::new();
    for (x, y, text, size) in texts {
        let mut left = *x;
        for word in text.split_whitespace() {
            let advance = word.chars().count() as f32 * 0.5 * size / width;
            let rect = Rect { x: left, y: *y, width: advance, height: size / height };
            words.push(Word { text: word.to_owned(), rect, confidence: 1.0, font_size: *size });
            left += advance + 0.3 * size / width;
        }
    }
    Page::new(1, (width, height), PageSource::TextLayer, words)
}
