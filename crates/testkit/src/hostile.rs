//! Documents made to do harm, each with the ends a job on it may have.
//!
//! A file here is either plainly unreadable, and then one code is right, or readable by a tolerant reader, and then what
//! counts is that it ends at all, within its limits.

mod formats;

use crate::pdf::{Pdf, text_pages};
use flate2::{Compress, Compression, FlushCompress, write::ZlibEncoder};
use std::io::Write as _;

/// A hostile document.
pub struct Hostile {
    pub name: String,
    pub file_name: &'static str,
    pub bytes: Vec<u8>,
    /// `COMPLETED`, or the `error.code` of a job that is not; empty where any terminal state is right.
    pub ends: &'static [&'static str],
}

impl Hostile {
    fn new(name: &str, file_name: &'static str, bytes: Vec<u8>, ends: &'static [&'static str]) -> Self {
        Self { name: name.to_owned(), file_name, bytes, ends }
    }
}

/// An ordinary invoice, from which the damaged ones are made.
pub fn invoice() -> Vec<u8> {
    text_pages(&[
        "Northwind Traders Ltd\n12 Harbour Street, Bristol\n\nInvoice\nInvoice number: INV-2031-0042\n\
        Invoice date: 14 March 2031\n\nBlue widget 3 9.90 29.70\nService fee 1 15.00 15.00\n\nNet total 44.70 EUR\n\
        VAT 20% 8.94 EUR\nTotal due 53.64 EUR\nPlease pay within 30 days to the account named on the contract.",
    ])
}

/// The set, without the mutated files.
pub fn set() -> Vec<Hostile> {
    let mut set = pages();
    set.extend(formats::set());
    set
}

/// PDFs, pictures, and what is called so.
fn pages() -> Vec<Hostile> {
    let invoice = invoice();
    vec![
        Hostile::new("empty", "empty.pdf", Vec::new(), &["EMPTY_FILE"]),
        Hostile::new("header only", "header.pdf", b"%PDF-1.7\n".to_vec(), &["BROKEN_FILE"]),
        Hostile::new("truncated", "truncated.pdf", invoice[..invoice.len() / 4].to_vec(), &["BROKEN_FILE"]),
        Hostile::new("end missing", "end.pdf", invoice[..invoice.len() * 4 / 5].to_vec(), &["BROKEN_FILE"]),
        Hostile::new("encrypted", "encrypted.pdf", encrypted(), &["ENCRYPTED_FILE"]),
        Hostile::new("wrong extension", "invoice.png", [&invoice[..], b"%other"].concat(), &["COMPLETED"]),
        Hostile::new("archive bomb", "bomb.zip", archive_bomb(), &["UNSUPPORTED_DOCUMENT"]),
        Hostile::new(
            "archive bomb called pdf",
            "bomb.pdf",
            [&archive_bomb()[..], b"\0"].concat(),
            &["UNSUPPORTED_DOCUMENT", "BROKEN_FILE"],
        ),
        Hostile::new("stream bomb", "stream.pdf", stream_bomb(), &[]),
        Hostile::new("10 000 pages", "pages.pdf", text_pages(&["page"; 10_000]), &["TOO_MANY_PAGES"]),
        Hostile::new("30 000 x 30 000 image", "large.png", large_png(), &["RESOURCE_LIMIT"]),
        Hostile::new("page tree that holds itself", "tree.pdf", recursive_tree(), &["BROKEN_FILE"]),
        Hostile::new("form that draws itself", "form.pdf", recursive_form(), &["COMPLETED"]),
        Hostile::new("object that is itself", "object.pdf", recursive_object(), &["BROKEN_FILE"]),
        Hostile::new("page of kilometres", "huge.pdf", huge_page(), &[]),
        Hostile::new(
            "truncated jpeg",
            "photo.jpg",
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01".to_vec(),
            &["BROKEN_FILE"],
        ),
        Hostile::new(
            "text called pdf",
            "note.pdf",
            b"this is not a PDF at all\n".to_vec(),
            &["UNSUPPORTED_DOCUMENT"],
        ),
        Hostile::new("noise", "noise.bin", noise(20_000, 7), &["UNSUPPORTED_DOCUMENT"]),
    ]
}

/// `count` byte-mutated copies of `original`, the same for the same seed.
pub fn mutated(original: &[u8], count: usize, seed: u64) -> Vec<Hostile> {
    let mut random = Lcg(seed);
    (0..count)
        .map(|number| {
            let mut bytes = original.to_vec();
            for _ in 0..1 + random.below(20) {
                let at = random.below(bytes.len());
                match random.below(3) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    _ => {
                        let end = (at + random.below(64)).min(bytes.len());
                        bytes.drain(at..end);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            Hostile { name: format!("mutated {number}"), file_name: "mutated.pdf", bytes, ends: &[] }
        })
        .collect()
}

/// The standard handler with a user password nobody knows: its check value is noise.
fn encrypted() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let tree = pdf.object("<< /Type /Pages /Count 1 /Kids [2 0 R] >>");
    pdf.object(format!("<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] >>"));
    let root = pdf.object("<< /Type /Catalog /Pages 1 0 R >>");
    let hex = |seed| noise(32, seed).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let dictionary = pdf.object(format!(
        "<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{}> /U <{}> >>",
        hex(1),
        hex(2)
    ));
    pdf.trailer(&format!("/Encrypt {dictionary} 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"));
    pdf.finish(root)
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes everything")
}

/// A zlib stream of a chunk of zeros, so many times. A chunk is packed once and its bytes are repeated, because packing
/// hundreds of megabytes takes a minute where the packer is not optimised.
fn deflated_zeros(chunk: usize, times: usize) -> Vec<u8> {
    let mut packer = Compress::new(Compression::best(), false);
    let mut packed = Vec::with_capacity(chunk / 100 + 1000);
    // A full flush ends on a whole byte and forgets what came before.
    packer.compress_vec(&vec![0; chunk], &mut packed, FlushCompress::Full).expect("memory takes everything");
    let mut end = Vec::with_capacity(64);
    Compress::new(Compression::best(), false)
        .compress_vec(&[], &mut end, FlushCompress::Finish)
        .expect("memory takes everything");
    // Adler-32 of zeros: the low sum stays 1, the high one counts the bytes.
    let checksum = ((chunk * times) as u64 % 65_521) << 16 | 1;
    let checksum = u32::try_from(checksum).expect("both halves have 16 bits");
    [&[0x78, 0xda], &packed.repeat(times)[..], &end, &checksum.to_be_bytes()].concat()
}

/// A ZIP whose one member claims, and nearly holds, gigabytes.
fn archive_bomb() -> Vec<u8> {
    // Deflate without zlib's two bytes of header and four of checksum.
    let zlib = deflated_zeros(1 << 20, 64);
    let data = &zlib[2..zlib.len() - 4];
    let name = b"zeros.bin";
    let (size, packed) = (u32::MAX - 1, u32::try_from(data.len()).expect("it is small"));
    let mut header = Vec::new();
    for field in [
        &20u16.to_le_bytes()[..],
        &[0; 2],
        &8u16.to_le_bytes(),
        &[0; 8],
        &packed.to_le_bytes(),
        &size.to_le_bytes(),
        &9u16.to_le_bytes(),
        &[0; 2],
    ] {
        header.extend_from_slice(field);
    }
    let mut file = [b"PK\x03\x04", &header[..], name, data].concat();
    let directory = file.len();
    file.extend_from_slice(&[b"PK\x01\x02\x14\x00", &header[..], &[0; 14], name].concat());
    let length = file.len() - directory;
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&u32::try_from(length).expect("it is small").to_le_bytes());
    file.extend_from_slice(&u32::try_from(directory).expect("it is small").to_le_bytes());
    file.extend_from_slice(&[0; 2]);
    file
}

/// A page whose content, packed twice, unpacks to 256 MB.
fn stream_bomb() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let data = deflated(&deflated_zeros(1 << 20, 256));
    let content = pdf.stream("/Filter [/FlateDecode /FlateDecode]", &data);
    one_page(pdf, content, "", 595)
}

