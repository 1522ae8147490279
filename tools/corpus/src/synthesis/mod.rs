//! `corpus synthesize`: invented documents that say exactly what their labels say, and where.
//!
//! Invoices, till receipts and laboratory reports in seven languages, in many layouts, with what leads astray on real ones:
//! subtotals, tendered money and change, dates of orders and deliveries, numbers of customers, fields that are missing. A
//! document follows from the seed, its number and its part; nothing comes from labelled documents. A part of them are
//! pictures, made worse like scans.
//!
//! The folder has the layout of the other sets: `labels/NNNN.json` with values and places (`boxes`: by key, each time the
//! value stands somewhere a list of boxes, shares of the page) and the keys of what the document has not (`absent`);
//! `pdf/NNNN.pdf` or `images/NNNN.jpg`.

mod invoice_page;
mod invoices;
mod item_table;
mod lab_results;
mod layouts;
mod markup;
mod page_setup;
mod parties;
mod pictures;
mod receipts;
mod shapes;
mod typesetter;
mod words;

use crate::random::Random;
use anyhow::{Context, Result};
use invoices::Invoice;
use layouts::Layout;
use serde_json::{Value, json};
use shapes::{Shapes, label};
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use typesetter::{Order, Typesetter};
use words::{Pen, Words};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 300)]
    count: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Layouts and words of the frozen test set instead of those to learn from.
    #[arg(long)]
    frozen: bool,
    /// How many of a hundred documents are pictures.
    #[arg(long, default_value_t = 10)]
    pictures: usize,
}

/// The frozen test set: what it is made of never changes without saying so, or figures could not be compared.
pub const FROZEN_COUNT: usize = 280;
const FROZEN_SEED: u64 = 20_260;
const FROZEN_PICTURES: usize = 5;

/// A document as text for the typesetter, with its label.
pub struct Draft {
    pub source: String,
    pub label: Value,
}

pub fn run(args: &Args) -> Result<()> {
    let made = synthesize(args)?;
    writeln!(std::io::stdout(), "{made} documents in {}", args.out.display())?;
    Ok(())
}

/// The frozen set in `folder`; made if it is not there.
pub fn frozen(folder: &Path) -> Result<()> {
    if folder.join("labels").join(format!("{:04}.json", FROZEN_COUNT - 1)).exists() {
        return Ok(());
    }
    synthesize(&Args {
        out: folder.to_owned(),
        count: FROZEN_COUNT,
        seed: FROZEN_SEED,
        frozen: true,
        pictures: FROZEN_PICTURES,
    })?;
    Ok(())
}

/// Documents to learn from in `folder`; made if they are not there.
pub fn to_learn_from(folder: &Path, count: usize) -> Result<()> {
    if !folder.join("labels").exists() {
        let pictures = 8;
        synthesize(&Args { out: folder.to_owned(), count, seed: 1, frozen: false, pictures })?;
    }
    Ok(())
}

fn synthesize(args: &Args) -> Result<usize> {
    for part in ["labels", "pdf", "images"] {
        std::fs::create_dir_all(args.out.join(part)).with_context(|| args.out.display().to_string())?;
    }
    let languages = words::all();
    let clean = tempfile::tempdir()?;
    let mut typesetter = Typesetter::start(clean.path())?;
    for number in 0..args.count {
        let words = &languages[number % languages.len()];
        let name = format!("{number:04}");
        let mut pen = pen(words, args.seed, number, args.frozen);
        let Draft { source, mut label } = draft(&mut pen, number / languages.len());
        let picture = pen.chance(args.pictures).then(|| pictures::pixels_per_point(&mut pen));
        let mut typeset =
            typesetter.typeset(&Order { name: &name, source: &source, pixels_per_point: picture })?;
        let file = if picture.is_some() && typeset.pages.len() == 1 {
            let mut places: Vec<_> = typeset.marks.values_mut().flatten().flatten().collect();
            let file = format!("images/{name}.jpg");
            let clean = clean.path().join(format!("{name}.png"));
            pictures::degrade(&mut pen, &clean, &args.out.join(&file), &mut places)?;
            file
        } else {
            let file = format!("pdf/{name}.pdf");
            std::fs::copy(clean.path().join(format!("{name}.pdf")), args.out.join(&file))?;
            file
        };
        label["file"] = json!(file);
        label["frozen"] = json!(args.frozen);
        label["language"] = json!(words.code);
        label["pages"] = json!(typeset.pages.len());
        label["boxes"] = json!(typeset.marks);
        let path = args.out.join("labels").join(format!("{name}.json"));
        std::fs::write(path, serde_json::to_vec_pretty(&label)?)?;
    }
    typesetter.finish()?;
    Ok(args.count)
}

