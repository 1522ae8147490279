//! What the words of a PDF's text layer are and where they stand.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use insights::page::{Page, PageSource, Ruling};
use support::{A4, Pdf, Sheet, document, lines, one_page, read, text_of, word};

/// The box of a word in points from the top left.
fn points(page: &Page, text: &str) -> [f32; 4] {
    let rect = word(page, text).rect;
    [rect.x * page.width, rect.y * page.height, rect.right() * page.width, rect.bottom() * page.height]
}

#[track_caller]
fn assert_near(found: [f32; 4], expected: [f32; 4], tolerance: f32) {
    let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
    assert!(is_near, "{found:?} is not {expected:?}");
}

#[test]
fn words_stand_where_they_are_drawn() {
    // Helvetica: T 611, o and t and a and l 556 278 556 222 thousandths wide; capitals 718 high.
    let pages = read(one_page("BT /F1 20 Tf 100 642 Td (Total due) Tj ET")).unwrap();
    let page = &pages[0];
    assert_eq!((page.number, page.width, page.height), (1, 595.0, 842.0));
    assert_eq!(page.source, PageSource::TextLayer);
    let total = word(page, "Total");
    assert_eq!((total.confidence, total.font_size), (1.0, 20.0));
    assert_near(points(page, "Total"), [100.0, 200.0 - 15.2, 144.5, 204.4], 1.0);
    assert_near(points(page, "due"), [150.0, 200.0 - 15.2, 183.4, 204.4], 1.0);
}

#[test]
fn boxes_follow_the_page_as_displayed() {
    let content = b"BT /F1 20 Tf 100 642 Td (Total) Tj ET";
    for (rotation, size, expected) in [
        (0, (595.0, 842.0), [100.0, 184.8, 144.5, 204.4]),
        (90, (842.0, 595.0), [842.0 - 204.4, 100.0, 842.0 - 184.8, 144.5]),
        (180, (595.0, 842.0), [595.0 - 144.5, 842.0 - 204.4, 595.0 - 100.0, 842.0 - 184.8]),
        (270, (842.0, 595.0), [184.8, 595.0 - 144.5, 204.4, 595.0 - 100.0]),
    ] {
        // A quarter turn clockwise takes what was near the top to the right.
        let entries = format!("{A4} /Rotate {rotation}");
        let page = read(document(&[Sheet { content, entries: &entries }], None)).unwrap().remove(0);
        assert_eq!((page.width, page.height), size, "{rotation}");
        assert_near(points(&page, "Total"), expected, 1.0);
    }
}

#[test]
fn the_crop_box_is_the_page() {
    let entries = "/MediaBox [0 0 595 842] /CropBox [50 600 350 700]";
    let content = b"BT /F1 20 Tf 100 642 Td (Total) Tj 0 -200 Td (hidden) Tj ET";
    let page = read(document(&[Sheet { content, entries }], None)).unwrap().remove(0);
    assert_eq!((page.width, page.height), (300.0, 100.0));
    assert_eq!(support::joined(&page), "Total");
    assert_near(points(&page, "Total"), [50.0, 58.0 - 15.2, 94.5, 62.4], 1.0);
}

#[test]
fn gaps_make_words_and_kerning_does_not() {
    assert_eq!(
        text_of(one_page("BT /F1 10 Tf 60 700 Td [(In) -30 (voi) 40 (ce) -400 (No)] TJ ET")),
        "Invoice No"
    );
    // No space character anywhere: the words are placed.
    let placed = "BT /F1 10 Tf 60 700 Td (Net) Tj 40 0 Td (total) Tj 0 -14 Td (44.70) Tj ET";
    assert_eq!(text_of(one_page(placed)), "Net total 44.70");
}

#[test]
fn pieces_drawn_out_of_order_are_one_word() {
    // "Inv" is 2.78 + 5.56 + 5.00 wide at 10 points.
    let content = "BT /F1 10 Tf 73.34 700 Td (oice) Tj -13.34 0 Td (Inv) Tj ET";
    assert_eq!(text_of(one_page(content)), "Invoice");
}

