//! From scores to one value for each field: softmax with a NONE option, equal values pooled, fields chosen together.

use super::{
    candidates::{Candidate, Reading},
    features::{amount, key},
    roles::Role,
    totals,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Options of one field that take part in the joint choice.
const OPTIONS_MAX: usize = 6;
/// What it costs to contradict what always holds, as log-odds.
const CONTRADICTION: f32 = 4.0;

/// One value that a field could have.
#[derive(Debug, Clone)]
pub(super) struct Choice<'c> {
    pub candidate: &'c Candidate,
    /// Pooled over all places that say the same.
    pub probability: f32,
}

/// What a field could be, most probable first.
#[derive(Debug, Clone)]
pub(super) struct Options<'c> {
    pub role: Role,
    pub choices: Vec<Choice<'c>>,
    /// The probability that the document has none.
    pub none: f32,
    /// Which of `choices` is taken; none where `None`.
    pub taken: Option<usize>,
    /// An identity of several fields holds with what is taken.
    pub identity: bool,
    /// So it does with other amounts, which the labels hardly rule out.
    pub contested: bool,
}

impl<'c> Options<'c> {
    pub(super) fn new(role: Role, scored: Vec<(f32, &'c Candidate)>, none_score: f32) -> Self {
        let highest = scored.iter().map(|(score, _)| *score).fold(none_score, f32::max);
        let weight = |score: f32| (score - highest).exp();
        let total = weight(none_score) + scored.iter().map(|(score, _)| weight(*score)).sum::<f32>();
        let mut pooled: HashMap<String, (f32, f32, &'c Candidate)> = HashMap::new();
        for (score, candidate) in scored {
            let probability = weight(score) / total;
            let entry = pooled.entry(key(candidate)).or_insert((0.0, f32::MIN, candidate));
            entry.0 += probability;
            if score > entry.1 {
                (entry.1, entry.2) = (score, candidate);
            }
        }
        let mut choices: Vec<Choice<'c>> = pooled
            .into_values()
            .map(|(probability, _, candidate)| Choice { candidate, probability })
            .collect();
        choices.sort_by(|a, b| {
            let place = |choice: &Choice<'_>| {
                (
                    choice.candidate.spans[0].segment,
                    choice.candidate.spans[0].start,
                    choice.candidate.spans[0].end,
                )
            };
            b.probability.total_cmp(&a.probability).then_with(|| place(a).cmp(&place(b)))
        });
        choices.truncate(OPTIONS_MAX);
        let none = weight(none_score) / total;
        let taken = choices.first().and_then(|first| (first.probability > none).then_some(0));
        Self { role, choices, none, taken, identity: false, contested: false }
    }

    pub(super) fn chosen(&self) -> Option<&Choice<'c>> {
        self.taken.map(|index| &self.choices[index])
    }

    /// The probability of what is taken, and of the best alternative.
    pub(super) fn probabilities(&self) -> (f32, f32) {
        let taken = self.chosen().map_or(self.none, |choice| choice.probability);
        let others = self.choices.iter().enumerate().filter(|(index, _)| Some(*index) != self.taken);
        let best = others.map(|(_, choice)| choice.probability).fold(0.0, f32::max);
        (taken, if self.taken.is_some() { best.max(self.none) } else { best })
    }

    pub(super) fn probability(&self, option: Option<usize>) -> f32 {
        option.map_or(self.none, |index| self.choices[index].probability).max(1e-6)
    }

    pub(super) fn amount(&self, option: Option<usize>) -> Option<Decimal> {
        option.and_then(|index| amount(self.choices[index].candidate))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        (0..self.choices.len()).map(Some).chain([None])
    }
}

