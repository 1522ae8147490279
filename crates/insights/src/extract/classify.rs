//! Which hub a document is for, told from its content alone.
//!
//! A document of a hub shows the labels of the hub's fields, and often the hub's name as its title. What counts is how many
//! different fields show themselves, weighed by how telling their labels are: a label that several hubs have (`Date`) says
//! little. "None of them" is an answer too.

use super::{
    labels::Labels,
    layout::Document,
    lexicon::{Lexicon, Meaning},
    roles::split_words,
    text::fold,
};
use crate::{
    learn::{Profile, likeness},
    page::Page,
};
use domain::{
    extraction::round4,
    hub::{Field, FieldType, Hub},
    id::HubId,
};
use std::collections::HashMap;

/// Below this the document fits no hub.
const SCORE_MIN: f64 = 1.6;
/// What the hub's name on the page is worth, in fields.
const NAME_WORTH: f64 = 1.5;
/// Titles that stand for a kind of document, folded: one of them on the page and in a hub's words supports the hub.
const KINDS: [&[&str]; 3] = [
    &[
        "invoice",
        "rechnung",
        "facture",
        "factura",
        "fattura",
        "factuur",
        "fatura",
        "gutschrift",
        "creditnote",
        "avoir",
    ],
    &[
        "receipt",
        "cashbill",
        "kassenbon",
        "quittung",
        "bon",
        "ticket",
        "recibo",
        "ricevuta",
        "scontrino",
        "kassabon",
        "cashsale",
    ],
    &[
        "lab",
        "laboratory",
        "labor",
        "laborbefund",
        "befund",
        "laboratoire",
        "laboratorio",
        "referto",
        "analyses",
        "specimen",
        "pathology",
    ],
];
/// Pages that are looked at: what a document is shows at its beginning.
const PAGES_MAX: usize = 3;

/// The enabled hub that fits the document best, with the probability that it is the right one; `None` where none fits.
pub fn classify(pages: &[Page], hubs: &[Hub]) -> Option<(HubId, f64)> {
    classify_above(pages, hubs, |_| SCORE_MIN)
}

fn classify_above(pages: &[Page], hubs: &[Hub], least: impl Fn(HubId) -> f64) -> Option<(HubId, f64)> {
    let document = Document::new(&pages[..pages.len().min(PAGES_MAX)]);
    let enabled: Vec<&Hub> = hubs.iter().filter(|hub| hub.enabled).collect();
    let shared = label_counts(&enabled);
    let mut scored: Vec<(f64, HubId)> =
        enabled.iter().map(|hub| (score(&document, hub, &shared), hub.id)).collect();
    scored.retain(|(score, id)| *score >= least(*id));
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let &(best, id) = scored.first()?;
    let all: f64 =
        scored.iter().map(|(score, _)| (score - best).exp()).sum::<f64>() + (SCORE_MIN - 1.0 - best).exp();
    Some((id, round4(1.0 / all)))
}

/// From here on a document is like those that the hub was taught with.
const ALIKE_MIN: f64 = 0.3;
/// What a taught hub's labels must show where its documents are unlike: its own say what they look like.
const SCORE_MIN_TAUGHT: f64 = 2.0 * SCORE_MIN;

/// The same, with what is known of the documents of each hub (in the order of `hubs`): where the document is like those
/// of a taught hub, that decides; else labels do, and a taught hub must show more of them.
pub fn classify_learned(pages: &[Page], hubs: &[Hub], profiles: &[Option<Profile>]) -> Option<(HubId, f64)> {
    let taught: Vec<(HubId, &Profile)> = hubs
        .iter()
        .zip(profiles)
        .filter_map(|(hub, profile)| Some((hub.id, profile.as_ref()?)).filter(|_| hub.enabled))
        .filter(|(_, profile)| profile.is_telling())
        .collect();
    let known: Vec<&Profile> = taught.iter().map(|(_, profile)| *profile).collect();
    let mut alike: Vec<(f64, HubId)> =
        likeness(pages, &known).into_iter().zip(taught.iter().map(|(id, _)| *id)).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    if let Some(&(best, id)) = alike.first().filter(|(best, _)| *best >= ALIKE_MIN) {
        let others: f64 = alike.iter().skip(1).map(|(other, _)| ((other - best) * 20.0).exp()).sum();
        let none = ((ALIKE_MIN - 0.1 - best) * 20.0).exp();
        return Some((id, round4(1.0 / (1.0 + others + none))));
    }
    let is_taught = |id: HubId| taught.iter().any(|(taught, _)| *taught == id);
    classify_above(pages, hubs, |id| if is_taught(id) { SCORE_MIN_TAUGHT } else { SCORE_MIN })
}

