//! What a field is about, beyond its type: told from its id, name and labels, so that any hub's fields have it.
//!
//! A field that is the issuer of a document is looked for at its head although no label stands there; a total takes
//! part in sums; an IBAN has check digits. Nothing here knows a particular hub.

use super::text::fold;
use domain::hub::{Field, FieldType};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Nothing but its type and its labels.
    Plain,
    Identifier,
    Iban,
    TaxId,
    /// Who issued the document.
    Issuer,
    /// Whom it is addressed to.
    Recipient,
    Person,
    Address,
    NetAmount,
    TaxAmount,
    GrandTotal,
    /// When the document was issued.
    IssueDate,
    DueDate,
    BirthDate,
}

impl Role {
    pub(super) fn of(field: &Field) -> Role {
        let name = format!("{} {}", split_words(&field.id), split_words(&field.name));
        let has = |words: &[&str]| words.iter().any(|word| name.split(' ').any(|part| part == *word));
        let contains = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        match field.kind {
            FieldType::Money | FieldType::Number => {
                if contains(&[
                    "net total",
                    "subtotal",
                    "sub total",
                    "total net",
                    "net amount",
                    "netto",
                    "imponible",
                    "imponibile",
                ]) {
                    Role::NetAmount
                } else if has(&["tax", "vat", "gst", "mwst", "ust", "tva", "iva", "btw", "steuer"]) {
                    Role::TaxAmount
                } else if field.kind == FieldType::Money
                    && has(&[
                        "total",
                        "gesamtbetrag",
                        "summe",
                        "gesamt",
                        "totale",
                        "totaal",
                        "brutto",
                        "gross",
                    ])
                {
                    Role::GrandTotal
                } else {
                    Role::Plain
                }
            }
            FieldType::Date | FieldType::DateTime => {
                if contains(&["due", "fallig", "echeance", "vencimiento", "scadenza", "verval", "vencimento"])
                {
                    Role::DueDate
                } else if contains(&[
                    "birth",
                    "geburt",
                    "naissance",
                    "nacimiento",
                    "nascita",
                    "geboorte",
                    "nascimento",
                ]) {
                    Role::BirthDate
                } else if name.split(' ').all(|word| matches!(word, "" | "date" | "datum" | "fecha" | "data"))
                    || has(&[
                        "invoice",
                        "issue",
                        "issued",
                        "receipt",
                        "document",
                        "rechnungsdatum",
                        "facture",
                        "fattura",
                        "factura",
                    ])
                {
                    Role::IssueDate
                } else {
                    Role::Plain
                }
            }
            FieldType::String => Self::of_text(&name),
            _ => Role::Plain,
        }
    }

    fn of_text(name: &str) -> Role {
        let has = |words: &[&str]| words.iter().any(|word| name.split(' ').any(|part| part == *word));
        if has(&["iban"]) {
            Role::Iban
        } else if has(&["vat", "ustid", "ustidnr", "tva", "gstin", "btw", "piva"])
            || (has(&["tax"]) && has(&["id", "number"]))
        {
            Role::TaxId
        } else if has(&[
            "address",
            "adresse",
            "anschrift",
            "direccion",
            "indirizzo",
            "adres",
            "endereco",
            "morada",
        ]) {
            Role::Address
        } else if has(&[
            "number",
            "no",
            "nr",
            "id",
            "code",
            "reference",
            "ref",
            "numero",
            "nummer",
            "order",
            "sku",
            "isbn",
            "bic",
            "swift",
            "serial",
        ]) {
            Role::Identifier
        } else if has(&[
            "seller",
            "merchant",
            "supplier",
            "vendor",
            "issuer",
            "company",
            "store",
            "shop",
            "lieferant",
            "verkaufer",
            "fournisseur",
            "proveedor",
            "fornitore",
            "leverancier",
            "fornecedor",
        ]) {
            Role::Issuer
        } else if has(&[
            "buyer",
            "customer",
            "client",
            "recipient",
            "kunde",
            "kaufer",
            "acheteur",
            "cliente",
            "klant",
            "comprador",
        ]) {
            Role::Recipient
        } else if has(&[
            "patient",
            "person",
            "employee",
            "applicant",
            "insured",
            "contact",
            "passenger",
            "tenant",
            "driver",
        ]) || (has(&["first", "last", "full", "given", "family"]) && has(&["name"]))
        {
            Role::Person
        } else {
            Role::Plain
        }
    }

    /// Values of these roles stand on the page as names.
    pub(super) fn is_name(self) -> bool {
        matches!(self, Role::Issuer | Role::Recipient | Role::Person)
    }

    pub(super) fn is_code(self) -> bool {
        matches!(self, Role::Identifier | Role::Iban | Role::TaxId)
    }
}

/// `invoiceNumber` and `Invoice number` are the words `invoice number`.
pub(super) fn split_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 4);
    let mut piece = String::new();
    let mut lower_before = false;
    for character in text.chars() {
        let starts_word = character.is_uppercase() && lower_before;
        if starts_word || !character.is_alphanumeric() {
            push_word(&mut words, &mut piece);
        }
        if character.is_alphanumeric() {
            piece.push(character);
        }
        lower_before = character.is_lowercase();
    }
    push_word(&mut words, &mut piece);
    words
}

fn push_word(words: &mut String, piece: &mut String) {
    if !piece.is_empty() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&fold(piece));
        piece.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_follows_from_the_name() {
        let role = |id: &str, kind| Role::of(&Field::new(id, id, kind));
        assert_eq!(role("invoiceNumber", FieldType::String), Role::Identifier);
        assert_eq!(role("merchantName", FieldType::String), Role::Issuer);
        assert_eq!(role("merchantAddress", FieldType::String), Role::Address);
        assert_eq!(role("sellerVatId", FieldType::String), Role::TaxId);
        assert_eq!(role("patientName", FieldType::String), Role::Person);
        assert_eq!(role("total", FieldType::Money), Role::GrandTotal);
        assert_eq!(role("netTotal", FieldType::Money), Role::NetAmount);
        assert_eq!(role("taxTotal", FieldType::Money), Role::TaxAmount);
        assert_eq!(role("date", FieldType::Date), Role::IssueDate);
        assert_eq!(role("dueDate", FieldType::Date), Role::DueDate);
        assert_eq!(role("collectedAt", FieldType::DateTime), Role::Plain);
    }
}
