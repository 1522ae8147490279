//! Invoices as data: UN/CEFACT CII (Factur-X, ZUGFeRD) and UBL, attached to a PDF or by themselves.
//!
//! Both are read into the same few values, which are those that the built-in hub for invoices asks for, under its fields'
//! ids. Elements are known by the last names of their paths, so the versions of both formats, which moved them around, and
//! whatever prefixes a program gives their namespaces make no difference.

use std::collections::BTreeMap;

use domain::limits;

use super::flow::{Builder, Flow};
use super::xml::{Node, walk};

/// Elements within each other that are followed.
const DEPTH_MAX: usize = 40;
const VALUE_CHARACTERS_MAX: usize = 500;

/// Values by the ids of the fields that they are for.
pub type Values = BTreeMap<&'static str, String>;

/// What an invoice says as data. Dates are `YYYY-MM-DD`, amounts have a decimal point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invoice {
    pub values: Values,
    /// ISO 4217.
    pub currency: Option<String>,
    /// One for each line item.
    pub lines: Vec<Values>,
}

/// Of each field: where it stands, as ends of paths; earlier ones are better.
const FIELDS: &[(&str, &[&str])] = &[
    ("invoiceNumber", &["ExchangedDocument/ID", "Invoice/ID", "CreditNote/ID"]),
    (
        "invoiceDate",
        &["ExchangedDocument/IssueDateTime/DateTimeString", "Invoice/IssueDate", "CreditNote/IssueDate"],
    ),
    (
        "dueDate",
        &[
            "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
            "Invoice/DueDate",
            "PaymentMeans/PaymentDueDate",
        ],
    ),
    (
        "sellerName",
        &[
            "SellerTradeParty/Name",
            "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
            "AccountingSupplierParty/Party/PartyName/Name",
        ],
    ),
    (
        "sellerVatId",
        &[
            "SellerTradeParty/SpecifiedTaxRegistration/ID",
            "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID",
        ],
    ),
    (
        "buyerName",
        &[
            "BuyerTradeParty/Name",
            "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
            "AccountingCustomerParty/Party/PartyName/Name",
        ],
    ),
    (
        "purchaseOrder",
        &[
            "BuyerOrderReferencedDocument/IssuerAssignedID",
            "BuyerOrderReferencedDocument/ID",
            "OrderReference/ID",
        ],
    ),
    (
        "netTotal",
        &[
            "SpecifiedTradeSettlementHeaderMonetarySummation/TaxBasisTotalAmount",
            "SpecifiedTradeSettlementMonetarySummation/TaxBasisTotalAmount",
            "LegalMonetaryTotal/TaxExclusiveAmount",
        ],
    ),
    (
        "taxTotal",
        &[
            "SpecifiedTradeSettlementHeaderMonetarySummation/TaxTotalAmount",
            "SpecifiedTradeSettlementMonetarySummation/TaxTotalAmount",
            "Invoice/TaxTotal/TaxAmount",
            "CreditNote/TaxTotal/TaxAmount",
        ],
    ),
    (
        "total",
        &[
            "SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
            "SpecifiedTradeSettlementMonetarySummation/GrandTotalAmount",
            "LegalMonetaryTotal/TaxInclusiveAmount",
        ],
    ),
    ("iban", &["PayeePartyCreditorFinancialAccount/IBANID", "PayeeFinancialAccount/ID"]),
];

const LINE_FIELDS: &[(&str, &[&str])] = &[
    ("description", &["SpecifiedTradeProduct/Name", "Item/Name"]),
    ("quantity", &["/BilledQuantity", "/InvoicedQuantity", "/CreditedQuantity"]),
    ("unitPrice", &["NetPriceProductTradePrice/ChargeAmount", "Price/PriceAmount"]),
    (
        "amount",
        &[
            "MonetarySummation/LineTotalAmount",
            "InvoiceLine/LineExtensionAmount",
            "CreditNoteLine/LineExtensionAmount",
        ],
    ),
];

const LINES: &[&str] = &["IncludedSupplyChainTradeLineItem", "InvoiceLine", "CreditNoteLine"];
const CURRENCY: &[&str] = &["/InvoiceCurrencyCode", "/DocumentCurrencyCode"];
const ROOTS: &[&str] = &["CrossIndustryInvoice", "CrossIndustryDocument", "Invoice", "CreditNote"];

