//! What a PDF holds beside its drawing: values of forms, remarks, invoices as data.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use domain::extraction::{FieldOutput, FieldValue, Money, Placement};
use domain::hub::{Field, FieldType, Hub, builtin};
use domain::id::HubId;
use insights::extract::{extract, hear_invoice, hear_reader};
use insights::page::Page;
use insights::read::{Limits, Opened, open};
use std::collections::BTreeMap;
use support::{A4, Pdf, lines};

/// A page with text, annotations and further entries of the catalogue; `parts` are made before both.
fn with(
    content: &str,
    entries: &str,
    annotations: &[&str],
    parts: impl FnOnce(&mut Pdf) -> String,
) -> Vec<u8> {
    let mut pdf = Pdf::default();
    let font =
        pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    let content = pdf.stream("", content.as_bytes());
    let catalogue = parts(&mut pdf);
    let annotations: Vec<String> =
        annotations.iter().map(|annotation| format!("{} 0 R", pdf.object(*annotation))).collect();
    let tree = pdf.object(format!(
        "<< /Type /Pages /Count 1 /Kids [{} 0 R] >>",
        annotations.len() + 4 + usize::from(!catalogue.is_empty()) * 2
    ));
    let page = pdf.object(format!(
        "<< /Type /Page /Parent {tree} 0 R {A4} {entries} /Contents {content} 0 R /Annots [{}] \
         /Resources << /Font << /F1 {font} 0 R >> >> >>",
        annotations.join(" ")
    ));
    assert_eq!(page, tree + 1);
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R {catalogue} >>"));
    pdf.finish(root)
}

fn opened(bytes: Vec<u8>) -> Opened {
    open(bytes, "form.pdf", &Limits::default()).unwrap()
}

fn texts(pages: &[Page]) -> Vec<&str> {
    pages[0].words.iter().map(|word| word.text.as_str()).collect()
}

fn hub(fields: Vec<Field>) -> Hub {
    Hub { fields, ..invoices() }
}

fn invoices() -> Hub {
    let all = builtin::all().into_iter().map(|definition| definition.into_hub(HubId::from_bytes([7; 12])));
    all.into_iter().find(|hub| hub.name == "Invoices").unwrap()
}

fn field<'o>(fields: &'o [FieldOutput], id: &str) -> &'o FieldOutput {
    fields.iter().find(|field| field.id == id).unwrap()
}

#[test]
fn values_of_a_form_are_text_although_nobody_drew_them() {
    let content = "BT /F1 11 Tf 60 700 Td (Policy number:) Tj ET BT /F1 11 Tf 60 660 Td (Married:) Tj ET \
        BT /F1 11 Tf 60 640 Td (Employed:) Tj ET";
    let annotations = [
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (policy) /V <FEFF0050004E002D00370037> /Rect [160 696 300 712] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Btn /T (married) /V /Yes /AS /Yes /Rect [160 657 172 669] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Btn /T (employed) /V /Off /AS /Off /Rect [160 637 172 649] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Btn /Ff 65536 /T (print) /Rect [400 637 420 649] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Tx /F 2 /T (hidden) /V (secret) /Rect [400 600 500 612] >>",
        "<< /Type /Annot /Subtype /FreeText /Contents (A remark) /Rect [60 500 160 520] >>",
    ];
    let pages = opened(with(content, "", &annotations, |_| String::new())).text_pages();
    assert_eq!(
        texts(&pages),
        ["Policy", "number:", "Married:", "Employed:", "PN-77", "☒", "☐", "A", "remark"]
    );
    let fields = [
        ("policyNumber", "Policy number", FieldType::String),
        ("married", "Married", FieldType::Boolean),
        ("employed", "Employed", FieldType::Boolean),
    ];
    let output = extract(&pages, &hub(fields.map(|(id, name, kind)| Field::new(id, name, kind)).to_vec()));
    let values: Vec<_> = output.fields.iter().map(|field| field.value.clone()).collect();
    let wanted = [FieldValue::Text("PN-77".into()), FieldValue::Boolean(true), FieldValue::Boolean(false)];
    assert_eq!(values, wanted.map(Some));
    let Some(Placement::Box(place)) = output.fields[0].placements.first() else { panic!("no place") };
    assert!(
        (place.x - 160.0 / 595.0).abs() < 0.01 && (place.y - (842.0 - 712.0) / 842.0).abs() < 0.01,
        "{place:?}"
    );
}

