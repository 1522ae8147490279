//! Files attached to a PDF, of which invoices as data are read (Factur-X, ZUGFeRD, XRechnung, Order-X).

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Object, Stream, String as PdfString};

use super::forms::decoded;

/// Attachments that are looked at.
const ATTACHMENTS_MAX: usize = 50;
/// Nodes of the tree of names within each other, and all of them.
const TREE_DEPTH_MAX: usize = 16;
/// An invoice as data is far smaller.
const BYTES_MAX: usize = 10_000_000;

/// The first attachment whose name says that it is XML, and that `is_wanted`.
pub(super) fn first_xml<T>(pdf: &Pdf, is_wanted: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let catalogue: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let mut files = Vec::new();
    if let Some(associated) = catalogue.get::<Array<'_>>("AF") {
        files.extend(associated.iter::<Dict<'_>>().take(ATTACHMENTS_MAX));
    }
    let tree = catalogue.get::<Dict<'_>>("Names").and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"));
    if let Some(tree) = tree {
        collect(&tree, 0, &mut files);
    }
    files.iter().filter(|file| name(file).to_ascii_lowercase().ends_with(".xml")).find_map(|file| {
        let embedded = file.get::<Dict<'_>>("EF")?;
        let stream = embedded.get::<Stream<'_>>("F").or_else(|| embedded.get::<Stream<'_>>("UF"))?;
        let bytes = stream.decoded().ok()?;
        if bytes.len() <= BYTES_MAX { is_wanted(&bytes) } else { None }
    })
}

fn name(file: &Dict<'_>) -> String {
    let name = file.get::<PdfString<'_>>("UF").or_else(|| file.get::<PdfString<'_>>("F"));
    name.map(|name| decoded(&name)).unwrap_or_default()
}

/// The values of a name tree (ISO 32000-2, 7.9.6).
fn collect<'a>(node: &Dict<'a>, depth: usize, files: &mut Vec<Dict<'a>>) {
    if let Some(names) = node.get::<Array<'a>>("Names") {
        let values = names.iter::<Object<'a>>().skip(1).step_by(2).filter_map(Object::into_dict);
        files.extend(values.take(ATTACHMENTS_MAX.saturating_sub(files.len())));
    }
    if let (Some(kids), true) = (node.get::<Array<'a>>("Kids"), depth < TREE_DEPTH_MAX) {
        for kid in kids.iter::<Dict<'a>>().take(ATTACHMENTS_MAX) {
            if files.len() >= ATTACHMENTS_MAX {
                return;
            }
            collect(&kid, depth + 1, files);
        }
    }
}
