//! How often a page is looked at: once where that is enough, turned where it stands on its side, and in other ways where the
//! words are uncertain.
//!
//! A clean scan costs one pass of Tesseract. Other passes segment the page otherwise, with its letters at another size:
//! each finds words that the others miss, and what several agree on is right nearly always.

use std::borrow::Cow;
use std::ffi::c_int;

use super::library::{SEGMENT_BLOCK, SEGMENT_COLUMN, SEGMENT_PAGE};
use super::{OcrError, PageImage, Recognizer, legible, legible::Letters, merge, turn};
use crate::page::Word;

/// Where there are more letters than this to each word found, the layout of the page was not understood.
const LETTERS_TO_A_WORD_MAX: usize = 8;
/// A page that was read with this much certainty is not looked at again.
const SURE: f32 = 0.93;
/// One that was read with less is tried in other directions.
const ILLEGIBLE: f32 = 0.6;
/// So is one that was read with less, and of which words seem to be missing.
const DOUBTFUL: f32 = 0.8;
/// Letters of a word that is wider than high if it stands upright.
const LONG: usize = 4;
/// A direction is another one's better by this factor.
const CLEARLY: f32 = 1.5;
/// How a page is looked at again: as what, and how large its letters are to be.
const OTHER_WAYS: [(c_int, f32); 2] = [(SEGMENT_BLOCK, 1.25), (SEGMENT_COLUMN, 0.85)];

/// A page image, which way it was turned, and what was seen.
pub struct Look<'i> {
    pub image: Cow<'i, PageImage>,
    /// Quarter turns, clockwise, from the page as displayed to this image.
    pub quarters: u8,
    pub words: Vec<Word>,
    letters: Option<Letters>,
}

impl Look<'_> {
    /// Whether there is nothing to gain from other looks.
    pub fn is_sure(&self) -> bool {
        self.certainty() >= SURE && self.is_complete()
    }

    /// Whether the page may stand on its side or on its head.
    pub fn is_illegible(&self) -> bool {
        let certainty = self.certainty();
        let poor = certainty < ILLEGIBLE || (certainty < DOUBTFUL && !self.is_complete());
        self.letters.is_some() && (poor || self.is_sideways())
    }

    /// Whether most words are higher than wide: Tesseract also reads lines that run up or down.
    fn is_sideways(&self) -> bool {
        let (width, height) = self.image.pixels.dimensions();
        let long = self.words.iter().filter(|word| word.text.chars().count() >= LONG);
        let (upright, sideways) = long.fold((0, 0), |(upright, sideways), word| {
            let high = word.rect.height * height as f32 > 1.2 * word.rect.width * width as f32;
            if high { (upright, sideways + 1) } else { (upright + 1, sideways) }
        });
        sideways > upright
    }

    /// How well the page was read with its lines level: certain letters.
    fn legibility(&self) -> f32 {
        if self.is_sideways() { 0.0 } else { turn::legibility(&self.words) }
    }

    fn is_complete(&self) -> bool {
        let letters = self.letters.map_or(0, |letters| letters.count);
        self.words.len() * LETTERS_TO_A_WORD_MAX >= letters
    }

    /// Of the words by their lengths, in `[0, 1]`.
    fn certainty(&self) -> f32 {
        let length = |word: &Word| word.text.chars().count() as f32;
        let all: f32 = self.words.iter().map(length).sum();
        let certain: f32 = self.words.iter().map(|word| length(word) * word.confidence).sum();
        certain / all.max(1.0)
    }
}

impl Recognizer {
    /// The words of a page image read as `language` (a two-letter code), looked at once.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn glance<'i>(&mut self, image: Cow<'i, PageImage>, language: &str) -> Result<Look<'i>, OcrError> {
        let letters = legible::letters(&image.pixels);
        self.look(image, 0, letters, language)
    }

    /// The same in another language.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn again<'i>(&mut self, look: Look<'i>, language: &str) -> Result<Look<'i>, OcrError> {
        self.look(look.image, look.quarters, look.letters, language)
    }

    fn look<'i>(
        &mut self,
        image: Cow<'i, PageImage>,
        quarters: u8,
        letters: Option<Letters>,
        language: &str,
    ) -> Result<Look<'i>, OcrError> {
        let enlarged = legible::enlarged(&image, letters);
        let words = self.engine(language)?.recognize(&enlarged, SEGMENT_PAGE)?;
        drop(enlarged);
        Ok(Look { image, quarters, words, letters })
    }

    /// Tries the other directions of a page that could hardly be read, and keeps the one that is clearly better.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn upright<'i>(&mut self, look: Look<'i>, language: &str) -> Result<Look<'i>, OcrError> {
        let mut best = look.legibility();
        let mut upright: Option<Look<'i>> = None;
        for quarters in 1..4 {
            let image = Cow::Owned(turn::quarters(&look.image, quarters));
            let turned = self.look(image, quarters, look.letters, language)?;
            let legibility = turned.legibility();
            if legibility > CLEARLY * best {
                let is_found = !turned.is_illegible();
                (best, upright) = (legibility, Some(turned));
                if is_found {
                    break;
                }
            }
        }
        Ok(upright.unwrap_or(look))
    }

    /// Looks at a page in other ways too.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn look_closer<'i>(&mut self, mut look: Look<'i>, language: &str) -> Result<Look<'i>, OcrError> {
        let mut ways = vec![std::mem::take(&mut look.words)];
        for (segmentation, scale) in OTHER_WAYS {
            let other = legible::at_other_scale(&look.image, look.letters, scale);
            ways.push(self.engine(language)?.recognize(&other, segmentation)?);
        }
        look.words = merge::merge(ways);
        Ok(look)
    }
}
