//! Net, tax and total of invoices that print more than one of each.

#[path = "support/letter.rs"]
mod letter;

use domain::{
    extraction::{ExtractionOutput, FieldValue},
    hub::{Hub, builtin},
    id::HubId,
};
use insights::extract::extract;
use letter::{Text, page};

fn read(texts: &[Text]) -> ExtractionOutput {
    const HEAD: [Text; 5] = [
        (0.1, 0.04, "Quast Anlagenbau GmbH", 16.0),
        (0.65, 0.28, "Datum", 10.0),
        (0.82, 0.28, "12.03.2024", 10.0),
        (0.65, 0.3, "Rechnungsnr.", 10.0),
        (0.82, 0.3, "R-118", 10.0),
    ];
    let hub: Hub = builtin::invoices().into_hub(HubId::from_bytes([7; 12]));
    extract(&[page(&[&HEAD, texts].concat())], &hub)
}

/// Labels left, amounts right.
fn rows(rows: &[(&'static str, &'static str)]) -> Vec<Text> {
    let place = |(nth, (label, amount)): (usize, &(&'static str, &'static str))| {
        let y = 0.52 + 0.018 * nth as f32;
        [(0.55, y, *label, 10.0), (0.93 - 0.0084 * amount.chars().count() as f32, y, *amount, 10.0)]
    };
    rows.iter().enumerate().flat_map(place).collect()
}

fn totals(output: &ExtractionOutput) -> [Option<&str>; 3] {
    ["netTotal", "taxTotal", "total"].map(|id| {
        let field = output.fields.iter().find(|field| field.id == id).expect("the hub has the field");
        match field.value.as_ref()? {
            FieldValue::Money(money) => Some(money.amount.as_str()),
            other => panic!("a total is money: {other:?}"),
        }
    })
}

#[test]
fn taxes_of_several_rates_are_added_where_their_sum_is_not_printed() {
    let output = read(&rows(&[
        ("Summe netto", "300,00"),
        ("zzgl. 7 % USt.", "7,00"),
        ("zzgl. 19 % USt.", "38,00"),
        ("Rechnungsbetrag", "345,00"),
    ]));
    assert_eq!(totals(&output), [Some("300.00"), Some("45.00"), Some("345.00")]);
    let tax = output.fields.iter().find(|field| field.id == "taxTotal").expect("the hub has the field");
    assert_eq!(tax.placements.len(), 2, "both lines are shown");
}

#[test]
fn nets_and_taxes_of_several_rates_are_added_together() {
    let output = read(&rows(&[
        ("Netto 7 %", "100,00"),
        ("Netto 19 %", "200,00"),
        ("MwSt. 7 %", "7,00"),
        ("MwSt. 19 %", "38,00"),
        ("Gesamtbetrag", "345,00"),
    ]));
    assert_eq!(totals(&output), [Some("300.00"), Some("45.00"), Some("345.00")]);
}

#[test]
fn the_sum_of_a_table_of_taxes_wins_over_its_rows() {
    let mut texts: Vec<Text> = Vec::new();
    for (nth, row) in [
        ["Steuersatz", "Netto", "MwSt.", "Brutto"],
        ["7 %", "100,00", "7,00", "107,00"],
        ["19 %", "200,00", "38,00", "238,00"],
        ["Summe", "300,00", "45,00", "345,00"],
    ]
    .into_iter()
    .enumerate()
    {
        let columns = [0.3, 0.5, 0.65, 0.8];
        texts.extend(columns.into_iter().zip(row).map(|(x, text)| (x, 0.52 + 0.02 * nth as f32, text, 10.0)));
    }
    assert_eq!(totals(&read(&texts)), [Some("300.00"), Some("45.00"), Some("345.00")]);
}

#[test]
fn what_was_paid_before_does_not_change_the_total() {
    let output = read(&rows(&[
        ("Zwischensumme", "200,00"),
        ("zzgl. 19 % MwSt.", "38,00"),
        ("Rechnungsbetrag brutto", "238,00"),
        ("abzgl. Anzahlung", "-119,00"),
        ("Zahlbetrag", "119,00"),
    ]));
    assert_eq!(totals(&output), [Some("200.00"), Some("38.00"), Some("238.00")]);
}

#[test]
fn two_triples_that_both_add_up_lower_the_confidence() {
    let sure = [("Nettobetrag", "200,00"), ("MwSt. 19 %", "38,00"), ("Gesamtbetrag", "238,00")];
    let other = [("Nettobetrag", "510,00"), ("MwSt. 19 %", "96,90"), ("Gesamtbetrag", "606,90")];
    let confidence = |output: &ExtractionOutput| {
        let total = output.fields.iter().find(|field| field.id == "total").expect("the hub has the field");
        total.confidence
    };
    let one = confidence(&read(&rows(&sure)));
    let two = confidence(&read(&rows(&[sure, other].concat())));
    assert!(two + 0.1 < one, "{two} {one}");
}

#[test]
fn what_is_left_after_rounding_is_the_total() {
    let lines = |last: (&'static str, &'static str)| {
        let output = read(&rows(&[
            ("Subtotal", "13.56"),
            ("VAT 6 %", "0.82"),
            ("Total (incl. VAT)", "14.38"),
            last,
            ("Total", "14.40"),
            ("Cash", "20.00"),
            ("Change", "5.60"),
        ]));
        totals(&output)[2].map(str::to_owned)
    };
    assert_eq!(lines(("Rounding adjustment", "0.02")).as_deref(), Some("14.40"));
}
