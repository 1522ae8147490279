use super::*;

/// One stored entry's local header.
fn entry(name: &str) -> Vec<u8> {
    let mut header = b"PK\x03\x04".to_vec();
    header.resize(26, 0);
    header.extend((name.len() as u16).to_le_bytes());
    header.extend([0, 0]);
    header.extend(name.as_bytes());
    header.extend(b"some data");
    header
}

fn zip(names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| entry(name)).collect()
}

#[test]
fn content_decides_and_names_do_not() {
    for (head, name, kind) in [
        (&b"%PDF-1.7\n"[..], "photo.jpg", Kind::Pdf),
        (b"HTTP preamble\r\n\r\n%PDF-1.4", "a.txt", Kind::Pdf),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "invoice.pdf", Kind::Jpeg),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "x", Kind::Png),
        (b"II*\0\x08\0\0\0", "x", Kind::Tiff),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x", Kind::Webp),
        (b"RIFF\0\0\0\0WAVEfmt ", "x", Kind::Wav),
        (b"\0\0\0\x18ftypmp42", "x", Kind::Mp4),
        (b"\0\0\0\x18ftypM4A ", "x", Kind::M4a),
        (b"\0\0\0\x18ftypheic", "x", Kind::Heif),
        (b"\xff\xfb\x90\x64", "x", Kind::Mp3),
        (b"\xff\xf1\x50\x80", "x", Kind::Aac),
        (b"", "a.pdf", Kind::Empty),
        (b"\x00\x01\x02\x03", "a.pdf", Kind::Unknown),
    ] {
        assert_eq!(detect(head, name), kind, "{name}: {head:?}");
    }
}

#[test]
fn office_documents_are_told_from_archives() {
    assert_eq!(detect(&zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), ""), Kind::Docx);
    assert_eq!(detect(&zip(&["[Content_Types].xml", "xl/workbook.xml"]), ""), Kind::Xlsx);
    assert_eq!(detect(&zip(&["[Content_Types].xml", "ppt/presentation.xml"]), ""), Kind::Pptx);
    assert_eq!(detect(&zip(&["photos/1.jpg"]), "a.docx"), Kind::Zip);
}

#[test]
fn programs_and_scripts_are_refused() {
    for (head, name) in [
        (&b"\x7fELF\x02\x01\x01\0"[..], "invoice.pdf"),
        (b"MZ\x90\0\x03\0\0\0", "invoice.pdf"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "x"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "x"),
        (b"\0asm\x01\0\0\0", "x"),
        (b"#!/bin/sh\nrm -rf /\n", "notes.txt"),
        (b"@echo off\r\ndel *", "notes.txt"),
        (b"<?php system($_GET['x']);", "page.html"),
        (b"Get-ChildItem", "run.ps1"),
        (b"console.log(1)", "a.js"),
        (b"import os", "a.py"),
    ] {
        assert!(detect(head, name).is_refused(), "{name}: {head:?}");
    }
    assert!(detect(&zip(&["META-INF/MANIFEST.MF", "com/example/Main.class"]), "a.zip").is_refused());
}

#[test]
fn text_is_sorted_by_look_and_name() {
    for (head, name, kind) in [
        (&b"Dear Sir or Madam"[..], "letter", Kind::Text),
        (b"MZ is how this note begins, and it goes on for a while without any zeros.", "n.txt", Kind::Text),
        (b"a;b;c\n1;2;3\n", "table.csv", Kind::Csv),
        (b"  <!DOCTYPE html><html>", "x", Kind::Html),
        (b"<?xml version=\"1.0\"?><Invoice/>", "x.xml", Kind::Xml),
        (b"{\"a\":1}", "a.json", Kind::Json),
        (b"\xff\xfeH\0i\0", "a.txt", Kind::Text),
        (b"a;b;c\n1;2;3\n4;5;6\n7;8;9", "export", Kind::Csv),
        (b"One, two, three\nand four.\nThe end, at last, friends", "letter", Kind::Text),
        (b"Subject: Invoice\r\nFrom: a@b.example\r\nTo: c@d.example\r\n\r\nHello", "x", Kind::Email),
        (b"From: Northwind\nTo: Contoso\nTotal: 5", "x", Kind::Text),
    ] {
        assert_eq!(detect(head, name), kind, "{name}");
        assert!(!kind.is_refused());
    }
}

#[test]
fn any_bytes_are_of_some_kind() {
    let mut state = 0x2545_f491_u32;
    for length in 0..2000 {
        let bytes: Vec<u8> = (0..length % 97)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state as u8
            })
            .collect();
        let _ = detect(&[b"PK\x03\x04", bytes.as_slice()].concat(), "a");
        let _ = detect(&bytes, "a");
    }
}
