//! Which way up a page is: scanners and cameras turn pages, and one on its side cannot be read.

use image::imageops;

use super::PageImage;
use crate::page::Word;

/// The image turned clockwise by whole quarters.
pub(super) fn quarters(image: &PageImage, count: u8) -> PageImage {
    let pixels = match count % 4 {
        1 => imageops::rotate90(&image.pixels),
        2 => imageops::rotate180(&image.pixels),
        3 => imageops::rotate270(&image.pixels),
        _ => image.pixels.clone(),
    };
    PageImage { pixels, ..*image }
}

/// How well a page was read: certain letters.
pub(super) fn legibility(words: &[Word]) -> f32 {
    let letters = |word: &Word| word.text.chars().filter(|c| c.is_alphanumeric()).count() as f32;
    words.iter().filter(|word| word.confidence > 0.5).map(|word| letters(word) * word.confidence).sum()
}
