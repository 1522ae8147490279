//! Pages in, typed fields out.
//!
//! `words → lines and segments → labels → candidates → scores → joint choice → typed values with confidence and places`
//!
//! Nothing here knows a particular hub, seller or layout. A hub is a list of fields with names, types and the labels under
//! which documents show them; every step works on that alone, so a hub of a customer's own is read like the built-in ones.
//! The model is linear: a few dozen generic features for each candidate (see [`mod@features`]), a softmax over all candidates
//! and "the document has none", equal values pooled. It reads a page in a few milliseconds and is the same for the same
//! input, always.
//!
//! What is promised: every field of the hub appears in its order; a value has its field's type; every box lies on its page;
//! time grows linearly with the number of words (what is looked at is bounded by [`domain::limits`]).

mod amounts;
mod candidates;
mod choose;
mod classify;
mod codes;
mod confidence;
mod context;
mod dates;
mod features;
mod labels;
mod layout;
mod lexicon;
mod rates;
mod relate;
mod roles;
#[cfg(test)]
mod samples;
mod shapes;
mod tables;
mod text;
mod totals;
mod values;
mod weights;

pub use self::classify::classify;
use self::{
    candidates::{Candidate, Needs, Pools, Reading},
    choose::Options,
    confidence::{Evidence, EvidenceRow},
    context::Context,
    features::{Asked, features},
    labels::Labels,
    layout::Document,
    lexicon::{ELSEWHERE, Lexicon, Meaning},
    roles::Role,
    weights::Class,
};
use crate::page::Page;
use domain::{
    extraction::{ExtractionOutput, FieldOutput},
    hub::{Field, FieldType, Hub},
};
use regex::Regex;

/// Reads the fields of a hub from the pages of a document.
pub fn extract(pages: &[Page], hub: &Hub) -> ExtractionOutput {
    extract_with_evidence(pages, hub).0
}

/// Also gives what the confidence calibrator looks at, one row for each field: what its constants are fitted on.
pub fn extract_with_evidence(pages: &[Page], hub: &Hub) -> (ExtractionOutput, Vec<EvidenceRow>) {
    let document = Document::new(pages);
    let roles: Vec<Role> = hub.fields.iter().map(Role::of).collect();
    let labels = Labels::find(&document, &lexicon_of(&hub.fields));
    let texts = || document.segments.iter().map(|segment| segment.text.as_str());
    let american = texts().any(dates::looks_american);
    let order = dates::decide_order(texts(), american);
    let currency = amounts::document_currency(texts());
    let pools = Pools::build(&document, &labels, order, needs(&hub.fields, &roles));
    let context = Context::new(&document, &labels, &pools.numbers);
    let name_fields: Vec<usize> = (0..roles.len()).filter(|&index| roles[index].is_name()).collect();
    let sums: Vec<Vec<Candidate>> = roles
        .iter()
        .enumerate()
        .map(|(index, role)| match role {
            Role::NetAmount | Role::TaxAmount => rates::sums(&document, &pools.numbers, index),
            _ => Vec::new(),
        })
        .collect();
    let scorer = Scorer {
        document: &document,
        labels: &labels,
        context: &context,
        name_fields: &name_fields,
        pools: &pools,
        sums: &sums,
    };
    let mut options: Vec<Options<'_>> = hub
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| scorer.options(index, field, roles[index]))
        .collect();
    choose::jointly(&mut options, &context.rates);
    let fields = hub.fields.iter().zip(&options);
    let tables =
        tables::Asked { document: &document, labels: &labels, hub_fields: &hub.fields, currency, order };
    let (fields, evidence) = fields
        .map(|(field, options)| match field.kind {
            FieldType::Table => (tables::extract(&tables, field), EvidenceRow::default()),
            _ => output(&document, field, options, currency),
        })
        .unzip();
    (ExtractionOutput::new(fields), evidence)
}

/// The labels of a hub's fields, and the ones that point elsewhere.
fn lexicon_of(fields: &[Field]) -> Lexicon {
    let own = fields.iter().enumerate().filter(|(_, field)| field.kind != FieldType::Table).flat_map(
        |(index, field)| {
            let names = [field.name.clone(), roles::split_words(&field.id)];
            names
                .into_iter()
                .chain(field.aliases.iter().cloned())
                .map(move |label| (Meaning::Field(index), label))
        },
    );
    let elsewhere = ELSEWHERE.iter().flat_map(|(meaning, labels)| {
        labels.split('|').map(move |label| (*meaning, label.trim().to_owned()))
    });
    Lexicon::new(own.chain(elsewhere))
}

fn needs(fields: &[Field], roles: &[Role]) -> Needs {
    let any = |kinds: &[FieldType]| fields.iter().any(|field| kinds.contains(&field.kind));
    Needs {
        dates: any(&[FieldType::Date, FieldType::DateTime]),
        numbers: any(&[FieldType::Money, FieldType::Integer, FieldType::Number]),
        texts: any(&[FieldType::String, FieldType::Enum, FieldType::Boolean, FieldType::List]),
        stacks: roles.iter().any(|role| role.is_name() || *role == Role::Address),
    }
}

struct Scorer<'a, 'p> {
    document: &'a Document<'p>,
    labels: &'a Labels,
    context: &'a Context,
    name_fields: &'a [usize],
    pools: &'a Pools,
    /// Per field, what its amounts for several rates add up to.
    sums: &'a [Vec<Candidate>],
}