#[test]
fn text_drawn_twice_to_look_bold_is_read_once() {
    let content = "BT /F1 12 Tf 60 700 Td (Total) Tj 0.3 0 Td (Total) Tj ET";
    assert_eq!(text_of(one_page(content)), "Total");
}

#[test]
fn invisible_text_over_a_scan_is_the_text() {
    let scan = image::GrayImage::from_pixel(100, 140, image::Luma([240]));
    let content = format!("q 595 0 0 842 0 0 cm /X1 Do Q 3 Tr {}", lines(&support::LETTER.repeat(2), 11));
    let pages = read(document(&[Sheet { content: content.as_bytes(), entries: A4 }], Some(&scan))).unwrap();
    assert_eq!(pages[0].source, PageSource::TextLayer);
    assert!(pages[0].words.iter().any(|word| word.text == "Northwind"));
}

#[test]
fn blank_pages_are_read_as_blank() {
    let sheets = [
        Sheet { content: b"", entries: A4 },
        Sheet { content: b"BT /F1 9 Tf 60 60 Td (2) Tj ET", entries: A4 },
    ];
    let pages = read(document(&sheets, None)).unwrap();
    assert!(pages.iter().all(|page| page.source == PageSource::TextLayer));
    assert_eq!((pages[0].words.len(), pages[1].words.len()), (0, 1));
}

#[test]
fn ruled_lines_are_found_however_they_are_drawn() {
    let stroked = "1 w 60 700 m 460 700 l S";
    let filled = "60 600 400 0.8 re f";
    let framed = "60 400 400 100 re S";
    let pages = read(one_page(&format!("{stroked} {filled} {framed}"))).unwrap();
    let rulings = &pages[0].rulings;
    assert_eq!(rulings.len(), 2 + 4, "{rulings:?}");
    let (level, upright): (Vec<&Ruling>, Vec<&Ruling>) =
        rulings.iter().partition(|ruling| ruling.rect.width > 0.5);
    assert_eq!((level.len(), upright.len()), (4, 2));
    assert!((level[0].rect.middle() - (842.0 - 700.0) / 842.0).abs() < 0.001);
}

#[test]
fn ligatures_are_letters() {
    let differences = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding \
        << /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi 2 /ffl] >> >>";
    let mut pdf = Pdf::default();
    let font = pdf.object(differences);
    let content = pdf.stream("", b"BT /F1 12 Tf 60 700 Td (\x01nal) Tj ET");
    let page = pdf.object(format!(
        "<< /Type /Page /Parent 4 0 R {A4} /Contents {content} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>"
    ));
    let tree = pdf.object(format!("<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>"));
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R >>"));
    assert_eq!(text_of(pdf.finish(root)), "final");
}

#[test]
fn a_document_may_begin_after_something_else() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n".to_vec();
    bytes.extend(one_page(&lines("Total due", 12)));
    assert_eq!(text_of(bytes), "Total due");
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn encryption_without_a_password_is_no_obstacle() {
    // RC4 of 40 bits under the empty user password; only strings and streams are encrypted.
    let content = "4fbda50223e97d30247920e754c9bcaf77e69d2cab4aefbb6a50859e121fb2442993ac0a77ae60de95e738ea6a8f442f\
        2a89b7375172e86c";
    let mut pdf = Pdf::default();
    let font = pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    let stream = pdf.stream("", &bytes_of(content));
    let page = pdf.object(format!(
        "<< /Type /Page /Parent 4 0 R {A4} /Contents {stream} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>"
    ));
    let tree = pdf.object(format!("<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>"));
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R >>"));
    pdf.trailer = "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] \
        /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 \
        /O <874593f76629d09b29d6c863d9a506e6617c562aeb9df65fcf66cc39a9b797b1> \
        /U <ba86feeea49ef0c4863dfcc40b7c786b15ae3017e59b57fa6331c5d8a02fee42> >>"
        .to_owned();
    assert_eq!(text_of(pdf.finish(root)), "Opened without a password");
}
