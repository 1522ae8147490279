//! Fits the weights of one field: a softmax over the options of each document and "it has none", where any option that is
//! the confirmed value is right.
//!
//! The loss is the negative log-likelihood and a pull towards the prior. Most options are far from being chosen, so only
//! those that compete are looked at: the right ones, the prior's favourites, and after a first fit whatever gets a noticeable
//! probability, without what is beaten.

use super::{
    lbfgs::minimize,
    model::{FieldModel, SIGNS, SIGNS_PRIOR},
    sheet::{FieldRows, Rows},
};
use crate::extract::PLACES;

/// Pull of the weights of features, of signs, of the trust in the prior, of NONE.
const PULL: f64 = 0.3;
const PULL_SIGNS: f64 = 0.3;
const PULL_TRUST: f64 = 2.0;
const PULL_NONE: f64 = 0.05;
/// Options of one document that compete at first, beside the right ones.
const RIVALS: usize = 24;
/// A probability from which on an option competes, and one at which a competitor is beaten.
const NOTICEABLE: f64 = 0.002;
const BEATEN: f64 = 0.0001;
const ROUNDS: usize = 3;
/// An option whose probability is this near to what it should be moves nothing.
const SETTLED: f64 = 1e-7;
const STEPS_FIRST: usize = 20;
const STEPS_NEXT: usize = 25;

/// One document that a field was confirmed on.
pub(super) struct Case<'a> {
    pub rows: &'a Rows,
    pub field: &'a FieldRows,
    /// One for each option; empty where the document has none.
    pub right: Vec<bool>,
    pub signs: Vec<[f32; SIGNS]>,
}

/// The options that compete, with their features at places of their own.
struct Matrix {
    /// Per case: which options, and where their entries begin in `rows`.
    cases: Vec<Vec<usize>>,
    starts: Vec<usize>,
    /// Ends of the entries of each row.
    ends: Vec<usize>,
    entries: Vec<(u32, f32)>,
    /// The place of each weight.
    places: Vec<u32>,
}

impl Matrix {
    fn new(cases: &[Case<'_>], active: Vec<Vec<usize>>, numbers: &mut [u32]) -> Matrix {
        numbers.fill(u32::MAX);
        let mut matrix = Matrix {
            cases: active,
            starts: Vec::new(),
            ends: Vec::new(),
            entries: Vec::new(),
            places: Vec::new(),
        };
        for (case, options) in cases.iter().zip(&matrix.cases) {
            matrix.starts.push(matrix.ends.len());
            for &option in options {
                let row = &case.rows.candidates[case.field.options[option].candidate as usize];
                let mut place = 0_usize;
                for (gap, value) in &row.features {
                    place += *gap as usize;
                    let number = &mut numbers[place];
                    if *number == u32::MAX {
                        *number = matrix.places.len() as u32;
                        matrix.places.push(place as u32);
                    }
                    matrix.entries.push((*number, f32::from(*value) / 32.0));
                }
                matrix.ends.push(matrix.entries.len());
            }
        }
        matrix
    }

    fn row(&self, row: usize) -> &[(u32, f32)] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.entries[start..self.ends[row]]
    }
}