impl<'a> Scorer<'a, '_> {
    fn options(&self, index: usize, field: &Field, role: Role) -> Options<'a> {
        let class = Class::of(field.kind, role);
        let pattern = field.pattern.as_deref().and_then(whole_match);
        let asked = Asked { field: index, role, name_fields: self.name_fields };
        let fits = |candidate: &&Candidate| {
            admissible(self.document, field, role, candidate)
                && pattern.as_ref().is_none_or(|pattern| pattern.is_match(candidate.text.trim()))
        };
        let scored = self.pool(field, role).chain(&self.sums[index]).filter(fits).map(|candidate| {
            let row = features(self.document, self.labels, self.context, &asked, candidate);
            // A hub's own pattern is strong evidence: few other texts have the shape.
            let shaped = if pattern.is_some() { 2.0 } else { 0.0 };
            (class.score(&row) + shaped, candidate)
        });
        // A required field is missing from few documents.
        let none_score = class.none_score() - if field.required { 1.0 } else { 0.0 };
        Options::new(role, scored.collect(), none_score)
    }

    fn pool(&self, field: &Field, role: Role) -> Box<dyn Iterator<Item = &'a Candidate> + 'a> {
        let pools = self.pools;
        match field.kind {
            FieldType::Date | FieldType::DateTime => Box::new(pools.dates.iter()),
            FieldType::Money | FieldType::Integer | FieldType::Number => Box::new(pools.numbers.iter()),
            FieldType::String if role.is_code() || field.pattern.is_some() => {
                Box::new(pools.codes.iter().chain(&pools.texts))
            }
            FieldType::String if role.is_name() => {
                Box::new(pools.texts.iter().chain(pools.stacks.iter().filter(|stack| stack.spans.len() == 2)))
            }
            FieldType::String if role == Role::Address => Box::new(pools.texts.iter().chain(&pools.stacks)),
            FieldType::String | FieldType::Boolean | FieldType::Enum | FieldType::List => {
                Box::new(pools.texts.iter())
            }
            FieldType::Table => Box::new(std::iter::empty()),
        }
    }
}

/// A pattern of a hub must match the whole value. One that is broken or too large to compile is as if it were not there:
/// the hub was checked when it was stored.
fn whole_match(pattern: &str) -> Option<Regex> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().ok()
}

/// Whether a candidate could be a value of the field at all.
fn admissible(document: &Document<'_>, field: &Field, role: Role, candidate: &Candidate) -> bool {
    let text = &candidate.text;
    let length = text.chars().count();
    match (&candidate.reading, field.kind) {
        (Reading::Number(number), FieldType::Integer) => number.decimals == 0 && !number.percent,
        (Reading::Number(_) | Reading::Date(_), _) => true,
        (Reading::Code { .. }, _) => matches!(role, Role::Iban | Role::TaxId),
        (Reading::Text(_), FieldType::Boolean) => values::boolean(text).is_some(),
        (Reading::Text(_), FieldType::Enum) => values::enum_value(field, text).is_some(),
        (Reading::Text(_), _) => match role {
            Role::Iban => {
                text.chars().filter(|c| c.is_alphanumeric()).count() >= 15
                    && length <= 50
                    && text.contains(|c: char| c.is_ascii_digit())
            }
            Role::TaxId => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                digits >= 5 && length <= 30
            }
            Role::Identifier => text.contains(|c: char| c.is_ascii_digit()) && length <= 40 && is_code(text),
            Role::Issuer | Role::Recipient | Role::Person => {
                let letters = text.chars().filter(|c| c.is_alphabetic()).count();
                let each_line = |span: &layout::Span| {
                    document.text(*span).chars().filter(|c| c.is_alphabetic()).count() >= 3
                };
                let address = text.contains('@') || text.to_ascii_lowercase().contains("www.");
                let named = letters >= 3
                    && !address
                    && !shapes::is_salutation(text)
                    && shapes::words_beside_legal_form(text) > 0;
                named && length <= 120 && candidate.spans.iter().all(each_line)
            }
            _ => length <= 400,
        },
    }
}

/// A code is one word, or a few that each look like a part of one.
fn is_code(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let part = |word: &str| {
        word.contains(|c: char| c.is_ascii_digit()) || (word.len() <= 4 && !word.contains(char::is_lowercase))
    };
    text.split_whitespace().count() == 1
        || (text.split_whitespace().count() <= 4 && words.all(part) && !text.contains(':'))
}

fn output(
    document: &Document<'_>,
    field: &Field,
    options: &Options<'_>,
    currency: Option<&'static str>,
) -> (FieldOutput, EvidenceRow) {
    let (probability, runner_up) = options.probabilities();
    let chosen = options.chosen().map(|choice| choice.candidate);
    let value = chosen.and_then(|candidate| values::of_candidate(field, candidate, currency));
    let taken = chosen.filter(|_| value.is_some());
    let evidence = Evidence {
        probability,
        runner_up,
        none: value.is_none(),
        reader: taken.map_or(1.0, |candidate| candidate.confidence),
        identity: options.identity && !options.contested && value.is_some(),
    };
    let output = FieldOutput {
        id: field.id.clone(),
        name: field.name.clone(),
        kind: field.kind,
        text: taken.map(|candidate| candidate.text.clone()),
        confidence: evidence.confidence(),
        placements: taken.map(|candidate| document.placements(&candidate.spans)).unwrap_or_default(),
        confidence_reasons: Vec::new(),
        value,
    };
    (output, evidence.row())
}
