//! Who sends an invoice and to whom, where no label says so: letters have conventions that hold for every sender.

#[path = "support/letter.rs"]
mod letter;

use domain::{
    extraction::FieldValue,
    hub::{Hub, builtin},
    id::HubId,
};
use insights::extract::extract;
use letter::{Text, page};

/// Seller and buyer of a letter with a number, a date and a total.
fn parties(texts: &[Text]) -> [Option<String>; 2] {
    const BODY: [Text; 7] = [
        (0.65, 0.28, "Datum", 10.0),
        (0.82, 0.28, "12.03.2024", 10.0),
        (0.65, 0.3, "Rechnungsnr.", 10.0),
        (0.82, 0.3, "R-118", 10.0),
        (0.1, 0.36, "Rechnung", 14.0),
        (0.6, 0.6, "Gesamtbetrag", 10.0),
        (0.82, 0.6, "238,00 €", 10.0),
    ];
    let hub: Hub = builtin::invoices().into_hub(HubId::from_bytes([7; 12]));
    let output = extract(&[page(&[texts, &BODY].concat())], &hub);
    ["sellerName", "buyerName"].map(|id| {
        let field = output.fields.iter().find(|field| field.id == id).expect("the hub has both parties");
        match field.value.as_ref()? {
            FieldValue::Text(text) => Some(text.clone()),
            other => panic!("a name is a text: {other:?}"),
        }
    })
}

fn names(seller: &str, buyer: &str) -> [Option<String>; 2] {
    [Some(seller.to_owned()), Some(buyer.to_owned())]
}

#[test]
fn the_sender_stands_above_the_window_and_the_recipient_in_it() {
    let window = |sender| {
        parties(&[
            (0.1, 0.165, sender, 7.0),
            (0.1, 0.19, "Gasthof Zur Tanne", 10.0),
            (0.1, 0.206, "Waldstraße 4", 10.0),
            (0.1, 0.222, "38640 Goslar", 10.0),
        ])
    };
    for sender in [
        "Malerei Edda Quast · Am Anger 3 · 06108 Halle",
        "Malerei Edda Quast - Am Anger 3 - 06108 Halle",
        "Malerei Edda Quast, Am Anger 3, 06108 Halle",
    ] {
        assert_eq!(window(sender), names("Malerei Edda Quast", "Gasthof Zur Tanne"), "{sender}");
    }
}

#[test]
fn a_salutation_is_no_name_and_the_name_below_it_is_the_recipient() {
    for salutation in ["An", "Herrn", "Frau", "Firma"] {
        let found = parties(&[
            (0.1, 0.04, "Quast & Reuter Anlagenbau GmbH", 16.0),
            (0.1, 0.19, salutation, 10.0),
            (0.1, 0.206, "Kim Oldendorp", 10.0),
            (0.1, 0.222, "Waldstraße 4", 10.0),
            (0.1, 0.238, "38640 Goslar", 10.0),
        ]);
        assert_eq!(found, names("Quast & Reuter Anlagenbau GmbH", "Kim Oldendorp"), "{salutation}");
    }
}

#[test]
fn a_company_beats_the_person_in_it() {
    for attention in ["Attn: Kim Oldendorp", "z. Hd. Kim Oldendorp", "T.a.v. Kim Oldendorp"] {
        let found = parties(&[
            (0.6, 0.04, "Quast Anlagenbau GmbH", 14.0),
            (0.1, 0.19, "Oakmoor School Trust", 10.0),
            (0.1, 0.206, attention, 10.0),
            (0.1, 0.222, "Waldstraße 4", 10.0),
            (0.1, 0.238, "38640 Goslar", 10.0),
        ]);
        assert_eq!(found, names("Quast Anlagenbau GmbH", "Oakmoor School Trust"), "{attention}");
    }
}

