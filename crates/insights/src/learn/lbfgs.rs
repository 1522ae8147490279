//! A small minimiser for smooth functions: limited-memory BFGS with backtracking.
//!
//! Nocedal and Wright, *Numerical Optimization*, 2nd ed., algorithms 7.4 and 7.5. It is deterministic: the same function
//! from the same start takes the same steps, which makes a model reproducible from its examples.

/// Pairs of steps and gradients that are remembered.
const MEMORY: usize = 7;
/// Of Armijo's rule.
const DECREASE: f64 = 1e-4;
const BACKTRACKS_MAX: usize = 12;
/// A step that improves the value by less than this share of it is the last.
const IMPROVEMENT_MIN: f64 = 1e-4;

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step · change).
    curvature: f64,
}

/// Moves `x` to a minimum of `function`, which gives the value at a point and writes the gradient there.
pub fn minimize(x: &mut Vec<f64>, steps_max: usize, mut function: impl FnMut(&[f64], &mut [f64]) -> f64) {
    let mut gradient = vec![0.0; x.len()];
    let mut value = function(x, &mut gradient);
    let mut pairs: Vec<Pair> = Vec::new();
    for _ in 0..steps_max {
        let mut direction = direction(&pairs, &gradient);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            direction = gradient.iter().map(|slope| -slope).collect();
            slope = dot(&direction, &gradient);
            pairs.clear();
        }
        if slope > -1e-12 {
            return;
        }
        // The first step has no scale yet: one unit of length.
        let mut length = if pairs.is_empty() { 1.0 / (-slope).sqrt().max(1.0) } else { 1.0 };
        let mut next_gradient = vec![0.0; x.len()];
        let mut accepted = None;
        for _ in 0..BACKTRACKS_MAX {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(at, way)| at + length * way).collect();
            let next_value = function(&next, &mut next_gradient);
            if next_value <= value + DECREASE * length * slope {
                accepted = Some((next, next_value));
                break;
            }
            length *= 0.5;
        }
        let Some((next, next_value)) = accepted else { return };
        remember(&mut pairs, x, &next, &gradient, &next_gradient);
        let improvement = value - next_value;
        *x = next;
        gradient = next_gradient;
        value = next_value;
        if improvement < IMPROVEMENT_MIN * value.abs() {
            return;
        }
    }
}

fn remember(pairs: &mut Vec<Pair>, x: &[f64], next: &[f64], gradient: &[f64], next_gradient: &[f64]) {
    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let (step, change) = (difference(next, x), difference(next_gradient, gradient));
    let product = dot(&step, &change);
    if product > 1e-10 {
        if pairs.len() == MEMORY {
            pairs.remove(0);
        }
        pairs.push(Pair { step, change, curvature: 1.0 / product });
    }
}

/// Two-loop recursion.
fn direction(pairs: &[Pair], gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = pair.curvature * dot(&pair.step, &direction);
        direction.iter_mut().zip(&pair.change).for_each(|(way, change)| *way -= share * change);
        shares.push(share);
    }
    if let Some(last) = pairs.last() {
        let scale = 1.0 / (last.curvature * dot(&last.change, &last.change));
        direction.iter_mut().for_each(|way| *way *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.iter().rev()) {
        let back = pair.curvature * dot(&pair.change, &direction);
        direction.iter_mut().zip(&pair.step).for_each(|(way, step)| *way += (share - back) * step);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_minimum_of_a_long_valley() {
        // Rosenbrock's function, whose minimum is at (1, 1).
        let mut x = vec![-1.2, 1.0];
        minimize(&mut x, 200, |at, gradient| {
            let (a, b) = (at[0], at[1]);
            gradient[0] = -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
            gradient[1] = 200.0 * (b - a * a);
            100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2)
        });
        assert!((x[0] - 1.0).abs() < 0.02 && (x[1] - 1.0).abs() < 0.04, "{x:?}");
    }

    #[test]
    fn it_stays_where_nothing_is_better() {
        let mut x = vec![3.0, -2.0];
        minimize(&mut x, 50, |at, gradient| {
            gradient[0] = 2.0 * (at[0] - 3.0);
            gradient[1] = 2.0 * (at[1] + 2.0);
            (at[0] - 3.0).powi(2) + (at[1] + 2.0).powi(2)
        });
        assert_eq!(x, [3.0, -2.0]);
    }
}
