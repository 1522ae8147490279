//! What a form was filled with, and remarks written on a page.
//!
//! Most programs draw the values of a form's fields where they stand, and then they are text like any other. Some only
//! store them and leave the drawing to whoever shows the page; and check boxes are drawn as letters of a symbol font. So
//! a field's value is added where nothing is drawn in its box, and a check box becomes a mark that says yes or no.

use hayro_syntax::object::{Array, Dict, Name, Object, Rect as PdfRect, String as PdfString};
use kurbo::{Affine, Rect, Size};

use super::words;
use crate::page::{self, Word};

/// Fields inherit from their parents, of which there are no more than this.
const PARENTS_MAX: usize = 16;
/// Annotations of a page; a page has no use for more.
const ANNOTATIONS_MAX: usize = 5_000;
const VALUE_CHARACTERS_MAX: usize = 10_000;
const HIDDEN: u32 = 1 << 1;
const NO_VIEW: u32 = 1 << 5;
/// Of a button: it does something and holds nothing.
const PUSH_BUTTON: u32 = 1 << 16;
/// Type in a field is no larger than this, in points, and no larger than this share of the field's height.
const TYPE_MAX: f64 = 11.0;
const TYPE_SHARE: f64 = 0.75;
const LEADING: f64 = 1.15;
/// Width of a letter, in type sizes.
const ADVANCE: f64 = 0.5;
const CHECKED: &str = "☒";
const UNCHECKED: &str = "☐";

/// What stands in a box of a page, whether it is drawn or not.
enum Content {
    Text(String),
    Mark(bool),
}

/// Adds what the page's fields and remarks say to its words.
pub(super) fn complete(annotations: &Array<'_>, to_page: Affine, size: Size, words: &mut Vec<Word>) {
    for annotation in annotations.iter::<Dict<'_>>().take(ANNOTATIONS_MAX) {
        let flags = annotation.get::<u32>("F").unwrap_or_default();
        let Some(rect) = annotation.get::<PdfRect>("Rect").filter(|_| flags & (HIDDEN | NO_VIEW) == 0) else {
            continue;
        };
        let rect = Rect::new(rect.x0, rect.y0, rect.x1, rect.y1);
        let place = to_page.transform_rect_bbox(rect).intersect(size.to_rect());
        if !(place.width() > 1.0 && place.height() > 1.0) {
            continue;
        }
        let around = words::fraction(place, size);
        match content(&annotation) {
            Some(Content::Mark(is_checked)) => {
                // Whatever is drawn there is the mark, in letters that mean nothing.
                words.retain(|word| !(is_within(word, &around) && word.text.chars().count() <= 2));
                let text = if is_checked { CHECKED } else { UNCHECKED }.to_owned();
                words.push(Word { text, rect: around, confidence: 1.0, font_size: place.height() as f32 });
            }
            Some(Content::Text(text)) if !words.iter().any(|word| is_within(word, &around)) => {
                set(&text, place, size, words);
            }
            _ => {}
        }
    }
}

fn is_within(word: &Word, place: &page::Rect) -> bool {
    let (x, y) = (word.rect.x + word.rect.width / 2.0, word.rect.middle());
    (place.x..=place.right()).contains(&x) && (place.y..=place.bottom()).contains(&y)
}

fn content(annotation: &Dict<'_>) -> Option<Content> {
    let name = |key: &str| annotation.get::<Name<'_>>(key).map(|name| name.as_str().to_owned());
    match name("Subtype")?.as_str() {
        "FreeText" => annotation.get::<PdfString<'_>>("Contents").map(|text| Content::Text(decoded(&text))),
        "Widget" => field(annotation, name("AS")),
        _ => None,
    }
}

/// What a form field holds. Its type and value may stand at a parent.
fn field(widget: &Dict<'_>, state: Option<String>) -> Option<Content> {
    let line: Vec<Dict<'_>> =
        std::iter::successors(Some(widget.clone()), |field| field.get::<Dict<'_>>("Parent"))
            .take(PARENTS_MAX)
            .collect();
    let inherited = |key: &str| line.iter().find_map(|field| field.get::<Object<'_>>(key));
    let kind = inherited("FT")?.into_name()?;
    match kind.as_str() {
        "Tx" | "Ch" => {
            let text = shown(inherited("V")?)?;
            (!text.trim().is_empty()).then_some(Content::Text(text))
        }
        "Btn" => {
            let flags = line.iter().find_map(|field| field.get::<u32>("Ff")).unwrap_or_default();
            let value = || inherited("V").and_then(Object::into_name).map(|name| name.as_str().to_owned());
            let state = state.or_else(value).unwrap_or_else(|| "Off".to_owned());
            (flags & PUSH_BUTTON == 0).then_some(Content::Mark(state != "Off"))
        }
        _ => None,
    }
}

/// A text, or several choices.
fn shown(value: Object<'_>) -> Option<String> {
    match value {
        Object::String(text) => Some(decoded(&text)),
        Object::Name(name) => Some(name.as_str().to_owned()),
        Object::Array(choices) => {
            let texts: Vec<String> =
                choices.iter::<PdfString<'_>>().take(100).map(|text| decoded(&text)).collect();
            Some(texts.join(", "))
        }
        Object::Stream(stream) => {
            let bytes = stream.decoded().ok()?;
            Some(String::from_utf8_lossy(&bytes[..bytes.len().min(VALUE_CHARACTERS_MAX)]).into_owned())
        }
        _ => None,
    }
}

/// A text string is UTF-16 or UTF-8 with a mark, else in PDFDocEncoding (ISO 32000-2, 7.9.2.2), which is Latin-1 where
/// it matters.
pub(super) fn decoded(text: &[u8]) -> String {
    let text = &text[..text.len().min(VALUE_CHARACTERS_MAX * 2)];
    match encoding_rs::Encoding::for_bom(text) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling(&text[mark..]).0.into_owned(),
        None => encoding_rs::WINDOWS_1252.decode_without_bom_handling(text).0.into_owned(),
    }
}

/// Sets a text within its box, line by line from the top.
fn set(text: &str, place: Rect, page: Size, words: &mut Vec<Word>) {
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).collect();
    let room = place.height() / lines.len().max(1) as f64;
    let size = (room * TYPE_SHARE).clamp(1.0, TYPE_MAX);
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default().max(1);
    let advance = (size * ADVANCE).min(place.width() / widest as f64);
    // One line stands in the middle of its box, several begin at the top.
    let mut top =
        if lines.len() == 1 { place.y0 + (place.height() - size) / 2.0 } else { place.y0 + size * 0.1 };
    for line in lines {
        let mut column = 0;
        for word in line.split(' ') {
            let letters = word.chars().count();
            let left = place.x0 + column as f64 * advance;
            column += letters + 1;
            let rect = Rect::new(left, top, left + letters as f64 * advance, top + size);
            let rect = words::fraction(rect, page);
            if letters > 0 && rect.width > 0.0 && rect.height > 0.0 {
                words.push(Word { text: word.to_owned(), rect, confidence: 1.0, font_size: size as f32 });
            }
        }
        top += (size * LEADING).min(room);
    }
}
