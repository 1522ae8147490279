//! Documents written by hand, so that a test can say exactly what is in one.
// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::fmt::Write as _;
use std::io::Cursor;

use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::{DynamicImage, GrayImage, ImageFormat};
use insights::page::{Page, Word};
use insights::read::{Limits, ReadError, read_all};

/// A PDF, object by object; they are numbered from 1.
#[derive(Default)]
pub struct Pdf {
    objects: Vec<Vec<u8>>,
    /// More entries of the trailer.
    pub trailer: String,
}

impl Pdf {
    pub fn object(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.objects.push(body.into());
        self.objects.len()
    }

    pub fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut body = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.object(body)
    }

    pub fn finish(&self, root: usize) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (index, body) in self.objects.iter().enumerate() {
            writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
            file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
            file.extend_from_slice(body);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        let size = self.objects.len() + 1;
        let trailer = &self.trailer;
        file.extend_from_slice(
            format!(
                "{table}trailer\n<< /Size {size} /Root {root} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
            )
            .as_bytes(),
        );
        file
    }
}

/// A page's content and what else stands in its dictionary.
pub struct Sheet<'a> {
    pub content: &'a [u8],
    /// `/MediaBox` and whatever a test needs.
    pub entries: &'a str,
}

pub const A4: &str = "/MediaBox [0 0 595 842]";

/// A document of the given pages; `/F1` is Helvetica. `/X1` is the image, where there is one.
pub fn document(sheets: &[Sheet<'_>], image: Option<&GrayImage>) -> Vec<u8> {
    let mut pdf = Pdf::default();
    let font =
        pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    let picture = image.map(|image| {
        let (width, height) = image.dimensions();
        let entries = format!(
            "/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8"
        );
        pdf.stream(&entries, image.as_raw())
    });
    let picture = picture.map(|number| format!("/XObject << /X1 {number} 0 R >>")).unwrap_or_default();
    let contents: Vec<usize> = sheets.iter().map(|sheet| pdf.stream("", sheet.content)).collect();
    let parent = pdf.objects.len() + sheets.len() + 1;
    let mut kids = String::new();
    for (sheet, content) in sheets.iter().zip(contents) {
        let entries = sheet.entries;
        let page = pdf.object(format!(
            "<< /Type /Page /Parent {parent} 0 R {entries} /Contents {content} 0 R \
             /Resources << /Font << /F1 {font} 0 R >> {picture} >> >>"
        ));
        write!(kids, "{page} 0 R ").unwrap();
    }
    pdf.object(format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", sheets.len()));
    let root = pdf.object(format!("<< /Type /Catalog /Pages {parent} 0 R >>"));
    pdf.finish(root)
}

/// One A4 page with the given content.
pub fn one_page(content: &str) -> Vec<u8> {
    document(&[Sheet { content: content.as_bytes(), entries: A4 }], None)
}

/// Text as page content: Helvetica of `size`, from the top left, one line a line.
pub fn lines(text: &str, size: u32) -> String {
    let mut content = format!("BT /F1 {size} Tf {} TL 60 760 Td\n", size * 3 / 2);
    for line in text.lines() {
        writeln!(content, "({line}) Tj T*").unwrap();
    }
    content + "ET\n"
}

/// A letter that OCR has no excuse to misread.
pub const LETTER: &str = "Northwind Traders Ltd\n12 Harbour Street\nBristol\n\nInvoice number 20310042\n\
    Invoice date 14 March 2031\n\nPlease transfer the amount due within thirty days\n\
    to the account that is named on the contract.\nThank you for your order and for your trust in us.";

/// The first page of a PDF as the eye sees it, at 200 dots to the inch.
pub fn photograph(pdf: &[u8]) -> GrayImage {
    let pdf = hayro_syntax::Pdf::new(pdf.to_vec()).unwrap();
    let scale = 200.0 / 72.0;
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: hayro::vello_cpu::color::palette::css::WHITE,
    };
    let cache = RenderCache::new();
    let pixmap =
        hayro::render(&pdf.pages()[0], &cache, &Default::default(), &RenderSettings::default(), &settings);
    let grey = pixmap.data().iter().map(|pixel| pixel.g).collect();
    GrayImage::from_raw(pixmap.width().into(), pixmap.height().into(), grey).unwrap()
}

pub fn encode(image: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(image.clone()).to_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn read(bytes: Vec<u8>) -> Result<Vec<Page>, ReadError> {
    read_all(bytes, "document", Limits::default())
}

/// The words of the only page, joined by spaces.
pub fn text_of(bytes: Vec<u8>) -> String {
    let pages = read(bytes).unwrap();
    assert_eq!(pages.len(), 1);
    joined(&pages[0])
}

pub fn joined(page: &Page) -> String {
    page.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

pub fn word<'a>(page: &'a Page, text: &str) -> &'a Word {
    page.words
        .iter()
        .find(|word| word.text == text)
        .unwrap_or_else(|| panic!("no {text:?} in {}", joined(page)))
}

/// The same numbers on every run (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
