//! What the fuzzers do with their bytes. The tests of the crate do the same with the corpora.

use domain::hub::builtin;
use domain::id::HubId;
use insights::extract::{extract, text_of};
use insights::page::{Alternative, Page, PageSource, Rect, Word};
use insights::read::{Limits, open};

/// The first byte chooses the name, because text is told apart by it; the rest is the document.
const NAMES: [&str; 8] = ["a", "a.csv", "a.html", "a.eml", "a.txt", "a.zip", "a.docx", "a.xml"];
/// More makes a run slow and finds nothing else.
const WORDS_MAX: usize = 2_000;

/// Reads a document of any kind, without OCR.
pub fn readers(data: &[u8]) {
    let Some((first, document)) = data.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let limits = Limits { pages_max: 20, page_pixels_max: 1_000_000 };
    let Ok(opened) = open(document.to_vec(), name, &limits) else { return };
    let pages = opened.text_pages();
    assert_eq!(pages.len(), opened.page_count());
    for page in &pages {
        let within = |value: f32| (0.0..=1.0001).contains(&value);
        for word in &page.words {
            let Rect { x, y, .. } = word.rect;
            assert!(
                within(x) && within(y) && within(word.rect.right()) && within(word.rect.bottom()),
                "{word:?}"
            );
        }
        assert!(page.source != PageSource::Flow || page.offsets.len() == page.words.len());
        assert!(page.offsets.windows(2).all(|pair| pair[0].1 <= pair[1].0), "offsets go back");
    }
}

/// Extracts the fields of every built-in hub from words at any places.
pub fn candidates(data: &[u8]) {
    let mut words = Vec::new();
    for line in String::from_utf8_lossy(data).lines() {
        for text in line.split_whitespace() {
            let place = |shift: usize| {
                let sum: usize = text.bytes().skip(shift).step_by(3).map(usize::from).sum();
                ((words.len() * 37 + sum * 11) % 997) as f32 / 1000.0
            };
            let rect = Rect { x: place(0), y: place(1), width: 0.002 * text.len() as f32, height: 0.012 };
            words.push(Word { text: text.to_owned(), rect, confidence: place(2), font_size: 10.0 });
        }
    }
    words.truncate(WORDS_MAX);
    // What the next word says is what an uncertain one may say instead.
    let others = words.windows(2).enumerate().filter(|(_, pair)| pair[0].confidence < 0.5);
    let alternatives = others.map(|(nth, pair)| Alternative {
        word: nth as u32,
        text: pair[1].text.clone(),
        confidence: pair[0].confidence / 2.0,
    });
    let alternatives = alternatives.collect();
    check(&[Page { alternatives, skew: 2.5, ..Page::new(1, (595.0, 842.0), PageSource::Ocr, words) }]);
}

/// Reads a table of separated values, and extracts every built-in hub's fields from it.
pub fn tables(data: &[u8]) {
    let header = b"Description;Quantity;Unit price;Amount;Test;Result;Unit;Reference range\n";
    let limits = Limits::default();
    let table = [&header[..], &data[..data.len().min(20_000)]].concat();
    if let Ok(opened) = open(table, "table.csv", &limits) {
        check(&opened.text_pages());
    }
}

fn check(pages: &[Page]) {
    for hub in builtin::all().into_iter().map(|definition| definition.into_hub(HubId::from_bytes([1; 12]))) {
        let output = extract(pages, &hub);
        assert_eq!(output.fields.len(), hub.fields.len());
        assert!(output.fields.iter().all(|field| (0.0..=1.0).contains(&field.confidence)));
    }
    assert!(text_of(pages, 1000).chars().count() <= 1000);
}
