//! The letters on a page, before it is read: how many there are, how high, and how far their lines are from level.
//!
//! Dark spots the shape of a letter are counted as letters. Their feet stand on lines: seen along the lines they fall on
//! few heights, seen at any other angle on many (a projection profile, after Postl 1986). The angle at which they are most
//! crowded is the page's skew.

use std::borrow::Cow;

use image::{GrayImage, Luma};
use imageproc::contrast::{ThresholdType, otsu_level, threshold};
use imageproc::region_labelling::{Connectivity, connected_components};

use super::PageImage;
use super::legible::resized;

/// Larger images are made smaller to be measured: what is looked for is there too.
const MEASURED_PIXELS_MAX: u32 = 4_500_000;
/// Fewer spots are no text to go by.
const LETTERS_MIN: usize = 40;
/// Letters whose feet are looked at.
const FEET_MAX: usize = 4_000;
/// Lines are not further from level than this, in degrees: else a page is another page's table, or on its side.
const SKEW_MAX: f32 = 12.0;
/// Steps of the angles that are tried, in degrees: of all, then around the best.
const COARSE: f32 = 0.5;
const FINE: f32 = 0.1;
/// How much more crowded feet must be along the lines than where the page is taken as it is.
const CLEARLY: f64 = 1.15;

/// What is known of the letters on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letters {
    pub count: usize,
    /// Median height in pixels.
    pub height: f32,
    /// Degrees, clockwise, by which the lines are turned from level; 0 where that cannot be told.
    pub skew: f32,
}

/// Counts and measures the letters. None where there are hardly any.
pub(super) fn letters(image: &PageImage) -> Option<Letters> {
    let (width, height) = image.pixels.dimensions();
    let share = f64::from(MEASURED_PIXELS_MAX) / (f64::from(width) * f64::from(height));
    let factor = share.min(1.0).sqrt() as f32;
    let smaller = if factor < 1.0 { Cow::Owned(resized(image, factor)?) } else { Cow::Borrowed(image) };
    let boxes = letter_boxes(&smaller.pixels)?;
    let mut heights: Vec<u32> = boxes.iter().map(|[_, top, _, bottom]| bottom - top + 1).collect();
    heights.sort_unstable();
    let height = heights[heights.len() / 2] as f32;
    Some(Letters { count: boxes.len(), height: height / factor, skew: skew(&boxes, height) })
}

/// Left, top, right and bottom of each spot that has the shape of a letter.
fn letter_boxes(pixels: &GrayImage) -> Option<Vec<[u32; 4]>> {
    let ink = threshold(pixels, otsu_level(pixels), ThresholdType::BinaryInverted);
    let spots = connected_components(&ink, Connectivity::Eight, Luma([0]));
    let count = spots.pixels().map(|spot| spot.0[0]).max()? as usize;
    let mut boxes = vec![[u32::MAX, u32::MAX, 0, 0]; count + 1];
    for (x, y, spot) in spots.enumerate_pixels() {
        let [left, top, right, bottom] = &mut boxes[spot.0[0] as usize];
        (*left, *top) = ((*left).min(x), (*top).min(y));
        (*right, *bottom) = ((*right).max(x), (*bottom).max(y));
    }
    boxes.remove(0);
    boxes.retain(|[left, top, right, bottom]| {
        let (width, height) = (right - left + 1, bottom - top + 1);
        (5..100).contains(&height) && width < height * 3 && height < width * 6
    });
    (boxes.len() >= LETTERS_MIN).then_some(boxes)
}

/// The angle of the lines on which letters of a usual height stand, in degrees; 0 where none is clearly better than level.
fn skew(boxes: &[[u32; 4]], height: f32) -> f32 {
    let usual = |[_, top, _, bottom]: &&[u32; 4]| {
        let own = (bottom - top + 1) as f32;
        (0.6 * height..1.8 * height).contains(&own)
    };
    let step = boxes.len().div_ceil(FEET_MAX).max(1);
    let feet: Vec<(f32, f32)> = boxes
        .iter()
        .filter(usual)
        .step_by(step)
        .map(|[left, _, right, bottom]| ((left + right) as f32 / 2.0, *bottom as f32))
        .collect();
    let bin = (height / 3.0).max(1.5);
    let at = |angle: f32| (crowding(&feet, angle, bin), angle);
    let best = |angles: &mut dyn Iterator<Item = f32>| {
        angles.map(at).reduce(|best, other| if other.0 > best.0 { other } else { best })
    };
    let count = (SKEW_MAX / COARSE) as i32;
    let Some((_, coarse)) = best(&mut (-count..=count).map(|step| step as f32 * COARSE)) else { return 0.0 };
    let count = (COARSE / FINE) as i32;
    let Some((crowded, angle)) = best(&mut (-count..=count).map(|step| coarse + step as f32 * FINE)) else {
        return 0.0;
    };
    if crowded > CLEARLY * crowding(&feet, 0.0, bin) { angle } else { 0.0 }
}

/// How crowded the feet are on heights of `bin` pixels, seen along lines turned by `angle` degrees: the sum of squares of
/// their numbers. Each is shared by the two nearest heights, so that nothing depends on where heights begin.
fn crowding(feet: &[(f32, f32)], angle: f32, bin: f32) -> f64 {
    let (sin, cos) = angle.to_radians().sin_cos();
    let heights: Vec<f32> = feet.iter().map(|(x, y)| (y * cos - x * sin) / bin).collect();
    let (low, high) =
        heights.iter().fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    if feet.is_empty() {
        return 0.0;
    }
    let mut counts = vec![0.0_f64; (high - low) as usize + 2];
    for height in heights {
        let above = height - low;
        let (nth, rest) = (above as usize, f64::from(above.fract()));
        counts[nth] += 1.0 - rest;
        counts[nth + 1] += rest;
    }
    counts.iter().map(|count| count * count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of letters, 14 pixels apart, each 8 high, on a page turned by `degrees` around its corner.
    fn boxes(degrees: f32) -> Vec<[u32; 4]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mut boxes = Vec::new();
        for line in 0..30 {
            // Lines are not equally long, and some letters hang below.
            for letter in 0..(20 + line * 7 % 25) {
                let (x, y) = (20.0 + 10.0 * letter as f32, 300.0 + 14.0 * line as f32);
                let hanging = if (letter * 5 + line) % 6 == 0 { 2 } else { 0 };
                let (left, bottom) = (x * cos - y * sin + 150.0, x * sin + y * cos);
                boxes.push([left as u32, bottom as u32 - 8, left as u32 + 6, bottom as u32 + hanging]);
            }
        }
        boxes
    }

    #[test]
    fn the_skew_of_lines_is_measured() {
        for degrees in [-9.0, -3.3, -0.8, 0.8, 2.0, 6.5] {
            let measured = skew(&boxes(degrees), 8.0);
            assert!((measured - degrees).abs() < 0.25, "{degrees}: {measured}");
        }
    }

    #[test]
    fn level_lines_and_no_lines_have_none() {
        assert!(skew(&boxes(0.0), 8.0).abs() < 0.2);
        // Numerical Recipes' generator: places without any order.
        let mut state = 1_u32;
        let mut below = |end: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % end
        };
        let scattered = (0..500).map(|_| {
            let (x, y) = (below(900), below(900) + 20);
            [x, y - 8, x + 6, y]
        });
        assert!(skew(&scattered.collect::<Vec<_>>(), 8.0).abs() < f32::EPSILON);
        assert!(skew(&[], 8.0).abs() < f32::EPSILON);
    }
}
