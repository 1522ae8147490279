//! What the modules share.

use domain::{
    extraction::{ExtractionOutput, FieldOutput, FieldValue, Money},
    hub::FieldType,
};

/// Declares tests that run on both databases; each is an `async fn` that takes a [`testkit::platform::Platform`].
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(testkit::platform::Platform::start(testkit::platform::Backend::Sqlite).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(testkit::platform::Platform::start(testkit::platform::Backend::Postgres).await).await;
            })*
        }
    };
}
pub(crate) use on_both_databases;

pub const PDF: &[u8] = b"%PDF-1.7\nnot much of one\n%%EOF\n";
pub const JOBS: &str = "/document-insights/jobs";
pub const EXTRACT: &str = "/document-insights/jobs/extract";
pub const UPLOAD: &str = "/document-insights/jobs/extract/upload";
pub const SUBSCRIPTIONS: &str = "/event-subscriptions";
/// Well formed, and nobody's.
pub const ULID: &str = "01JBM7ZK3QW8Y4T9V2N6R5XCHD";

/// An output with a text, a sum, and a field that the document does not have.
pub fn output() -> ExtractionOutput {
    let field = |id: &str, kind, value| FieldOutput {
        id: id.into(),
        name: id.into(),
        kind,
        value,
        text: None,
        confidence: 0.9,
        placements: Vec::new(),
        confidence_reasons: Vec::new(),
    };
    let total = FieldValue::Money(Money { amount: "12.50".into(), currency: Some("EUR".into()) });
    ExtractionOutput::new(vec![
        field("invoiceNumber", FieldType::String, Some(FieldValue::Text("INV-1".into()))),
        field("total", FieldType::Money, Some(total)),
        field("iban", FieldType::String, None),
    ])
}

/// The status and the code of an error, to compare with [`testkit::platform::Answer::error`].
pub fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
