//! Each format without pages, and what holds others: what is read, and where its values stand.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/office.rs"]
mod office;
mod support;

use domain::extraction::{ExtractionOutput, FieldValue, Money, Placement};
use domain::hub::{Hub, builtin};
use domain::id::HubId;
use domain::job::{Failure, Rejection};
use insights::extract::extract;
use insights::page::{Page, PageSource};
use insights::read::{Limits, ReadError, Refusal, Verdict, open, read_all};
use office::{docx, paragraph, pptx, table, xlsx, zip};
use support::{LETTER, lines, one_page};

const ITEMS: [&[&str]; 3] = [
    &["Description", "Quantity", "Unit price", "Amount"],
    &["Blue widget", "3", "9.90", "29.70"],
    &["Service fee", "1", "15.00", "15.00"],
];

fn invoices() -> Hub {
    let all = builtin::all().into_iter().map(|definition| definition.into_hub(HubId::from_bytes([7; 12])));
    all.into_iter().find(|hub| hub.name == "Invoices").unwrap()
}

fn read(bytes: Vec<u8>, name: &str) -> Vec<Page> {
    read_all(bytes, name, Limits::default()).unwrap()
}

fn refused(bytes: Vec<u8>, name: &str) -> Verdict {
    match read_all(bytes, name, Limits::default()) {
        Err(ReadError::Refused(refusal)) => {
            assert!(!refusal.to_string().contains('\n'), "{refusal}");
            refusal.verdict()
        }
        other => panic!("{name} is not refused: {other:?}"),
    }
}

fn text(output: &ExtractionOutput, id: &str) -> Option<String> {
    match output.fields.iter().find(|field| field.id == id)?.value.clone()? {
        FieldValue::Text(text) => Some(text),
        FieldValue::Money(Money { amount, .. }) => Some(amount),
        other => Some(format!("{other:?}")),
    }
}

/// The rows of the line items: description and amount.
fn items(output: &ExtractionOutput) -> Vec<(String, String)> {
    let field = output.fields.iter().find(|field| field.id == "lineItems").unwrap();
    let Some(FieldValue::Table(table)) = &field.value else { return Vec::new() };
    let cell = |row: &domain::extraction::Row, column: &str| {
        row.cells.iter().find(|cell| cell.column == column).and_then(|cell| match &cell.value {
            Some(FieldValue::Text(text)) => Some(text.clone()),
            Some(FieldValue::Money(money)) => Some(money.amount.clone()),
            _ => None,
        })
    };
    table
        .rows
        .iter()
        .map(|row| (cell(row, "description").unwrap_or_default(), cell(row, "amount").unwrap_or_default()))
        .collect()
}

/// The invoice of this file, however it came.
#[track_caller]
fn assert_is_the_invoice(pages: &[Page]) -> ExtractionOutput {
    let output = extract(pages, &invoices());
    assert_eq!(text(&output, "invoiceNumber").as_deref(), Some("INV-2031-0042"), "{pages:#?}");
    assert_eq!(text(&output, "invoiceDate").as_deref(), Some("2031-03-14"));
    assert_eq!(text(&output, "total").as_deref(), Some("53.64"));
    let wanted =
        [("Blue widget".to_owned(), "29.70".to_owned()), ("Service fee".to_owned(), "15.00".to_owned())];
    assert_eq!(items(&output), wanted);
    output
}

/// Every place is a stretch of the extracted text that says the field's text.
#[track_caller]
fn assert_offsets_point_into(output: &ExtractionOutput, extracted: &str) {
    let characters: Vec<char> = extracted.chars().collect();
    let mut checked = 0;
    for field in output.fields.iter().filter(|field| field.id != "lineItems") {
        let parts: Vec<String> = field
            .placements
            .iter()
            .map(|placement| {
                let Placement::Span(span) = placement else { panic!("{}: a box", field.id) };
                assert_eq!(span.page, 1);
                characters[span.start as usize..span.end as usize].iter().collect()
            })
            .collect();
        if let Some(text) = &field.text {
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(squeezed(&parts.join(" ")), squeezed(text), "{}", field.id);
            checked += 1;
        }
    }
    assert!(checked >= 3);
}

