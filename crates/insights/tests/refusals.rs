//! What is refused, with which code, and that nothing else happens whatever the bytes are.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use domain::job::{Failure, Rejection};
use image::ImageFormat;
use insights::read::{Limits, Opened, ReadError, Refusal, Verdict, open, read_all};
use support::{A4, Dice, LETTER, Pdf, Sheet, document, encode, lines, one_page};

fn refusal(bytes: Vec<u8>, name: &str) -> Refusal {
    open(bytes, name, &Limits::default()).map(|_: Opened| ()).expect_err("it should be refused")
}

#[track_caller]
fn assert_rejected(bytes: Vec<u8>, name: &str, code: Rejection) {
    let refusal = refusal(bytes, name);
    assert_eq!(refusal.verdict(), Verdict::Rejected(code), "{refusal}");
    assert!(!refusal.to_string().contains('\n'), "{refusal}");
}

#[test]
fn each_fault_has_its_code() {
    let whole = one_page(&lines(LETTER, 11));
    assert_rejected(Vec::new(), "empty.pdf", Rejection::EmptyFile);
    assert_rejected(b"%PDF-1.7\n".to_vec(), "header.pdf", Rejection::BrokenFile);
    assert_rejected(whole[..whole.len() / 4].to_vec(), "truncated.pdf", Rejection::BrokenFile);
    assert_rejected(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01".to_vec(), "photo.jpg", Rejection::BrokenFile);
    assert_rejected(vec![0, 159, 3, 250, 7, 0, 9, 1], "scan.pdf", Rejection::BrokenFile);
    assert_rejected(vec![0, 159, 3, 250, 7, 0, 9, 1], "noise.bin", Rejection::UnsupportedDocument);
    assert_rejected(b"only a note\n".to_vec(), "note.pdf", Rejection::UnsupportedDocument);
    assert_rejected(b"PK\x03\x04 zeros, zeros".to_vec(), "bomb.pdf", Rejection::BrokenFile);
}

#[test]
fn a_password_is_asked_for() {
    let mut pdf = Pdf::default();
    let tree = pdf.object("<< /Type /Pages /Count 1 /Kids [2 0 R] >>");
    pdf.object(format!("<< /Type /Page /Parent {tree} 0 R {A4} >>"));
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R >>"));
    pdf.trailer = format!(
        "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{0}> /U <{0}> >>",
        "5a".repeat(32)
    );
    assert_rejected(pdf.finish(root), "locked.pdf", Rejection::EncryptedFile);
}

#[test]
fn long_documents_are_counted_not_read() {
    let sheets: Vec<Sheet<'_>> = (0..10_000).map(|_| Sheet { content: b"", entries: A4 }).collect();
    assert_rejected(document(&sheets, None), "long.pdf", Rejection::TooManyPages);
    let within = document(&sheets[..500], None);
    assert_eq!(open(within, "long.pdf", &Limits::default()).unwrap().page_count(), 500);
}

#[test]
fn a_page_tree_may_hold_itself() {
    let mut pdf = Pdf::default();
    pdf.object("<< /Type /Pages /Count 1 /Kids [1 0 R 1 0 R] /Parent 1 0 R >>");
    let root = pdf.object("<< /Type /Catalog /Pages 1 0 R >>");
    assert_rejected(pdf.finish(root), "tree.pdf", Rejection::BrokenFile);
}

/// The header of an image that claims a size, without its pixels.
fn claim(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let small = image::GrayImage::new(1, 1);
    let mut bytes = encode(&small, format);
    let [w, h] = [width, height].map(u32::to_be_bytes);
    match format {
        ImageFormat::Png => {
            bytes[16..20].copy_from_slice(&w);
            bytes[20..24].copy_from_slice(&h);
            let sum = checksum(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        }
        _ => {
            let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
            bytes[frame + 5..frame + 7].copy_from_slice(&h[2..]);
            bytes[frame + 7..frame + 9].copy_from_slice(&w[2..]);
        }
    }
    bytes
}

/// The checksum of a PNG chunk (CRC-32).
fn checksum(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32| (0..8).fold(crc, |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 });
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ step((crc ^ u32::from(*byte)) & 0xff))
}

#[test]
fn claimed_pixels_are_refused_before_they_are_allocated() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let refusal = refusal(claim(format, 30_000, 30_000), "large");
        assert_eq!(refusal.verdict(), Verdict::Failed(Failure::ResourceLimit), "{refusal}");
        assert!(refusal.to_string().contains("30000 × 30000"), "{refusal}");
    }
}

#[test]
fn damaged_bytes_end_in_an_answer() {
    let jpeg =
        encode(&image::GrayImage::from_fn(60, 40, |x, y| image::Luma([(x * y) as u8])), ImageFormat::Jpeg);
    let tiff = encode(&image::GrayImage::new(30, 20), ImageFormat::Tiff);
    let originals = [(one_page(&lines(LETTER, 11)), 200), (jpeg, 100), (tiff, 100)];
    let mut dice = Dice(0x5eed);
    let mut answers = 0;
    for (original, count) in originals {
        for _ in 0..count {
            let mut bytes = original.clone();
            for _ in 0..=dice.below(20) {
                let at = dice.below(bytes.len());
                bytes[at] = dice.below(256) as u8;
            }
            // Opened only for pictures: whatever OCR makes of them is not the question here.
            let is_pdf = bytes.starts_with(b"%PDF");
            let result = match is_pdf {
                true => read_all(bytes, "mutated", Limits::default()).map(|_| ()),
                false => open(bytes, "mutated", &Limits::default()).map(|_| ()).map_err(ReadError::from),
            };
            answers += usize::from(result.is_ok() || result.is_err());
        }
    }
    assert_eq!(answers, 400);
}
