//! The sets of labelled documents, and which part of each is held out.
//!
//! - `receipts-text`: `labels/NNN.json` (company, date, address, total) and `boxes/NNN.csv` (eight pixel coordinates of a
//!   line's corners and its text). The last 100 numbers are held out.
//! - `receipts-images`: the same labels with `images/NNN.jpg`, read through OCR; the same numbers are held out.
//! - `invoices`: `labels/NNN.json` with `file`, `seller`, `buyer`, `invoice_number`, `invoice_date`, `net`, `tax`, `total`,
//!   `iban`, `line_items`. Whole sellers are held out: of the sellers in alphabetical order the first fifth. Only the
//!   text of the pages is read, never data embedded in the file.

use anyhow::{Context, Result};
use domain::{
    hub::{Hub, builtin},
    id::HubId,
};
use insights::{
    page::{Page, PageSource, Rect, Word},
    read,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Receipts at the end of the list that are held out.
const RECEIPTS_HELD_OUT: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    ReceiptsText,
    ReceiptsImages,
    Invoices,
}

/// One document with what it says.
pub struct Sample {
    pub name: String,
    /// Documents that look alike: those of one seller, or a whole set.
    pub group: String,
    pub pages: Vec<Page>,
    /// Field id and the label's text; only fields that have a label.
    pub expected: Vec<(&'static str, String)>,
    /// Rows of column id and text, where the labels have them.
    pub items: Option<Vec<Vec<(&'static str, String)>>>,
}

impl Set {
    pub fn hub(self) -> Hub {
        let definition = match self {
            Set::Invoices => builtin::invoices(),
            Set::ReceiptsText | Set::ReceiptsImages => builtin::receipts(),
        };
        definition.into_hub(HubId::from_bytes([1; 12]))
    }

    fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Set::Invoices => &[
                ("invoiceNumber", "invoice_number"),
                ("invoiceDate", "invoice_date"),
                ("sellerName", "seller"),
                ("buyerName", "buyer"),
                ("netTotal", "net"),
                ("taxTotal", "tax"),
                ("total", "total"),
                ("iban", "iban"),
            ],
            _ => &[
                ("merchantName", "company"),
                ("merchantAddress", "address"),
                ("date", "date"),
                ("total", "total"),
            ],
        }
    }
}

const COLUMNS: [(&str, &str); 4] = [
    ("description", "description"),
    ("quantity", "quantity"),
    ("unitPrice", "unit_price"),
    ("amount", "total"),
];

/// One part of a set.
pub fn load(set: Set, data: &Path, held_out: bool) -> Result<Vec<Sample>> {
    let mut labels = Vec::new();
    let folder = data.join("labels");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("no labels in {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let label: Value =
            serde_json::from_slice(&std::fs::read(path)?).with_context(|| path.display().to_string())?;
        labels.push((name, label));
    }
    let keep = held_out_names(set, &labels);
    let mut samples = Vec::new();
    for (name, label) in labels.iter().filter(|(name, _)| keep.contains(name) == held_out) {
        let Some(pages) = pages(set, data, name, label)? else { continue };
        samples.push(Sample {
            name: name.clone(),
            group: label["seller"].as_str().map_or_else(|| format!("{set:?}"), str::to_lowercase),
            pages,
            expected: expected(set, label),
            items: items(label),
        });
    }
    Ok(samples)
}

fn held_out_names(set: Set, labels: &[(String, Value)]) -> BTreeSet<String> {
    if set != Set::Invoices {
        return labels.iter().rev().take(RECEIPTS_HELD_OUT).map(|(name, _)| name.clone()).collect();
    }
    let seller = |label: &Value| label["seller"].as_str().unwrap_or_default().to_lowercase();
    let sellers: BTreeSet<String> = labels.iter().map(|(_, label)| seller(label)).collect();
    let held: BTreeSet<String> = sellers.iter().take(sellers.len() / 5).cloned().collect();
    labels.iter().filter(|(_, label)| held.contains(&seller(label))).map(|(name, _)| name.clone()).collect()
}

fn expected(set: Set, label: &Value) -> Vec<(&'static str, String)> {
    let text = |key: &str| label[key].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    set.fields().iter().filter_map(|(id, key)| text(key).map(|text| (*id, text))).collect()
}

fn items(label: &Value) -> Option<Vec<Vec<(&'static str, String)>>> {
    let rows = label["line_items"].as_array().filter(|rows| !rows.is_empty())?;
    let cells = |row: &Value| {
        let cell = |(id, key): &(&'static str, &str)| row[*key].as_str().map(|text| (*id, text.to_owned()));
        COLUMNS.iter().filter_map(cell).collect()
    };
    Some(rows.iter().map(cells).collect())
}

fn pages(set: Set, data: &Path, name: &str, label: &Value) -> Result<Option<Vec<Page>>> {
    let path = match set {
        Set::ReceiptsText => {
            let boxes = std::fs::read_to_string(data.join("boxes").join(format!("{name}.csv")))?;
            return Ok(Some(vec![page_of_boxes(&boxes)]));
        }
        Set::ReceiptsImages => data.join("images").join(format!("{name}.jpg")),
        Set::Invoices => data.join(label["file"].as_str().context("a label without a file")?),
    };
    if !path.exists() {
        return Ok(None);
    }
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let pages = read::read_all(std::fs::read(&path)?, &file, read::Limits::default());
    pages.map(Some).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

/// A line's box is shared among its words by their number of characters.
fn page_of_boxes(boxes: &str) -> Page {
    let mut lines: Vec<(Rect, &str)> = Vec::new();
    for line in boxes.lines() {
        let mut parts = line.splitn(9, ',');
        let corners: Vec<f32> = parts.by_ref().take(8).filter_map(|part| part.trim().parse().ok()).collect();
        let (Some(text), 8) = (parts.next(), corners.len()) else { continue };
        let range = |start: usize| {
            let values = corners.iter().skip(start).step_by(2);
            values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
        };
        let ((left, right), (top, bottom)) = (range(0), range(1));
        lines.push((Rect { x: left, y: top, width: right - left, height: bottom - top }, text));
    }
    let edge = |get: fn(&Rect) -> f32| lines.iter().map(|(rect, _)| get(rect)).fold(1.0, f32::max) * 1.02;
    let (width, height) = (edge(Rect::right), edge(Rect::bottom));
    let mut words = Vec::new();
    for (rect, text) in &lines {
        let all = text.chars().count().max(1) as f32;
        let mut before = 0.0;
        for word in text.split(' ') {
            let length = word.chars().count() as f32;
            let part = Rect {
                x: (rect.x + rect.width * before / all) / width,
                y: rect.y / height,
                width: rect.width * length / all / width,
                height: rect.height / height,
            };
            before += length + 1.0;
            if !word.is_empty() {
                words.push(Word {
                    text: word.to_owned(),
                    rect: part,
                    confidence: 1.0,
                    font_size: rect.height,
                });
            }
        }
    }
    Page { number: 1, width, height, source: PageSource::TextLayer, words, rulings: Vec::new() }
}