#[test]
fn a_contact_whose_name_the_mailbox_has_is_not_the_seller() {
    let found = parties(&[
        (0.1, 0.05, "Verkäufer", 10.0),
        (0.1, 0.07, "Name:", 10.0),
        (0.4, 0.07, "Quast Anlagenbau GmbH", 10.0),
        (0.1, 0.09, "Ansprechpartner:", 10.0),
        (0.4, 0.09, "Kim Oldendorp", 10.0),
        (0.1, 0.11, "E-Mail:", 10.0),
        (0.4, 0.11, "kim@oldendorp.example", 10.0),
    ]);
    assert_eq!(found[0].as_deref(), Some("Quast Anlagenbau GmbH"));
}

#[test]
fn several_words_before_a_name_are_a_label_even_without_a_colon() {
    let found = parties(&[
        (0.1, 0.04, "Quast Anlagenbau GmbH", 16.0),
        (0.1, 0.19, "Sold to Oakmoor Residences", 10.0),
        (0.1, 0.206, "345 Willow Street", 10.0),
        (0.1, 0.222, "Larch, TX, 98342", 10.0),
    ]);
    assert_eq!(found, names("Quast Anlagenbau GmbH", "Oakmoor Residences"));
}

#[test]
fn a_name_on_two_lines_is_whole_where_the_foot_of_the_page_has_it_on_one() {
    let found = parties(&[
        (0.6, 0.04, "Werkstatt für angewandte", 14.0),
        (0.6, 0.062, "Reuterei GmbH", 14.0),
        (0.1, 0.19, "Gasthof Zur Tanne", 10.0),
        (0.1, 0.206, "Waldstraße 4", 10.0),
        (0.1, 0.222, "38640 Goslar", 10.0),
        (0.1, 0.93, "Werkstatt für angewandte Reuterei GmbH", 7.0),
        (0.6, 0.93, "HRB 1234", 7.0),
    ]);
    assert_eq!(found, names("Werkstatt für angewandte Reuterei GmbH", "Gasthof Zur Tanne"));
}

#[test]
fn the_seller_may_stand_in_the_foot_of_the_page_only() {
    let found = parties(&[
        (0.1, 0.19, "Gasthof Zur Tanne", 10.0),
        (0.1, 0.206, "Waldstraße 4", 10.0),
        (0.1, 0.222, "38640 Goslar", 10.0),
        (0.1, 0.95, "Menuiserie Quast SAS au capital de 10 000 € - RCS Bordeaux 123 456 789", 7.0),
    ]);
    assert_eq!(found, names("Menuiserie Quast SAS", "Gasthof Zur Tanne"));
}

#[test]
fn of_two_addresses_the_first_is_the_senders() {
    let found = parties(&[
        (0.1, 0.04, "Au vieux pressoir", 10.0),
        (0.1, 0.056, "3 rue des Lilas", 10.0),
        (0.1, 0.072, "69003 Lyon", 10.0),
        (0.55, 0.13, "Librairie Clavel", 10.0),
        (0.55, 0.146, "5 place Carnot", 10.0),
        (0.55, 0.162, "69002 Lyon", 10.0),
    ]);
    assert_eq!(found, names("Au vieux pressoir", "Librairie Clavel"));
}

#[test]
fn whom_the_registers_line_names_sends_the_document() {
    let found = parties(&[
        (0.1, 0.1, "Librairie Clavel", 10.0),
        (0.1, 0.116, "5 place Carnot", 10.0),
        (0.1, 0.132, "69002 Lyon", 10.0),
        (0.55, 0.13, "Au vieux pressoir", 10.0),
        (0.55, 0.146, "3 rue des Lilas", 10.0),
        (0.55, 0.162, "69003 Lyon", 10.0),
        (0.1, 0.95, "Au vieux pressoir - SARL au capital de 8 000 € - SIRET 123 456 789 00012", 7.0),
    ]);
    assert_eq!(found, names("Au vieux pressoir", "Librairie Clavel"));
}

