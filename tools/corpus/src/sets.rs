//! The sets of labelled documents, and which part of each is held out.
//!
//! - `receipts-text`: `labels/NNN.json` (company, date, address, total) and `boxes/NNN.csv` (eight pixel coordinates of a
//!   line's corners and its text). The last 100 numbers are held out.
//! - `receipts-images`: the same labels with `images/NNN.jpg`, read through OCR; the same numbers are held out.
//! - `invoices`: `labels/NNN.json` with `file`, `seller`, `buyer`, `invoice_number`, `invoice_date`, `net`, `tax`, `total`,
//!   `iban`, `line_items`. Whole sellers are held out: of the sellers in alphabetical order the first fifth. Only the
//!   text of the pages is read, never data embedded in the file.
//! - `invoices-learned`: the same documents; a few of a seller are shown, and its others asked (see [`crate::learned`]).
//! - `forms`: folders of documents with `*.labels.json` beside them; each folder is a kind of form (see [`crate::forms`]).
//! - `synthetic`: what `corpus synthesize` writes (see [`crate::synthesis`]): `labels/NNNN.json` of several kinds of
//!   documents, with places and with what is absent. A folder of the frozen part is held out as a whole; any other is to
//!   develop on.

use crate::{
    cpu::Spent,
    sample::{Kind, Places, Sample, Truth},
};
use anyhow::{Context, Result};
use domain::{
    hub::{Field, FieldType, Hub, builtin},
    id::HubId,
};
use insights::{
    page::{Page, PageSource, Rect, Word},
    read,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
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
    InvoicesLearned,
    Forms,
    Synthetic,
}

/// A part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To develop on.
    Develop,
    HeldOut,
    All,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Part::Develop => "to develop on",
            Part::HeldOut => "held out",
            Part::All => "all",
        }
    }
}

/// Field id and key of the label.
type Keys = &'static [(&'static str, &'static str)];

impl Set {
    pub fn is_receipts(self) -> bool {
        matches!(self, Set::ReceiptsText | Set::ReceiptsImages)
    }

    /// The built-in hub of the set's documents; the synthetic set has several, see [`Kind::hub`].
    pub fn hub(self) -> Hub {
        self.kind(&Value::Null).hub()
    }

    fn kind(self, label: &Value) -> Kind {
        match label["kind"].as_str() {
            Some("receipt") => Kind::Receipt,
            Some("lab-result") => Kind::LabResult,
            _ if self.is_receipts() => Kind::Receipt,
            _ => Kind::Invoice,
        }
    }
}

fn keys(kind: Kind) -> Keys {
    match kind {
        Kind::Receipt => &[
            ("merchantName", "company"),
            ("merchantAddress", "address"),
            ("date", "date"),
            ("total", "total"),
            ("taxTotal", "tax"),
        ],
        Kind::LabResult => &[
            ("patientName", "patient_name"),
            ("patientId", "patient_id"),
            ("dateOfBirth", "born"),
            ("collectedAt", "collected"),
            ("reportedAt", "reported"),
        ],
        Kind::Invoice => &[
            ("invoiceNumber", "invoice_number"),
            ("invoiceDate", "invoice_date"),
            ("dueDate", "due_date"),
            ("sellerName", "seller"),
            ("sellerVatId", "seller_vat"),
            ("buyerName", "buyer"),
            ("purchaseOrder", "purchase_order"),
            ("netTotal", "net"),
            ("taxTotal", "tax"),
            ("total", "total"),
            ("iban", "iban"),
        ],
    }
}

const COLUMNS: [(&str, &str); 4] = [
    ("description", "description"),
    ("quantity", "quantity"),
    ("unitPrice", "unit_price"),
    ("amount", "total"),
];
const LAB_COLUMNS: [(&str, &str); 5] = [
    ("test", "test"),
    ("value", "value"),
    ("unit", "unit"),
    ("referenceRange", "reference"),
    ("flag", "flag"),
];

