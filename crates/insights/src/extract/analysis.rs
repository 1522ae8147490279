//! One document looked at for one hub: everything that scores, rows and outputs are made from.

use super::{
    amounts,
    candidates::{Candidate, Needs, Pools, Reading},
    choose::Options,
    context::Context,
    dates::{self, Order},
    features::{Asked, Place, Row, Shared},
    labels::Labels,
    layout::{self, Document},
    lexicon_of,
    phrases::could_be_name,
    rates,
    roles::Role,
    shapes, values,
    weights::Class,
};
use crate::{
    learn::{FieldRows, Scores},
    page::Page,
};
use domain::hub::{Field, FieldType, Hub};
use regex::Regex;

pub(super) struct Analysis<'p, 'h> {
    pub hub: &'h Hub,
    pub document: Document<'p>,
    pub roles: Vec<Role>,
    pub labels: Labels,
    pub context: Context,
    pub pools: Pools,
    pub currency: Option<&'static str>,
    pub order: Order,
    /// Per field, what its amounts for several rates add up to.
    sums: Vec<Vec<Candidate>>,
    name_fields: Vec<usize>,
    shared: Shared,
}

/// A candidate for one field.
pub(super) struct Scored {
    /// Its number, see [`Analysis::candidates`].
    pub candidate: usize,
    pub prior: f32,
    /// Whether it counts without examples.
    pub narrow: bool,
}

impl<'p, 'h> Analysis<'p, 'h> {
    pub(super) fn new(pages: &'p [Page], hub: &'h Hub) -> Self {
        let document = Document::new(pages);
        let roles: Vec<Role> = hub.fields.iter().map(Role::of).collect();
        let labels = Labels::find(&document, &lexicon_of(&hub.fields));
        let texts = || document.segments.iter().map(|segment| segment.text.as_str());
        let american = texts().any(dates::looks_american);
        let order = dates::decide_order(texts(), american);
        let currency = amounts::document_currency(texts());
        let pools = Pools::build(&document, &labels, order, needs(&hub.fields, &roles));
        let context = Context::new(&document, &labels, &pools);
        let name_fields: Vec<usize> = (0..roles.len()).filter(|&index| roles[index].is_name()).collect();
        let taxed = rates::taxed(&document, &pools.numbers);
        let [bases, taxes] = rates::taxed_sums(&document, &taxed).map_or([None, None], |sums| sums.map(Some));
        let sums: Vec<Vec<Candidate>> = roles
            .iter()
            .enumerate()
            .map(|(index, role)| match role {
                Role::NetAmount => {
                    rates::sums(&document, &pools.numbers, index).into_iter().chain(bases.clone()).collect()
                }
                Role::TaxAmount => {
                    rates::sums(&document, &pools.numbers, index).into_iter().chain(taxes.clone()).collect()
                }
                _ => Vec::new(),
            })
            .collect();
        let count = pools.all().into_iter().chain(&sums).map(Vec::len).sum();
        let shared = Shared::new(count);
        Self { hub, document, roles, labels, context, pools, currency, order, sums, name_fields, shared }
    }

