//! Makes small print large enough to be read.
//!
//! Tesseract wants letters of more than twenty pixels. Photos of receipts come smaller; enlarging those finds up to a third
//! more of the words, while enlarging what is large enough loses some and costs its square. So the letters are measured
//! first.

use std::borrow::Cow;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::GrayImage;
use imageproc::filter::gaussian_blur_f32;
use imageproc::morphology::{Mask, grayscale_erode};

use super::PageImage;
use super::letters::Letters;

/// Median height of letters, capitals and small ones together, that Tesseract reads best.
const LETTER_PIXELS: f32 = 24.0;
/// Smaller letters than this are enlarged.
const LETTER_PIXELS_MIN: f32 = 20.0;
const ENLARGED_AT_MOST: f32 = 2.5;

/// The image, enlarged where its letters are small.
pub(super) fn enlarged(image: &PageImage, letters: Option<Letters>) -> Cow<'_, PageImage> {
    let small = letters.filter(|letters| letters.height < LETTER_PIXELS_MIN);
    let larger =
        small.and_then(|letters| resized(image, (LETTER_PIXELS / letters.height).min(ENLARGED_AT_MOST)));
    larger.map_or(Cow::Borrowed(image), Cow::Owned)
}

/// What becomes of the strokes of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strokes {
    AsTheyAre,
    /// One pixel thicker on each side: faint print closes.
    Thickened,
    /// Blurred by a pixel: ragged print becomes smooth.
    Softened,
}

/// The image with its letters `share` of the size that is read best, for another look at it.
pub(super) fn drawn_anew<'i>(
    image: &'i PageImage,
    letters: Option<Letters>,
    share: f32,
    strokes: Strokes,
) -> Cow<'i, PageImage> {
    let factor = letters.map_or(share, |letters| share * LETTER_PIXELS / letters.height);
    let factor = factor.clamp(0.5, ENLARGED_AT_MOST * share);
    let resized = if (factor - 1.0).abs() < 0.05 { None } else { resized(image, factor) };
    let image = resized.map_or(Cow::Borrowed(image), Cow::Owned);
    let pixels = match strokes {
        Strokes::AsTheyAre => return image,
        Strokes::Thickened => grayscale_erode(&image.pixels, &Mask::square(1)),
        Strokes::Softened => gaussian_blur_f32(&image.pixels, 1.0),
    };
    Cow::Owned(PageImage { pixels, ..*image })
}

pub(super) fn resized(image: &PageImage, factor: f32) -> Option<PageImage> {
    let (width, height) = image.pixels.dimensions();
    let larger = |side: u32| (side as f32 * factor).round() as u32;
    let source = Image::from_vec_u8(width, height, image.pixels.as_raw().clone(), PixelType::U8).ok()?;
    let mut target = Image::new(larger(width), larger(height), PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options).ok()?;
    let pixels = GrayImage::from_raw(larger(width), larger(height), target.into_vec())?;
    Some(PageImage { pixels, dots_per_inch: image.dots_per_inch * factor })
}