/// Chooses for all fields together.
/// `rates` are the percentages that the document names; `rounds` says that it speaks of rounding.
pub(super) fn jointly(fields: &mut [Options<'_>], rates: &[Decimal], rounds: bool) {
    let amounts = [Role::NetAmount, Role::TaxAmount, Role::GrandTotal].map(|role| position(fields, role));
    if let [Some(net), Some(tax), Some(total)] = amounts {
        totals::choose(fields, [net, tax, total], rates);
    }
    if let Some(total) = position(fields, Role::GrandTotal).filter(|_| rounds) {
        totals::rounded(&mut fields[total]);
    }
    date_order(fields);
    parties(fields);
    one_use_each(fields);
}

fn position(fields: &[Options<'_>], role: Role) -> Option<usize> {
    fields.iter().position(|field| field.role == role)
}

/// A payment is not due before the document is issued.
fn date_order(fields: &mut [Options<'_>]) {
    let (Some(issue), Some(due)) = (position(fields, Role::IssueDate), position(fields, Role::DueDate))
    else {
        return;
    };
    let date = |field: &Options<'_>, option: Option<usize>| {
        option.and_then(|index| match &field.choices[index].candidate.reading {
            Reading::Date(found) => Some(found.date),
            _ => None,
        })
    };
    let mut best: Option<(f32, Option<usize>, Option<usize>)> = None;
    for i in fields[issue].all() {
        for d in fields[due].all() {
            let mut score = fields[issue].probability(i).ln() + fields[due].probability(d).ln();
            if let (Some(issued), Some(due)) = (date(&fields[issue], i), date(&fields[due], d)) {
                score -= if due < issued { CONTRADICTION } else { 0.0 };
            }
            if best.as_ref().is_none_or(|(known, _, _)| score > *known) {
                best = Some((score, i, d));
            }
        }
    }
    if let Some((_, i, d)) = best {
        (fields[issue].taken, fields[due].taken) = (i, d);
    }
}

/// Nobody sends an invoice to himself.
fn parties(fields: &mut [Options<'_>]) {
    let (Some(issuer), Some(recipient)) = (position(fields, Role::Issuer), position(fields, Role::Recipient))
    else {
        return;
    };
    let name =
        |field: &Options<'_>, option: Option<usize>| option.map(|index| key(field.choices[index].candidate));
    let mut best: Option<(f32, Option<usize>, Option<usize>)> = None;
    for i in fields[issuer].all() {
        for r in fields[recipient].all() {
            let mut score = fields[issuer].probability(i).ln() + fields[recipient].probability(r).ln();
            if let (Some(from), Some(to)) = (name(&fields[issuer], i), name(&fields[recipient], r)) {
                let same = from.contains(&to) || to.contains(&from);
                score -= if same { 2.0 * CONTRADICTION } else { 0.0 };
            }
            if best.as_ref().is_none_or(|(known, _, _)| score > *known) {
                best = Some((score, i, r));
            }
        }
    }
    if let Some((_, i, r)) = best {
        (fields[issuer].taken, fields[recipient].taken) = (i, r);
    }
}

/// One place on the page is the value of one field; the surer one keeps it.
fn one_use_each(fields: &mut [Options<'_>]) {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order
        .sort_by(|a, b| fields[*b].probabilities().0.total_cmp(&fields[*a].probabilities().0).then(a.cmp(b)));
    let mut used: Vec<super::layout::Span> = Vec::new();
    for index in order {
        let clash = |choice: &Choice<'_>, used: &[super::layout::Span]| {
            choice.candidate.spans.iter().any(|span| {
                used.iter().any(|other| {
                    other.segment == span.segment && other.start < span.end && span.start < other.end
                })
            })
        };
        let Some(taken) = fields[index].taken else { continue };
        if clash(&fields[index].choices[taken], &used) && !fields[index].identity {
            let free = fields[index].choices.iter().position(|choice| !clash(choice, &used));
            let none = fields[index].none;
            fields[index].taken = free.filter(|&free| fields[index].choices[free].probability > none);
        }
        if let Some(choice) = fields[index].chosen() {
            used.extend(choice.candidate.spans.iter().copied());
        }
    }
}
