//! What learning keeps of one document: its words, and the candidates of each field as sparse rows.
//!
//! The rows are a cache: they follow from the words and the hub's fields, and are made again where either the fields or this
//! version's features are others. So a sheet outlives changes of the hub and of the program, and no page is read twice.

use super::{fingerprint::Fingerprint, hash};
use crate::page::{Page, PageSource, Ruling, Word};
use domain::hub::{Field, Hub};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{Read, Write};

/// Changes with what a row means: rows of another version are made again.
const ROWS_VERSION: u32 = 5;
/// Changes with how a sheet is written. One of the format before is read too: it is all that is kept of a document that may
/// be gone.
const FORMAT: u8 = 3;
const FORMAT_BEFORE: u8 = 2;
/// A sheet is unpacked to no more than this.
const UNPACKED_BYTES_MAX: u64 = 32_000_000;
/// Packed rows beyond this are left out of a stored sheet: they can be made again.
const ROWS_BYTES_MAX: usize = 600_000;
/// Of a longer document the pages beyond are left out of a stored sheet.
const WORDS_KEPT_MAX: usize = 20_000;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub(crate) pages: Vec<Page>,
    pub(crate) rows: Rows,
}

/// The candidates of a document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// Of the hub's fields and of this version.
    pub made_for: u64,
    pub candidates: Vec<CandidateRow>,
    /// One for each field of the hub; empty for tables.
    pub fields: Vec<FieldRows>,
    pub fingerprint: Fingerprint,
    /// Hashes of what identifies a sender: numbers of telephones and registers, addresses of the web.
    pub signals: Vec<u64>,
}

/// One candidate, whatever field it is for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CandidateRow {
    /// Differences of the features' places, and their values in thirty-seconds.
    pub features: Vec<(u32, u8)>,
    /// Of the exact value.
    pub strict: u64,
    /// Of the value as values are compared.
    pub loose: u64,
    /// Where it is a text.
    pub text: String,
    /// The label that it stands at.
    pub label: u32,
    /// In 65535ths of the page.
    pub place: [u16; 3],
    /// How sure the reader was, in 255ths.
    pub reader: u8,
}

/// The candidates that could be one field's value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FieldRows {
    pub options: Vec<OptionRow>,
    /// The prior's score of "the document has none".
    pub none: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct OptionRow {
    pub candidate: u32,
    /// The prior's score.
    pub prior: f32,
    /// Whether it counts without examples; others are tried only where there are some.
    pub narrow: bool,
    /// Where the value is not the candidate's own (an enum's, yes or no): its hash. Else 0.
    pub value: u64,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    pages: Vec<Page>,
    rows: Option<Rows>,
}

/// As [`Packed`] was in the format before, whose pages knew neither skew nor alternatives.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct PackedBefore {
    pages: Vec<PageBefore>,
    rows: Option<Rows>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct PageBefore {
    number: u32,
    width: f32,
    height: f32,
    source: PageSource,
    words: Vec<Word>,
    rulings: Vec<Ruling>,
    offsets: Vec<(u32, u32)>,
    turned: u8,
}

impl From<PageBefore> for Page {
    fn from(page: PageBefore) -> Page {
        let PageBefore { number, width, height, source, words, rulings, offsets, turned } = page;
        Page { rulings, offsets, turned, ..Page::new(number, (width, height), source, words) }
    }
}

/// What the rows of a hub are made for.
pub(crate) fn made_for(fields: &[Field]) -> u64 {
    let text = serde_json::to_string(fields).unwrap_or_default();
    hash::number("rows", hash::text(&text) ^ u64::from(ROWS_VERSION))
}

impl Sheet {
    /// The sheet of a document for a hub.
    pub fn of(pages: &[Page], hub: &Hub) -> Sheet {
        crate::extract::extract_learned(pages, hub, None).1
    }

    /// Its rows for a hub, made again where they are another's.
    pub(crate) fn rows_for(&self, hub: &Hub) -> std::borrow::Cow<'_, Rows> {
        if self.rows.made_for == made_for(&hub.fields) {
            std::borrow::Cow::Borrowed(&self.rows)
        } else {
            std::borrow::Cow::Owned(Sheet::of(&self.pages, hub).rows)
        }
    }

    /// Versioned and compressed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut pages = self.pages.clone();
        let mut room = WORDS_KEPT_MAX;
        for page in &mut pages {
            page.words.truncate(room);
            page.offsets.truncate(room);
            page.rulings.truncate(1000);
            page.alternatives.truncate(room);
            room -= page.words.len();
        }
        let complete = pack(FORMAT, &Packed { pages: pages.clone(), rows: Some(self.rows.clone()) });
        if complete.len() <= ROWS_BYTES_MAX { complete } else { pack(FORMAT, &Packed { pages, rows: None }) }
    }

    /// None where the bytes are no sheet of this format.
    pub fn from_bytes(bytes: &[u8]) -> Option<Sheet> {
        let (pages, rows) = match unpack::<Packed>(FORMAT, bytes, UNPACKED_BYTES_MAX) {
            Some(packed) => (packed.pages, packed.rows),
            None => {
                let packed: PackedBefore = unpack(FORMAT_BEFORE, bytes, UNPACKED_BYTES_MAX)?;
                (packed.pages.into_iter().map(Page::from).collect(), packed.rows)
            }
        };
        Some(Sheet { pages, rows: rows.unwrap_or_default() })
    }
}

/// A value as bytes: the format, then the value packed and compressed.
pub(super) fn pack(format: u8, value: &impl Serialize) -> Vec<u8> {
    let plain = postcard::to_allocvec(value).unwrap_or_default();
    let mut encoder = flate2::write::ZlibEncoder::new(vec![format], flate2::Compression::fast());
    // Writing to memory does not fail; bytes that were cut short would not be read again.
    encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// None where the bytes are of another format.
pub(super) fn unpack<T: DeserializeOwned>(expected: u8, bytes: &[u8], bytes_max: u64) -> Option<T> {
    let (&format, compressed) = bytes.split_first()?;
    if format != expected {
        return None;
    }
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(compressed).take(bytes_max).read_to_end(&mut plain).ok()?;
    postcard::from_bytes(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Rect;

    #[test]
    fn a_sheet_of_the_format_before_is_read() {
        let rect = Rect { x: 0.1, y: 0.1, width: 0.1, height: 0.01 };
        let word = Word { text: "12.50".to_owned(), rect, confidence: 0.9, font_size: 10.0 };
        let page = Page::new(1, (595.0, 842.0), PageSource::Ocr, vec![word]);
        let before = PackedBefore {
            pages: vec![PageBefore {
                number: page.number,
                width: page.width,
                height: page.height,
                source: page.source,
                words: page.words.clone(),
                rulings: Vec::new(),
                offsets: Vec::new(),
                turned: 1,
            }],
            rows: None,
        };
        let sheet = Sheet::from_bytes(&pack(FORMAT_BEFORE, &before)).expect("it is a sheet");
        assert_eq!(sheet.pages, [Page { turned: 1, ..page }]);
        assert_eq!(Sheet::from_bytes(&sheet.to_bytes()), Some(sheet));
        assert_eq!(Sheet::from_bytes(&pack(1, &before)), None);
    }
}