fn one_page(mut pdf: Pdf, content: usize, resources: &str, width: u64) -> Vec<u8> {
    let parent = content + 2;
    let page = pdf.object(format!(
        "<< /Type /Page /Parent {parent} 0 R /MediaBox [0 0 {width} 842] /Contents {content} 0 R /Resources << {resources} >> >>"
    ));
    let tree = pdf.object(format!("<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>"));
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R >>"));
    pdf.finish(root)
}

/// An image of 30 000 × 30 000 pixels, one bit each, all of it zero: 112 MB raw, 110 KB packed.
pub fn large_png() -> Vec<u8> {
    const SIDE: u32 = 30_000;
    // A thousand rows at a time, each with its filter's byte.
    let data = deflated_zeros(1000 * (1 + SIDE as usize / 8), SIDE as usize / 1000);
    let header = [&SIDE.to_be_bytes()[..], &SIDE.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &Vec::new())] {
        let tagged = [&kind[..], body].concat();
        file.extend_from_slice(&u32::try_from(body.len()).expect("it is small").to_be_bytes());
        file.extend_from_slice(&tagged);
        file.extend_from_slice(&flate2_crc(&tagged).to_be_bytes());
    }
    file
}

fn flate2_crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn recursive_tree() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("<< /Type /Pages /Count 1 /Kids [1 0 R 2 0 R] >>");
    pdf.object("<< /Type /Pages /Count 1 /Kids [1 0 R 2 0 R] /Parent 2 0 R >>");
    let root = pdf.object("<< /Type /Catalog /Pages 1 0 R >>");
    pdf.finish(root)
}

