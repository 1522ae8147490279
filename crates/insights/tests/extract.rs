//! Extraction from pages whose words were put there by hand: what is promised holds for every hub and every page.

use domain::{
    extraction::{ExtractionOutput, FieldOutput, FieldValue, Money, Placement, Table},
    hub::{Field, FieldType, Hub, builtin},
    id::HubId,
};
use insights::{
    extract::extract,
    page::{Page, PageSource, Rect, Word},
};
use proptest::prelude::*;

/// A4 with 10-point type; each text begins at a point given in fractions of the page.
fn page(number: u32, texts: &[(f32, f32, &str)]) -> Page {
    let (width, height, size) = (595.0, 842.0, 10.0);
    let mut words = Vec::new();
    for (x, y, text) in texts {
        let mut left = *x;
        for word in text.split_whitespace() {
            let advance = word.chars().count() as f32 * 0.5 * size / width;
            let rect = Rect { x: left, y: *y, width: advance, height: size / height };
            words.push(Word { text: word.to_owned(), rect, confidence: 1.0, font_size: size });
            left += advance + 0.3 * size / width;
        }
    }
    Page::new(number, (width, height), PageSource::TextLayer, words)
}

fn hub(definition: builtin::Definition) -> Hub {
    definition.into_hub(HubId::from_bytes([7; 12]))
}

fn custom(fields: Vec<Field>) -> Hub {
    let mut hub = hub(builtin::invoices());
    hub.fields = fields;
    hub
}

fn field<'o>(output: &'o ExtractionOutput, id: &str) -> &'o FieldOutput {
    output.fields.iter().find(|field| field.id == id).expect("every field of the hub is there")
}

fn text_of(output: &ExtractionOutput, id: &str) -> Option<String> {
    match field(output, id).value.as_ref()? {
        FieldValue::Text(text) => Some(text.clone()),
        FieldValue::Money(Money { amount, currency }) => {
            Some(currency.as_ref().map_or(amount.clone(), |currency| format!("{amount} {currency}")))
        }
        other => Some(serde_json::to_string(other).expect("values are JSON")),
    }
}

fn table<'o>(output: &'o ExtractionOutput, id: &str) -> &'o Table {
    match &field(output, id).value {
        Some(FieldValue::Table(table)) => table,
        other => panic!("no table: {other:?}"),
    }
}