fn columns(kind: Kind) -> &'static [(&'static str, &'static str)] {
    if kind == Kind::LabResult { &LAB_COLUMNS } else { &COLUMNS }
}

/// One part of a set. What was read is kept in the folder `read`, and taken from there another time.
pub fn load(set: Set, data: &Path, part: Part, read: Option<&Path>) -> Result<Vec<Sample>> {
    let labels = labels(data)?;
    let held_out = held_out_names(set, &labels);
    let wanted = |name: &String| match part {
        Part::All => true,
        Part::HeldOut => held_out.contains(name),
        Part::Develop => !held_out.contains(name),
    };
    let mut samples = Vec::new();
    for (name, label) in labels.iter().filter(|(name, _)| wanted(name)) {
        let spent = Spent::now();
        let found = pages(set, data, name, label, read).transpose();
        let Some(pages) = found.and_then(|pages| readable(name, pages)) else { continue };
        let kind = set.kind(label);
        let group = if set == Set::Synthetic { &label["layout"] } else { &label["seller"] };
        samples.push(Sample {
            name: name.clone(),
            kind,
            group: group.as_str().map_or_else(|| format!("{set:?}"), str::to_lowercase),
            document: label["invoice_number"].as_str().unwrap_or(name).to_owned(),
            read_seconds: spent.seconds(),
            pages,
            expected: expected(kind, label),
            items: items(kind, label),
            cells: cells(kind, label),
        });
    }
    Ok(samples)
}

fn labels(data: &Path) -> Result<Vec<(String, Value)>> {
    let folder = data.join("labels");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("no labels in {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let mut labels = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let label: Value =
            serde_json::from_slice(&std::fs::read(path)?).with_context(|| path.display().to_string())?;
        labels.push((name, label));
    }
    Ok(labels)
}

fn held_out_names(set: Set, labels: &[(String, Value)]) -> BTreeSet<String> {
    if set.is_receipts() {
        return labels.iter().rev().take(RECEIPTS_HELD_OUT).map(|(name, _)| name.clone()).collect();
    }
    if set == Set::Synthetic {
        let frozen = labels.iter().filter(|(_, label)| label["frozen"] == true);
        return frozen.map(|(name, _)| name.clone()).collect();
    }
    let seller = |label: &Value| label["seller"].as_str().unwrap_or_default().to_lowercase();
    let sellers: BTreeSet<String> = labels.iter().map(|(_, label)| seller(label)).collect();
    let held: BTreeSet<String> = sellers.iter().take(sellers.len() / 5).cloned().collect();
    labels.iter().filter(|(_, label)| held.contains(&seller(label))).map(|(name, _)| name.clone()).collect()
}

