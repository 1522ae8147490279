//! Net, tax and total are chosen together: net + tax = total repairs what labels alone get wrong.
//!
//! A document may print several triples that add up: one for each rate of tax, one for what was paid before. The one that
//! the others are parts of is the document's. Where two triples have nothing to do with each other and the labels hardly
//! tell them apart, the identity proves nothing, and the confidence must not count it.

use super::choose::Options;
use rust_decimal::Decimal;

/// Two amounts are the same within this: documents round.
const TOLERANCE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);
/// What a satisfied identity is worth, as log-odds.
const IDENTITY: f32 = 4.0;
/// What it is worth that a rate which the document names gives the tax.
const RATE: f32 = 1.0;
/// What it costs to be a part of a larger triple.
const PART: f32 = 3.0;
/// What it is worth that two other triples are the parts: three amounts do not agree by chance.
const WHOLE: f32 = 5.0;
/// What it is worth to be the amount after rounding.
const ROUNDED: f32 = 4.0;
/// A triple with other amounts that is this near, in log-odds, contests the identity.
const CONTEST: f32 = 3.0;

type Taken = [Option<usize>; 3];
type Amounts = [Decimal; 3];

struct Scored {
    taken: Taken,
    score: f32,
    /// The amounts, where the identity holds.
    identity: Option<Amounts>,
}

/// Chooses among the options of the net, the tax and the total; `rates` are the percentages that the document names.
pub(super) fn choose(fields: &mut [Options<'_>], [net, tax, total]: [usize; 3], rates: &[Decimal]) {
    let mut all = Vec::new();
    for n in fields[net].all() {
        for t in fields[tax].all() {
            for g in fields[total].all() {
                all.push(scored([&fields[net], &fields[tax], &fields[total]], [n, t, g], rates));
            }
        }
    }
    let consistent: Vec<Amounts> = all.iter().filter_map(|scored| scored.identity).collect();
    let wholes: Vec<Amounts> = consistent
        .iter()
        .filter(|whole| consistent.iter().any(|part| is_part(part, whole, &consistent)))
        .copied()
        .collect();
    for scored in &mut all {
        let Some(amounts) = &scored.identity else { continue };
        scored.score -=
            if wholes.iter().any(|whole| is_part(amounts, whole, &consistent)) { PART } else { 0.0 };
        scored.score += if wholes.contains(amounts) { WHOLE } else { 0.0 };
    }
    let mut best: Option<&Scored> = None;
    for scored in &all {
        best = best.filter(|known| known.score >= scored.score).or(Some(scored));
    }
    let Some(best) = best else { return };
    let contested = best.identity.is_some_and(|amounts| {
        let rivals = all.iter().filter(|other| best.score - other.score < CONTEST);
        rivals
            .filter_map(|other| other.identity)
            .any(|other| disjoint(&amounts, &other) && !is_part(&other, &amounts, &consistent))
    });
    for (field, option) in [net, tax, total].into_iter().zip(best.taken) {
        fields[field].taken = option;
        fields[field].identity = best.identity.is_some();
        fields[field].contested = contested;
    }
}

/// Takes what is left to pay after rounding instead of the total before it, where the document says that it rounds: cash is
/// rounded to five hundredths.
pub(super) fn rounded(total: &mut Options<'_>) {
    let Some(before) = total.amount(total.taken) else { return };
    let unit = Decimal::new(5, 2);
    let even = |amount: Decimal| (amount % unit).is_zero();
    let after = |&option: &Option<usize>| {
        total.amount(option).is_some_and(|amount| even(amount) && (amount - before).abs() < unit)
    };
    let Some(option) = total.all().find(after).filter(|_| !even(before)) else { return };
    if total.probability(option).ln() + ROUNDED > total.probability(total.taken).ln() {
        total.taken = option;
    }
}

fn scored(fields: [&Options<'_>; 3], taken: Taken, rates: &[Decimal]) -> Scored {
    let probability = |nth: usize| fields[nth].probability(taken[nth]).ln();
    let mut score: f32 = (0..3).map(probability).sum();
    let [net, tax, total] = [0, 1, 2].map(|nth| fields[nth].amount(taken[nth]));
    let (Some(net), Some(total)) = (net, total) else { return Scored { taken, score, identity: None } };
    let Some(tax) = tax else {
        score -= if net.abs() > total.abs() { 2.0 } else { 0.0 };
        return Scored { taken, score, identity: None };
    };
    let holds = (net + tax - total).abs() <= TOLERANCE && tax.abs() < net.abs();
    if holds {
        let of_rate = |rate: &Decimal| (net * rate / Decimal::ONE_HUNDRED - tax).abs() <= TOLERANCE;
        score += IDENTITY + if !tax.is_zero() && rates.iter().any(of_rate) { RATE } else { 0.0 };
    } else {
        score -= if net.abs() > total.abs() || tax.abs() > total.abs() { 3.0 } else { 1.0 };
    }
    Scored { taken, score, identity: holds.then_some([net, tax, total]) }
}

/// Whether a triple and another one that was found add up to `whole`.
fn is_part(part: &Amounts, whole: &Amounts, found: &[Amounts]) -> bool {
    let rest = [whole[0] - part[0], whole[1] - part[1], whole[2] - part[2]];
    let same_sign = rest[2].is_sign_positive() == part[2].is_sign_positive();
    part[2].abs() < whole[2].abs() && same_sign && found.contains(&rest)
}

fn disjoint(one: &Amounts, other: &Amounts) -> bool {
    one.iter().all(|amount| !other.contains(amount))
}