#[test]
fn plain_text_is_read_where_it_stands() {
    let letter = "Größenwahn GmbH\nHauptstraße 1\n\nInvoice number:   INV-2031-0042\nInvoice date:     14 March 2031\n\n\
        Description           Quantity   Unit price     Amount\n\
        Blue widget                  3         9.90      29.70\n\
        Service fee                  1        15.00      15.00\n\n\
        Net total                                        44.70\n\
        VAT 20%                                           8.94\n\
        Total due                                        53.64 EUR\n";
    let pages = read(letter.as_bytes().to_vec(), "invoice.txt");
    assert_eq!(pages[0].source, PageSource::Flow);
    let output = assert_is_the_invoice(&pages);
    assert_offsets_point_into(&output, letter);
    let latin: Vec<u8> = letter.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(read(latin, "invoice.txt")[0].words, pages[0].words);
}

#[test]
fn a_table_of_separated_values_is_one() {
    let table = "Invoice number;INV-2031-0042;;\r\nInvoice date;14.03.2031;;\r\n;;;\r\n\
        Description;Quantity;Unit price;Amount\r\n\"Blue widget\";3;9,90;29,70\r\nService fee;1;15,00;15,00\r\n\
        ;;;\r\nNet total;;;44,70\r\nVAT 20%;;;8,94\r\nTotal due;;;53,64\r\n";
    let output = assert_is_the_invoice(&read(table.as_bytes().to_vec(), "invoice.csv"));
    assert_offsets_point_into(&output, table);
}

fn html() -> String {
    let rows: String = ITEMS
        .iter()
        .map(|row| {
            format!("<tr>{}</tr>", row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>())
        })
        .collect();
    format!(
        "<!doctype html><html><body><h1>Northwind Traders Ltd</h1><p>Invoice number: <b>INV-2031-0042</b><br>\
         Invoice date: 14&nbsp;March 2031</p><table>{rows}</table><table><tr><td>Net total<td>44.70<tr><td>VAT 20%<td>8.94\
         <tr><td>Total due<td>53.64 EUR</table></body></html>"
    )
}

#[test]
fn a_web_page_is_read_with_its_tables() {
    assert_is_the_invoice(&read(html().into_bytes(), "invoice.html"));
}

fn word() -> Vec<u8> {
    let body = [
        paragraph("Invoice number: INV-2031-0042"),
        paragraph("Invoice date: 14 March 2031"),
        table(&ITEMS),
        table(&[&["Net total", "44.70"], &["VAT 20%", "8.94"], &["Total due", "53.64 EUR"]]),
        "<w:p><w:del><w:r><w:delText>Total due 99.99</w:delText></w:r></w:del></w:p>".to_owned(),
    ];
    docx(&body.concat(), &paragraph("Northwind Traders Ltd"))
}

#[test]
fn a_word_document_is_read_with_header_and_tables() {
    let pages = read(word(), "invoice.docx");
    assert_eq!(pages[0].words[0].text, "Northwind");
    let output = assert_is_the_invoice(&pages);
    assert!(output.fields[0].placements.iter().all(|placement| matches!(placement, Placement::Span(_))));
}

#[test]
fn check_boxes_of_a_word_document_are_marks() {
    let body = "<w:p><w:r><w:t>Paid</w:t></w:r><w:r><w:fldChar><w:ffData><w:checkBox><w:default w:val=\"0\"/><w:checked/>\
        </w:checkBox></w:ffData></w:fldChar></w:r></w:p><w:p><w:r><w:t>Sent</w:t><w:sym w:font=\"Wingdings\" w:char=\"F0A8\"/></w:r></w:p>";
    let pages = read(docx(body, ""), "form.docx");
    let words: Vec<&str> = pages[0].words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["Paid☒", "Sent☐"]);
}

fn workbook() -> Vec<u8> {
    xlsx(&[
        &["Northwind Traders Ltd, 12 Harbour Street, Bristol"],
        &["Invoice number", "INV-2031-0042"],
        &["Invoice date", "14 March 2031"],
        &[],
        ITEMS[0],
        &["Blue widget", "3", "9.9", "29.7"],
        &["Service fee", "1", "15.0", "15.0"],
        &[],
        &["Net total", "", "", "44.7"],
        &["VAT 20%", "", "", "8.94"],
        &["Total due", "", "", "53.64"],
    ])
}