fn expected(kind: Kind, label: &Value) -> Vec<Truth> {
    let hub = kind.hub();
    let absent: Vec<&str> =
        label["absent"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let truth = |(id, key): &(&str, &str)| {
        let field: &Field = hub.fields.iter().find(|field| field.id == *id)?;
        if absent.contains(key) {
            return Some(Truth::absent(field));
        }
        let text = label[*key].as_str().filter(|text| !text.trim().is_empty())?;
        Some(Truth::new(field, text, places(&label["boxes"][*key])))
    };
    keys(kind).iter().filter_map(truth).collect()
}

/// Places of a synthetic label: each time a list of boxes of page, x, y, width, height.
fn places(value: &Value) -> Places {
    value.as_array().map(|all| all.iter().map(boxes).collect()).unwrap_or_default()
}

fn boxes(value: &Value) -> Vec<(u32, Rect)> {
    let number = |value: &Value| value.as_f64().unwrap_or_default() as f32;
    let one = |value: &Value| {
        let rect = Rect {
            x: number(&value[1]),
            y: number(&value[2]),
            width: number(&value[3]),
            height: number(&value[4]),
        };
        (value[0].as_u64().unwrap_or(1) as u32, rect)
    };
    value.as_array().map(|all| all.iter().map(one).collect()).unwrap_or_default()
}

fn items(kind: Kind, label: &Value) -> Option<Vec<Vec<(&'static str, String)>>> {
    let rows = label["line_items"].as_array().filter(|rows| !rows.is_empty())?;
    let cells = |row: &Value| {
        let cell = |(id, key): &(&'static str, &str)| row[*key].as_str().map(|text| (*id, text.to_owned()));
        columns(kind).iter().filter_map(cell).collect()
    };
    Some(rows.iter().map(cells).collect())
}

/// Where the cells of a synthetic label stand.
fn cells(kind: Kind, label: &Value) -> BTreeMap<(usize, &'static str), Places> {
    let rows = label["line_items"].as_array().map_or(0, Vec::len);
    let cell = |row: usize, (id, key): &(&'static str, &str)| {
        let places = places(&label["boxes"][format!("items.{row}.{key}")]);
        (!places.is_empty()).then_some(((row, *id), places))
    };
    (0..rows).flat_map(|row| columns(kind).iter().filter_map(move |column| cell(row, column))).collect()
}

fn pages(set: Set, data: &Path, name: &str, label: &Value, read: Option<&Path>) -> Result<Option<Vec<Page>>> {
    let path = match set {
        Set::ReceiptsText => {
            let path = data.join("boxes").join(format!("{name}.csv"));
            if !path.exists() {
                return Ok(None);
            }
            let boxes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            return Ok(Some(vec![page_of_boxes(&String::from_utf8_lossy(&boxes))]));
        }
        Set::ReceiptsImages => {
            let image = |extension: &str| data.join("images").join(format!("{name}.{extension}"));
            ["jpg", "jpeg", "png", "tif"]
                .map(image)
                .into_iter()
                .find(|path| path.exists())
                .unwrap_or_default()
        }
        _ => data.join(label["file"].as_str().map_or_else(|| format!("pdf/{name}.pdf"), str::to_owned)),
    };
    if !path.exists() {
        return Ok(None);
    }
    if path.extension().is_some_and(|extension| extension == "json") {
        return Ok(Some(serde_json::from_slice(&std::fs::read(path)?)?));
    }
    let kept = read.map(|folder| folder.join(format!("{set:?}")).join(format!("{name}.json")));
    if let Some(kept) = kept.as_deref().filter(|kept| kept.exists()) {
        return Ok(Some(serde_json::from_slice(&std::fs::read(kept)?)?));
    }
    let pages = read_pages(&path)?;
    if let Some(kept) = kept {
        std::fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(kept, serde_json::to_vec(&pages)?)?;
    }
    Ok(Some(pages))
}

/// The pages of a document; one that cannot be read is told of and left out.
pub fn readable(name: &str, pages: Result<Vec<Page>>) -> Option<Vec<Page>> {
    let tell = |error: &anyhow::Error| {
        // Where nobody can be told, the figures still say how many documents there were.
        let _ = writeln!(std::io::stderr(), "{name} is left out: {error:#}");
    };
    pages.inspect_err(tell).ok()
}

/// The pages of a file, through the product's own readers.
pub fn read_pages(path: &Path) -> Result<Vec<Page>> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let pages = read::read_all(std::fs::read(path)?, &file, read::Limits::default());
    pages.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
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
    Page::new(1, (width, height), PageSource::TextLayer, words)
}

/// A hub of fields that are all texts, for documents whose labels are their only definition.
pub fn hub_of(name: &str, fields: Vec<Field>) -> Hub {
    let mut hub = builtin::receipts().into_hub(HubId::from_bytes([2; 12]));
    hub.name = name.to_owned();
    hub.fields = fields;
    hub
}

/// A text field that is named like its label.
pub fn text_field(id: &str, kind: FieldType) -> Field {
    Field::new(id, id, kind)
}