/// Fits `model` to the cases; its id, names and count stay. `from` is what nearly the same cases taught: a place to begin.
pub(super) fn fit(model: &mut FieldModel, cases: &[Case<'_>], from: Option<&FieldModel>) {
    let mut numbers = vec![u32::MAX; PLACES as usize];
    let mut table = vec![0.0; PLACES as usize];
    (model.trust, model.none) = (1.0, 0.0);
    model.signs = SIGNS_PRIOR.map(|prior| prior as f32);
    if let Some(from) = from {
        (model.trust, model.none, model.signs) = (from.trust, from.none, from.signs);
        from.spread(&mut table);
    }
    let mut active: Vec<Vec<usize>> = cases.iter().map(first_rivals).collect();
    for round in 0..ROUNDS {
        let matrix = Matrix::new(cases, active.clone(), &mut numbers);
        let mut x = start(model, &matrix, &table);
        let steps = if round == 0 { STEPS_FIRST } else { STEPS_NEXT };
        minimize(&mut x, steps, |x, gradient| loss(cases, &matrix, x, gradient));
        take(model, &matrix, &x, &mut table);
        if round + 1 < ROUNDS && !change_rivals(model, cases, &table, &mut active) {
            break;
        }
    }
    model.set_weights(table.iter().enumerate().map(|(place, weight)| (place as u32, *weight)));
}

fn first_rivals(case: &Case<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..case.field.options.len()).collect();
    let near = |option: usize| case.field.options[option].prior + case.signs[option].iter().sum::<f32>();
    order.sort_by(|a, b| near(*b).total_cmp(&near(*a)).then(a.cmp(b)));
    // Every so often one of the others, so that all kinds of places are seen.
    let step = (order.len() / 8).max(1);
    let mut kept: Vec<usize> =
        order.iter().take(RIVALS).chain(order.iter().skip(RIVALS).step_by(step)).copied().collect();
    kept.extend((0..case.right.len()).filter(|&option| case.right[option]));
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Adds what gets a noticeable probability and does not compete yet, and lets go of what is beaten; false where nothing was
/// added.
fn change_rivals(model: &FieldModel, cases: &[Case<'_>], table: &[f32], active: &mut [Vec<usize>]) -> bool {
    let mut added = false;
    for (case, active) in cases.iter().zip(active) {
        let scores = model.score(case.rows, case.field, &case.signs, table);
        let none = model.trust * case.field.none + model.none;
        let highest = scores.iter().copied().fold(none, f32::max);
        let weight = |score: f32| f64::from(score - highest).exp();
        let total: f64 = weight(none) + scores.iter().map(|score| weight(*score)).sum::<f64>();
        let competes = |option: &usize| {
            let probability = weight(scores[*option]) / total;
            let is_right = case.right.get(*option) == Some(&true);
            let known = active.binary_search(option).is_ok();
            is_right || probability > NOTICEABLE || (known && probability > BEATEN)
        };
        let now: Vec<usize> = (0..scores.len()).filter(competes).collect();
        added |= now.iter().any(|option| active.binary_search(option).is_err());
        *active = now;
    }
    added
}

/// The parameters: weights, signs, trust, none.
fn start(model: &FieldModel, matrix: &Matrix, table: &[f32]) -> Vec<f64> {
    let mut x: Vec<f64> = matrix.places.iter().map(|place| f64::from(table[*place as usize])).collect();
    x.extend(model.signs.iter().map(|sign| f64::from(*sign)));
    x.extend([f64::from(model.trust), f64::from(model.none)]);
    x
}

fn take(model: &mut FieldModel, matrix: &Matrix, x: &[f64], table: &mut [f32]) {
    table.fill(0.0);
    for (place, weight) in matrix.places.iter().zip(x) {
        table[*place as usize] = *weight as f32;
    }
    let count = matrix.places.len();
    for (sign, weight) in model.signs.iter_mut().zip(&x[count..]) {
        *sign = *weight as f32;
    }
    model.trust = x[count + SIGNS] as f32;
    model.none = x[count + SIGNS + 1] as f32;
}

fn loss(cases: &[Case<'_>], matrix: &Matrix, x: &[f64], gradient: &mut [f64]) -> f64 {
    let count = matrix.places.len();
    let (weights, rest) = x.split_at(count);
    let (signs, trust, none) = (&rest[..SIGNS], rest[SIGNS], rest[SIGNS + 1]);
    let mut value = pull(weights, signs, trust, none, gradient);
    for (index, case) in cases.iter().enumerate() {
        let options = &matrix.cases[index];
        let first = matrix.starts[index];
        let mut scores: Vec<f64> = Vec::with_capacity(options.len() + 1);
        for (nth, &option) in options.iter().enumerate() {
            let learned: f64 = matrix
                .row(first + nth)
                .iter()
                .map(|(number, value)| weights[*number as usize] * f64::from(*value))
                .sum();
            let memory: f64 =
                case.signs[option].iter().zip(signs).map(|(sign, weight)| f64::from(*sign) * weight).sum();
            scores.push(trust * f64::from(case.field.options[option].prior) + learned + memory);
        }
        scores.push(trust * f64::from(case.field.none) + none);
        let right = |nth: usize| match options.get(nth) {
            Some(&option) => case.right.get(option).copied().unwrap_or(false),
            None => case.right.is_empty(),
        };
        let highest = scores.iter().copied().fold(f64::MIN, f64::max);
        let exponents: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
        let total: f64 = exponents.iter().sum();
        let good: f64 = (0..exponents.len()).filter(|&nth| right(nth)).map(|nth| exponents[nth]).sum();
        value -= (good / total).max(1e-300).ln();
        for (nth, exponent) in exponents.iter().enumerate() {
            let target = if right(nth) { exponent / good.max(1e-300) } else { 0.0 };
            let error = exponent / total - target;
            if error.abs() < SETTLED {
                continue;
            }
            let Some(&option) = options.get(nth) else {
                gradient[count + SIGNS] += error * f64::from(case.field.none);
                gradient[count + SIGNS + 1] += error;
                continue;
            };
            for (number, value) in matrix.row(first + nth) {
                gradient[*number as usize] += error * f64::from(*value);
            }
            for (sign, strength) in case.signs[option].iter().enumerate() {
                gradient[count + sign] += error * f64::from(*strength);
            }
            gradient[count + SIGNS] += error * f64::from(case.field.options[option].prior);
        }
    }
    value
}

/// What the distance to the prior costs; begins the gradient.
fn pull(weights: &[f64], signs: &[f64], trust: f64, none: f64, gradient: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (slope, weight) in gradient.iter_mut().zip(weights) {
        *slope = PULL * weight;
        value += PULL / 2.0 * weight * weight;
    }
    let count = weights.len();
    for (index, (sign, prior)) in signs.iter().zip(SIGNS_PRIOR).enumerate() {
        gradient[count + index] = PULL_SIGNS * (sign - prior);
        value += PULL_SIGNS / 2.0 * (sign - prior).powi(2);
    }
    gradient[count + SIGNS] = PULL_TRUST * (trust - 1.0);
    gradient[count + SIGNS + 1] = PULL_NONE * none;
    value + PULL_TRUST / 2.0 * (trust - 1.0).powi(2) + PULL_NONE / 2.0 * none * none
}
