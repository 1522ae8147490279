//! The key of the transaction that a document is about, from the fields that its hub names.

use super::Hub;
use crate::extraction::{ExtractionOutput, FieldValue};

/// A key that rests on less would refuse documents that are not the same.
const CONFIDENCE_MIN: f64 = 0.5;

/// The values of the hub's key fields as one text; none where the hub names none, or one of them was not found with
/// some certainty. Case, blanks and punctuation do not count: `INV 0042` and `inv-0042` are one number.
pub fn transaction_key(hub: &Hub, output: &ExtractionOutput) -> Option<String> {
    let key = hub.business_key.as_ref()?;
    let parts = key.fields.iter().map(|id| {
        let field = output.fields.iter().find(|field| field.id == *id)?;
        let value = field.value.as_ref().filter(|_| field.confidence >= CONFIDENCE_MIN)?;
        folded(value).filter(|part| !part.is_empty())
    });
    Some(parts.collect::<Option<Vec<String>>>()?.join("|"))
}

fn folded(value: &FieldValue) -> Option<String> {
    Some(match value {
        FieldValue::Text(text) => {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        }
        FieldValue::Money(money) => money.amount.clone(),
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::Table(_) | FieldValue::List(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        extraction::FieldOutput,
        hub::{BusinessKey, Field, FieldType},
        id::HubId,
    };

    fn key(number: &str, confidence: f64) -> Option<String> {
        let fields = vec![Field::new("number", "Number", FieldType::String)];
        let business_key = BusinessKey { fields: vec!["number".into()], duplicates: Default::default() };
        let hub =
            Hub { business_key: Some(business_key), ..Hub::new(HubId::from_bytes([1; 12]), "H", fields) };
        let field = FieldOutput {
            id: "number".into(),
            name: "Number".into(),
            kind: FieldType::String,
            value: Some(FieldValue::Text(number.into())),
            text: None,
            confidence,
            placements: Vec::new(),
            confidence_reasons: Vec::new(),
        };
        transaction_key(&hub, &ExtractionOutput::new(vec![field]))
    }

    #[test]
    fn how_a_number_is_written_does_not_count_and_doubt_does() {
        assert_eq!(key("INV 0042", 0.9), key("inv-0042", 0.6));
        assert_ne!(key("INV-0042", 0.9), key("INV-0043", 0.9));
        assert_eq!(key("INV-0042", 0.4), None);
        assert_eq!(key("--", 0.9), None);
    }
}