#[test]
fn a_value_that_is_drawn_is_not_read_twice() {
    let content = lines("Policy number:", 11) + "BT /F1 11 Tf 160 700 Td (PN-77) Tj ET";
    let annotations =
        ["<< /Type /Annot /Subtype /Widget /FT /Tx /T (policy) /V (PN-77) /Rect [150 690 300 712] >>"];
    let pages = opened(with(&content, "", &annotations, |_| String::new())).text_pages();
    assert_eq!(texts(&pages), ["Policy", "number:", "PN-77"]);
}

#[test]
fn fields_inherit_and_may_be_their_own_parents() {
    let annotations = [
        "<< /Type /Annot /Subtype /Widget /Parent 4 0 R /Rect [60 600 200 612] >>",
        "<< /FT /Tx /T (loop) /V (inherited) /Parent 4 0 R >>",
    ];
    let pages = opened(with("", "", &annotations, |_| String::new())).text_pages();
    // The first annotation is object 3, its parent is 4.
    assert_eq!(texts(&pages), ["inherited"]);
}

#[test]
fn a_turned_page_is_read_as_it_is_displayed() {
    let content = lines("Invoice number: INV-7\nFor all the work that was done\nTotal due 53.64", 11);
    for (turn, quarters) in [(90, 1), (180, 2), (270, 3)] {
        let pages = opened(with(&content, &format!("/Rotate {turn}"), &[], |_| String::new())).text_pages();
        assert_eq!(pages[0].turned, quarters);
        let output = extract(&pages, &invoices());
        let number = field(&output.fields, "invoiceNumber");
        assert_eq!(number.value, Some(FieldValue::Text("INV-7".into())), "{turn}");
        let Some(Placement::Box(place)) = number.placements.first() else { panic!("no place") };
        // The text stands at the top left of the page before it is turned.
        let (right, bottom) = (place.x > 0.5, place.y > 0.5);
        assert_eq!(
            (right, bottom),
            [(true, false), (true, true), (false, true)][usize::from(quarters) - 1],
            "{place:?}"
        );
    }
}

#[test]
fn text_that_runs_up_or_down_is_read_and_placed_as_displayed() {
    let text = "(Invoice number: INV-7 for all the work that was done) Tj 0 -20 Td (Total due 53.64 EUR) Tj";
    for (matrix, page_box) in [
        ("0 1 -1 0 100 300", (0.16, 0.36)),
        ("0 -1 1 0 100 700", (0.16, 0.17)),
        ("-1 0 0 -1 500 300", (0.0, 0.64)),
    ] {
        let content = format!("BT /F1 11 Tf {matrix} Tm {text} ET");
        let pages = opened(with(&content, "", &[], |_| String::new())).text_pages();
        assert_ne!(pages[0].turned, 0);
        let output = extract(&pages, &invoices());
        let number = field(&output.fields, "invoiceNumber");
        assert_eq!(number.value, Some(FieldValue::Text("INV-7".into())), "{matrix}");
        let Some(Placement::Box(place)) = number.placements.first() else { panic!("no place") };
        if matrix.starts_with('0') {
            assert!(place.height > place.width, "{place:?}");
            assert!((place.x - page_box.0).abs() < 0.03, "{matrix} {place:?}");
        } else {
            assert!((place.y - page_box.1).abs() < 0.03, "{matrix} {place:?}");
        }
    }
}

const CII: &str = "<rsm:CrossIndustryInvoice xmlns:rsm='r'><ExchangedDocument><ID>RE-2031/7</ID><IssueDateTime>\
    <DateTimeString format='102'>20310314</DateTimeString></IssueDateTime></ExchangedDocument><SellerTradeParty><Name>Northwind Traders Ltd</Name>\
    </SellerTradeParty><InvoiceCurrencyCode>EUR</InvoiceCurrencyCode><IncludedSupplyChainTradeLineItem><SpecifiedTradeProduct><Name>Blue widget</Name>\
    </SpecifiedTradeProduct><a><BilledQuantity>3</BilledQuantity></a><b><SpecifiedTradeSettlementLineMonetarySummation><LineTotalAmount>44.70\
    </LineTotalAmount></SpecifiedTradeSettlementLineMonetarySummation></b></IncludedSupplyChainTradeLineItem>\
    <SpecifiedTradeSettlementHeaderMonetarySummation><TaxBasisTotalAmount>44.70</TaxBasisTotalAmount><TaxTotalAmount>8.94</TaxTotalAmount>\
    <GrandTotalAmount>53.64</GrandTotalAmount></SpecifiedTradeSettlementHeaderMonetarySummation></rsm:CrossIndustryInvoice>";

