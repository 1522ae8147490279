//! What a scanner or a telephone does to a page: it is turned a little, slanted, blurred, unevenly lit, noisy and compressed.
//! Places move with it.

use super::words::Pen;
use anyhow::{Context, Result};
use image::{GrayImage, Luma};
use imageproc::{
    filter::gaussian_blur_f32,
    geometric_transformations::{Border, Interpolation, Projection, warp},
};
use std::path::Path;

/// Resolution of the pages that are made worse: 150 to 220 dots per inch.
pub fn pixels_per_point(pen: &mut Pen<'_>) -> f64 {
    pen.between(150, 220) as f64 / 72.0
}

/// A box: page, x, y, width, height; shares of the page.
pub type Place = (u64, f64, f64, f64, f64);

/// Reads a clean picture, writes it as it would come from a scanner, and says where its places went.
pub fn degrade(pen: &mut Pen<'_>, clean: &Path, out: &Path, places: &mut [&mut Place]) -> Result<()> {
    let page = image::open(clean).with_context(|| clean.display().to_string())?.into_luma8();
    let projection = distortion(pen, &page);
    let mut page = warp(&page, projection, Interpolation::Bilinear, Border::Constant(Luma([255])));
    for place in places.iter_mut() {
        moved(place, projection, page.width(), page.height());
    }
    if pen.chance(70) {
        page = gaussian_blur_f32(&page, pen.between(30, 110) as f32 / 100.0);
    }
    light(pen, &mut page);
    let quality = pen.between(35, 88) as u8;
    let file = std::io::BufWriter::new(std::fs::File::create(out)?);
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(file, quality);
    encoder.encode_image(&page)?;
    Ok(())
}

/// A turn by up to 1.2°, and for every other page a slant.
fn distortion(pen: &mut Pen<'_>, page: &GrayImage) -> Projection {
    let (x, y) = (page.width() as f32 / 2.0, page.height() as f32 / 2.0);
    let turn = Projection::rotate((pen.between(-120, 120) as f32 / 100.0).to_radians());
    let slant = if pen.chance(50) { pen.between(-10, 10) as f32 / 1000.0 } else { 0.0 };
    let slanted = Projection::from_matrix([1.0, slant, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
        .expect("a slant can be undone");
    Projection::translate(-x, -y).and_then(turn).and_then(slanted).and_then(Projection::translate(x, y))
}

/// Shade from one side to the other, the grey of the paper, and grain.
fn light(pen: &mut Pen<'_>, page: &mut GrayImage) {
    let paper = pen.between(215, 255) as f32 / 255.0;
    let (right, down) = (pen.between(-12, 0) as f32 / 100.0, pen.between(-12, 0) as f32 / 100.0);
    let grain = pen.between(0, 5) as f32;
    let (width, height) = (page.width() as f32, page.height() as f32);
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let shade = paper * (1.0 + right * x as f32 / width + down * y as f32 / height);
        // The sum of four even numbers is nearly normal; its standard deviation is 0.58.
        let bits = pen.random.next();
        let noise: f32 = (0..4).map(|part| (bits >> (16 * part) & 0xffff) as f32 / 65_535.0 - 0.5).sum();
        pixel.0[0] = (f32::from(pixel.0[0]) * shade + noise * grain / 0.58).clamp(0.0, 255.0) as u8;
    }
}

/// The box around the four corners of a box that was moved.
fn moved(place: &mut Place, projection: Projection, width: u32, height: u32) {
    let (width, height) = (f64::from(width), f64::from(height));
    let (page, x, y, w, h) = *place;
    let corners = [(x, y), (x + w, y), (x, y + h), (x + w, y + h)].map(|(x, y)| {
        let (x, y) = projection * ((x * width) as f32, (y * height) as f32);
        (f64::from(x) / width, f64::from(y) / height)
    });
    let range = |get: fn(&(f64, f64)) -> f64| {
        corners.iter().map(get).fold((1.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value.max(0.0)), high.max(value.min(1.0)))
        })
    };
    let ((left, right), (top, bottom)) = (range(|corner| corner.0), range(|corner| corner.1));
    *place = (page, left, top, right - left, bottom - top);
}

#[cfg(test)]
mod tests {
    use super::{super::words, *};
    use crate::random::Random;

    #[test]
    fn places_move_with_the_picture() {
        // A black square on a white page, degraded: it is dark where its place says, and bright beside it.
        let mut page = GrayImage::from_pixel(400, 300, Luma([255]));
        for x in 200..240 {
            for y in 100..140 {
                page.put_pixel(x, y, Luma([0]));
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (clean, out) = (folder.path().join("clean.png"), folder.path().join("out.jpg"));
        page.save(&clean).expect("it is written");
        let words = &words::all()[0];
        for seed in 0..5 {
            let mut pen = Pen { words, random: Random::new(seed), frozen: false };
            let mut place = (1, 0.5, 1.0 / 3.0, 0.1, 40.0 / 300.0);
            degrade(&mut pen, &clean, &out, &mut [&mut place]).expect("it is a picture");
            let scanned = image::open(&out).expect("it is a picture").into_luma8();
            let at = |x: f64, y: f64| scanned.get_pixel((x * 400.0) as u32, (y * 300.0) as u32).0[0];
            let (_, x, y, width, height) = place;
            assert!(at(x + width / 2.0, y + height / 2.0) < 90, "seed {seed}");
            assert!(at(x - 0.03, y + height / 2.0) > 120 && at(x + width + 0.03, y) > 120, "seed {seed}");
        }
    }
}
