//! The pages of a document, one after the other.
//!
//! Each page is read from its text layer, or looked at where that cannot be believed. The language that OCR uses is
//! settled on the first page that needs it: read once in the default language, which is enough to tell which language
//! it is in, and once more where that is another installed one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ocr::{OcrError, PageImage, Recognizer};
use super::{Limits, Opened, Refusal, Source, language, pdf};
use crate::page::{Page, PageSource};

/// Below this the first reading says nothing about the language.
const LANGUAGE_CONFIDENCE_MIN: f64 = 0.8;

/// What happens next, told before it begins, so that whoever waits can give it the time it deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// A part of an archive or of an e-mail is opened.
    Open,
    /// The text layer, or the pixels, of the page with this number are read.
    Read(u32),
    /// The page with this number goes through OCR.
    Recognize(u32),
    /// All pages are read; the fields are looked for.
    Extract,
}

/// Why a page could not be read, where that ends the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Ocr(#[from] OcrError),
}

/// Reads documents; keeps what is costly to load from one to the next. One to a thread.
#[derive(Default)]
pub struct Reader {
    recognizer: Recognizer,
}

impl Reader {
    /// The pages of a document. `languages` are the two-letter codes that OCR may use; none means all that are
    /// installed. Pages whose number is in `unreadable` are not touched: they have broken a reader before.
    pub fn pages<'a>(
        &'a mut self,
        opened: &'a Opened,
        languages: &'a [String],
        unreadable: &'a [u32],
    ) -> Pages<'a> {
        Pages {
            reader: self,
            opened,
            caches: None,
            languages,
            unreadable,
            ocr_language: None,
            leaf: 0,
            index: 0,
            read: 0,
        }
    }
}

/// See [`Reader::pages`].
pub struct Pages<'a> {
    reader: &'a mut Reader,
    opened: &'a Opened,
    /// Of the PDF that is being read, where it is one.
    caches: Option<pdf::Caches<'a>>,
    languages: &'a [String],
    unreadable: &'a [u32],
    ocr_language: Option<&'static str>,
    /// The part that is being read, and the page of it that comes next.
    leaf: usize,
    index: usize,
    /// Pages that were read, of all parts.
    read: u32,
}

impl<'a> Pages<'a> {
    /// The next page, or none after the last. `before` hears of each step before it begins.
    ///
    /// # Errors
    /// That the first page of a document of one part is damaged, or that OCR is needed and missing. Any other damaged page
    /// is no error: it comes without words, as [`PageSource::Unreadable`].
    pub fn next_page(&mut self, before: &mut dyn FnMut(Step)) -> Result<Option<Page>, ReadError> {
        let opened: &'a Opened = self.opened;
        let leaf = loop {
            let Some(leaf) = opened.leaves.get(self.leaf) else { return Ok(None) };
            if self.index < leaf.page_count {
                break leaf;
            }
            (self.leaf, self.index, self.caches) = (self.leaf + 1, 0, None);
        };
        let index = self.index;
        (self.index, self.read) = (index + 1, self.read + 1);
        let number = self.read;
        if self.unreadable.contains(&number) {
            return Ok(Some(unreadable_page(number)));
        }
        before(Step::Read(number));
        let page = match &leaf.source {
            Source::Pdf(document) => self.pdf_page(document, index, number, before),
            Source::Picture(picture) => match picture.page(index, &opened.limits) {
                Ok(image) => self.recognize(number, &image, before),
                Err(refusal) if index == 0 && opened.leaves.len() == 1 => Err(refusal.into()),
                Err(_) => Ok(unreadable_page(number)),
            },
            Source::Pages(pages) => Ok(Page { number, ..pages[index].clone() }),
            Source::Unreadable => Ok(unreadable_page(number)),
        };
        page.map(Some)
    }

    fn pdf_page(
        &mut self,
        document: &'a pdf::Document,
        index: usize,
        number: u32,
        before: &mut dyn FnMut(Step),
    ) -> Result<Page, ReadError> {
        let caches = self.caches.get_or_insert_with(|| document.caches());
        let layer = document.text_layer(index, caches);
        let page = Page { number, ..layer.page };
        if layer.is_usable {
            return Ok(page);
        }
        let image = match layer.is_too_large {
            true => None,
            false => document.draw(index, caches, &self.opened.limits),
        };
        match image {
            Some(image) => {
                let seen = self.recognize(number, &image, before)?;
                if seen.turned != 0 || seen.skew != 0.0 {
                    // Its lines are where they were before it was turned.
                    return Ok(seen);
                }
                Ok(Page { rulings: page.rulings, width: page.width, height: page.height, ..seen })
            }
            None => Ok(Page { source: PageSource::Unreadable, ..page }),
        }
    }

    fn recognize(
        &mut self,
        number: u32,
        image: &PageImage,
        before: &mut dyn FnMut(Step),
    ) -> Result<Page, ReadError> {
        let recognizer = &mut self.reader.recognizer;
        before(Step::Recognize(number));
        let known = self.ocr_language;
        let installed = if known.is_some() { Vec::new() } else { recognizer.languages(self.languages)? };
        let first = known.or(installed.first().copied()).unwrap_or("en");
        let mut look = recognizer.glance(Cow::Borrowed(image), first)?;
        if look.is_illegible() {
            before(Step::Recognize(number));
            look = recognizer.upright(look, image, first)?;
        }
        if known.is_none() {
            let text: Vec<&str> = look.words.iter().map(|word| word.text.as_str()).collect();
            let found = language::detect(&text.join(" "), &installed)
                .filter(|(_, confidence)| *confidence >= LANGUAGE_CONFIDENCE_MIN);
            self.ocr_language = found.map(|(language, _)| language);
        }
        let language = self.ocr_language.unwrap_or(first);
        if language != first {
            before(Step::Recognize(number));
            look = recognizer.again(look, language)?;
        }
        if !look.is_sure() {
            before(Step::Recognize(number));
            look = recognizer.look_closer(look, language)?;
        }
        let (width, height) = look.image.pixels.dimensions();
        let points = 72.0 / image.dots_per_inch;
        let (width, height) = (width as f32 * points, height as f32 * points);
        let turned = (4 - look.quarters) % 4;
        Ok(Page {
            turned,
            skew: look.skew,
            alternatives: look.alternatives,
            ..Page::new(number, (width, height), PageSource::Ocr, look.words)
        })
    }
}

/// A page that nothing is known of.
pub(super) fn unreadable_page(number: u32) -> Page {
    Page::new(number, (595.0, 842.0), PageSource::Unreadable, Vec::new())
}

/// Reads all pages of a document at once: for tools and tests. The server reads in a child process.
///
/// # Errors
/// Why it cannot be read.
pub fn read_all(bytes: Vec<u8>, name: &str, limits: Limits) -> Result<Vec<Page>, ReadError> {
    let opened = super::open(bytes, name, &limits)?;
    let mut reader = Reader::default();
    let mut pages = reader.pages(&opened, &[], &[]);
    let mut read = Vec::new();
    while let Some(page) = pages.next_page(&mut |_| {})? {
        read.push(page);
    }
    Ok(read)
}