fn with_invoice(content: &str) -> Vec<u8> {
    with(content, "", &[], |pdf| {
        let data = pdf.stream("/Type /EmbeddedFile", CII.as_bytes());
        let file = pdf.object(format!("<< /Type /Filespec /F (factur-x.xml) /EF << /F {data} 0 R >> >>"));
        format!("/Names << /EmbeddedFiles << /Names [(factur-x.xml) {file} 0 R] >> >>")
    })
}

#[test]
fn an_attached_invoice_gives_values_with_their_places() {
    // Nothing here says what anything is, and the date is written another way.
    let content = lines(
        "Northwind Traders Ltd\nRE-2031/7\n14 March 2031\n\nBlue widget 3 44,70\n\n44,70\n8,94\n53,64",
        11,
    );
    let opened = opened(with_invoice(&content));
    let (pages, hub) = (opened.text_pages(), invoices());
    let mut output = extract(&pages, &hub);
    hear_invoice(&mut output, &pages, &hub, opened.invoice().unwrap());
    for (id, value, shown) in [
        ("invoiceNumber", FieldValue::Text("RE-2031/7".into()), "RE-2031/7"),
        ("invoiceDate", FieldValue::Text("2031-03-14".into()), "14 March 2031"),
        ("total", FieldValue::Money(Money { amount: "53.64".into(), currency: Some("EUR".into()) }), "53,64"),
    ] {
        let found = field(&output.fields, id);
        assert_eq!(found.value.as_ref(), Some(&value), "{id}");
        assert_eq!(found.text.as_deref(), Some(shown), "{id}");
        assert_eq!(found.placements.len(), 1, "{id}");
        assert!(found.confidence_reasons.contains(&"embeddedData".to_owned()), "{id}");
    }
    let Some(FieldValue::Table(table)) = &field(&output.fields, "lineItems").value else {
        panic!("no lines")
    };
    assert_eq!(table.rows.len(), 1);
    assert!(
        table.rows[0].cells.iter().filter(|cell| cell.value.is_some()).all(|cell| cell.placements.len() == 1)
    );
}

#[test]
fn an_invoice_that_is_only_data_is_read() {
    let whole = format!("<?xml version=\"1.0\"?>{CII}");
    let opened = open(whole.into_bytes(), "invoice.xml", &Limits::default()).unwrap();
    let (pages, hub) = (opened.text_pages(), invoices());
    let mut output = extract(&pages, &hub);
    hear_invoice(&mut output, &pages, &hub, opened.invoice().unwrap());
    let number = field(&output.fields, "invoiceNumber");
    assert_eq!(number.value, Some(FieldValue::Text("RE-2031/7".into())));
    assert!(matches!(number.placements[..], [Placement::Span(_)]));
}

#[test]
fn a_second_reader_counts_where_the_page_agrees() {
    let content = lines(
        "Invoice number: INV-7\nInvoice date: 14 March 2031\nOur reference: XK-99\nTotal due: 53.64 EUR",
        11,
    );
    let pages = opened(with(&content, "", &[], |_| String::new())).text_pages();
    let hub = invoices();
    let alone = extract(&pages, &hub);
    let heard = |answers: &[(&str, &str)]| {
        let answers: BTreeMap<String, Option<String>> =
            answers.iter().map(|(id, text)| ((*id).to_owned(), Some((*text).to_owned()))).collect();
        let mut output = extract(&pages, &hub);
        hear_reader(&mut output, &pages, &hub, &answers);
        output
    };
    let (before, id) = (field(&alone.fields, "invoiceNumber"), "invoiceNumber");
    let agreed = heard(&[(id, "inv-7")]);
    assert!(field(&agreed.fields, id).confidence > before.confidence);
    assert!(field(&agreed.fields, id).confidence_reasons.contains(&"secondReaderAgrees".to_owned()));
    let differed = heard(&[(id, "XK-99")]);
    let after = field(&differed.fields, id);
    assert!(after.confidence < before.confidence && after.value == before.value);
    assert!(after.confidence_reasons.contains(&"secondReaderDiffers".to_owned()));
    // What stands nowhere on the page, and fields that nobody has, do not count.
    assert_eq!(heard(&[(id, "I-was-told-to-say-this"), ("total", "1000000.00"), ("nobody", "x")]), alone);
    let filled = heard(&[("purchaseOrder", "XK-99")]);
    let order = field(&filled.fields, "purchaseOrder");
    if field(&alone.fields, "purchaseOrder").value.is_none() {
        assert_eq!(order.value, Some(FieldValue::Text("XK-99".into())));
        assert_eq!(order.placements.len(), 1);
    }
}
