//! PDF: from bytes to pages of words, without drawing a pixel unless the text layer cannot be trusted.

mod attachments;
mod forms;
mod glyphs;
mod legible;
mod render;
mod words;

use hayro::RenderCache;
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page};
use hayro_syntax::object::Array;
use hayro_syntax::page::Page as PdfPage;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use kurbo::Size;

use super::ocr::PageImage;
use super::{Limits, Refusal};
use crate::page::{Page, PageSource, Ruling, Word};

/// Fewer characters than this are no text layer.
const CHARACTERS_MIN: usize = 20;
/// A page that is mostly image needs more: a stamp or a scanner's advertisement is not what the page says.
const CHARACTERS_ON_IMAGE_MIN: usize = 200;
/// Share of the page from which on it is mostly image.
const MOSTLY_IMAGE: f64 = 0.5;
/// A page without text may be drawn as outlines; a few lines are a frame.
const OUTLINES_MIN: usize = 60;
/// An image inside a page with more pixels than this is not decoded.
const IMAGE_PIXELS_MAX: u64 = 100_000_000;

/// Whether the file ends before it should: no end mark, or an object begun after the last one.
///
/// A tolerant reader finds pages in a file that was cut off, and the values that stood behind the cut would be missing
/// without a word. The end of a file is `startxref`, an offset, `%%EOF` (ISO 32000-1, 7.5.5); each revision appended to it
/// ends so again, and a linearized file has a first such end near its beginning.
fn is_cut_off(bytes: &[u8]) -> bool {
    let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|window| window == mark);
    let end = last(b"startxref").max(last(b"%%EOF"));
    end.is_none_or(|end| {
        bytes[end..].windows(5).any(|window| {
            window == b" obj\n" || window == b" obj\r" || window == b" obj<" || window == b" obj "
        })
    })
}

/// An opened PDF. Its pages are read one at a time, so a long document costs no more memory than a short one.
pub(super) struct Document {
    pdf: Pdf,
}

/// What is kept from page to page: fonts and drawings that pages share.
pub(super) struct Caches<'a> {
    text: InterpreterCache<'a>,
    /// Only documents with pages to draw have one.
    render: Option<RenderCache<'a>>,
}

/// A page's text layer, and whether to believe it.
pub(super) struct TextLayer {
    pub page: Page,
    pub is_usable: bool,
    /// Whether an image in it is too large to draw the page.
    pub is_too_large: bool,
}

impl Document {
    /// Opens a PDF, also one encrypted with an empty password.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Document, Refusal> {
        let cut_off = is_cut_off(&bytes);
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::Encrypted,
            LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Refusal::Encrypted,
            LoadPdfError::Decryption(_) => {
                Refusal::Broken { reason: "its encryption dictionary is invalid".to_owned() }
            }
            LoadPdfError::Invalid => Refusal::Broken { reason: "its pages cannot be found".to_owned() },
        })?;
        if pdf.pages().is_empty() {
            return Err(Refusal::Broken { reason: "it has no pages".to_owned() });
        }
        if cut_off {
            return Err(Refusal::Broken { reason: "it ends before its last part is complete".to_owned() });
        }
        Ok(Document { pdf })
    }

    pub(super) fn page_count(&self) -> usize {
        self.pdf.pages().len()
    }

    /// The first XML file attached to it that `is_wanted`.
    pub(super) fn first_xml<T>(&self, is_wanted: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        attachments::first_xml(&self.pdf, is_wanted)
    }

    pub(super) fn caches(&self) -> Caches<'_> {
        Caches { text: InterpreterCache::new(), render: None }
    }

    /// Reads the text layer of a page.
    pub(super) fn text_layer<'a>(&'a self, index: usize, caches: &Caches<'a>) -> TextLayer {
        let page: &PdfPage<'a> = &self.pdf.pages()[index];
        let (width, height) = page.render_dimensions();
        let size = Size::new(f64::from(width), f64::from(height));
        let transform = page.initial_transform(true).to_kurbo();
        let settings = InterpreterSettings::default();
        let mut context = Context::new(transform, size.to_rect(), &caches.text, self.pdf.xref(), settings);
        let mut drawn = glyphs::Drawn::new(size);
        interpret_page(page, &mut context, &mut drawn);
        let mut words = words::build(&drawn.glyphs, size);
        if let Some(annotations) = page.raw().get::<Array<'_>>("Annots") {
            forms::complete(&annotations, transform, size, &mut words);
        }
        let characters =
            words.iter().map(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count()).sum();
        let is_legible = legible::is_legible(&words);
        let rulings =
            drawn.rulings.iter().map(|rect| Ruling { rect: words::fraction(*rect, size) }).collect();
        let number = index as u32 + 1;
        let source = PageSource::TextLayer;
        let page = Page { rulings, ..Page::new(number, (width, height), source, words) };
        let is_usable = is_usable(&drawn, characters) && is_legible;
        TextLayer {
            page: if is_usable { upright(page, text_turn(&drawn.glyphs)) } else { page },
            is_usable,
            is_too_large: drawn.largest_image_pixels > IMAGE_PIXELS_MAX,
        }
    }

    /// Draws a page. None where it would be too large.
    pub(super) fn draw<'a>(
        &'a self,
        index: usize,
        caches: &mut Caches<'a>,
        limits: &Limits,
    ) -> Option<PageImage> {
        let page: &'a PdfPage<'a> = &self.pdf.pages()[index];
        render::draw(page, caches.render.get_or_insert_with(RenderCache::new), limits)
    }
}