/// The words of one language's invoice.
struct Words<'w> {
    title: &'w str,
    number: &'w str,
    date: (&'w str, &'w str),
    due: (&'w str, &'w str),
    columns: [&'w str; 4],
    net: &'w str,
    tax: &'w str,
    total: &'w str,
    amounts: [&'w str; 7],
}

fn invoice(words: &Words<'_>) -> Page {
    let [price, first, second_price, second, net, tax, total] = words.amounts;
    page(
        1,
        &[
            (0.1, 0.05, "Nordlicht Werkzeuge GmbH"),
            (0.1, 0.065, "Hafenweg 12"),
            (0.1, 0.08, "20457 Hamburg"),
            (0.1, 0.095, "www.nordlicht-werkzeuge.example"),
            (0.1, 0.16, "Blaue Eiche AG"),
            (0.1, 0.175, "Am Markt 3"),
            (0.1, 0.19, "04109 Leipzig"),
            (0.1, 0.25, words.title),
            (0.6, 0.16, words.number),
            (0.8, 0.16, "NW-2024-117"),
            (0.6, 0.18, words.date.0),
            (0.8, 0.18, words.date.1),
            (0.6, 0.2, words.due.0),
            (0.8, 0.2, words.due.1),
            (0.1, 0.32, words.columns[0]),
            (0.5, 0.32, words.columns[1]),
            (0.65, 0.32, words.columns[2]),
            (0.85, 0.32, words.columns[3]),
            (0.1, 0.35, "Hammer"),
            (0.5, 0.35, "2"),
            (0.65, 0.35, price),
            (0.85, 0.35, first),
            (0.1, 0.38, "Handbohrer"),
            (0.5, 0.38, "1"),
            (0.65, 0.38, second_price),
            (0.85, 0.38, second),
            (0.6, 0.45, words.net),
            (0.85, 0.45, net),
            (0.6, 0.47, words.tax),
            (0.85, 0.47, tax),
            (0.6, 0.49, words.total),
            (0.85, 0.49, total),
            (0.1, 0.9, "IBAN: DE89 3704 0044 0532 0130 00"),
        ],
    )
}

#[test]
fn an_invoice_is_read_in_each_language() {
    let languages = [
        Words {
            title: "Invoice",
            number: "Invoice no.",
            date: ("Invoice date", "14 March 2024"),
            due: ("Due date", "13 April 2024"),
            columns: ["Description", "Qty", "Unit price", "Amount"],
            net: "Subtotal",
            tax: "VAT 19%",
            total: "Total due",
            amounts: ["600.00", "1,200.00", "34.50", "34.50", "1,234.50", "234.56", "EUR 1,469.06"],
        },
        Words {
            title: "Rechnung",
            number: "Rechnungs-Nr.:",
            date: ("Rechnungsdatum:", "14.03.2024"),
            due: ("Zahlbar bis:", "13. April 2024"),
            columns: ["Bezeichnung", "Menge", "Einzelpreis", "Betrag"],
            net: "Nettobetrag",
            tax: "MwSt. 19 %",
            total: "Gesamtbetrag",
            amounts: ["600,00", "1.200,00", "34,50", "34,50", "1.234,50", "234,56", "1.469,06 €"],
        },
        Words {
            title: "Facture",
            number: "Facture n°",
            date: ("Date de facture", "14 mars 2024"),
            due: ("Échéance", "13/04/2024"),
            columns: ["Désignation", "Quantité", "Prix unitaire", "Montant"],
            net: "Total HT",
            tax: "TVA 19 %",
            total: "Total TTC",
            amounts: ["600,00", "1 200,00", "34,50", "34,50", "1 234,50", "234,56", "1 469,06 €"],
        },
    ];
    for words in &languages {
        let output = extract(&[invoice(words)], &hub(builtin::invoices()));
        let expected = [
            ("invoiceNumber", "NW-2024-117"),
            ("invoiceDate", "2024-03-14"),
            ("dueDate", "2024-04-13"),
            ("sellerName", "Nordlicht Werkzeuge GmbH"),
            ("buyerName", "Blaue Eiche AG"),
            ("netTotal", "1234.50 EUR"),
            ("taxTotal", "234.56 EUR"),
            ("total", "1469.06 EUR"),
            ("iban", "DE89370400440532013000"),
        ];
        for (id, value) in expected {
            assert_eq!(text_of(&output, id).as_deref(), Some(value), "{}: {id}", words.title);
        }
        let rows = &table(&output, "lineItems").rows;
        assert_eq!(rows.len(), 2, "{}", words.title);
        let cells: Vec<_> =
            rows[0].cells.iter().map(|cell| (cell.id.as_str(), cell.text.as_deref())).collect();
        assert_eq!(cells[0], ("lineItems[0].description", Some("Hammer")));
        assert_eq!(cells[1], ("lineItems[0].quantity", Some("2")));
        assert_eq!(rows[1].cells[3].text.as_deref(), Some("34,50").map(|_| words.amounts[3]));
    }
}

#[test]
fn a_value_has_the_box_of_its_words() {
    let pages = [page(1, &[(0.1, 0.2, "Invoice number: A-17")])];
    let output = extract(&pages, &hub(builtin::invoices()));
    let number = field(&output, "invoiceNumber");
    assert_eq!(number.text.as_deref(), Some("A-17"));
    let [Placement::Box(found)] = number.placements.as_slice() else { panic!("{:?}", number.placements) };
    let word = &pages[0].words[2].rect;
    assert!((found.x - f64::from(word.x)).abs() < 1e-3 && (found.width - f64::from(word.width)).abs() < 1e-3);
}

#[test]
fn a_hub_of_ones_own_is_read_by_its_definition() {
    let with = |id: &str, name: &str, kind, change: &dyn Fn(&mut Field)| {
        let mut field = Field::new(id, name, kind);
        change(&mut field);
        field
    };
    let hub = custom(vec![
        with("policy", "Policy", FieldType::String, &|field| field.pattern = Some("[A-Z]{2}-\\d{4}".into())),
        with("size", "Size", FieldType::Enum, &|field| field.values = vec!["Small".into(), "Large".into()]),
        with("persons", "Number of persons", FieldType::Integer, &|_| {}),
        with("weight", "Weight", FieldType::Number, &|_| {}),
        with("smoker", "Smoker", FieldType::Boolean, &|_| {}),
        with("paid", "Paid in advance", FieldType::Boolean, &|_| {}),
        with("visit", "Visited at", FieldType::DateTime, &|_| {}),
        with("colours", "Colours", FieldType::List, &|_| {}),
        with("missing", "Shoe size", FieldType::Integer, &|_| {}),
    ]);
    let pages = [page(
        1,
        &[
            (0.1, 0.1, "Policy: AB-1234"),
            (0.1, 0.15, "Size: LARGE"),
            (0.1, 0.2, "Number of persons: 4"),
            (0.1, 0.25, "Weight: 71,5 kg"),
            (0.1, 0.3, "Smoker: no"),
            (0.1, 0.35, "[x] Paid in advance"),
            (0.1, 0.4, "Visited at: 03.02.2024 14:30"),
            (0.1, 0.45, "Colours: red, blue"),
        ],
    )];
    let output = extract(&pages, &hub);
    let expected = [
        ("policy", Some("AB-1234")),
        ("size", Some("Large")),
        ("persons", Some("4")),
        ("weight", Some("71.5")),
        ("smoker", Some("false")),
        ("paid", Some("true")),
        ("visit", Some("2024-02-03T14:30:00Z")),
        ("colours", Some("[\"red\",\"blue\"]")),
        ("missing", None),
    ];
    for (id, value) in expected {
        assert_eq!(text_of(&output, id).as_deref(), value, "{id}");
    }
}

#[test]
fn laboratory_results_are_a_table_of_texts() {
    let pages = [page(
        1,
        &[
            (0.1, 0.1, "Patient name: Erika Beispiel"),
            (0.1, 0.12, "Date of birth: 03.02.1970"),
            (0.1, 0.2, "Test"),
            (0.4, 0.2, "Result"),
            (0.55, 0.2, "Unit"),
            (0.7, 0.2, "Reference range"),
            (0.1, 0.23, "Glucose"),
            (0.4, 0.23, "5.4"),
            (0.55, 0.23, "mmol/l"),
            (0.7, 0.23, "3.9 - 5.6"),
            (0.1, 0.26, "Sodium"),
            (0.4, 0.26, "139"),
            (0.55, 0.26, "mmol/l"),
            (0.7, 0.26, "136 - 145"),
        ],
    )];
    let output = extract(&pages, &hub(builtin::lab_results()));
    assert_eq!(text_of(&output, "patientName").as_deref(), Some("Erika Beispiel"));
    assert_eq!(text_of(&output, "dateOfBirth").as_deref(), Some("1970-02-03"));
    let rows: Vec<Vec<Option<&str>>> = table(&output, "results")
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.text.as_deref()).collect())
        .collect();
    assert_eq!(
        rows,
        [
            [Some("Glucose"), Some("5.4"), Some("mmol/l"), Some("3.9 - 5.6"), None],
            [Some("Sodium"), Some("139"), Some("mmol/l"), Some("136 - 145"), None],
        ]
    );
}

