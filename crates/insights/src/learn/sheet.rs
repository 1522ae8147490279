//! What learning keeps of one document: its words, and the candidates of each field as sparse rows.
//!
//! The rows are a cache: they follow from the words and the hub's fields, and are made again where either the fields or this
//! version's features are others. So a sheet outlives changes of the hub and of the program, and no page is read twice.

use super::{fingerprint::Fingerprint, hash};
use crate::page::Page;
use domain::hub::{Field, Hub};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// Changes with what a row means: rows of another version are made again.
const ROWS_VERSION: u32 = 3;
/// Changes with how a sheet is written.
const FORMAT: u8 = 2;
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
            room -= page.words.len();
        }
        let complete = pack(&Packed { pages: pages.clone(), rows: Some(self.rows.clone()) });
        if complete.len() <= ROWS_BYTES_MAX { complete } else { pack(&Packed { pages, rows: None }) }
    }

    /// None where the bytes are no sheet of this format.
    pub fn from_bytes(bytes: &[u8]) -> Option<Sheet> {
        let packed: Packed = unpack(bytes, UNPACKED_BYTES_MAX)?;
        Some(Sheet { pages: packed.pages, rows: packed.rows.unwrap_or_default() })
    }
}

/// A value as bytes: the format, then the value packed and compressed.
pub(super) fn pack(value: &impl Serialize) -> Vec<u8> {
    let plain = postcard::to_allocvec(value).unwrap_or_default();
    let mut encoder = flate2::write::ZlibEncoder::new(vec![FORMAT], flate2::Compression::fast());
    // Writing to memory does not fail; bytes that were cut short would not be read again.
    encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default()
}

pub(super) fn unpack<T: serde::de::DeserializeOwned>(bytes: &[u8], bytes_max: u64) -> Option<T> {
    let (&format, compressed) = bytes.split_first()?;
    if format != FORMAT {
        return None;
    }
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(compressed).take(bytes_max).read_to_end(&mut plain).ok()?;
    postcard::from_bytes(&plain).ok()
}