/// Share of the glyphs that must run in one direction for the page to be turned.
const MAIN_DIRECTION_MIN: f64 = 0.6;
/// Fewer glyphs are a stamp or a margin's note.
const TURNED_GLYPHS_MIN: usize = 40;

/// Quarter turns, clockwise, that most of the text is turned by: it then runs down, to the left, or up.
fn text_turn(glyphs: &[words::PlacedGlyph]) -> u8 {
    if glyphs.len() < TURNED_GLYPHS_MIN {
        return 0;
    }
    let mut counts = [0_usize; 4];
    for glyph in glyphs {
        let quarter = match (glyph.along.x, glyph.along.y) {
            (_, y) if y > 0.9 => 1,
            (x, _) if x < -0.9 => 2,
            (_, y) if y < -0.9 => 3,
            _ => 0,
        };
        counts[quarter] += 1;
    }
    let needed = glyphs.len() as f64 * MAIN_DIRECTION_MIN;
    (1..4).find(|quarter| counts[usize::from(*quarter)] as f64 > needed).unwrap_or(0)
}

/// The page with its text upright.
fn upright(page: Page, quarters: u8) -> Page {
    if quarters == 0 {
        return page;
    }
    let back = 4 - quarters;
    let turn = |word: Word| Word { rect: word.rect.turned(back), ..word };
    let (width, height) =
        if quarters % 2 == 1 { (page.height, page.width) } else { (page.width, page.height) };
    Page {
        width,
        height,
        words: page.words.into_iter().map(turn).collect(),
        rulings: page.rulings.into_iter().map(|ruling| Ruling { rect: ruling.rect.turned(back) }).collect(),
        turned: quarters,
        ..page
    }
}

/// Whether what the text layer says is what the page shows. A blank page says nothing and shows nothing.
fn is_usable(drawn: &glyphs::Drawn, characters: usize) -> bool {
    if drawn.unknown_glyphs * 5 > drawn.glyphs.len() + drawn.unknown_glyphs {
        return false;
    }
    if drawn.image_share >= MOSTLY_IMAGE {
        return characters >= CHARACTERS_ON_IMAGE_MIN;
    }
    characters >= CHARACTERS_MIN || (drawn.image_share == 0.0 && drawn.outlines < OUTLINES_MIN)
}

#[cfg(test)]
mod tests {
    use super::is_cut_off;

    #[test]
    fn a_file_that_ends_early_is_noticed() {
        let whole = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
        assert!(!is_cut_off(whole));
        assert!(!is_cut_off(&[&whole[..], b"some scanner's remark"].concat()));
        assert!(!is_cut_off(&whole[..whole.len() - 6]), "only the last mark is missing");
        assert!(is_cut_off(&whole[..30]));
        assert!(
            is_cut_off(&[&whole[..], b"2 0 obj\n<< /Kids"].concat()),
            "a revision, or the rest of a linearized file"
        );
    }
}