#[test]
fn a_workbook_is_read_as_it_is_shown() {
    assert_is_the_invoice(&read(workbook(), "invoice.xlsx"));
}

#[test]
fn each_slide_is_a_page_with_places() {
    let pages = read(pptx(&["Quarterly figures", "Invoice number: INV-7\nTotal due 53.64 EUR"]), "talk.pptx");
    assert_eq!(pages.len(), 2);
    let output = extract(&pages, &invoices());
    let field = output.fields.iter().find(|field| field.id == "invoiceNumber").unwrap();
    let Some(Placement::Box(place)) = field.placements.first() else { panic!("{field:?}") };
    assert_eq!(place.page, 2);
    assert!(place.x + place.width <= 0.5 && place.y + place.height <= 0.5, "{place:?}");
}

fn mail(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut mail = b"From: Billing <billing@northwind.example>\r\nTo: you@contoso.example\r\nSubject: Our bill\r\n\
        Date: Fri, 14 Mar 2031 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee attached.\r\n".to_vec();
    for (name, content) in parts {
        let head = format!(
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n"
        );
        mail.extend_from_slice(head.as_bytes());
        mail.extend_from_slice(content);
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--b--\r\n");
    mail
}

#[test]
fn an_email_is_its_body_and_what_is_attached() {
    let pages = read(mail(&[("invoice.html", html().as_bytes()), ("notes.bin", &[0, 1, 2, 3])]), "mail.eml");
    assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pages[0].words[0].text, "From:");
    let output = assert_is_the_invoice(&pages);
    let number = output.fields.iter().find(|field| field.id == "invoiceNumber").unwrap();
    assert!(matches!(number.placements[..], [Placement::Span(span)] if span.page == 2), "{number:?}");
}

#[test]
fn an_archive_is_one_document_with_parts() {
    let pdf = one_page(&lines(LETTER, 11));
    let inner = zip(&[("deep/letter.pdf", &pdf)]);
    let html = html();
    let files: [(&str, &[u8]); 5] = [
        ("../../etc/invoice.html", html.as_bytes()),
        ("b/inner.zip", &inner),
        ("c/damaged.pdf", b"%PDF-1.7\n"),
        ("d/film.mp4", b"\0\0\0\x18ftypmp42 and so on"),
        ("__MACOSX/a.txt", b"left by a system"),
    ];
    let pages = read(zip(&files), "all.zip");
    let sources: Vec<PageSource> = pages.iter().map(|page| page.source).collect();
    assert_eq!(sources, [PageSource::Flow, PageSource::TextLayer, PageSource::Unreadable]);
    assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_is_the_invoice(&pages[..1]);
}

