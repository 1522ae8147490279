//! Where a table begins and ends, and which column is which, when headers do not say.

#[path = "support/letter.rs"]
mod letter;

use domain::{
    extraction::{FieldValue, Row},
    hub::{Hub, builtin},
    id::HubId,
};
use insights::{
    extract::extract_learned,
    learn::{Example, Model, Sheet, train},
};
use letter::{Text, page};
use serde_json::json;

fn hub() -> Hub {
    builtin::invoices().into_hub(HubId::from_bytes([7; 12]))
}

/// The texts of the rows that are found, a dash for an empty cell.
fn rows(texts: &[Text], model: Option<&Model>) -> Vec<String> {
    let (output, _) = extract_learned(&[page(texts)], &hub(), model);
    let items = output.fields.iter().find(|field| field.id == "lineItems").expect("the hub has line items");
    let rows: &[Row] = match &items.value {
        Some(FieldValue::Table(table)) => &table.rows,
        None => &[],
        other => panic!("no table: {other:?}"),
    };
    let text = |row: &Row| {
        row.cells.iter().map(|cell| cell.text.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" | ")
    };
    rows.iter().map(text).collect()
}

const ROWS: [Text; 8] = [
    (0.1, 0.33, "Torque wrench", 10.0),
    (0.5, 0.33, "2", 10.0),
    (0.65, 0.33, "40.00", 10.0),
    (0.85, 0.33, "80.00", 10.0),
    (0.1, 0.36, "Oil filter", 10.0),
    (0.5, 0.36, "3", 10.0),
    (0.65, 0.36, "11.00", 10.0),
    (0.85, 0.36, "33.00", 10.0),
];
const FOUND: [&str; 2] = ["Torque wrench | 2 | 40.00 | 80.00", "Oil filter | 3 | 11.00 | 33.00"];

fn table(columns: [&'static str; 4], more: &[Text]) -> Vec<Text> {
    let header = [0.1, 0.5, 0.65, 0.85].into_iter().zip(columns).map(|(x, label)| (x, 0.3, label, 10.0));
    header.chain(ROWS).chain(more.iter().copied()).collect()
}

fn headed(columns: [&'static str; 4], more: &[Text]) -> Vec<String> {
    rows(&table(columns, more), None)
}

#[test]
fn the_header_of_another_table_ends_a_table() {
    let summary = [
        (0.1, 0.4, "Kind", 10.0),
        (0.5, 0.4, "Base", 10.0),
        (0.65, 0.4, "Deduction", 10.0),
        (0.85, 0.4, "Tax share", 10.0),
        (0.1, 0.43, "Standard", 10.0),
        (0.5, 0.43, "113.00", 10.0),
        (0.65, 0.43, "0.00", 10.0),
        (0.85, 0.43, "22.60", 10.0),
    ];
    assert_eq!(headed(["Description", "Quantity", "Unit price", "Amount"], &summary), FOUND);
}

#[test]
fn two_labels_in_one_word_are_met() {
    assert_eq!(headed(["Service", "Hrs/Qty", "Rate/Price", "Amount"], &[]), FOUND);
}

#[test]
fn a_column_without_a_label_is_known_by_what_it_multiplies() {
    assert_eq!(headed(["Description", "Quantity", "Unit price", "Xyzzy"], &[]), FOUND);
    assert_eq!(headed(["Description", "Quantity", "Xyzzy", "Amount"], &[]), FOUND);
}

#[test]
fn what_stands_over_confirmed_cells_is_a_label_from_then_on() {
    let texts = table(["Zeug", "Wieviele", "Das kostet", "Das macht"], &[]);
    assert!(rows(&texts, None).is_empty(), "no label is known yet");
    let cells = [
        ("lineItems[0].description", json!("Torque wrench")),
        ("lineItems[0].quantity", json!(2)),
        ("lineItems[0].unitPrice", json!({ "amount": "40.00", "currency": "EUR" })),
        ("lineItems[0].amount", json!({ "amount": "80" })),
    ];
    let values = cells.into_iter().map(|(id, value)| (id.to_owned(), value)).collect();
    let example = Example { sheet: Sheet::of(&[page(&texts)], &hub()), values };
    let model = train(&hub(), &[example]).model;
    assert_eq!(rows(&texts, Some(&model)), FOUND);
}