/// In how many hubs each label stands.
fn label_counts(hubs: &[&Hub]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for hub in hubs {
        let mut labels: Vec<String> = all_labels(hub).map(|(_, label)| fold(&label)).collect();
        labels.sort_unstable();
        labels.dedup();
        for label in labels {
            *counts.entry(label).or_insert(0) += 1;
        }
    }
    counts
}

/// The labels of a hub, each with the number of its field; columns count as fields.
fn all_labels(hub: &Hub) -> impl Iterator<Item = (usize, String)> {
    let fields = hub.fields.iter().flat_map(|field| {
        let own = (field.kind != FieldType::Table).then_some(field);
        own.into_iter().chain(&field.columns)
    });
    fields.enumerate().flat_map(|(number, field)| labels_of(field).map(move |label| (number, label)))
}

fn labels_of(field: &Field) -> impl Iterator<Item = String> {
    [field.name.clone(), split_words(&field.id)].into_iter().chain(field.aliases.iter().cloned())
}

fn score(document: &Document<'_>, hub: &Hub, shared: &HashMap<String, usize>) -> f64 {
    let lexicon = Lexicon::new(all_labels(hub).map(|(field, label)| (Meaning::Field(field), label)));
    let labels = Labels::find(document, &lexicon);
    let mut best: HashMap<usize, f64> = HashMap::new();
    for label in (0..document.segments.len()).flat_map(|segment| labels.in_segment(segment)) {
        let hubs_with_it = shared.get(&fold(document.text(label.span))).copied().unwrap_or(1);
        let worth = f64::from(label.quality) / (hubs_with_it as f64).powi(2);
        for meaning in &label.meanings {
            if let Meaning::Field(field) = meaning {
                let known = best.entry(*field).or_insert(0.0);
                *known = known.max(worth);
            }
        }
    }
    best.values().sum::<f64>() + name_score(document, hub)
}

fn name_score(document: &Document<'_>, hub: &Hub) -> f64 {
    let name = split_words(&hub.name);
    let field_words: Vec<String> = hub.fields.iter().map(|field| split_words(&field.id)).collect();
    let singular = fold(&name).trim_end_matches('s').to_owned();
    let kind = KINDS.iter().find(|kind| {
        let speaks = |text: &str| text.split(' ').any(|word| kind.contains(&word.trim_end_matches('s')));
        speaks(&name) || field_words.iter().filter(|words| speaks(words)).count() >= 2
    });
    let words = document.words.iter().map(|word| fold(&word.text));
    let met = words.fold(0.0_f64, |met, word| {
        let says_name = singular.len() >= 4 && word.starts_with(&singular);
        let says_kind = kind.is_some_and(|kind| {
            kind.iter().any(|title| word == *title || (title.len() > 6 && word.starts_with(title)))
        });
        met.max(if says_name || says_kind { 1.0 } else { 0.0 })
    });
    met * NAME_WORTH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::samples::page;
    use domain::hub::builtin;

    fn hubs() -> Vec<Hub> {
        (1..)
            .zip(builtin::all())
            .map(|(number, definition)| definition.into_hub(HubId::from_bytes([number; 12])))
            .collect()
    }

    fn name_of(texts: &[(f32, f32, &str)]) -> Option<String> {
        let hubs = hubs();
        let (id, confidence) = classify(&[page(texts)], &hubs)?;
        assert!((0.0..=1.0).contains(&confidence));
        hubs.into_iter().find(|hub| hub.id == id).map(|hub| hub.name)
    }

    #[test]
    fn each_kind_of_document_finds_its_hub() {
        let invoice = [
            (0.1, 0.05, "INVOICE"),
            (0.1, 0.1, "Invoice number: A-17"),
            (0.1, 0.15, "Due date: 01.02.2024"),
            (0.1, 0.2, "Bill to: Somebody"),
            (0.1, 0.3, "IBAN: DE89370400440532013000"),
        ];
        assert_eq!(name_of(&invoice).as_deref(), Some("Invoices"));
        let report = [
            (0.1, 0.05, "Laboratory report"),
            (0.1, 0.1, "Patient name: Someone"),
            (0.1, 0.15, "Date of birth: 01.02.1980"),
            (0.1, 0.2, "Collected: 01.02.2024"),
            (0.1, 0.3, "Reference range"),
        ];
        assert_eq!(name_of(&report).as_deref(), Some("Lab results"));
        let receipt = [
            (0.1, 0.05, "RECEIPT"),
            (0.1, 0.1, "Transaction date: 01.02.2024"),
            (0.1, 0.2, "Rounded total 5.00"),
        ];
        assert_eq!(name_of(&receipt).as_deref(), Some("Receipts"));
    }

    #[test]
    fn a_letter_fits_no_hub() {
        assert_eq!(name_of(&[(0.1, 0.1, "Dear aunt, the weather here is fine and we swim a lot.")]), None);
        assert_eq!(name_of(&[]), None);
    }
}
