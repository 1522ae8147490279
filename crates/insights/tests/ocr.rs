//! Pages that are pictures, through the real Tesseract (Debian: `tesseract-ocr`, `tesseract-ocr-deu`).
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use image::{GrayImage, ImageFormat, imageops};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp};
use insights::page::{Page, PageSource};
use insights::read::{Limits, Reader, Step, ocr, open, read_all};
use support::{A4, LETTER, Sheet, document, encode, lines, one_page, photograph, word};

fn letter() -> GrayImage {
    photograph(&one_page(&lines(LETTER, 14)))
}

/// All words of [`LETTER`] were seen, and stand where the text layer has them.
#[track_caller]
fn assert_letter(page: &Page) {
    assert_eq!(page.source, PageSource::Ocr);
    let typed = read_all(one_page(&lines(LETTER, 14)), "typed.pdf", Limits::default()).unwrap().remove(0);
    for expected in &typed.words {
        let seen = word(page, &expected.text);
        assert!(seen.confidence > 0.5, "{seen:?}");
        assert!((seen.font_size / 14.0 - 1.0).abs() < 0.45, "{seen:?}");
        let same = typed.words.iter().filter(|word| word.text == expected.text).count();
        if same == 1 {
            let (dx, dy) = (seen.rect.x - expected.rect.x, seen.rect.middle() - expected.rect.middle());
            assert!(dx.abs() < 0.01 && dy.abs() < 0.01, "{seen:?} is not at {expected:?}");
        }
    }
}

#[test]
fn every_image_format_is_read() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let pages = read_all(encode(&letter(), format), "scan", Limits::default()).unwrap();
        assert_eq!(pages.len(), 1, "{format:?}");
        assert_letter(&pages[0]);
    }
}

#[test]
fn a_scan_inside_a_pdf_is_looked_at() {
    let scanned = Sheet { content: b"q 595 0 0 842 0 0 cm /X1 Do Q", entries: A4 };
    let stamped =
        format!("q 595 0 0 842 0 0 cm /X1 Do Q {}", "BT /F1 6 Tf 60 20 Td (Scanned with ScanIt) Tj ET");
    let stamped = Sheet { content: stamped.as_bytes(), entries: A4 };
    let pages =
        read_all(document(&[scanned, stamped], Some(&letter())), "scan.pdf", Limits::default()).unwrap();
    pages.iter().for_each(assert_letter);
}

#[test]
fn glyphs_without_meaning_are_looked_at() {
    // Codes without names: the font says nothing about them, and they are not ASCII.
    let content = "BT /F1 14 Tf 60 700 Td (\\001\\002\\003\\004 \\005\\006 \\007\\001\\002) Tj ET";
    let pages = read_all(one_page(content), "secret.pdf", Limits::default()).unwrap();
    assert_eq!(pages[0].source, PageSource::Ocr);
}

#[test]
fn a_photo_is_turned_as_its_camera_says() {
    // Orientation 6: the camera was held a quarter turn to the left, so the picture is turned to the right.
    let turned = imageops::rotate270(&letter());
    let mut jpeg = encode(&turned, ImageFormat::Jpeg);
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    let pages = read_all(jpeg, "photo.jpg", Limits::default()).unwrap();
    assert!(pages[0].width < pages[0].height);
    assert_letter(&pages[0]);
}

#[test]
fn a_tiff_has_any_number_of_pages() {
    let second = photograph(&one_page(&lines("Second sheet\nwith other words", 20)));
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
    for page in [&letter(), &second] {
        encoder
            .write_image::<tiff::encoder::colortype::Gray8>(page.width(), page.height(), page.as_raw())
            .unwrap();
    }
    let pages = read_all(bytes.into_inner(), "fax.tiff", Limits::default()).unwrap();
    assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2]);
    assert_letter(&pages[0]);
    assert_eq!(support::joined(&pages[1]), "Second sheet with other words");
}