#[test]
fn a_receipt_without_a_header_has_its_lines() {
    let pages = [page(
        1,
        &[
            (0.3, 0.05, "Kleiner Laden Ltd"),
            (0.3, 0.065, "12 Harbour Road"),
            (0.1, 0.1, "12/05/2023 10:15"),
            (0.1, 0.15, "Apples"),
            (0.7, 0.15, "3.20"),
            (0.1, 0.17, "Bread"),
            (0.7, 0.17, "2.80"),
            (0.1, 0.2, "TOTAL"),
            (0.7, 0.2, "6.00"),
            (0.1, 0.22, "CASH"),
            (0.7, 0.22, "10.00"),
            (0.1, 0.24, "CHANGE"),
            (0.7, 0.24, "4.00"),
        ],
    )];
    let output = extract(&pages, &hub(builtin::receipts()));
    assert_eq!(text_of(&output, "merchantName").as_deref(), Some("Kleiner Laden Ltd"));
    assert_eq!(text_of(&output, "date").as_deref(), Some("2023-05-12"));
    assert_eq!(text_of(&output, "total").as_deref(), Some("6.00"));
    assert_eq!(table(&output, "lineItems").rows.len(), 2);
}

#[test]
fn an_empty_document_has_every_field_and_no_value() {
    for definition in builtin::all() {
        let hub = hub(definition);
        let output = extract(&[], &hub);
        assert_eq!(output.field_count as usize, hub.fields.len());
        assert!(output.fields.iter().all(|field| field.value.is_none() && field.placements.is_empty()));
    }
}

