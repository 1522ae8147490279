//! Numbers that the looks at a page disagree about are read once more, each cut out and with nothing allowed but digits and the
//! signs between them: what is a letter elsewhere, an `O` or an `S`, is a digit here.

use std::ffi::CStr;

use image::{GrayImage, Luma, imageops};

use super::PageImage;
use super::legible;
use crate::page::{Alternative, Rect, Word};

/// What may stand in a number, a date or a time.
pub(super) const SIGNS: &CStr = c"0123456789.,:/-";
/// Numbers that are surer than this are not read again.
const DOUBTFUL: f32 = 0.8;
/// Cut out of a page at most, the least sure first: each costs some milliseconds.
const CUTS_MAX: usize = 24;
/// Digits that a number has at least; of one alone there is little to tell.
const DIGITS_MIN: usize = 2;
/// Height of a cut's word in pixels, and the white around it.
const WORD_PIXELS: f32 = 36.0;
const MARGIN_PIXELS: u32 = 10;
/// Paper around a word that is cut out with it, of its height.
const PAPER: f32 = 0.15;
/// A cut says this much beside a look at the whole page, which sees the words around.
const WEIGHT: f32 = 0.5;

/// The words that are numbers, or may be, and are not sure; the least sure first.
pub(super) fn doubtful(words: &[Word], alternatives: &[Alternative]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..words.len())
        .filter(|&index| {
            let word = &words[index];
            let others = alternatives.iter().filter(|other| other.word as usize == index);
            let mut texts =
                std::iter::once(word.text.as_str()).chain(others.map(|other| other.text.as_str()));
            word.confidence < DOUBTFUL && looks_like_number(&word.text) && texts.any(is_number)
        })
        .collect();
    found.sort_by(|a, b| words[*a].confidence.total_cmp(&words[*b].confidence));
    found.truncate(CUTS_MAX);
    found
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

fn is_number(text: &str) -> bool {
    digits(text) >= DIGITS_MIN && text.bytes().all(|byte| SIGNS.to_bytes().contains(&byte))
}

/// Whether at least half of it may stand in a number.
fn looks_like_number(text: &str) -> bool {
    let signs = text.bytes().filter(|byte| SIGNS.to_bytes().contains(byte)).count();
    2 * signs >= text.chars().count()
}

/// A word of the page by itself, as large as is read best and with white around it.
pub(super) fn cut(image: &PageImage, rect: &Rect) -> Option<PageImage> {
    let (width, height) = image.pixels.dimensions();
    let paper = PAPER * rect.height * height as f32;
    let left = (rect.x * width as f32 - paper).max(0.0);
    let top = (rect.y * height as f32 - paper).max(0.0);
    let right = (rect.right() * width as f32 + paper).min(width as f32);
    let bottom = (rect.bottom() * height as f32 + paper).min(height as f32);
    let (across, down) = ((right - left) as u32, (bottom - top) as u32);
    if across < 3 || down < 3 {
        return None;
    }
    let pixels = imageops::crop_imm(&image.pixels, left as u32, top as u32, across, down).to_image();
    let word = PageImage { pixels, ..*image };
    let word = legible::resized(&word, WORD_PIXELS / (rect.height * height as f32))?;
    let (across, down) = word.pixels.dimensions();
    let paper = word.pixels.pixels().map(|pixel| pixel.0[0]).max().unwrap_or(u8::MAX);
    let mut pixels =
        GrayImage::from_pixel(across + 2 * MARGIN_PIXELS, down + 2 * MARGIN_PIXELS, Luma([paper]));
    imageops::replace(&mut pixels, &word.pixels, MARGIN_PIXELS.into(), MARGIN_PIXELS.into());
    Some(PageImage { pixels, ..word })
}