impl Invoice {
    /// Reads one; none where the XML is damaged or something else.
    pub fn parse(xml: &[u8]) -> Option<Invoice> {
        let mut reading = Reading::default();
        walk(xml, |node| reading.take(node)).ok()?;
        let has_number = reading.invoice.values.contains_key("invoiceNumber");
        (reading.is_invoice && has_number).then_some(reading.invoice)
    }

    /// The invoice as a reader would be shown it.
    pub(super) fn to_flow(&self) -> Flow {
        let mut builder = Builder::default();
        builder.begin_table();
        let mut row = |label: &str, value: &str| {
            builder.begin_row();
            for cell in [label, value] {
                builder.begin_cell(1, 1);
                builder.collapsed(cell);
            }
        };
        for (id, label) in LABELS {
            if let Some(value) = self.values.get(id) {
                row(label, value);
            }
        }
        if let Some(currency) = &self.currency {
            row("Currency", currency);
        }
        builder.end_table();
        builder.blank_line();
        if !self.lines.is_empty() {
            self.lines_to(&mut builder);
        }
        builder.finish()
    }

    fn lines_to(&self, builder: &mut Builder) {
        builder.begin_table();
        builder.begin_row();
        for label in ["Description", "Quantity", "Unit price", "Amount"] {
            builder.begin_cell(1, 1);
            builder.text(label);
        }
        for line in &self.lines {
            builder.begin_row();
            for (id, _) in LINE_FIELDS {
                builder.begin_cell(1, 1);
                builder.collapsed(line.get(id).map(String::as_str).unwrap_or_default());
            }
        }
        builder.end_table();
    }
}

const LABELS: &[(&str, &str)] = &[
    ("invoiceNumber", "Invoice number"),
    ("invoiceDate", "Invoice date"),
    ("dueDate", "Due date"),
    ("sellerName", "Seller"),
    ("sellerVatId", "Seller VAT ID"),
    ("buyerName", "Buyer"),
    ("purchaseOrder", "Purchase order"),
    ("iban", "IBAN"),
    ("netTotal", "Net total"),
    ("taxTotal", "Tax total"),
    ("total", "Total"),
];

#[derive(Default)]
struct Reading {
    invoice: Invoice,
    is_invoice: bool,
    /// The names of the elements that are open.
    path: String,
    depth: usize,
    text: String,
    /// The line item that is being read, by the depth of its element.
    line: Option<usize>,
    /// How good the place was that each value came from; less is better.
    ranks: BTreeMap<&'static str, usize>,
    scheme: Option<String>,
}

impl Reading {
    fn take(&mut self, node: Node<'_>) -> bool {
        match node {
            Node::Start(element) => {
                self.depth += 1;
                if self.depth == 1 {
                    self.is_invoice = ROOTS.contains(&element.name());
                }
                if self.depth <= DEPTH_MAX {
                    self.path.push('/');
                    // The first version of CII put it another way.
                    self.path.push_str(element.name().strip_prefix("Header").unwrap_or(element.name()));
                }
                if self.line.is_none()
                    && LINES.contains(&element.name())
                    && self.invoice.lines.len() < limits::EXTRACT_ROWS_MAX
                {
                    self.line = Some(self.depth);
                    self.invoice.lines.push(Values::new());
                }
                self.text.clear();
                self.scheme = element.attribute("schemeID");
            }
            Node::Text(text) if self.text.len() < VALUE_CHARACTERS_MAX * 4 => self.text.push_str(text),
            Node::Text(_) => {}
            Node::End(_) => {
                self.end_element();
                if self.line == Some(self.depth) {
                    self.line = None;
                }
                if self.depth <= DEPTH_MAX {
                    self.path.truncate(self.path.rfind('/').unwrap_or_default());
                }
                self.depth = self.depth.saturating_sub(1);
            }
        }
        self.is_invoice
    }

    fn end_element(&mut self) {
        let text = std::mem::take(&mut self.text);
        let value: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.is_empty() || value.chars().count() > VALUE_CHARACTERS_MAX {
            return;
        }
        if let Some(line) = self.invoice.lines.last_mut().filter(|_| self.line.is_some()) {
            if let Some((id, _)) = place(LINE_FIELDS, &self.path) {
                line.entry(id).or_insert_with(|| number(&value).unwrap_or(value));
            }
            return;
        }
        if CURRENCY.iter().any(|end| self.path.ends_with(end)) {
            self.invoice.currency = Some(value);
            return;
        }
        let Some((id, rank)) = place(FIELDS, &self.path) else { return };
        // A seller has several tax numbers; the one for sales is of the scheme VA.
        let rank = rank * 2 + usize::from(id == "sellerVatId" && self.scheme.as_deref() == Some("FC"));
        if self.ranks.get(id).is_none_or(|known| rank < *known) {
            let value = match id {
                "invoiceDate" | "dueDate" => date(&value),
                "netTotal" | "taxTotal" | "total" => number(&value),
                _ => Some(value),
            };
            if let Some(value) = value {
                self.ranks.insert(id, rank);
                self.invoice.values.insert(id, value);
            }
        }
    }
}