#[test]
fn what_is_empty_broken_or_locked_is_refused_as_that() {
    let rejected = Verdict::Rejected;
    for (name, whole) in [
        ("a.docx", word()),
        ("a.xlsx", workbook()),
        ("a.pptx", pptx(&["x"])),
        ("a.zip", zip(&[("a.txt", b"x")])),
    ] {
        let cut = whole[..whole.len() * 2 / 3].to_vec();
        assert_eq!(refused(cut, name), rejected(Rejection::BrokenFile), "{name}");
        assert_eq!(refused(Vec::new(), name), rejected(Rejection::EmptyFile), "{name}");
    }
    for (name, bytes) in [("a.txt", " \n\t\n"), ("a.csv", ";;\n"), ("a.html", "<html><body></body></html>")] {
        assert_eq!(refused(bytes.as_bytes().to_vec(), name), rejected(Rejection::EmptyFile), "{name}");
    }
    assert_eq!(refused(docx("<w:p/>", ""), "a.docx"), rejected(Rejection::EmptyFile));
    assert_eq!(
        refused(zip(&[("word/document.xml", b"<w:document><w:p>")]), "a.docx"),
        rejected(Rejection::BrokenFile)
    );
    let mut container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    container.resize(1024, 0);
    assert_eq!(refused(container.clone(), "a.doc"), rejected(Rejection::UnsupportedDocument));
    container.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(refused(container, "a.docx"), rejected(Rejection::EncryptedFile));
    // Bit 0 of the flags, in both headers: the file is encrypted.
    let mut locked = zip(&[("a.txt", b"hello, hello, hello")]);
    for (mark, offset) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = locked.windows(4).position(|window| window == mark).unwrap();
        locked[at + offset] |= 1;
    }
    assert_eq!(refused(locked.clone(), "a.zip"), rejected(Rejection::EncryptedFile));
    assert_eq!(
        refused(mail(&[]).replace_type("application/pkcs7-mime"), "a.eml"),
        rejected(Rejection::EncryptedFile)
    );
    let beside = read(zip(&[("a.zip", &locked), ("b.txt", b"readable")]), "both.zip");
    assert_eq!(beside[0].source, PageSource::Unreadable);
    for (name, bytes) in
        [("a.mp4", &b"\0\0\0\x18ftypmp42"[..]), ("a.wav", b"RIFF\0\0\0\0WAVEfmt "), ("a.bin", &[0, 9, 8])]
    {
        assert_eq!(refused(bytes.to_vec(), name), rejected(Rejection::UnsupportedDocument), "{name}");
        let archived = zip(&[(name, bytes)]);
        assert_eq!(refused(archived, "x.zip"), rejected(Rejection::UnsupportedDocument), "{name}");
    }
}

trait ReplaceType {
    fn replace_type(self, with: &str) -> Vec<u8>;
}

impl ReplaceType for Vec<u8> {
    fn replace_type(self, with: &str) -> Vec<u8> {
        String::from_utf8(self).unwrap().replace("multipart/mixed; boundary=b", with).into_bytes()
    }
}

#[test]
fn what_unpacks_without_end_is_not_unpacked() {
    let too_much = Verdict::Failed(Failure::ResourceLimit);
    let long = vec![b'a'; 30_000_000];
    assert_eq!(refused(zip(&[("a.txt", &long)]), "bomb.zip"), too_much);
    let sheet = [b"<worksheet><sheetData>", &long[..], b"</sheetData></worksheet>"].concat();
    let book: &[u8] =
        b"<workbook xmlns:r=\"r\"><sheets><sheet name=\"One\" r:id=\"r1\"/></sheets></workbook>";
    let known: &[u8] =
        b"<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"s.xml\"/></Relationships>";
    let bomb = zip(&[("xl/workbook.xml", book), ("xl/_rels/workbook.xml.rels", known), ("xl/s.xml", &sheet)]);
    assert_eq!(refused(bomb, "bomb.xlsx"), too_much);
    let mut nested = b"nothing but archives".to_vec();
    for depth in 0..10 {
        nested = zip(&[(if depth == 0 { "a.txt" } else { "a.zip" }, &nested)]);
    }
    assert_eq!(refused(nested, "nested.zip"), too_much);
    let text: &[u8] = b"a part";
    let names: Vec<String> = (0..1000).map(|number| format!("{number}.txt")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), text)).collect();
    assert_eq!(refused(zip(&many), "many.zip"), too_much);
    assert_eq!(refused(mail(&many), "many.eml"), too_much);
}

#[test]
fn damaged_bytes_end_in_an_answer() {
    let whole = [
        ("a.docx", word()),
        ("a.xlsx", workbook()),
        ("a.html", html().into_bytes()),
        ("a.eml", mail(&[("a.txt", b"hello")])),
    ];
    let mut dice = support::Dice(0x5eed);
    let mut answers = 0;
    for (name, original) in &whole {
        for _ in 0..60 {
            let mut bytes = original.clone();
            for _ in 0..=dice.below(20) {
                let at = dice.below(bytes.len());
                bytes[at] = dice.below(256) as u8;
            }
            let opened: Result<_, Refusal> = open(bytes, name, &Limits::default());
            answers += usize::from(opened.map(|opened| opened.page_count()).unwrap_or(1) > 0);
        }
    }
    assert_eq!(answers, 240);
}
