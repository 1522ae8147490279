//! How often a page is looked at: once where that is enough, turned where it stands on its side, and in other ways where the
//! words are uncertain. A crooked page is straightened before.
//!
//! A clean scan costs one pass of Tesseract. Other passes segment the page otherwise, with its letters at another size:
//! each finds words that the others miss, and what several agree on is right nearly always.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};

use super::legible::Strokes;
use super::letters::{Letters, letters};
use super::library::{SEGMENT_BLOCK, SEGMENT_COLUMN, SEGMENT_LINE, SEGMENT_PAGE};
use super::{OcrError, PageImage, Recognizer, digits, legible, merge, turn};
use crate::page::{Alternative, Word};

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
/// Lines that are less from level, in degrees, are read as well as level ones.
const SKEW_MIN: f32 = 0.6;
/// How a page is looked at again: as what, how large its letters are to be, and how its strokes. Of a dozen ways tried on
/// photographs of receipts these find most together. The last only follows where the others leave doubts.
const OTHER_WAYS: [(c_int, f32, Strokes); 3] = [
    (SEGMENT_BLOCK, 1.0, Strokes::Thickened),
    (SEGMENT_COLUMN, 1.0, Strokes::Softened),
    (SEGMENT_BLOCK, 0.7, Strokes::AsTheyAre),
];
const FOLLOWING: usize = 2;
const ANY_SIGN: &CStr = c"";

/// A page image, which way it was turned, and what was seen.
pub struct Look<'i> {
    pub image: Cow<'i, PageImage>,
    /// Quarter turns, clockwise, from the page as displayed to this image.
    pub quarters: u8,
    /// Degrees, clockwise, by which the page was turned back after its quarter turns.
    pub skew: f32,
    pub words: Vec<Word>,
    /// What other looks saw in the places of the words.
    pub alternatives: Vec<Alternative>,
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
        self.look(image, 0, language)
    }

    /// The same in another language.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn again<'i>(&mut self, look: Look<'i>, language: &str) -> Result<Look<'i>, OcrError> {
        let enlarged = legible::enlarged(&look.image, look.letters);
        let words = self.engine(language)?.recognize(&enlarged, SEGMENT_PAGE, ANY_SIGN)?;
        drop(enlarged);
        Ok(Look { words, ..look })
    }

    /// Looks at an image that was turned by so many quarters.
    fn look<'i>(
        &mut self,
        image: Cow<'i, PageImage>,
        quarters: u8,
        language: &str,
    ) -> Result<Look<'i>, OcrError> {
        let letters = letters(&image);
        let skew = letters.map_or(0.0, |letters| letters.skew);
        let is_level = skew.abs() < SKEW_MIN;
        let (image, skew) =
            if is_level { (image, 0.0) } else { (Cow::Owned(turn::straightened(&image, skew)), skew) };
        let unread = Look { image, quarters, skew, words: Vec::new(), alternatives: Vec::new(), letters };
        self.again(unread, language)
    }

    /// Tries the other directions of an image that could hardly be read, and keeps the one that is clearly better.
    ///
    /// # Errors
    /// What is missing, or that Tesseract failed.
    pub fn upright<'i>(
        &mut self,
        look: Look<'i>,
        original: &PageImage,
        language: &str,
    ) -> Result<Look<'i>, OcrError> {
        let mut best = look.legibility();
        let mut upright: Option<Look<'i>> = None;
        for quarters in 1..4 {
            let turned = self.look(Cow::Owned(turn::quarters(original, quarters)), quarters, language)?;
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
        for (nth, (segmentation, share, strokes)) in OTHER_WAYS.into_iter().enumerate() {
            if nth >= FOLLOWING && look.is_sure() {
                break;
            }
            let other = legible::drawn_anew(&look.image, look.letters, share, strokes);
            ways.push(self.engine(language)?.recognize(&other, segmentation, ANY_SIGN)?);
            if ways.len() > FOLLOWING {
                (look.words, look.alternatives) = merge::merge(&ways);
            }
        }
        self.read_numbers_again(&mut look, language)?;
        Ok(look)
    }

    /// Reads the numbers that the looks disagree about, each by itself.
    fn read_numbers_again(&mut self, look: &mut Look<'_>, language: &str) -> Result<(), OcrError> {
        for index in digits::doubtful(&look.words, &look.alternatives) {
            let Some(cut) = digits::cut(&look.image, &look.words[index].rect) else { continue };
            let read = self.engine(language)?.recognize(&cut, SEGMENT_LINE, digits::SIGNS)?;
            digits::count(&mut look.words, &mut look.alternatives, index, &read);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Rect;
    use crate::read::{Limits, pdf};

    /// Reads with the real Tesseract.
    #[test]
    fn a_number_that_is_in_doubt_is_read_by_itself() {
        let content = "BT /F1 14 Tf 100 150 Td (Total 12.80) Tj ET";
        let file = format!(
            "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
             2 0 obj << /Type /Pages /Count 1 /Kids [3 0 R] >> endobj\n\
             3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R \
             /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >> endobj\n\
             4 0 obj << /Length {} >> stream\n{content}\nendstream endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
            content.len()
        );
        let document = pdf::Document::open(file.into_bytes()).unwrap();
        let image = document.draw(0, &mut document.caches(), &Limits::default()).unwrap();
        let mut recognizer = Recognizer::default();
        let mut look = recognizer.glance(Cow::Borrowed(&image), "en").unwrap();
        let index = look.words.iter().position(|word| word.text == "12.80").unwrap();
        let Rect { x, y, .. } = look.words[index].rect;
        assert!(x > 0.4 && y > 0.4, "{:?}", look.words);

        look.words[index] = Word { text: "l2.8O".to_owned(), confidence: 0.4, ..look.words[index].clone() };
        let alternative = Alternative { word: index as u32, text: "12.80".to_owned(), confidence: 0.3 };
        look.alternatives = vec![alternative];
        recognizer.read_numbers_again(&mut look, "en").unwrap();
        assert_eq!(look.words[index].text, "12.80");
        assert!(look.words[index].confidence > 0.5);
        // What is allowed for a number is forgotten for the next page.
        let again = recognizer.glance(Cow::Borrowed(&image), "en").unwrap();
        assert!(again.words.iter().any(|word| word.text == "Total"), "{:?}", again.words);
    }
}