    /// All candidates by their numbers: pool after pool, then the sums of each field.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.pools.all().into_iter().flatten().chain(self.sums.iter().flatten())
    }

    /// The candidates of one field with the prior's scores; none for a table.
    pub(super) fn scored(&self, index: usize, candidates: &[&Candidate]) -> Vec<Scored> {
        let field = &self.hub.fields[index];
        let role = self.roles[index];
        let class = Class::of(field.kind, role);
        let pattern = field.pattern.as_deref().and_then(whole_match);
        let shaped = |candidate: &Candidate| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(candidate.text.trim()))
        };
        let scored = self.numbers(index).into_iter().filter_map(|(number, narrow)| {
            let candidate = candidates[number];
            if !possible(field, candidate) || !shaped(candidate) {
                return None;
            }
            let narrow = narrow && admissible(&self.document, field, role, candidate);
            let row = self.features(index, number, candidate);
            // A hub's own pattern is strong evidence: few other texts have the shape.
            let shape = if pattern.is_some() { 2.0 } else { 0.0 };
            let prior = class.score(&row) + shape + candidate.variant.map_or(0.0, f32::ln);
            Some(Scored { candidate: number, prior, narrow })
        });
        scored.collect()
    }

    /// The features of a candidate for a field.
    pub(super) fn features(&self, index: usize, number: usize, candidate: &Candidate) -> Row {
        let Self { document, labels, context, shared, .. } = self;
        let asked = Asked {
            field: index,
            role: self.roles[index],
            name_fields: &self.name_fields,
            fields: &self.hub.fields,
        };
        Place { document, labels, context, shared }.features(&asked, number, candidate)
    }

    /// The prior's score of "the document has none".
    pub(super) fn none_score(&self, index: usize) -> f32 {
        let field = &self.hub.fields[index];
        // A required field is missing from few documents.
        Class::of(field.kind, self.roles[index]).none_score() - if field.required { 1.0 } else { 0.0 }
    }

    /// Numbers of the candidates of a field's type, and whether each counts without examples.
    fn numbers(&self, index: usize) -> Vec<(usize, bool)> {
        let field = &self.hub.fields[index];
        let role = self.roles[index];
        let [dates, numbers, codes, texts, stacks, wide, variants] = self.pools.ranges();
        let sums_before: usize = self.sums.iter().take(index).map(Vec::len).sum();
        let sums = variants.end + sums_before..variants.end + sums_before + self.sums[index].len();
        let others = |is_date: bool| {
            let own = move |number: &usize| {
                matches!(self.pools.variants[*number - variants.start].reading, Reading::Date(_)) == is_date
            };
            variants.clone().filter(own).map(|number| (number, true))
        };
        let all = |range: std::ops::Range<usize>| range.map(|number| (number, true));
        match field.kind {
            FieldType::Date | FieldType::DateTime => all(dates).chain(others(true)).collect(),
            FieldType::Money | FieldType::Integer | FieldType::Number => {
                all(numbers).chain(all(sums)).chain(others(false)).collect()
            }
            FieldType::String => {
                let coded = role.is_code() || field.pattern.is_some();
                let stacked = |number: usize| match role {
                    Role::Address => true,
                    _ if role.is_name() => {
                        could_be_name(&self.document, &self.pools.stacks[number - stacks.start])
                    }
                    _ => false,
                };
                let codes = codes.map(|number| (number, coded));
                let below: Vec<(usize, bool)> =
                    stacks.clone().map(|number| (number, !coded && stacked(number))).collect();
                let wide = wide.map(|number| (number, false));
                codes.chain(all(texts)).chain(below).chain(wide).collect()
            }
            FieldType::Boolean | FieldType::Enum | FieldType::List => all(texts).collect(),
            FieldType::Table => Vec::new(),
        }
    }

    /// What a field could be, by the prior or by what the hub has learned.
    pub(super) fn options<'c>(
        &'c self,
        index: usize,
        rows: &FieldRows,
        scores: Option<&Scores>,
        stand_ins: &'c [(f32, Candidate)],
    ) -> Options<'c> {
        let candidates: Vec<&Candidate> = self.candidates().collect();
        let of = |number: u32| candidates[number as usize];
        let (scored, none) = match scores {
            Some(scores) => {
                let learned = rows
                    .options
                    .iter()
                    .zip(&scores.options)
                    .map(|(option, score)| (*score, of(option.candidate)));
                let stand_ins = stand_ins.iter().map(|(score, candidate)| (*score, candidate));
                (learned.chain(stand_ins).collect(), scores.none)
            }
            None => {
                let narrow = rows.options.iter().filter(|option| option.narrow);
                (narrow.map(|option| (option.prior, of(option.candidate))).collect(), rows.none)
            }
        };
        Options::new(self.roles[index], scored, none)
    }

    /// Remembered names in the places of what they stand in for.
    pub(super) fn stand_ins(
        &self,
        index: usize,
        rows: &FieldRows,
        scores: Option<&Scores>,
    ) -> Vec<(f32, Candidate)> {
        let Some(scores) = scores.filter(|scores| !scores.meant.is_empty()) else { return Vec::new() };
        let candidates: Vec<&Candidate> = self.candidates().collect();
        let meant = scores.meant.iter().map(|(option, name, score)| {
            let mut candidate = candidates[rows.options[*option].candidate as usize].clone();
            candidate.text.clone_from(name);
            (*score, candidate)
        });
        debug_assert!(self.hub.fields[index].kind == FieldType::String, "only texts have names");
        meant.collect()
    }
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

/// Whether a candidate can have the field's type at all.
fn possible(field: &Field, candidate: &Candidate) -> bool {
    match (&candidate.reading, field.kind) {
        (Reading::Number(number), FieldType::Integer) => number.decimals == 0 && !number.percent,
        (Reading::Code { .. }, FieldType::String) => true,
        (Reading::Text(_), FieldType::Boolean) => values::boolean(&candidate.text).is_some(),
        (Reading::Text(_), FieldType::Enum) => values::enum_value(field, &candidate.text).is_some(),
        _ => candidate.text.len() <= 800,
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
    match &candidate.reading {
        Reading::Number(_) | Reading::Date(_) => true,
        Reading::Code { .. } => matches!(role, Role::Iban | Role::TaxId),
        Reading::Text(_) if matches!(field.kind, FieldType::Boolean | FieldType::Enum) => true,
        Reading::Text(_) => match role {
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
                    let line = document.text(*span);
                    line.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !shapes::is_country(line)
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
    // `Nr. 17` is the word before a code, and the code.
    let led = text.split_once(' ').is_some_and(|(first, _)| shapes::numbered(first));
    text.split_whitespace().count() == 1
        || (!led && text.split_whitespace().count() <= 4 && words.all(part) && !text.contains(':'))
}
