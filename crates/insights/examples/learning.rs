//! How long a hub takes to learn a correction: 500 invented documents of 15 fields, and a 501st.
//!
//! `cargo run --release -p insights --example learning [documents] [fields]` prints what a server does between a
//! correction and the next document: the sheets are read from files as they are stored, a model is made of them with its
//! scores on documents left out, it is written and read again, and the next document is extracted with it.
#![allow(clippy::print_stdout, reason = "it is a command")]

use domain::hub::{Field, FieldType, Hub};
use domain::id::HubId;
use insights::extract::extract_learned;
use insights::learn::{Example, Model, Sheet, train};
use insights::page::{Page, PageSource, Rect, Word};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LAYOUTS: usize = 20;

fn word(text: &str, x: f32, y: f32) -> Word {
    let rect = Rect { x, y, width: 0.011 * text.len() as f32, height: 0.012 };
    Word { text: text.to_owned(), rect, confidence: 1.0, font_size: 10.0 }
}

/// The label of a field in a layout, which says nothing about the field's name.
fn label(layout: usize, field: usize) -> String {
    let letters = b"bcdfghjklmnpqrstvwxz";
    let letter = |n: usize| letters[n % letters.len()] as char;
    format!("{}o{}a{}e", letter(layout), letter(field), letter(layout * 7 + field * 3))
}

fn value(document: usize, field: usize) -> String {
    format!("{}{}-{}", (b'A' + (field % 26) as u8) as char, 100 + field, 1000 + document * 7 + field)
}

/// Fields in two columns at places of the layout's own, and a paragraph that is the same for all.
fn page(document: usize, fields: usize) -> Page {
    let layout = document % LAYOUTS;
    let mut words = vec![word(&format!("Company{}", label(layout, 99)), 0.1, 0.05)];
    for field in 0..fields {
        let row = (field * 7 + layout) % fields;
        let x = 0.08 + 0.45 * ((field + layout) % 2) as f32;
        let y = 0.12 + 0.05 * row as f32;
        words.push(word(&label(layout, field), x, y));
        words.push(word(&value(document, field), x + 0.15, y));
    }
    let text =
        "We thank you for your order and ask you to keep to the terms that were agreed upon between us";
    for (index, text) in text.split(' ').cycle().take(80).enumerate() {
        words.push(word(text, 0.08 + 0.09 * (index % 9) as f32, 0.9 + 0.01 * (index / 9) as f32));
    }
    Page::new(1, (595.0, 842.0), PageSource::TextLayer, words)
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map_while(|argument| argument.parse::<usize>().ok());
    let documents = arguments.next().unwrap_or(500);
    let fields = arguments.next().unwrap_or(15);
    let all = (0..fields).map(|n| Field::new(&format!("field{n}"), &format!("Value {n}"), FieldType::String));
    let hub = Hub::new(HubId::from_bytes([1; 12]), "Speed", all.collect());
    let folder = tempfile::tempdir()?;
    let path = |document: usize| folder.path().join(format!("{document}.sheet"));
    let mut bytes = 0;
    for document in 0..documents {
        let sheet = Sheet::of(&[page(document, fields)], &hub).to_bytes();
        bytes += sheet.len();
        std::fs::write(path(document), sheet)?;
    }
    let begun = Instant::now();
    let mut examples = Vec::with_capacity(documents);
    for document in 0..documents {
        let Some(sheet) = Sheet::from_bytes(&std::fs::read(path(document))?) else { continue };
        let values = (0..fields).map(|field| (format!("field{field}"), json!(value(document, field))));
        examples.push(Example { sheet, values: values.collect::<BTreeMap<_, _>>() });
    }
    let read = begun.elapsed();
    let trained = train(&hub, &examples);
    let learned = begun.elapsed();
    let model = trained.model.to_bytes();
    let loaded = Model::from_bytes(&model);
    let (output, _) = extract_learned(&[page(documents, fields)], &hub, loaded.as_ref());
    let done = begun.elapsed();
    let expected = |field: usize| domain::extraction::FieldValue::Text(value(documents, field));
    let right =
        output.fields.iter().enumerate().filter(|(n, field)| field.value == Some(expected(*n))).count();
    let seconds = |duration: Duration| duration.as_secs_f64();
    println!(
        "documents {documents}, fields {fields}, sheets {:.1} MB, model {:.1} kB",
        bytes as f64 / 1e6,
        model.len() as f64 / 1e3
    );
    println!("sheets read        {:.2} s", seconds(read));
    println!(
        "learned, scored    {:.2} s (right on documents left out: {:.3})",
        seconds(learned - read),
        trained.report.score
    );
    println!(
        "written, extracted {:.2} s (next document: {right} of {fields} right)",
        seconds(done - learned)
    );
    println!("together           {:.2} s", seconds(done));
    Ok(())
}
