//! Bytes become pages of words.
//!
//! [`open`] judges a document without reading it: its kind, whether it is whole and open, how long it is. A [`Reader`]
//! then gives its pages one after the other, from the text layer where there is a usable one and through OCR where not.
//! Nothing of a document is decoded before its size was checked against [`Limits`].
//!
//! The bytes are hostile until proven otherwise. Whatever they are, the functions here return; but a reader of a format
//! may still exhaust the stack or the memory, so the server calls them in a child process only ([`crate::worker`]).

mod flow;
mod html;
mod invoice;
pub mod language;
mod mail;
pub mod ocr;
mod office;
mod opening;
mod package;
mod pages;
mod pdf;
mod picture;
mod text;
mod xml;

use domain::job::{Failure, Rejection};
use domain::kind::Kind;
use domain::limits;
use serde::{Deserialize, Serialize};

use crate::page::Page;

pub use invoice::{Invoice, Values as InvoiceValues};
use opening::Opening;
pub use pages::{Pages, ReadError, Reader, Step, read_all};

/// What a document may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub pages_max: u32,
    /// Pixels of one page or image, checked before any allocation.
    pub page_pixels_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { pages_max: limits::DOCUMENT_PAGES_MAX, page_pixels_max: limits::PAGE_PIXELS_MAX }
    }
}

impl Limits {
    fn check_pages(&self, pages: usize) -> Result<(), Refusal> {
        if pages > self.pages_max as usize {
            return Err(Refusal::TooManyPages { pages_max: self.pages_max });
        }
        Ok(())
    }

    fn check_pixels(&self, page: usize, width: u32, height: u32) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(Refusal::Broken { reason: format!("page {page} has no pixels") });
        }
        if u64::from(width) * u64::from(height) > self.page_pixels_max {
            return Err(Refusal::TooLarge { page, width, height, pixels_max: self.page_pixels_max });
        }
        Ok(())
    }
}

/// Why a document is not read. Its text is written for the one who sent the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    #[error("the file is empty")]
    Empty,
    #[error("the file is damaged: {reason}; send it again from its source")]
    Broken { reason: String },
    #[error("the document is protected by a password; send a copy that opens without one")]
    Encrypted,
    #[error(
        "a file of the kind {mime_type} cannot be read; send a PDF, an image (JPEG, PNG, TIFF, WebP), a document of Word, \
         Excel or PowerPoint (DOCX, XLSX, PPTX), text, CSV, HTML, an e-mail (EML), or a ZIP of these"
    )]
    Unsupported { mime_type: String },
    #[error("the document has more than {pages_max} pages; split it")]
    TooManyPages { pages_max: u32 },
    #[error(
        "page {page} is {width} × {height} pixels large, more than the {pixels_max} pixels that are read; \
         send it at a lower resolution"
    )]
    TooLarge { page: usize, width: u32, height: u32, pixels_max: u64 },
    #[error("the document is more than can be read: {what}; split it")]
    TooMuch { what: String },
}

/// How a refused document ends its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Rejected(Rejection),
    Failed(Failure),
}

impl Refusal {
    /// The code that clients see.
    pub fn verdict(&self) -> Verdict {
        Verdict::Rejected(match self {
            Refusal::Empty => Rejection::EmptyFile,
            Refusal::Broken { .. } => Rejection::BrokenFile,
            Refusal::Encrypted => Rejection::EncryptedFile,
            Refusal::Unsupported { .. } => Rejection::UnsupportedDocument,
            Refusal::TooManyPages { .. } => Rejection::TooManyPages,
            Refusal::TooLarge { .. } | Refusal::TooMuch { .. } => {
                return Verdict::Failed(Failure::ResourceLimit);
            }
        })
    }
}

/// A document that can be read.
pub struct Opened {
    kind: Kind,
    limits: Limits,
    leaves: Vec<Leaf>,
    invoice: Option<Invoice>,
}

/// A part of a document that has pages of its own; most documents are one.
struct Leaf {
    source: Source,
    page_count: usize,
}

enum Source {
    Pdf(pdf::Document),
    Picture(picture::Picture),
    /// Read already: text has no pages to be read one after the other.
    Pages(Vec<Page>),
    /// A part of an archive that is damaged or locked.
    Unreadable,
}

impl Opened {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn page_count(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.page_count).sum()
    }

    /// What the pages say without being looked at: each text layer, whether it can be believed or not. Pages that have
    /// none have no words. For tools and tests that do not wait for OCR.
    pub fn text_pages(&self) -> Vec<Page> {
        let pages = self.leaves.iter().flat_map(|leaf| match &leaf.source {
            Source::Pdf(document) => {
                let caches = document.caches();
                (0..leaf.page_count).map(|index| document.text_layer(index, &caches).page).collect()
            }
            Source::Pages(pages) => pages.clone(),
            Source::Picture(_) | Source::Unreadable => vec![pages::unreadable_page(0); leaf.page_count],
        });
        pages.zip(1..).map(|(page, number)| Page { number, ..page }).collect()
    }

    /// The invoice that is attached as data, or that the document is.
    pub fn invoice(&self) -> Option<&Invoice> {
        self.invoice.as_ref()
    }
}

/// Judges a document by its bytes; the name only words the message about a file that is not what it is called, and tells
/// one sort of text from another.
///
/// # Errors
/// Why it is not read.
pub fn open(bytes: Vec<u8>, name: &str, limits: &Limits) -> Result<Opened, Refusal> {
    open_telling(bytes, name, limits, &mut |_| {})
}

/// As [`open`]; `before` hears of each part of an archive before it is opened.
///
/// # Errors
/// Why it is not read.
pub fn open_telling(
    bytes: Vec<u8>,
    name: &str,
    limits: &Limits,
    before: &mut dyn FnMut(Step),
) -> Result<Opened, Refusal> {
    let mut opening = Opening::new(limits, before);
    let kind = opening.document(bytes, name)?;
    Ok(Opened { kind, limits: *limits, leaves: opening.leaves, invoice: opening.invoice })
}
