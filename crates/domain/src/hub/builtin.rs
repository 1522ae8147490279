//! The hubs every new organization begins with: invoices, receipts and laboratory results.
//!
//! A definition is nothing but fields and the labels under which documents show them; extraction has no code for any
//! one hub, so these three are also the example of what a customer's own hub looks like. The labels are the words that
//! are printed on documents, in English, German, French, Spanish, Italian, Dutch and Portuguese; case, accents and
//! punctuation do not matter. Fields without a usual label (who issued the document) have the section words instead.

mod invoices;
mod lab_results;
mod receipts;

use super::{Field, FieldType, Hub};
use crate::id::HubId;

/// A hub without what storage adds: an id and a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub name: &'static str,
    pub fields: Vec<Field>,
}

impl Definition {
    /// The first version of an enabled hub of this definition.
    pub fn into_hub(self, id: HubId) -> Hub {
        Hub::new(id, self.name, self.fields)
    }
}

/// All of them; the first is meant as an organization's default hub.
pub fn all() -> [Definition; 3] {
    [invoices(), receipts(), lab_results()]
}

/// Invoices and credit notes.
pub fn invoices() -> Definition {
    Definition { name: "Invoices", fields: invoices::fields() }
}

/// Till receipts and fuel or restaurant bills.
pub fn receipts() -> Definition {
    Definition { name: "Receipts", fields: receipts::fields() }
}

/// Laboratory reports of one patient.
pub fn lab_results() -> Definition {
    Definition { name: "Lab results", fields: lab_results::fields() }
}

/// A field whose labels stand in one text, separated by `|`.
fn field(id: &str, name: &str, kind: FieldType, labels: &str) -> Field {
    let aliases =
        labels.split('|').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect();
    Field { aliases, ..Field::new(id, name, kind) }
}

fn required(field: Field) -> Field {
    Field { required: true, ..field }
}

fn table(id: &str, name: &str, labels: &str, columns: Vec<Field>) -> Field {
    Field { columns, ..field(id, name, FieldType::Table, labels) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_fields_are_the_documented_ones() {
        let ids = |definition: Definition| {
            definition.fields.iter().map(|field| field.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            ids(invoices()),
            [
                "invoiceNumber",
                "invoiceDate",
                "dueDate",
                "sellerName",
                "sellerVatId",
                "buyerName",
                "purchaseOrder",
                "netTotal",
                "taxTotal",
                "total",
                "iban",
                "lineItems"
            ]
        );
        assert_eq!(
            ids(receipts()),
            ["merchantName", "merchantAddress", "date", "total", "taxTotal", "lineItems"]
        );
        assert_eq!(
            ids(lab_results()),
            ["patientName", "patientId", "dateOfBirth", "collectedAt", "reportedAt", "results"]
        );
    }

    /// One label may stand for two fields (`VAT` for the id and for the amount), but only where the type tells them apart.
    fn assert_labels_tell_apart(fields: &[Field]) {
        let mut seen = HashSet::new();
        for field in fields {
            for alias in &field.aliases {
                assert!(
                    seen.insert((alias.to_lowercase(), field.kind)),
                    "{}: {alias} stands twice",
                    field.id
                );
            }
            assert_labels_tell_apart(&field.columns);
        }
    }

    #[test]
    fn fields_of_one_type_share_no_label() {
        for definition in all() {
            assert_labels_tell_apart(&definition.fields);
        }
    }
}
