//! From a model's probability to a confidence that means what it says.
//!
//! One logistic calibrator serves all fields and hubs. It looks at the winner's log-odds, the margin to the best
//! alternative, whether the answer is "none", how sure the reader was, whether an identity holds, and at what the hub has
//! learned: how many examples, and how alike the nearest of them is.

/// What the calibrator weighs; the last is a constant 1.
pub type EvidenceRow = [f32; 10];

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
    /// Documents in which a person confirmed the field.
    pub confirmed: u32,
    /// How alike the nearest of them is, in `[0, 1]`.
    pub layout: f32,
    /// A remembered name stands in for what was read.
    pub known: bool,
}

/// Weights of log-odds, margin, NONE, reader, identity, learned, number of examples, layout, known name, and the constant.
/// Printed by `corpus calibrate` on the parts of the labelled documents that are not held out; the weight of NONE is set by
/// hand, since labels do not say what a document lacks.
const WEIGHTS: EvidenceRow = [0.093, 0.523, -0.15, 0.608, 1.694, 0.0, 0.0, 0.0, 0.0, 0.608];

impl Evidence {
    pub(super) fn row(&self) -> EvidenceRow {
        let clamp = |value: f32| value.clamp(1e-4, 1.0 - 1e-4);
        let odds = |value: f32| (clamp(value) / (1.0 - clamp(value))).ln();
        let margin = (clamp(self.probability) / clamp(self.runner_up)).ln().clamp(-4.0, 6.0);
        let flag = |condition: bool| if condition { 1.0 } else { 0.0 };
        [
            odds(self.probability),
            margin / 3.0,
            flag(self.none),
            self.reader,
            flag(self.identity),
            flag(self.confirmed > 0),
            (self.confirmed as f32).ln_1p() / 4.0,
            self.layout,
            flag(self.known),
            1.0,
        ]
    }

    /// A probability.
    pub(super) fn confidence(&self) -> f64 {
        let score: f32 = self.row().iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
        f64::from(1.0 / (1.0 + (-score).exp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Evidence = Evidence {
        probability: 0.98,
        runner_up: 0.01,
        none: false,
        reader: 1.0,
        identity: true,
        confirmed: 0,
        layout: 0.0,
        known: false,
    };

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