/// Counts what was read in the cut of a word: it makes the word surer, or one of its alternatives, which may come before it
/// then; what nobody read so far becomes an alternative.
pub(super) fn count(words: &mut [Word], alternatives: &mut Vec<Alternative>, index: usize, read: &[Word]) {
    let text: String = read.iter().map(|word| word.text.as_str()).collect();
    if !is_number(&text) {
        return;
    }
    let certainty = read.iter().map(|word| word.confidence).fold(1.0, f32::min);
    let word = &mut words[index];
    let surer = |confidence: f32| 1.0 - (1.0 - confidence) * (1.0 - WEIGHT * certainty);
    if word.text == text {
        word.confidence = surer(word.confidence);
        return;
    }
    let same = |other: &&mut Alternative| other.word as usize == index && other.text == text;
    match alternatives.iter_mut().find(same) {
        Some(other) => {
            other.confidence = surer(other.confidence);
            if other.confidence > word.confidence {
                std::mem::swap(&mut other.text, &mut word.text);
                std::mem::swap(&mut other.confidence, &mut word.confidence);
            }
        }
        None => {
            let confidence = WEIGHT * certainty * (1.0 - word.confidence);
            let at = alternatives.partition_point(|other| other.word as usize <= index);
            alternatives.insert(at, Alternative { word: index as u32, text, confidence });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, confidence: f32) -> Word {
        let rect = Rect { x: 0.1, y: 0.1, width: 0.1, height: 0.01 };
        Word { text: text.to_owned(), rect, confidence, font_size: 10.0 }
    }

    fn other(word: u32, text: &str, confidence: f32) -> Alternative {
        Alternative { word, text: text.to_owned(), confidence }
    }

    #[test]
    fn numbers_that_are_not_sure_are_read_again() {
        let words = [
            word("12.80", 0.7),
            word("Total", 0.3),
            word("RM5.00", 0.3),
            word("l2.8O", 0.4),
            word("9", 0.2),
            word("31/03/2018", 0.95),
        ];
        // A currency or a letter in it would become digits, so another look must have seen none.
        assert_eq!(doubtful(&words, &[]), [0]);
        assert_eq!(doubtful(&words, &[other(3, "12.80", 0.3)]), [3, 0]);
    }

    #[test]
    fn what_a_cut_says_is_counted() {
        let read = [word("12.80", 0.9)];
        let mut words = [word("12.80", 0.6)];
        let mut others = Vec::new();
        count(&mut words, &mut others, 0, &read);
        assert!(words[0].confidence > 0.75 && others.is_empty());

        // What was outvoted comes before the rest where the cut says the same.
        let mut words = [word("l2.8O", 0.4)];
        let mut others = vec![other(0, "12.80", 0.35)];
        count(&mut words, &mut others, 0, &read);
        assert_eq!((words[0].text.as_str(), others[0].text.as_str()), ("12.80", "l2.8O"));
        assert!(words[0].confidence > 0.6 && others[0].confidence == 0.4);

        let mut words = [word("12.88", 0.6)];
        let mut others = Vec::new();
        count(&mut words, &mut others, 0, &read);
        assert_eq!((words[0].text.as_str(), others[0].text.as_str()), ("12.88", "12.80"));
        assert!(others[0].confidence < words[0].confidence);
        count(&mut words, &mut others, 0, &[word("-", 0.9)]);
        assert_eq!(others.len(), 1);
    }

    #[test]
    fn a_cut_is_large_and_has_white_around() {
        let mut pixels = GrayImage::from_pixel(400, 1000, Luma([200]));
        for (x, y) in (40..80).flat_map(|x| (100..110).map(move |y| (x, y))) {
            pixels.put_pixel(x, y, Luma([0]));
        }
        let page = PageImage { pixels, dots_per_inch: 100.0 };
        let cut = cut(&page, &word("12.80", 0.5).rect).unwrap();
        let dark = cut.pixels.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 100);
        let (top, bottom) = dark.fold((u32::MAX, 0), |(top, bottom), (_, y, _)| (top.min(y), bottom.max(y)));
        assert!((34..=38).contains(&(bottom - top + 1)), "{}", bottom - top + 1);
        assert!(top >= MARGIN_PIXELS);
        let speck = Rect { x: 0.5, y: 0.5, width: 0.001, height: 0.001 };
        assert!(super::cut(&page, &speck).is_none());
    }
}
