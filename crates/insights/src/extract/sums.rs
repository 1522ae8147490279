//! Amounts that stand together and add up: a net amount, its tax and their total.
//!
//! Labels of totals differ more than any list of words knows, and `Summe` is a net amount on one invoice and the total on the
//! next. But the three stand below each other or in one row, and arithmetic tells which is which; a rate that the
//! document names makes it certain. Several rates have several taxes between the net amount and the total.

use super::{
    candidates::{Candidate, Reading},
    features::amount,
    layout::{Document, Span},
    rates,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// How strongly an amount is a net amount, a tax, a total, each in `[0, 1]`.
pub(super) type Parts = [f32; 3];

/// Two amounts are the same within this: documents round.
const TOLERANCE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);
/// No tax on sales is a larger share of what it is taken from.
const TAX_SHARE_MAX: Decimal = Decimal::from_parts(30, 0, 0, false, 2);
/// Amounts of a column or of a row that are looked at together.
const TOGETHER_MAX: usize = 7;
/// Amounts of a column stand no further apart, in line heights.
const GAP_LINES_MAX: f32 = 4.0;
/// Amounts of a document that are looked at, the last ones.
const AMOUNTS_MAX: usize = 400;
/// Other readings of amounts that are tried.
const VARIANTS_MAX: usize = 24;
/// Strength without a rate that the document names, with one, and with one for each of several taxes.
const BARE: f32 = 0.1;
const RATED: f32 = 1.0;
const SEVERAL: f32 = 0.8;
/// Of the only tax that stands behind what it is taken from, with its rate.
const TAXED: f32 = 0.7;

/// The amounts that add up with amounts beside or above them.
pub(super) fn find(
    document: &Document<'_>,
    numbers: &[Candidate],
    rates: &[Decimal],
) -> HashMap<Span, Parts> {
    let amounts: Vec<(&Candidate, Decimal)> = numbers
        .iter()
        .filter(|number| matches!(&number.reading, Reading::Number(found) if found.decimals == 2))
        .filter_map(|number| amount(number).map(|value| (number, value)))
        .collect();
    let amounts = &amounts[amounts.len().saturating_sub(AMOUNTS_MAX)..];
    let mut found: HashMap<Span, Parts> = HashMap::new();
    let taxed = rates::taxed(document, numbers);
    if let [only] = taxed.as_slice() {
        found.entry(only.tax.spans[0]).or_default()[1] = TAXED;
    }
    for index in 0..amounts.len() {
        column(document, amounts, index, rates, &mut found);
        row(document, amounts, index, rates, &mut found);
    }
    found
}

/// The same for other readings of amounts, each in the place of what is read there; only what adds up.
pub(super) fn of_variants(
    document: &Document<'_>,
    numbers: &[Candidate],
    variants: &[Candidate],
    rates: &[Decimal],
) -> HashMap<(Span, Decimal), Parts> {
    let amounts = variants.iter().filter_map(|variant| amount(variant).map(|value| (variant, value)));
    let with_cents = amounts
        .filter(|(variant, _)| matches!(&variant.reading, Reading::Number(found) if found.decimals == 2));
    let mut found = HashMap::new();
    for (variant, value) in with_cents.take(VARIANTS_MAX) {
        let place = numbers.partition_point(|number| {
            let (own, other) = (variant.spans[0], number.spans[0]);
            (other.segment, other.start) < (own.segment, own.start)
        });
        let mut instead = numbers.to_vec();
        instead.insert(place, variant.clone());
        instead.retain(|number| number.variant.is_some() || !number.overlaps(variant));
        if let Some(parts) = find(document, &instead, rates).get(&variant.spans[0]) {
            found.insert((variant.spans[0], value), *parts);
        }
    }
    found
}

