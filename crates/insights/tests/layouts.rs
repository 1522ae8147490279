//! Invoices of senders that do not exist, in the layouts that real ones have: each file says what is in it and shows the
//! page as it is printed. They hold what no label says (where the sender stands, what a line of totals means) in seven
//! languages' ways to write letters, and nothing in extraction knows any of them.

use domain::{
    extraction::{ExtractionOutput, FieldValue, Row},
    hub::builtin,
    id::HubId,
};
use insights::{
    extract::extract,
    page::{Page, PageSource, Rect, Word},
};
use std::{fs, path::Path};

/// Characters of a line and lines of a page.
const COLUMNS: f32 = 112.0;
const LINES: f32 = 72.0;

/// A page of type of one width: a character of the text is a place on the page.
fn page(text: &str) -> Page {
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut column = 0;
        for piece in line.split(' ') {
            let length = piece.chars().count();
            if length > 0 {
                let rect = Rect {
                    x: column as f32 / COLUMNS,
                    y: (number as f32 + 1.0) / LINES,
                    width: length as f32 / COLUMNS,
                    height: 0.8 / LINES,
                };
                words.push(Word { text: piece.to_owned(), rect, confidence: 1.0, font_size: 9.5 });
            }
            column += length + 1;
        }
    }
    Page::new(1, (595.0, 842.0), PageSource::TextLayer, words)
}

fn shown(value: Option<&FieldValue>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(FieldValue::Text(text)) => text.clone(),
        Some(FieldValue::Money(money)) => money.amount.clone(),
        Some(FieldValue::Number(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
    }
}

fn same(expected: &str, found: &str) -> bool {
    match (expected.parse::<f64>(), found.parse::<f64>()) {
        (Ok(expected), Ok(found)) => (expected - found).abs() < 0.001,
        _ => expected == found,
    }
}

fn rows(output: &ExtractionOutput) -> Vec<Row> {
    let tables = output.fields.iter().filter_map(|field| match &field.value {
        Some(FieldValue::Table(table)) => Some(table.rows.clone()),
        _ => None,
    });
    tables.flatten().collect()
}

/// What of a layout is not read as its file says.
fn mistakes(path: &Path) -> Vec<String> {
    let file = fs::read_to_string(path).expect("a layout is a readable text");
    let (told, text) = file.split_once("\n---\n").expect("what is expected stands above a line of dashes");
    let hub = builtin::invoices().into_hub(HubId::from_bytes([7; 12]));
    let output = extract(&[page(text)], &hub);
    let mut wrong = Vec::new();
    let mut items: Vec<Vec<&str>> = Vec::new();
    for line in told.lines() {
        let (id, expected) = line.split_once(": ").expect("an id and a value");
        if id == "items" {
            items.push(expected.split(" | ").collect());
            continue;
        }
        let field = output.fields.iter().find(|field| field.id == id).expect("a field of the hub");
        let found = shown(field.value.as_ref());
        if !same(&expected.replace(' ', ""), &found.replace(' ', "")) {
            wrong.push(format!("{id}: expected {expected:?}, found {found:?} ({:.2})", field.confidence));
        }
    }
    let found: Vec<Vec<String>> = rows(&output)
        .iter()
        .map(|row| row.cells.iter().map(|cell| shown(cell.value.as_ref())).collect())
        .collect();
    let equal = |a: &[&str], b: &[String]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    let alike = items.len() == found.len() && items.iter().zip(&found).all(|(a, b)| equal(a, b));
    if !items.is_empty() && !alike {
        wrong.push(format!("items: found {found:?}"));
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    wrong.into_iter().map(|mistake| format!("{name} {mistake}")).collect()
}

#[test]
fn invoices_of_unknown_senders_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the layouts are part of the tests")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let wrong: Vec<String> = paths.iter().flat_map(|path| mistakes(path)).collect();
    assert!(wrong.is_empty(), "{} mistakes\n{}", wrong.len(), wrong.join("\n"));
}