#[test]
fn the_owner_of_a_shop_is_not_its_name() {
    let found = parties(&[
        (0.1, 0.04, "Gärtnerei Blumfeld", 16.0),
        (0.1, 0.066, "Inh. Anke Blumfeld · Am Bach 2 · 88131 Lindau", 8.0),
        (0.1, 0.19, "Gasthof Zur Tanne", 10.0),
        (0.1, 0.206, "Waldstraße 4", 10.0),
        (0.1, 0.222, "38640 Goslar", 10.0),
    ]);
    assert_eq!(found, names("Gärtnerei Blumfeld", "Gasthof Zur Tanne"));
}

#[test]
fn a_label_with_its_own_value_heads_no_section() {
    let found = parties(&[
        (0.6, 0.04, "Quast Anlagenbau GmbH", 14.0),
        (0.1, 0.19, "Kim Oldendorp", 10.0),
        (0.1, 0.206, "Waldstraße 4", 10.0),
        (0.1, 0.222, "38640 Goslar", 10.0),
        (0.1, 0.33, "Customer:2", 10.0),
        (0.1, 0.42, "1.00", 10.0),
        (0.3, 0.42, "Garden chair", 10.0),
    ]);
    assert_eq!(found, names("Quast Anlagenbau GmbH", "Kim Oldendorp"));
}

#[test]
fn a_bracket_holds_the_lines_of_a_name_together() {
    let found = parties(&[
        (0.4, 0.04, "OAKMOOR TIMBER", 10.0),
        (0.4, 0.054, "MERCHANTS (SOUTH", 10.0),
        (0.4, 0.068, "HARBOUR) LTD", 10.0),
        (0.4, 0.082, "3 Quay Street", 10.0),
        (0.1, 0.19, "Gasthof Zur Tanne", 10.0),
        (0.1, 0.206, "Waldstraße 4", 10.0),
        (0.1, 0.222, "38640 Goslar", 10.0),
    ]);
    assert_eq!(found[0].as_deref(), Some("OAKMOOR TIMBER MERCHANTS (SOUTH HARBOUR) LTD"));
}

#[test]
fn an_address_beside_the_one_for_the_goods_is_the_recipient() {
    let found = parties(&[
        (0.187, 0.037, "Les Ruches du Vercors SARL - 8 route de la Source - 26420 Vassieux - France", 8.9),
        (0.187, 0.048, "+33 4 75 00 00 00 - http://www.ruchesvercors.example", 9.0),
        (0.187, 0.059, "TVA : FR40303265045 - SIRET : 30326504500017 - SARL au capital de 15 000,00 €", 8.9),
        (0.053, 0.109, "Facture FC-2022-0311", 18.0),
        (0.062, 0.146, "Adresse de livraison", 9.2),
        (0.549, 0.158, "Ma belle épicerie", 11.3),
        (0.549, 0.173, "Inès Maurel", 11.3),
        (0.549, 0.188, "4 place du Marché", 11.3),
        (0.549, 0.203, "38000 Grenoble", 11.3),
        (0.549, 0.218, "France", 11.3),
        (0.062, 0.167, "Ma belle épicerie", 9.2),
        (0.062, 0.180, "4 place du Marché", 9.2),
        (0.062, 0.194, "38000 Grenoble", 9.2),
        (0.062, 0.208, "France", 9.2),
        (0.062, 0.221, "+33 4 76 00 00 00", 9.2),
        (0.062, 0.235, "sav@mabelleepicerie.example", 9.2),
        (0.549, 0.264, "Contact commercial", 9.2),
        (0.549, 0.284, "Hugo Bastide", 9.2),
        (0.549, 0.298, "+33 4 75 00 00 01", 9.2),
        (0.549, 0.325, "hugo.bastide@ruchesvercors.example", 9.2),
    ]);
    assert_eq!(found, names("Les Ruches du Vercors SARL", "Ma belle épicerie"));
}