/// The amount and those above it with the same right edge.
fn column(
    document: &Document<'_>,
    amounts: &[(&Candidate, Decimal)],
    last: usize,
    rates: &[Decimal],
    found: &mut HashMap<Span, Parts>,
) {
    let (lowest, _) = amounts[last];
    let height = document.line_height(lowest.page);
    let (mut top, mut together) = (lowest.rect.y, vec![last]);
    for index in (0..last).rev() {
        let (other, _) = amounts[index];
        if other.page != lowest.page || together.len() >= TOGETHER_MAX {
            break;
        }
        let aligned = (other.rect.right() - lowest.rect.right()).abs() < 0.9 * height;
        if !aligned || other.rect.bottom() > top + 0.3 * height {
            continue;
        }
        if top - other.rect.bottom() > GAP_LINES_MAX * height {
            break;
        }
        top = other.rect.y;
        together.push(index);
    }
    together.reverse();
    triples(amounts, &together, rates, found);
    several_taxes(amounts, &together, rates, found);
}

/// The amounts of one line, beginning with the given one.
fn row(
    document: &Document<'_>,
    amounts: &[(&Candidate, Decimal)],
    first: usize,
    rates: &[Decimal],
    found: &mut HashMap<Span, Parts>,
) {
    let line = |index: usize| document.segments[amounts[index].0.spans[0].segment].line;
    let begins = first == 0 || line(first - 1) != line(first);
    let together: Vec<usize> =
        (first..amounts.len()).take_while(|&index| line(index) == line(first)).take(TOGETHER_MAX).collect();
    if begins && together.len() >= 3 {
        triples(amounts, &together, rates, found);
    }
}

/// Net, tax and total in any order; the last amount takes part, as triples without it were met before.
fn triples(
    amounts: &[(&Candidate, Decimal)],
    together: &[usize],
    rates: &[Decimal],
    found: &mut HashMap<Span, Parts>,
) {
    for &net in together {
        for &tax in together.iter().filter(|tax| **tax != net) {
            let (base, part) = (amounts[net].1, amounts[tax].1);
            if base.is_zero() || part.abs() > base.abs() * TAX_SHARE_MAX || base * part < Decimal::ZERO {
                continue;
            }
            let sum = base + part;
            let is_sum = |index: &&usize| {
                **index != net && **index != tax && (amounts[**index].1 - sum).abs() <= TOLERANCE
            };
            let Some(&total) = together.iter().rev().find(is_sum) else { continue };
            // Twice the same amount and a nothing: only in that order is it a sum of anything.
            if part.is_zero() && !(net < tax && tax < total) {
                continue;
            }
            let rated = !part.is_zero() && rates.iter().any(|rate| is_tax(base, part, *rate));
            mark(amounts, net, &[tax], total, if rated { RATED } else { BARE }, found);
        }
    }
}

/// A net amount, two or three taxes and the total, one below the other.
fn several_taxes(
    amounts: &[(&Candidate, Decimal)],
    together: &[usize],
    rates: &[Decimal],
    found: &mut HashMap<Span, Parts>,
) {
    let [above @ .., total] = together else { return };
    for count in 2..=3.min(above.len().saturating_sub(1)) {
        let (nets, taxes) = above.split_at(above.len() - count);
        let Some(&net) = nets.last() else { continue };
        let base = amounts[net].1;
        let sum: Decimal = taxes.iter().map(|tax| amounts[*tax].1).sum();
        let adds_up = (base + sum - amounts[*total].1).abs() <= TOLERANCE;
        let small = taxes.iter().all(|tax| {
            let part = amounts[*tax].1;
            base * part >= Decimal::ZERO && part.abs() <= base.abs() * TAX_SHARE_MAX
        });
        if adds_up && small && !sum.is_zero() && rates.len() >= count {
            mark(amounts, net, taxes, *total, SEVERAL, found);
        }
    }
}

fn is_tax(base: Decimal, part: Decimal, rate: Decimal) -> bool {
    (base * rate / Decimal::ONE_HUNDRED - part).abs() <= TOLERANCE
}

fn mark(
    amounts: &[(&Candidate, Decimal)],
    net: usize,
    taxes: &[usize],
    total: usize,
    strength: f32,
    found: &mut HashMap<Span, Parts>,
) {
    let roles = std::iter::once((net, 0)).chain(taxes.iter().map(|tax| (*tax, 1))).chain([(total, 2)]);
    for (index, role) in roles {
        // One of several taxes is not the document's.
        let share = if role == 1 && taxes.len() > 1 { 0.0 } else { strength };
        let parts = found.entry(amounts[index].0.spans[0]).or_default();
        parts[role] = parts[role].max(share);
    }
}
