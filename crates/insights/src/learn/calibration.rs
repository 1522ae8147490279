//! How much a hub's confidence has to be corrected: a slope and a shift of its log-odds (Platt 1999), from decisions about
//! documents that were left out. Few decisions move them little, and fewer than 30 not at all.

use serde::{Deserialize, Serialize};

/// Decisions from which on a hub is corrected.
const DECISIONS_MIN: usize = 30;
/// How many decisions the belief in "no correction" weighs.
const BELIEF: f64 = 20.0;
const STEPS: usize = 200;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    slope: f32,
    shift: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: 1.0, shift: 0.0 }
    }
}

impl Calibration {
    /// From confidences and whether they were right.
    pub(super) fn fit(decisions: &[(f64, bool)]) -> Calibration {
        if decisions.len() < DECISIONS_MIN {
            return Calibration::default();
        }
        let odds: Vec<(f64, f64)> = decisions
            .iter()
            .map(|(confidence, right)| (log_odds(*confidence), f64::from(u8::from(*right))))
            .collect();
        let (mut slope, mut shift) = (1.0_f64, 0.0_f64);
        // Newton's method on two numbers.
        for _ in 0..STEPS {
            let (mut a, mut b) = (BELIEF * (slope - 1.0), BELIEF * 0.25 * shift);
            let (mut aa, mut ab, mut bb) = (BELIEF, 0.0, BELIEF * 0.25);
            for (x, right) in &odds {
                let p = 1.0 / (1.0 + (-(slope * x + shift)).exp());
                let (error, weight) = (p - right, (p * (1.0 - p)).max(1e-6));
                a += error * x;
                b += error;
                aa += weight * x * x;
                ab += weight * x;
                bb += weight;
            }
            let determinant = aa * bb - ab * ab;
            if determinant.abs() < 1e-9 {
                break;
            }
            let (step_a, step_b) = ((bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant);
            slope = (slope - step_a.clamp(-0.5, 0.5)).clamp(0.2, 3.0);
            shift = (shift - step_b.clamp(-0.5, 0.5)).clamp(-3.0, 3.0);
            if step_a.abs() + step_b.abs() < 1e-6 {
                break;
            }
        }
        Calibration { slope: slope as f32, shift: shift as f32 }
    }

    /// What log-odds are multiplied with, and what is added to them.
    pub fn line(&self) -> (f64, f64) {
        (f64::from(self.slope), f64::from(self.shift))
    }

    /// A confidence as this hub's past says it should be.
    pub(crate) fn correct(&self, confidence: f64) -> f64 {
        let odds = f64::from(self.slope) * log_odds(confidence) + f64::from(self.shift);
        1.0 / (1.0 + (-odds).exp())
    }
}

fn log_odds(confidence: f64) -> f64 {
    let inside = confidence.clamp(1e-4, 1.0 - 1e-4);
    (inside / (1.0 - inside)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_is_too_sure_is_corrected() {
        let decisions: Vec<(f64, bool)> = (0..200).map(|index| (0.95, index % 2 == 0)).collect();
        let corrected = Calibration::fit(&decisions).correct(0.95);
        assert!((0.45..0.62).contains(&corrected), "{corrected}");
    }

    #[test]
    fn a_few_decisions_change_nothing() {
        assert_eq!(Calibration::fit(&[(0.9, false); 29]), Calibration::default());
        assert!((Calibration::default().correct(0.7) - 0.7).abs() < 1e-6);
    }

    #[test]
    fn what_is_right_stays_surer_than_what_is_not() {
        let decisions: Vec<(f64, bool)> =
            (0..100).map(|index| if index % 2 == 0 { (0.9, true) } else { (0.3, false) }).collect();
        let calibration = Calibration::fit(&decisions);
        assert!(calibration.correct(0.9) > 0.9 && calibration.correct(0.3) < 0.3);
    }
}
