//! Which way up a page is, and how level: scanners and cameras turn pages. One on its side cannot be read, and on a crooked one
//! lines run into each other.

use image::{GrayImage, Luma, imageops};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp_into};

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

/// The image turned so that lines which are `skew` degrees from level, clockwise, become level; large enough for all of it,
/// with white corners.
pub(super) fn straightened(image: &PageImage, skew: f32) -> PageImage {
    let (width, height) = image.pixels.dimensions();
    let (across, down) = (width as f32, height as f32);
    let (sin, cos) = skew.to_radians().sin_cos();
    let (wide, high) = (across * cos + down * sin.abs(), across * sin.abs() + down * cos);
    let mut pixels = GrayImage::new(wide.ceil() as u32, high.ceil() as u32);
    let (right, below) = (pixels.width() as f32 / 2.0, pixels.height() as f32 / 2.0);
    let projection = Projection::translate(-across / 2.0, -down / 2.0)
        .and_then(Projection::rotate(-skew.to_radians()))
        .and_then(Projection::translate(right, below));
    let white = Border::Constant(Luma([u8::MAX]));
    warp_into(&image.pixels, projection, Interpolation::Bilinear, white, &mut pixels);
    PageImage { pixels, ..*image }
}

/// How well a page was read: certain letters.
pub(super) fn legibility(words: &[Word]) -> f32 {
    let letters = |word: &Word| word.text.chars().filter(|c| c.is_alphanumeric()).count() as f32;
    words.iter().filter(|word| word.confidence > 0.5).map(|word| letters(word) * word.confidence).sum()
}
