//! Bytes become pages of words.
//!
//! [`open`] judges a document without reading it: its kind, whether it is whole and open, how long it is. A [`Reader`]
//! then gives its pages one after the other, from the text layer where there is a usable one and through OCR where not.
//! Nothing of a document is decoded before its size was checked against [`Limits`].
//!
//! The bytes are hostile until proven otherwise. Whatever they are, the functions here return; but a reader of a format
//! may still exhaust the stack or the memory, so the server calls them in a child process only ([`crate::worker`]).

pub mod language;
pub mod ocr;
mod pages;
mod pdf;
mod picture;

use domain::job::{Failure, Rejection};
use domain::kind::{self, Kind};
use domain::limits;
use serde::{Deserialize, Serialize};

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
    #[error("the file is empty (0 bytes)")]
    Empty,
    #[error("the file is damaged: {reason}; send it again from its source")]
    Broken { reason: String },
    #[error("the document is protected by a password; send a copy that opens without one")]
    Encrypted,
    #[error("a file of the kind {mime_type} cannot be read; send a PDF, JPEG, PNG, TIFF or WebP")]
    Unsupported { mime_type: String },
    #[error("the document has more than {pages_max} pages; split it")]
    TooManyPages { pages_max: u32 },
    #[error(
        "page {page} is {width} × {height} pixels large, more than the {pixels_max} pixels that are read; \
         send it at a lower resolution"
    )]
    TooLarge { page: usize, width: u32, height: u32, pixels_max: u64 },
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
            Refusal::TooLarge { .. } => return Verdict::Failed(Failure::ResourceLimit),
        })
    }
}

/// A document that can be read.
pub struct Opened {
    kind: Kind,
    page_count: usize,
    limits: Limits,
    source: Source,
}

enum Source {
    Pdf(pdf::Document),
    Picture(picture::Picture),
}

impl Opened {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn page_count(&self) -> usize {
        self.page_count
    }
}

/// Judges a document by its bytes; the name only words the message about a file that is not what it is called.
///
/// # Errors
/// Why it is not read.
pub fn open(bytes: Vec<u8>, name: &str, limits: &Limits) -> Result<Opened, Refusal> {
    let kind = kind::detect(&bytes, name);
    let source = match kind {
        Kind::Empty => return Err(Refusal::Empty),
        Kind::Pdf => Source::Pdf(pdf::Document::open(bytes)?),
        kind if kind.is_readable_image() => Source::Picture(picture::Picture::open(bytes, kind, limits)?),
        kind => return Err(unreadable(kind, name)),
    };
    let page_count = match &source {
        Source::Pdf(document) => document.page_count(),
        Source::Picture(picture) => picture.page_count(),
    };
    limits.check_pages(page_count)?;
    Ok(Opened { kind, page_count, limits: *limits, source })
}

/// Bytes of no known kind under a name that promises one are damaged; anything else is another kind.
fn unreadable(kind: Kind, name: &str) -> Refusal {
    match kind::claimed_by(name) {
        Some(claimed) if kind == Kind::Unknown => {
            Refusal::Broken { reason: format!("its name says {}, its content does not", claimed.mime_type()) }
        }
        _ => Refusal::Unsupported { mime_type: kind.mime_type().to_owned() },
    }
}
