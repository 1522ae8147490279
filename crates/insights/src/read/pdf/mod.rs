//! PDF: from bytes to pages of words, without drawing a pixel unless the text layer cannot be trusted.

mod glyphs;
mod words;

use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page};
use hayro_syntax::page::Page as PdfPage;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use kurbo::Size;

use super::Refusal;
use crate::page::{Page, PageSource, Ruling};

/// An opened PDF. Pages are read one at a time, so a long document costs no more memory than a short one.
pub(super) struct Document {
    pdf: Pdf,
}

impl Document {
    /// Opens a PDF, also one encrypted with an empty password.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Document, Refusal> {
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::Encrypted,
            LoadPdfError::Decryption(_) => Refusal::Encrypted,
            LoadPdfError::Invalid => Refusal::Broken { reason: "it has no readable page tree".into() },
        })?;
        Ok(Document { pdf })
    }

    pub(super) fn page_count(&self) -> usize {
        self.pdf.pages().len()
    }

    /// Reads the text layer of every page in turn.
    pub(super) fn pages(&self) -> impl Iterator<Item = Page> + '_ {
        let cache = InterpreterCache::new();
        self.pdf
            .pages()
            .iter()
            .enumerate()
            .map(move |(index, page)| read_page(self.pdf.xref(), page, index, &cache))
    }
}

fn read_page<'a>(
    xref: &'a hayro_syntax::xref::XRef,
    page: &PdfPage<'a>,
    index: usize,
    cache: &InterpreterCache<'a>,
) -> Page {
    let (width, height) = page.render_dimensions();
    let size = Size::new(f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let settings = InterpreterSettings::default();
    let mut context = Context::new(transform, size.to_rect(), cache, xref, settings);
    let mut drawn = glyphs::Drawn::new(size);
    interpret_page(page, &mut context, &mut drawn);
    Page {
        number: index as u32 + 1,
        width,
        height,
        source: PageSource::TextLayer,
        words: words::build(&drawn.glyphs, size),
        rulings: drawn.rulings.iter().map(|rect| Ruling { rect: words::fraction(*rect, size) }).collect(),
    }
}
