//! Makes small print large enough to be read.
//!
//! Tesseract wants letters of more than twenty pixels. Photos of receipts come smaller; enlarging those finds up to a third
//! more of the words, while enlarging what is large enough loses some and costs its square. So the letters are measured
//! first: dark spots the shape of a letter, their median height.

use std::borrow::Cow;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{GrayImage, Luma};
use imageproc::contrast::{ThresholdType, otsu_level, threshold};
use imageproc::region_labelling::{Connectivity, connected_components};

use super::PageImage;

/// Median height of letters, capitals and small ones together, that Tesseract reads best.
const LETTER_PIXELS: f32 = 24.0;
/// Smaller letters than this are enlarged.
const LETTER_PIXELS_MIN: f32 = 20.0;
const ENLARGED_AT_MOST: f32 = 2.5;
/// Larger images are not measured: their letters are large, or they cost too much as they are.
const MEASURED_PIXELS_MAX: u32 = 4_500_000;
/// Fewer spots are no text to go by.
const LETTERS_MIN: usize = 40;

/// What is known of the letters on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letters {
    pub count: usize,
    /// Median height in pixels.
    pub height: f32,
}

/// Counts and measures the letters. None where there are hardly any, or the image is large.
pub(super) fn letters(pixels: &GrayImage) -> Option<Letters> {
    let (width, height) = pixels.dimensions();
    if width.checked_mul(height)? > MEASURED_PIXELS_MAX {
        return None;
    }
    let ink = threshold(pixels, otsu_level(pixels), ThresholdType::BinaryInverted);
    let spots = connected_components(&ink, Connectivity::Eight, Luma([0]));
    let count = spots.pixels().map(|spot| spot.0[0]).max()? as usize;
    let mut boxes = vec![[u32::MAX, u32::MAX, 0, 0]; count + 1];
    for (x, y, spot) in spots.enumerate_pixels() {
        let [left, top, right, bottom] = &mut boxes[spot.0[0] as usize];
        (*left, *top) = ((*left).min(x), (*top).min(y));
        (*right, *bottom) = ((*right).max(x), (*bottom).max(y));
    }
    let mut heights: Vec<u32> = boxes
        .iter()
        .skip(1)
        .map(|[left, top, right, bottom]| (right - left + 1, bottom - top + 1))
        .filter(|(width, height)| (5..100).contains(height) && *width < height * 3 && height < &(width * 6))
        .map(|(_, height)| height)
        .collect();
    heights.sort_unstable();
    let height = *heights.get(heights.len() / 2)? as f32;
    (heights.len() >= LETTERS_MIN).then_some(Letters { count: heights.len(), height })
}

/// The image, enlarged where its letters are small.
pub(super) fn enlarged(image: &PageImage, letters: Option<Letters>) -> Cow<'_, PageImage> {
    let small = letters.filter(|letters| letters.height < LETTER_PIXELS_MIN);
    let larger =
        small.and_then(|letters| resized(image, (LETTER_PIXELS / letters.height).min(ENLARGED_AT_MOST)));
    larger.map_or(Cow::Borrowed(image), Cow::Owned)
}

/// The image with its letters `share` of the size that is read best, for another look at it.
pub(super) fn at_other_scale(image: &PageImage, letters: Option<Letters>, share: f32) -> Cow<'_, PageImage> {
    let factor = letters.map_or(share, |letters| share * LETTER_PIXELS / letters.height);
    let factor = factor.clamp(0.5, ENLARGED_AT_MOST * share);
    let other = if (factor - 1.0).abs() < 0.05 { None } else { resized(image, factor) };
    other.map_or(Cow::Borrowed(image), Cow::Owned)
}

fn resized(image: &PageImage, factor: f32) -> Option<PageImage> {
    let (width, height) = image.pixels.dimensions();
    let larger = |side: u32| (side as f32 * factor).round() as u32;
    let source = Image::from_vec_u8(width, height, image.pixels.as_raw().clone(), PixelType::U8).ok()?;
    let mut target = Image::new(larger(width), larger(height), PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options).ok()?;
    let pixels = GrayImage::from_raw(larger(width), larger(height), target.into_vec())?;
    Some(PageImage { pixels, dots_per_inch: image.dots_per_inch * factor })
}