fn recursive_form() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    let form = pdf.stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X 2 0 R >> >>",
        b"/X Do /X Do",
    );
    let content =
        pdf.stream("", b"BT /F1 11 Tf 60 700 Td (Invoice number: INV-7 for the work done) Tj ET /X Do");
    one_page(pdf, content, &format!("/Font << /F1 1 0 R >> /XObject << /X {form} 0 R >>"), 595)
}

fn recursive_object() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("2 0 R");
    pdf.object("1 0 R");
    pdf.finish(1)
}

fn huge_page() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let content = pdf.stream("", b"0 0 9999999999 842 re f");
    one_page(pdf, content, "", 9_999_999_999)
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Lcg(seed);
    (0..length).map(|_| random.next() as u8).collect()
}

/// Knuth's MMIX generator: enough for damage, and the same everywhere.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_the_same_every_time_and_small() {
        // One on another thread: what is made is the same wherever it is made, and in half the time.
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(set);
            (set(), other.join().expect("the set is made"))
        });
        for (a, b) in first.iter().zip(&second) {
            assert_eq!(a.bytes, b.bytes, "{}", a.name);
            assert!(a.bytes.len() < 3_000_000, "{}: {}", a.name, a.bytes.len());
        }
        let (first, second) = (mutated(&invoice(), 5, 1), mutated(&invoice(), 5, 1));
        assert!(first.iter().zip(&second).all(|(a, b)| a.bytes == b.bytes));
        assert_ne!(first[0].bytes, mutated(&invoice(), 5, 2)[0].bytes);
    }

    #[test]
    fn zeros_that_were_packed_once_unpack_to_all_of_them() {
        let mut unpacked = Vec::new();
        let packed = deflated_zeros(70_000, 3);
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&packed[..]), &mut unpacked)
            .expect("the stream and its checksum are whole");
        assert_eq!(unpacked, vec![0; 210_000]);
    }

    #[test]
    fn what_it_is_made_from_is_a_good_document() {
        let file = invoice();
        assert!(file.starts_with(b"%PDF-"));
        assert!(file.windows(5).any(|window| window == b"%%EOF"));
    }
}
