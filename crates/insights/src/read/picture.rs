//! Images as documents: JPEG, PNG, WebP, and TIFF with any number of pages.
//!
//! The sizes are read from the headers first and refused there: a few hundred bytes may claim gigabytes of pixels. Photos
//! are turned upright as their EXIF data says, so that boxes are fractions of the picture as everyone sees it.

use std::io::Cursor;

use domain::kind::Kind;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader};
use tiff::decoder::Decoder as TiffDecoder;

use super::ocr::PageImage;
use super::{Limits, Refusal};

/// Longer side of a sheet of A4 in inches: what a picture is taken to show.
const SHEET_INCHES: f32 = 11.69;

/// An opened image; pixels are decoded page by page.
pub(super) struct Picture {
    bytes: Vec<u8>,
    format: ImageFormat,
    /// Where the directory of each page of a TIFF stands; one `None` for the other formats.
    pages: Vec<Option<u64>>,
}

impl Picture {
    /// Reads the headers.
    pub(super) fn open(bytes: Vec<u8>, kind: Kind, limits: &Limits) -> Result<Picture, Refusal> {
        let format = match kind {
            Kind::Jpeg => ImageFormat::Jpeg,
            Kind::Png => ImageFormat::Png,
            Kind::Webp => ImageFormat::WebP,
            _ => ImageFormat::Tiff,
        };
        let pages = if format == ImageFormat::Tiff {
            tiff_pages(&bytes, limits)?
        } else {
            let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
            reader.limits(decoder_limits(limits));
            let (width, height) = reader.into_dimensions().map_err(broken_image)?;
            limits.check_pixels(1, width, height)?;
            if format == ImageFormat::Jpeg && is_cut_off(&bytes) {
                return Err(Refusal::Broken { reason: "it ends before its last line of pixels".to_owned() });
            }
            vec![None]
        };
        Ok(Picture { bytes, format, pages })
    }

    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Decodes one page, upright and grey.
    pub(super) fn page(&self, index: usize, limits: &Limits) -> Result<PageImage, Refusal> {
        let repointed = match self.pages[index] {
            Some(directory) if index > 0 => Some(with_first_directory(&self.bytes, directory)),
            _ => None,
        };
        let bytes = repointed.as_deref().unwrap_or(&self.bytes);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), self.format);
        reader.limits(decoder_limits(limits));
        let mut decoder = reader.into_decoder().map_err(broken_image)?;
        let orientation = decoder.orientation().map_err(broken_image)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken_image)?;
        image.apply_orientation(orientation);
        let pixels = grey_on_white(image);
        let (width, height) = pixels.dimensions();
        let dots_per_inch = (width.max(height) as f32 / SHEET_INCHES).clamp(70.0, 600.0);
        Ok(PageImage { pixels, dots_per_inch })
    }
}

/// Whether a JPEG lacks its end mark. Decoders fill what is missing with grey, and its text would be missing without a
/// word. The mark is looked for behind the picture's own scan: a thumbnail in the EXIF data ends with one too. Behind a
/// scan's beginning it stands nowhere else, because pixels never contain it (ITU T.81, B.1.1.5).
fn is_cut_off(jpeg: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = jpeg.get(at..at + 4).and_then(|bytes| bytes.first_chunk()) {
        if marker == START_OF_SCAN {
            return !jpeg[at..].windows(2).any(|window| window == [0xff, 0xd9]);
        }
        // Markers may be preceded by any number of fill bytes.
        at += if marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    // Stranger than this function knows: the decoder decides.
    false
}

/// What the decoders may allocate for one page: its pixels in their widest form, and working space.
fn decoder_limits(limits: &Limits) -> image::Limits {
    let mut decoder = image::Limits::default();
    decoder.max_alloc = Some(limits.page_pixels_max.saturating_mul(12));
    decoder
}

fn broken_image(error: impl std::fmt::Display) -> Refusal {
    // Decoders nest their messages over several lines.
    let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    Refusal::Broken { reason: format!("the image cannot be decoded ({error})") }
}

/// Transparent parts become paper.
fn grey_on_white(image: DynamicImage) -> GrayImage {
    if !image.color().has_alpha() {
        return image.into_luma8();
    }
    let mut pixels = GrayImage::new(image.width(), image.height());
    for (shown, image::LumaA([luma, alpha])) in
        pixels.pixels_mut().zip(image.into_luma_alpha8().pixels().copied())
    {
        let (luma, alpha) = (u32::from(luma), u32::from(alpha));
        shown.0 = [((luma * alpha + 255 * (255 - alpha)) / 255) as u8];
    }
    pixels
}

/// Where each page's directory stands, after its size was checked.
fn tiff_pages(bytes: &[u8], limits: &Limits) -> Result<Vec<Option<u64>>, Refusal> {
    let mut decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(broken_image)?;
    let mut pages = Vec::new();
    loop {
        let (width, height) = decoder.dimensions().map_err(broken_image)?;
        limits.check_pixels(pages.len() + 1, width, height)?;
        pages.push(decoder.ifd_pointer().map(|pointer| pointer.0));
        limits.check_pages(pages.len())?;
        if !decoder.more_images() {
            return Ok(pages);
        }
        decoder.next_image().map_err(broken_image)?;
    }
}

/// The same file with another page first. The image decoder reads the first page of a TIFF only, and knows all the ways
/// in which pixels may be packed there.
fn with_first_directory(bytes: &[u8], directory: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let is_little_endian = bytes.starts_with(b"II");
    let is_big_tiff = bytes.get(2..4).is_some_and(|version| version.contains(&43));
    let place = if is_big_tiff { 8..16 } else { 4..8 };
    let pointer = if is_little_endian { directory.to_le_bytes() } else { directory.to_be_bytes() };
    let pointer = match (is_big_tiff, is_little_endian) {
        (true, _) => &pointer[..],
        (false, true) => &pointer[..4],
        (false, false) => &pointer[4..],
    };
    if let Some(field) = bytes.get_mut(place) {
        field.copy_from_slice(pointer);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_that_ends_early_is_noticed() {
        let mut whole = Cursor::new(Vec::new());
        GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * y) as u8]))
            .write_to(&mut whole, ImageFormat::Jpeg)
            .expect("memory takes everything");
        let whole = whole.into_inner();
        assert!(!is_cut_off(&whole));
        assert!(!is_cut_off(&[&whole[..], b"a camera's own data"].concat()));
        assert!(is_cut_off(&whole[..whole.len() * 3 / 4]));
        let open = |bytes: &[u8]| Picture::open(bytes.to_vec(), Kind::Jpeg, &Limits::default());
        assert!(open(&whole).is_ok());
        assert!(matches!(open(&whole[..whole.len() - 2]), Err(Refusal::Broken { .. })));
    }
}