fn pen(words: &Words, seed: u64, number: usize, frozen: bool) -> Pen<'_> {
    let part = if frozen { 1 << 63 } else { 0 };
    Pen { words, random: Random::new(((seed << 20) | number as u64) ^ part), frozen }
}

/// Half are invoices, three tenths receipts, a fifth laboratory reports; each language has all of them.
fn draft(pen: &mut Pen<'_>, turn: usize) -> Draft {
    match turn % 10 {
        0 | 2 | 4 | 6 | 8 => invoice(pen),
        1 | 5 | 9 => {
            let (source, label) = receipts::invent(pen);
            Draft { source, label }
        }
        _ => {
            let (source, label) = lab_results::invent(pen);
            Draft { source, label }
        }
    }
}

fn invoice(pen: &mut Pen<'_>) -> Draft {
    let layout = Layout::choose(pen);
    let shapes = Shapes::choose(pen);
    let invoice = Invoice::invent(pen);
    let source = invoice_page::source(pen, &invoice, layout, &shapes);
    let mut absent = Vec::new();
    for (key, there) in [
        ("due_date", invoice.due.is_some()),
        ("purchase_order", invoice.order.is_some()),
        ("seller_vat", invoice.shows_vat),
        ("iban", invoice.shows_iban),
        ("tax", !invoice.shares.is_empty()),
        ("net", !invoice.shares.is_empty()),
    ] {
        if !there {
            absent.push(key);
        }
    }
    let taxed = !invoice.shares.is_empty();
    let items: Vec<Value> = invoice
        .items
        .iter()
        .map(|item| {
            let description = match &item.details {
                Some(details) => format!("{} {details}", item.description),
                None => item.description.clone(),
            };
            json!({ "description": description, "quantity": label(item.quantity),
                    "unit_price": label(item.price), "total": label(item.amount) })
        })
        .collect();
    let label = json!({
        "kind": "invoice",
        "layout": format!("invoice-{}", layout.id),
        "seller": invoice.seller.name,
        "seller_vat": invoice.shows_vat.then_some(&invoice.seller.vat),
        "buyer": invoice.buyer.name,
        "invoice_number": invoice.number,
        "invoice_date": invoice.date.to_string(),
        "due_date": invoice.due.map(|date| date.to_string()),
        "purchase_order": invoice.order,
        "currency": shapes.currency_code,
        "net": taxed.then(|| label(invoice.net)),
        "tax": taxed.then(|| label(invoice.tax)),
        "total": label(invoice.total),
        "iban": invoice.shows_iban.then_some(&invoice.seller.iban),
        "line_items": items,
        "absent": absent,
    });
    Draft { source, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The label's values that stand in the source as marks, by their keys.
    fn marked(draft: &Draft, key: &str) -> bool {
        draft.source.contains(&format!("m(\"{key}\", ")) || draft.source.contains(&format!("\"<{key}\""))
    }

    #[test]
    fn what_a_label_has_is_marked_and_what_is_absent_is_not() {
        for words in &words::all() {
            for turn in 0..40 {
                let mut pen = pen(words, 5, turn, turn % 2 == 1);
                let draft = draft(&mut pen, turn);
                let absent: Vec<&str> = draft.label["absent"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                for key in [
                    "invoice_number",
                    "invoice_date",
                    "seller",
                    "buyer",
                    "total",
                    "iban",
                    "due_date",
                    "date",
                    "company",
                    "address",
                    "patient_name",
                    "patient_id",
                    "born",
                    "collected",
                    "net",
                    "purchase_order",
                ] {
                    let has = draft.label[key].is_string();
                    assert_eq!(marked(&draft, key), has, "{} {turn} {key}", words.code);
                    assert!(!has || !absent.contains(&key));
                }
            }
        }
    }

    #[test]
    fn a_document_follows_from_its_seed() {
        let words = &words::all()[3];
        let made = |seed, frozen| draft(&mut pen(words, seed, 4, frozen), 4).source;
        assert_eq!(made(1, false), made(1, false));
        assert_ne!(made(1, false), made(2, false));
        assert_ne!(made(1, false), made(1, true));
    }
}
