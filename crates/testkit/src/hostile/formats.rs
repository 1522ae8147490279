//! The part of the set that is no PDF and no picture: office documents, e-mails, archives, web pages, tables.

use super::{Hostile, noise};
use std::io::{Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

/// An archive of the given files.
fn zip<N: ToString, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (N, B)>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name.to_string(), SimpleFileOptions::default()).expect("a name is a name");
        writer.write_all(content.as_ref()).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything").into_inner()
}

fn docx(document: &str) -> Vec<u8> {
    zip([("[Content_Types].xml", "<Types/>"), ("word/document.xml", document)])
}

fn xlsx(sheet: &str) -> Vec<u8> {
    zip([
        (
            "xl/workbook.xml",
            "<workbook xmlns:r='r'><sheets><sheet name='One' r:id='r1'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='r1' Type='x/worksheet' Target='sheet.xml'/></Relationships>",
        ),
        ("xl/sheet.xml", sheet),
    ])
}

fn pptx(slide: &str) -> Vec<u8> {
    zip([
        (
            "ppt/presentation.xml",
            "<p:presentation xmlns:r='r'><p:sldIdLst><p:sldId id='1' r:id='r1'/></p:sldIdLst></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/></Relationships>",
        ),
        ("ppt/slides/slide1.xml", slide),
    ])
}

/// A TIFF of one page that claims so many pixels on each side and has none, and says that the next page is itself.
fn tiff(side: u32) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let entries: [(u16, u32); 7] =
        [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (279, side)];
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(4_u16.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend(8_u32.to_le_bytes());
    file
}

/// A WebP that claims the largest canvas there is, and holds noise.
fn webp() -> Vec<u8> {
    let mut chunk = b"VP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff".to_vec();
    chunk.extend(b"VP8 \0\x10\0\0");
    chunk.extend(noise(4096, 17));
    let length = (chunk.len() as u32 + 4).to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &chunk].concat()
}

