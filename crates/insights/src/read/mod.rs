//! Bytes become pages of words.

mod pdf;

use crate::page::Page;

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the document is protected by a password; send a copy that opens without one")]
    Encrypted,
    #[error("the document is damaged: {reason}")]
    Broken { reason: String },
}

/// Reads every page of a PDF.
///
/// # Errors
/// Why the document cannot be read.
pub fn pdf_pages(bytes: Vec<u8>) -> Result<Vec<Page>, Refusal> {
    let document = pdf::Document::open(bytes)?;
    let mut pages = Vec::with_capacity(document.page_count().min(500));
    pages.extend(document.pages());
    Ok(pages)
}
