//! One Tesseract engine for one set of languages, used again and again: loading its model costs as much as a page.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::sync::Arc;

use super::library::{self, ENGINE_LSTM, LEVEL_LINE, LEVEL_WORD, Pointer, Tesseract};
use super::{OcrError, PageImage};
use crate::page::{Rect, Word};

/// An engine with its languages loaded. It is used by the thread that made it.
pub(super) struct Engine {
    tesseract: Arc<Tesseract>,
    handle: Pointer,
    /// As Tesseract names them: `deu+eng`.
    languages: String,
}

impl Engine {
    /// Loads the languages from a folder of `.traineddata` files.
    pub(super) fn new(
        tesseract: Arc<Tesseract>,
        data_dir: &Path,
        languages: &str,
    ) -> Result<Engine, OcrError> {
        let failed = |what: &str| OcrError::Failed { reason: format!("{what} ({languages})") };
        let folder =
            CString::new(data_dir.to_string_lossy().as_bytes()).map_err(|_| failed("bad folder name"))?;
        let names = CString::new(languages).map_err(|_| failed("bad language name"))?;
        library::use_one_thread();
        library::silence_leptonica();
        // SAFETY: plain constructor; the handle is given back in `drop`, also when `init` fails.
        let handle = unsafe { (tesseract.create)() };
        let engine = Engine { tesseract, handle, languages: languages.to_owned() };
        let tesseract = &engine.tesseract;
        // SAFETY: the handle is live, both strings outlive the calls.
        unsafe {
            // Tesseract talks on standard error, where a worker has nothing to say.
            (tesseract.set_variable)(handle, c"debug_file".as_ptr(), c"/dev/null".as_ptr());
            if (tesseract.init)(handle, folder.as_ptr(), names.as_ptr(), ENGINE_LSTM) != 0 {
                return Err(failed("Tesseract could not load its language data"));
            }
        }
        Ok(engine)
    }

    pub(super) fn languages(&self) -> &str {
        &self.languages
    }

    /// The words of a page image, in Tesseract's reading order, made of no other signs than `only` where that has any.
    pub(super) fn recognize(
        &mut self,
        image: &PageImage,
        segmentation: c_int,
        only: &CStr,
    ) -> Result<Vec<Word>, OcrError> {
        let (width, height) = image.pixels.dimensions();
        let too_large =
            || OcrError::Failed { reason: format!("an image of {width} × {height} pixels is too large") };
        let (Ok(columns), Ok(rows)) = (c_int::try_from(width), c_int::try_from(height)) else {
            return Err(too_large());
        };
        let tesseract = &self.tesseract;
        // SAFETY: the handle is live; the pixels are `width × height` bytes, one a pixel, and outlive `recognize`, which
        // is the last to look at them before `clear` lets go of them.
        unsafe {
            (tesseract.set_variable)(self.handle, c"tessedit_char_whitelist".as_ptr(), only.as_ptr());
            (tesseract.set_segmentation)(self.handle, segmentation);
            (tesseract.set_image)(self.handle, image.pixels.as_raw().as_ptr(), columns, rows, 1, columns);
            (tesseract.set_resolution)(self.handle, image.dots_per_inch.round().clamp(70.0, 2400.0) as c_int);
            let failed = (tesseract.recognize)(self.handle, std::ptr::null_mut()) != 0;
            let words = if failed { Vec::new() } else { self.words(image) };
            (tesseract.clear)(self.handle);
            if failed {
                return Err(OcrError::Failed { reason: "Tesseract gave up on the page".to_owned() });
            }
            Ok(words)
        }
    }

    /// Walks the result.
    ///
    /// # Safety
    /// A page has been recognised and not been cleared.
    unsafe fn words(&self, image: &PageImage) -> Vec<Word> {
        let tesseract = &self.tesseract;
        let mut words = Vec::new();
        // SAFETY: the caller's promise; the iterator is used until it is deleted, its page iterator is a view of it.
        unsafe {
            let iterator = (tesseract.iterator)(self.handle);
            if iterator.is_null() {
                return words;
            }
            let page = (tesseract.iterator_page)(iterator);
            loop {
                let text = (tesseract.iterator_text)(iterator, LEVEL_WORD);
                if !text.is_null() {
                    let owned = CStr::from_ptr(text).to_string_lossy().trim().to_owned();
                    (tesseract.delete_text)(text);
                    let confidence = (tesseract.iterator_confidence)(iterator, LEVEL_WORD) / 100.0;
                    let word = self.bounding_box(page, LEVEL_WORD);
                    let line = self.bounding_box(page, LEVEL_LINE);
                    words.extend(make_word(owned, confidence, word, line, image));
                }
                if (tesseract.iterator_next)(iterator, LEVEL_WORD) == 0 {
                    break;
                }
            }
            (tesseract.iterator_delete)(iterator);
        }
        words
    }

    /// Left, top, right, bottom in pixels of what the iterator stands on.
    ///
    /// # Safety
    /// `page` is a live page iterator of this engine.
    unsafe fn bounding_box(&self, page: Pointer, level: c_int) -> Option<[c_int; 4]> {
        let [mut left, mut top, mut right, mut bottom] = [0; 4];
        // SAFETY: the caller's promise; the four places are ours.
        let found = unsafe {
            (self.tesseract.bounding_box)(page, level, &mut left, &mut top, &mut right, &mut bottom)
        };
        (found != 0 && right > left && bottom > top).then_some([left, top, right, bottom])
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: made by `create`, deleted once.
        unsafe { (self.tesseract.delete)(self.handle) }
    }
}

fn make_word(
    text: String,
    confidence: f32,
    word: Option<[c_int; 4]>,
    line: Option<[c_int; 4]>,
    image: &PageImage,
) -> Option<Word> {
    let [left, top, right, bottom] = word.filter(|_| !text.is_empty())?;
    let (width, height) = image.pixels.dimensions();
    let unit = |value: c_int, whole: u32| (value as f32 / whole as f32).clamp(0.0, 1.0);
    let (x, y) = (unit(left, width), unit(top, height));
    // A line's box spans ascenders and descenders, as a type size does; a line of several rows is a misreading.
    let own = (bottom - top) as f32;
    let pixels =
        line.map_or(own, |[_, line_top, _, line_bottom]| ((line_bottom - line_top) as f32).min(own * 1.8));
    Some(Word {
        text,
        rect: Rect { x, y, width: unit(right, width) - x, height: unit(bottom, height) - y },
        confidence: confidence.clamp(0.0, 1.0),
        font_size: pixels * 72.0 / image.dots_per_inch.max(1.0),
    })
}