/// A page of a regular pattern of words in so many rows.
fn crowded(count: usize, rows: usize) -> Page {
    let texts =
        ["Total", "12.50", "Invoice", "03.04.2024", "Number:", "A-17", "Some Company Ltd", "12345 Town"];
    let columns = (count / rows) as f32;
    let words = (0..count).map(|index| {
        let (row, column) = (index % rows, index / rows);
        Word {
            text: texts[(index * 7 + column) % texts.len()].to_owned(),
            rect: Rect {
                x: column as f32 / columns,
                y: row as f32 / rows as f32,
                width: 0.5 / columns,
                height: 0.5 / rows as f32,
            },
            confidence: 1.0,
            font_size: 8.0,
        }
    });
    Page { words: words.collect(), ..page(1, &[]) }
}

/// Nanoseconds that this thread has had the processor; none where the system does not tell.
fn worked() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok()
}

/// Five times the words may take five times as long and some more; the square of five is what must not be.
#[test]
fn a_crowded_page_is_read_in_linear_time() {
    let hub = hub(builtin::invoices());
    for (few, many) in [((1_200, 60), (6_000, 300)), ((1_200, 4), (6_000, 20))] {
        let [small, large] = [few, many].map(|(count, rows)| {
            let page = crowded(count, rows);
            let before = worked();
            let output = extract(&[page], &hub);
            assert_eq!(output.fields.len(), hub.fields.len());
            worked().zip(before).map(|(after, before)| after - before)
        });
        if let (Some(small), Some(large)) = (small, large) {
            assert!(large < 12.0 * small, "{large} ns for five times what takes {small} ns");
        }
    }
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Total".to_owned()),
        Just("Invoice".to_owned()),
        Just("No:".to_owned()),
        Just("Description".to_owned()),
        Just("Amount".to_owned()),
        "[0-9]{1,6}[.,][0-9]{2}",
        "[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}",
        "\\PC{1,12}",
        "[-(€$£]{1,2}[0-9.,' ]{1,9}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_stands_on_a_page_the_promises_hold(
        words in prop::collection::vec((any_word(), -0.1_f32..1.1, -0.1_f32..1.1, 0.0_f32..0.3, 0.0_f32..0.05), 0..60),
        which in 0_usize..3,
    ) {
        let words = words.into_iter().map(|(text, x, y, width, height)| Word {
            text,
            rect: Rect { x, y, width, height },
            confidence: 0.9,
            font_size: 9.0,
        });
        let page = Page::new(1, (595.0, 842.0), PageSource::Ocr, words.collect());
        let [invoices, receipts, lab_results] = builtin::all();
        let hub = hub([invoices, receipts, lab_results].into_iter().nth(which).expect("there are three"));
        let output = extract(&[page], &hub);
        let ids: Vec<_> = output.fields.iter().map(|field| field.id.as_str()).collect();
        let wanted: Vec<_> = hub.fields.iter().map(|field| field.id.as_str()).collect();
        prop_assert_eq!(ids, wanted);
        for field in &output.fields {
            prop_assert!((0.0..=1.0).contains(&field.confidence));
            prop_assert_eq!(field.value.is_none(), field.placements.is_empty());
            for placement in &field.placements {
                let Placement::Box(found) = placement else { panic!("no box") };
                prop_assert!(found.x >= 0.0 && found.y >= 0.0);
                prop_assert!(found.x + found.width <= 1.0001 && found.y + found.height <= 1.0001);
            }
        }
    }
}