/// The field that an element is for, and how good a place it is.
fn place(fields: &[(&'static str, &[&str])], path: &str) -> Option<(&'static str, usize)> {
    fields.iter().find_map(|(id, ends)| {
        let rank = ends.iter().position(|end| path.ends_with(end))?;
        Some((*id, rank))
    })
}

/// `20310314` (format 102) and `2031-03-14`.
fn date(text: &str) -> Option<String> {
    let digits: String = text.chars().take(10).filter(char::is_ascii_digit).collect();
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let date =
        jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.get(..2)?.parse().ok()?).ok()?;
    Some(date.to_string())
}

/// `120.0000` is 120.00: two decimals at least, no more zeros than that.
fn number(text: &str) -> Option<String> {
    let value: rust_decimal::Decimal = text.trim().parse().ok()?;
    let value = value.normalize();
    Some(if value.scale() == 1 { format!("{value:.2}") } else { value.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CII: &str = "<rsm:CrossIndustryInvoice xmlns:rsm='r' xmlns:ram='a'><rsm:ExchangedDocument><ram:ID>RE-7</ram:ID>\
        <ram:IssueDateTime><udt:DateTimeString format='102'>20310314</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>\
        <ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedTradeProduct><ram:Name>Blue &amp; green</ram:Name></ram:SpecifiedTradeProduct>\
        <x><ram:BilledQuantity>3.0000</ram:BilledQuantity></x><y><ram:SpecifiedTradeSettlementLineMonetarySummation>\
        <ram:LineTotalAmount>29.7</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation></y></ram:IncludedSupplyChainTradeLineItem>\
        <ram:SellerTradeParty><ram:Name>Northwind</ram:Name><ram:SpecifiedTaxRegistration><ram:ID schemeID='FC'>12/34</ram:ID></ram:SpecifiedTaxRegistration>\
        <ram:SpecifiedTaxRegistration><ram:ID schemeID='VA'>DE129273398</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>\
        <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:SpecifiedTradeSettlementHeaderMonetarySummation>\
        <ram:GrandTotalAmount>53.64</ram:GrandTotalAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation></rsm:CrossIndustryInvoice>";

    #[test]
    fn both_formats_say_the_same() {
        let invoice = Invoice::parse(CII.as_bytes()).unwrap();
        for (id, value) in [
            ("invoiceNumber", "RE-7"),
            ("invoiceDate", "2031-03-14"),
            ("sellerName", "Northwind"),
            ("sellerVatId", "DE129273398"),
            ("total", "53.64"),
        ] {
            assert_eq!(invoice.values.get(id).map(String::as_str), Some(value), "{id}");
        }
        assert_eq!(invoice.currency.as_deref(), Some("EUR"));
        let line = Values::from([
            ("description", "Blue & green".to_owned()),
            ("quantity", "3".to_owned()),
            ("amount", "29.70".to_owned()),
        ]);
        assert_eq!(invoice.lines, [line]);
        let ubl = "<Invoice><cbc:ID>U-1</cbc:ID><cbc:IssueDate>2031-03-14</cbc:IssueDate><cac:InvoiceLine><cbc:ID>1</cbc:ID>\
            <cbc:LineExtensionAmount currencyID='EUR'>10</cbc:LineExtensionAmount></cac:InvoiceLine></Invoice>";
        let invoice = Invoice::parse(ubl.as_bytes()).unwrap();
        assert_eq!(invoice.values.get("invoiceNumber").map(String::as_str), Some("U-1"));
        assert_eq!(invoice.lines[0].get("amount").map(String::as_str), Some("10"));
        assert!(invoice.to_flow().text.contains("Invoice number\tU-1"));
    }

    #[test]
    fn other_xml_is_no_invoice() {
        for xml in ["<note><ID>1</ID></note>", "<Invoice>", "", "<Invoice><x/></Invoice>", "not XML"] {
            assert_eq!(Invoice::parse(xml.as_bytes()), None, "{xml}");
        }
    }
}