fn email(parts: &[(&str, &[u8])]) -> Vec<u8> {
    // Another one in each e-mail that is attached to another.
    let boundary = format!("b{}", parts.iter().map(|(_, content)| content.len()).sum::<usize>());
    let mut mail = format!(
        "From: a@example.org\r\nTo: b@example.org\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\nContent-Type: text/plain\r\n\r\n\
         Invoice number: INV-7\r\n"
    )
    .into_bytes();
    for (name, content) in parts {
        let head = format!(
            "--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; \
             filename=\"{name}\"\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        );
        mail.extend_from_slice(&[head.as_bytes(), content, b"\r\n"].concat());
    }
    mail.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    mail
}

const LETTER: &str = "Invoice number: INV-2031-0042\nTotal due 53.64 EUR\n";
const RESOURCE_LIMIT: &[&str] = &["RESOURCE_LIMIT"];
const COMPLETED: &[&str] = &["COMPLETED"];
/// Bytes that a bomb unpacks to.
const BOMB_BYTES: usize = 40_000_000;

/// See the module.
pub(super) fn set() -> Vec<Hostile> {
    let mut set = bombs();
    set.extend(deep());
    set.extend(lying());
    set
}

fn bombs() -> Vec<Hostile> {
    let long = "a".repeat(BOMB_BYTES);
    let text_bomb = zip([("a.txt", &long)]);
    let names = (0..1000).map(|number| format!("{number}.txt"));
    let many: Vec<(String, &[u8])> = names.map(|name| (name, LETTER.as_bytes())).collect();
    let parts: Vec<(&str, &[u8])> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let mut nested = zip([("a.txt", LETTER)]);
    for depth in 0..20 {
        nested = zip([(format!("{depth}.zip"), nested)]);
    }
    let mut forwarded = email(&[]);
    for _ in 0..20 {
        forwarded = email(&[("forwarded.eml", &forwarded)]);
    }
    vec![
        Hostile::new("text bomb in an archive", "text.zip", text_bomb.clone(), RESOURCE_LIMIT),
        Hostile::new("bomb in an e-mail", "bomb.eml", email(&[("bomb.zip", &text_bomb)]), RESOURCE_LIMIT),
        Hostile::new("bomb in a docx", "bomb.docx", docx(&long), RESOURCE_LIMIT),
        Hostile::new("bomb in an xlsx", "bomb.xlsx", xlsx(&long), RESOURCE_LIMIT),
        Hostile::new("archives in archives", "nested.zip", nested, RESOURCE_LIMIT),
        Hostile::new("e-mails in e-mails", "nested.eml", forwarded, RESOURCE_LIMIT),
        Hostile::new("1 000 documents in an archive", "many.zip", zip(many.iter().cloned()), RESOURCE_LIMIT),
        Hostile::new("1 000 parts of an e-mail", "many.eml", email(&parts), RESOURCE_LIMIT),
        Hostile::new(
            "20 001 entries",
            "entries.zip",
            zip((0..20_001).map(|number| (number, ""))),
            RESOURCE_LIMIT,
        ),
        Hostile::new("laughs in a docx", "laughs.docx", docx(&laughs("w:t", LETTER)), COMPLETED),
        Hostile::new("laughs in XML", "laughs.xml", laughs("a", "").into_bytes(), &["UNSUPPORTED_DOCUMENT"]),
    ]
}

/// Entities of entities, which would be gigabytes.
fn laughs(element: &str, text: &str) -> String {
    let mut document = String::from("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY l0 'ha'>");
    for level in 1..12 {
        let ten = format!("&l{};", level - 1).repeat(10);
        document += &format!("<!ENTITY l{level} '{ten}'>");
    }
    document + &format!("]><{element}>{text}&l11;</{element}>")
}

fn deep() -> Vec<Hostile> {
    let html = |open: &str, count: usize| format!("{}{LETTER}", open.repeat(count)).into_bytes();
    let tables = "<w:tbl><w:tr><w:tc>".repeat(100_000);
    let attributes: String = (0..200_000).map(|number| format!(" a{number}")).collect();
    let mut forms =
        String::from("<w:document><w:body><w:p><w:r><w:t>Invoice number: INV-7</w:t></w:r></w:p>");
    forms += &"<w:sdt>".repeat(1500);
    vec![
        Hostile::new("100 000 deep HTML", "deep.html", html("<div>", 100_000), COMPLETED),
        Hostile::new("tables in tables", "tables.html", html("<table><tr><td>", 50_000), COMPLETED),
        Hostile::new("formats that never end", "quadratic.html", html("<a><b><i><p>", 50_000), COMPLETED),
        Hostile::new(
            "a tag of 200 000 attributes",
            "tag.html",
            html(&format!("<p{attributes}>"), 1),
            COMPLETED,
        ),
        Hostile::new("a tag that never ends", "open.html", html("<!doctype html><p>x<a <a <a ", 50_000), &[]),
        Hostile::new("100 000 deep docx", "deep.docx", docx(&tables), &["BROKEN_FILE"]),
        Hostile::new("docx that is never closed", "open.docx", docx(&forms), &[]),
        Hostile::new("100 000 deep slide", "deep.pptx", pptx(&"<p:grpSp>".repeat(100_000)), &["BROKEN_FILE"]),
    ]
}

fn lying() -> Vec<Hostile> {
    let mut locked = zip([("a.txt", LETTER)]);
    for (mark, offset) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = locked.windows(4).position(|window| window == mark).expect("it was written just now");
        // Bit 0 of the flags: encrypted.
        locked[at + offset] |= 1;
    }
    let mut container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    container.resize(2048, 0);
    container.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let far = "<worksheet><sheetData><row r='1'><c t='inlineStr'><is><t>near</t></is></c></row><row r='1048576'><c r='XFD1048576' t='inlineStr'><is><t>far</t></is></c></row>\
        <row r='99999999999'><c r='ZZZZZZZ1' t='s'><v>99999999</v></c></row></sheetData></worksheet>";
    let line = format!("a;b;{}\n", "1,50;\"x\"\"y\";".repeat(150_000));
    let quotes = format!("\"a\n{}", "\"b,".repeat(300_000));
    vec![
        Hostile::new("encrypted archive", "locked.zip", locked, &["ENCRYPTED_FILE"]),
        Hostile::new("encrypted workbook", "locked.xlsx", container, &["ENCRYPTED_FILE"]),
        Hostile::new("cut archive", "cut.zip", zip([("a.txt", LETTER)])[..60].to_vec(), &["BROKEN_FILE"]),
        Hostile::new("archive without anything", "empty.zip", zip([("", ""); 0]), &["EMPTY_FILE"]),
        Hostile::new("a scan that claims 2^31 pixels a side", "claim.tiff", tiff(1 << 31), &[]),
        Hostile::new("a scan whose next page is itself", "ring.tiff", tiff(4), &[]),
        Hostile::new("a picture that claims the largest canvas", "claim.webp", webp(), &[]),
        Hostile::new("the last cell of all", "far.xlsx", xlsx(far), COMPLETED),
        Hostile::new(
            "names that lead out",
            "names.zip",
            zip([("../../../../etc/passwd.txt", LETTER), ("/etc/shadow.txt", LETTER), ("C:\\a.txt", LETTER)]),
            COMPLETED,
        ),
        Hostile::new("a line of 2 MB", "line.csv", line.into_bytes(), COMPLETED),
        Hostile::new("quotes that never close", "quotes.csv", quotes.into_bytes(), COMPLETED),
        Hostile::new("a word of 2 MB", "word.txt", "x".repeat(2_000_000).into_bytes(), COMPLETED),
        Hostile::new("bytes of no encoding", "bytes.txt", high_bytes(4_000), COMPLETED),
        Hostile::new(
            "half of UTF-16",
            "half.txt",
            [&b"\xff\xfe"[..], &high_bytes(3_999)].concat(),
            COMPLETED,
        ),
        Hostile::new("a film", "film.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0".to_vec(), &["UNSUPPORTED_DOCUMENT"]),
    ]
}

/// Noise without the bytes that text never has.
fn high_bytes(length: usize) -> Vec<u8> {
    noise(length, 11).into_iter().map(|byte| byte | 0x80).collect()
}
