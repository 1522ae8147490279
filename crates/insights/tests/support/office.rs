//! Office documents and archives written by hand.
// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

/// An archive of the given files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn relations(list: &[(&str, &str, &str)]) -> String {
    let relation = |(id, kind, target): &(&str, &str, &str)| {
        format!("<Relationship Id=\"{id}\" Type=\"http://x/relationships/{kind}\" Target=\"{target}\"/>")
    };
    format!("<Relationships>{}</Relationships>", list.iter().map(relation).collect::<String>())
}

/// A DOCX with the given body, and a header.
pub fn docx(body: &str, header: &str) -> Vec<u8> {
    let document = format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    let header = format!("<w:hdr xmlns:w=\"w\">{header}</w:hdr>");
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
        ("word/_rels/document.xml.rels", relations(&[("rId1", "header", "header1.xml")]).as_bytes()),
        ("word/header1.xml", header.as_bytes()),
    ])
}

/// A paragraph of a DOCX.
pub fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

/// A table of a DOCX.
pub fn table(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| format!("<w:tc><w:tcPr/>{}</w:tc>", paragraph(text));
    let row = |cells: &&[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(cell).collect::<String>());
    format!("<w:tbl><w:tblPr/>{}</w:tbl>", rows.iter().map(row).collect::<String>())
}

/// An XLSX of one sheet; a cell that is a number has the format `#,##0.00` where it has a point.
pub fn xlsx(rows: &[&[&str]]) -> Vec<u8> {
    let mut sheet = String::from("<worksheet><sheetData>");
    for (index, cells) in rows.iter().enumerate() {
        sheet += &format!("<row r=\"{}\">", index + 1);
        for (column, text) in cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let place = format!("{}{}", char::from(b'A' + column as u8), index + 1);
            sheet += &match text.parse::<f64>() {
                Ok(_) => format!("<c r=\"{place}\" s=\"{}\"><v>{text}</v></c>", u8::from(text.contains('.'))),
                Err(_) => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
            };
        }
        sheet += "</row>";
    }
    sheet += "</sheetData></worksheet>";
    let styles = "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"4\"/></cellXfs></styleSheet>";
    let relations =
        relations(&[("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "styles", "/xl/styles.xml")]);
    zip(&[
        ("xl/workbook.xml", b"<workbook xmlns:r=\"r\"><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// A PPTX of slides that each have one text box in their upper left quarter.
pub fn pptx(slides: &[&str]) -> Vec<u8> {
    let ids: String =
        (0..slides.len()).map(|n| format!("<p:sldId id=\"{}\" r:id=\"rId{n}\"/>", 256 + n)).collect();
    let presentation = format!(
        "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx=\"9144000\" cy=\"6858000\"/></p:presentation>"
    );
    let known: String = (0..slides.len())
        .map(|n| format!("<Relationship Id=\"rId{n}\" Type=\"x/slide\" Target=\"slides/slide{n}.xml\"/>"))
        .collect();
    let known = format!("<Relationships>{known}</Relationships>");
    let mut files = vec![
        ("ppt/presentation.xml".to_owned(), presentation),
        ("ppt/_rels/presentation.xml.rels".to_owned(), known),
    ];
    for (n, text) in slides.iter().enumerate() {
        let paragraphs: String = text
            .lines()
            .map(|line| format!("<a:p><a:r><a:rPr sz=\"1200\"/><a:t>{line}</a:t></a:r></a:p>"))
            .collect();
        files.push((format!("ppt/slides/slide{n}.xml"), format!(
            "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><p:sp><p:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"4572000\" cy=\"3429000\"/></a:xfrm></p:spPr><p:txBody>{paragraphs}</p:txBody></p:sp></p:sld>"
        )));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    zip(&files)
}
