//! A PDF page as grey pixels, for the pages whose text layer cannot be used.

use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use hayro_interpret::InterpreterSettings;
use hayro_syntax::page::Page as PdfPage;
use image::GrayImage;

use crate::read::Limits;
use crate::read::ocr::PageImage;

/// Finds nine tenths of what 300 finds, at 0.8 of its cost; 150 loses four points of a hundred.
const DOTS_PER_INCH: f32 = 200.0;
/// Below this nothing can be read, so nothing is drawn.
const DOTS_PER_INCH_MIN: f32 = 50.0;
/// The renderer counts pixels of a side in 16 bits.
const SIDE_PIXELS_MAX: f32 = 65_000.0;

/// Draws the page, upright, on white. None where it is so large that it could not be read within the limit.
///
/// The size is settled before anything is allocated: the renderer allocates whatever is asked for.
pub(super) fn draw<'a>(page: &'a PdfPage<'a>, cache: &RenderCache<'a>, limits: &Limits) -> Option<PageImage> {
    let (width, height) = page.render_dimensions();
    let dots_per_inch = resolution(width, height, limits)?;
    let scale = dots_per_inch / 72.0;
    let pixmap_settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let settings = (InterpreterSettings::default(), RenderSettings::default());
    let pixmap = hayro::render(page, cache, &settings.0, &settings.1, &pixmap_settings);
    let (columns, rows) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let luma = pixmap.data().iter().map(|pixel| luma(pixel.r, pixel.g, pixel.b)).collect();
    let pixels = GrayImage::from_raw(columns, rows, luma)?;
    (columns > 0 && rows > 0).then_some(PageImage { pixels, dots_per_inch })
}

/// The resolution at which a page of so many points stays within the limit.
fn resolution(width: f32, height: f32, limits: &Limits) -> Option<f32> {
    let inches = (width / 72.0, height / 72.0);
    let by_area = (limits.page_pixels_max as f32 / (inches.0 * inches.1)).sqrt();
    let by_side = SIDE_PIXELS_MAX / inches.0.max(inches.1);
    let dots_per_inch = DOTS_PER_INCH.min(by_area).min(by_side);
    (dots_per_inch >= DOTS_PER_INCH_MIN).then_some(dots_per_inch)
}

/// ITU-R BT.601, in 256ths.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pages_are_drawn_coarser_and_huge_ones_not_at_all() {
        let limits = Limits::default();
        assert_eq!(resolution(595.0, 842.0, &limits), Some(200.0));
        let poster = resolution(5_000.0, 5_000.0, &limits).unwrap();
        assert!(poster < 200.0 && (poster * 5_000.0 / 72.0).powi(2) <= 40_000_000.0 * 1.001);
        assert_eq!(resolution(14_400.0, 14_400.0, &limits), None);
        assert_eq!(resolution(1_000_000.0, 1.0, &limits), None);
    }
}
