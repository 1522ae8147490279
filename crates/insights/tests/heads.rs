//! Dates and numbers in the head of an invoice that stand at no label.

#[path = "support/letter.rs"]
mod letter;

use domain::{extraction::FieldValue, hub::builtin, id::HubId};
use insights::extract::extract;
use letter::{Text, page};

fn found(texts: &[Text], id: &str) -> Option<String> {
    let hub = builtin::invoices().into_hub(HubId::from_bytes([7; 12]));
    let output = extract(&[page(texts)], &hub);
    let field = output.fields.iter().find(|field| field.id == id).expect("the hub has the field");
    match field.value.as_ref()? {
        FieldValue::Text(text) => Some(text.clone()),
        other => panic!("it is a text: {other:?}"),
    }
}

#[test]
fn a_town_leads_to_the_date_of_a_letter_and_a_period_does_not() {
    let letter = [
        (0.65, 0.2, "Goslar, 03.11.2023", 10.0),
        (0.1, 0.3, "Rechnung", 14.0),
        (0.1, 0.33, "Unsere Arbeiten vom 01.09.2023 bis 20.10.2023 berechnen wir wie folgt:", 10.0),
    ];
    assert_eq!(found(&letter, "invoiceDate").as_deref(), Some("2023-11-03"));
}

#[test]
fn a_title_that_is_too_long_for_its_line_goes_on() {
    let title = [
        (0.1, 0.1, "Stand der Vorlage 24.03.2020", 9.0),
        (0.1, 0.15, "Rechnung des Vereins Nr. 17/2018 vom", 14.0),
        (0.1, 0.17, "06.12.2018", 14.0),
    ];
    assert_eq!(found(&title, "invoiceDate").as_deref(), Some("2018-12-06"));
}

#[test]
fn the_word_before_a_number_is_no_part_of_it() {
    let heading = [(0.65, 0.1, "FACTURE", 14.0), (0.65, 0.13, "N° F2023-0147", 10.0)];
    assert_eq!(found(&heading, "invoiceNumber").as_deref(), Some("F2023-0147"));
}

#[test]
fn an_iban_is_known_by_its_shape_even_if_it_was_made_up() {
    let foot = [(0.1, 0.9, "Bitte auf DE75123456780000001234, BIC WELADED1MST", 9.0)];
    assert_eq!(found(&foot, "iban").as_deref(), Some("DE75123456780000001234"));
}