#[test]
fn the_language_is_found_on_the_first_page() {
    let german = "Rechnung über gelieferte Bücher und Zubehör\nBitte überweisen Sie den fälligen Betrag\n\
        innerhalb von vierzehn Tagen auf unser Konto.\nFür Rückfragen stehen wir gern zur Verfügung.\n\
        Mit freundlichen Grüßen aus München";
    let escaped: String = german
        .chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\{:03o}", c as u32) })
        .collect();
    let scan = encode(&photograph(&one_page(&lines(&escaped, 14))), ImageFormat::Png);
    let document = open(scan, "scan.png", &Limits::default()).unwrap();
    let mut reader = Reader::default();
    let mut steps = Vec::new();
    let page = reader.pages(&document, &[], &[]).next_page(&mut |step| steps.push(step)).unwrap().unwrap();
    // What is read in two languages may be looked at once more to be sure.
    assert_eq!(steps[..3], [Step::Read(1), Step::Recognize(1), Step::Recognize(1)]);
    assert!(steps.len() <= 4, "{steps:?}");
    for text in ["über", "fälligen", "Rückfragen", "Grüßen", "München"] {
        word(&page, text);
    }
    // Where only one language is allowed nothing is looked for.
    let only = ["de".to_owned()];
    steps.clear();
    let page = reader.pages(&document, &only, &[]).next_page(&mut |step| steps.push(step)).unwrap().unwrap();
    assert!(steps.len() <= 3, "{steps:?}");
    word(&page, "Grüßen");
}

/// What the letter says stands in its order, wherever the page was turned to.
#[track_caller]
fn assert_read(page: &Page) {
    let text = support::joined(page);
    for line in ["Northwind Traders Ltd", "Invoice number 20310042", "transfer the amount due"] {
        assert!(text.contains(line), "no {line:?} in {text:?}");
    }
}

#[test]
fn a_page_on_its_side_or_its_head_is_read() {
    let upright = letter();
    // Each with the quarters from the page as it is read to the page as it is displayed.
    let turns = [(imageops::rotate90(&upright), 1), (imageops::rotate180(&upright), 2)];
    for (image, turned) in turns {
        let page =
            read_all(encode(&image, ImageFormat::Png), "scan.png", Limits::default()).unwrap().remove(0);
        assert_eq!(page.turned, turned);
        assert_read(&page);
        // Where it is displayed, the first word begins the page's first line.
        let first = word(&page, "Northwind").rect.turned(page.turned);
        let (width, height) = image.dimensions();
        let ink = |x: f32, y: f32| {
            image.get_pixel((x * width as f32) as u32, (y * height as f32) as u32).0[0] < 128
        };
        let dark = (0..400).filter(|step| {
            let (across, down) = (*step % 20, *step / 20);
            ink(
                first.x + first.width * (across as f32 + 0.5) / 20.0,
                first.y + first.height * (down as f32 + 0.5) / 20.0,
            )
        });
        assert!(dark.count() > 40, "{turned}: there is no word at {first:?}");
    }
}

#[test]
fn a_crooked_page_is_made_level() {
    let level = letter();
    for degrees in [-7.0_f32, 3.0] {
        let (width, height) = (level.width() as f32, level.height() as f32);
        let turned = Projection::translate(-width / 2.0, -height / 2.0)
            .and_then(Projection::rotate(degrees.to_radians()))
            .and_then(Projection::translate(width / 2.0, height / 2.0));
        let crooked = warp(&level, turned, Interpolation::Bilinear, Border::Constant(image::Luma([255])));
        let page =
            read_all(encode(&crooked, ImageFormat::Png), "scan.png", Limits::default()).unwrap().remove(0);
        assert!((page.skew - degrees).abs() < 0.4, "{} for {degrees}", page.skew);
        assert_read(&page);
        // On the page as it was sent the word stands where turning has put it.
        let straight =
            read_all(encode(&level, ImageFormat::Png), "scan.png", Limits::default()).unwrap().remove(0);
        assert!(straight.skew == 0.0);
        let (middle, seen) = (word(&straight, "transfer").rect, page.displayed(word(&page, "transfer").rect));
        let (x, y) = turned * ((middle.x + middle.width / 2.0) * width, middle.middle() * height);
        let (dx, dy) = (seen.x + seen.width / 2.0 - x / width, seen.middle() - y / height);
        assert!(dx.abs() < 0.006 && dy.abs() < 0.006, "{degrees}: off by {dx}, {dy}");
    }
}

#[test]
fn what_is_installed_can_be_asked() {
    let status = ocr::status().unwrap();
    assert!(status.version.starts_with('5'), "{status:?}");
    assert!(status.languages.contains(&"en"), "{status:?}");
}

#[test]
fn pages_that_broke_a_worker_are_left_alone() {
    let document = open(encode(&letter(), ImageFormat::Png), "scan.png", &Limits::default()).unwrap();
    let mut reader = Reader::default();
    let mut pages = reader.pages(&document, &[], &[1]);
    let page = pages.next_page(&mut |step| panic!("{step:?}")).unwrap().unwrap();
    assert_eq!((page.source, page.words.len()), (PageSource::Unreadable, 0));
    assert!(pages.next_page(&mut |_| {}).unwrap().is_none());
}
