//! Kinds of text, which have no signature: told by how they begin and, where that says little, by their name.

use super::Kind;

const SCRIPT_EXTENSIONS: &[&str] = &[
    ".sh",
    ".bash",
    ".zsh",
    ".fish",
    ".csh",
    ".ksh",
    ".bat",
    ".cmd",
    ".ps1",
    ".psm1",
    ".vbs",
    ".vbe",
    ".js",
    ".mjs",
    ".cjs",
    ".jse",
    ".wsf",
    ".wsh",
    ".hta",
    ".py",
    ".pyw",
    ".rb",
    ".pl",
    ".pm",
    ".php",
    ".lua",
    ".tcl",
    ".awk",
    ".applescript",
    ".scpt",
    ".command",
    ".reg",
    ".desktop",
];

/// Text of some sort: what it looks like first, then what it is called.
pub(super) fn by_text(head: &[u8], name: &str) -> Option<Kind> {
    let ends_with_any = |extensions: &[&str]| extensions.iter().any(|extension| name.ends_with(extension));
    let start = String::from_utf8_lossy(&head[..head.len().min(4096)]).to_ascii_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', '\0']);
    if !is_text(head) {
        // What is attached to an e-mail may be sent as it is.
        return has_mail_headers(start).then_some(Kind::Email);
    }
    let begins = |starts: &[&str]| starts.iter().any(|tag| start.starts_with(tag));
    if ends_with_any(SCRIPT_EXTENSIONS) || begins(&["<?php", "@echo off"]) {
        return Some(Kind::Script);
    }
    if begins(&["<!doctype html", "<html", "<head", "<body"]) || ends_with_any(&[".html", ".htm", ".xhtml"]) {
        return Some(Kind::Html);
    }
    if begins(&["<svg"]) || (begins(&["<?xml"]) && start.contains("<svg")) {
        return Some(Kind::Svg);
    }
    if begins(&["<?xml"]) {
        return Some(if start.contains("<html") { Kind::Html } else { Kind::Xml });
    }
    if has_mail_headers(start) || ends_with_any(&[".eml"]) {
        return Some(Kind::Email);
    }
    if ends_with_any(&[".csv", ".tsv"]) {
        return Some(Kind::Csv);
    }
    if ends_with_any(&[".json"]) && begins(&["{", "["]) {
        return Some(Kind::Json);
    }
    if !ends_with_any(&[".txt", ".text", ".md", ".log"]) && is_table(start) {
        return Some(Kind::Csv);
    }
    Some(Kind::Text)
}

/// Headers with which e-mails begin; `start` is in lower case.
const MAIL_HEADERS: &[&str] = &[
    "received:",
    "return-path:",
    "delivered-to:",
    "mime-version:",
    "message-id:",
    "from:",
    "to:",
    "subject:",
    "date:",
    "reply-to:",
    "content-type:",
    "x-",
    "dkim-signature:",
];

/// Whether a text begins as an e-mail does: with its trace, or with at least three headers one below the other.
fn has_mail_headers(start: &str) -> bool {
    if MAIL_HEADERS[..4].iter().any(|header| start.starts_with(header)) {
        return true;
    }
    let continued = |line: &str| line.starts_with([' ', '\t']);
    let known = |line: &str| MAIL_HEADERS.iter().any(|header| line.starts_with(header));
    let lines = start.lines().take_while(|line| continued(line) || known(line));
    let headers: Vec<&str> = lines.filter(|line| !continued(line)).collect();
    headers.len() >= 3
        && headers.iter().any(|line| line.starts_with("from:") || line.starts_with("message-id:"))
}

/// Lines that a table is told by.
const TABLE_LINES_MIN: usize = 3;

/// Whether every line has the same number of semicolons, tabs or commas, and more than one of them.
fn is_table(start: &str) -> bool {
    let mut lines: Vec<&str> = start.lines().filter(|line| !line.trim().is_empty()).collect();
    // The last one may be cut off.
    if lines.len() > TABLE_LINES_MIN {
        lines.pop();
    }
    lines.len() >= TABLE_LINES_MIN
        && [';', '\t', ','].iter().any(|separator| {
            let count = |line: &&str| line.matches(*separator).count();
            let first = count(&lines[0]);
            first >= 2 && lines.iter().all(|line| count(line) == first)
        })
}

/// Text has no zero bytes (unless it is marked as UTF-16) and next to no control characters.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let odd = |byte: &&u8| matches!(byte, 0x01..=0x08 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    !head.contains(&0) && head.iter().filter(odd).count() * 100 <= head.len()
}
