//! From a model's probability to a confidence that means what it says.
//!
//! One logistic calibrator serves all fields and hubs. It looks at the winner's log-odds, the margin to the best
//! alternative, whether the answer is "none", how sure the reader was and whether an identity holds.

/// What the calibrator weighs: log-odds, margin, NONE, reader, identity and a constant 1.
pub type EvidenceRow = [f32; 6];

/// What the calibrator looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// The model's probability of what was taken, in `[0, 1]`.
    pub probability: f32,
    /// The probability of the best alternative.
    pub runner_up: f32,
    /// The answer is that there is none.
    pub none: bool,
    /// How sure the reader was of the words, in `[0, 1]`.
    pub reader: f32,
    /// net + tax = total, or another identity, holds.
    pub identity: bool,
}

/// Weights of log-odds, margin, NONE, reader and identity, and the constant. Printed by `corpus calibrate` on the parts of
/// the labelled receipts and invoices that are not held out; the weight of NONE is set by hand, since labels do not say
/// what a document lacks.
const WEIGHTS: EvidenceRow = [0.093, 0.523, -0.15, 0.608, 1.694, 0.608];

impl Evidence {
    pub(super) fn row(&self) -> EvidenceRow {
        let clamp = |value: f32| value.clamp(1e-4, 1.0 - 1e-4);
        let odds = |value: f32| (clamp(value) / (1.0 - clamp(value))).ln();
        let margin = (clamp(self.probability) / clamp(self.runner_up)).ln().clamp(-4.0, 6.0);
        let flag = |condition: bool| if condition { 1.0 } else { 0.0 };
        [odds(self.probability), margin / 3.0, flag(self.none), self.reader, flag(self.identity), 1.0]
    }

    /// A probability, to 4 decimals.
    pub(super) fn confidence(&self) -> f64 {
        let score: f32 = self.row().iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
        domain::extraction::round4(f64::from(1.0 / (1.0 + (-score).exp())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Evidence =
        Evidence { probability: 0.98, runner_up: 0.01, none: false, reader: 1.0, identity: true };

    #[test]
    fn more_evidence_is_more_confidence() {
        let sure = SURE.confidence();
        assert!(sure > 0.9);
        for weaker in [
            Evidence { probability: 0.5, runner_up: 0.45, ..SURE },
            Evidence { reader: 0.3, ..SURE },
            Evidence { identity: false, ..SURE },
        ] {
            assert!(weaker.confidence() < sure);
        }
    }

    #[test]
    fn confidence_is_a_probability_whatever_comes_in() {
        for probability in [0.0, 1.0, f32::MIN_POSITIVE] {
            let confidence = Evidence { probability, ..SURE }.confidence();
            assert!((0.0..=1.0).contains(&confidence));
        }
    }
}
