//! From a model's probability to a confidence that means what it says.
//!
//! One logistic calibrator serves all fields and hubs. It looks at the winner's log-odds, the margin to the best
//! alternative, whether the answer is "none", how sure the reader was, whether an identity holds, how well a label of the
//! field explains the value, and at what the hub has learned: how many examples, and how alike the nearest of them is.
//! A model that has seen its documents earns its log-odds another trust than one that has not, so they count twice.

/// What the calibrator weighs; the last is a constant 1.
pub type EvidenceRow = [f32; 18];

/// A label this far away is none.
const UNLABELLED: f32 = 0.2;

/// What the calibrator looks at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Evidence {
    /// The model's probability of what was taken, in `[0, 1]`.
    pub probability: f32,
    /// The probability of the best alternative.
    pub runner_up: f32,
    /// The answer is that there is none.
    pub none: bool,
    /// The answer is that there is none, although documents of this kind have one.
    pub missing: bool,
    /// How sure the reader was of the least certain word, in `[0, 1]`.
    pub reader: f32,
    /// Words of the value: where the reader is unsure, each may be misread.
    pub words: usize,
    /// net + tax = total, or another identity, holds.
    pub identity: bool,
    /// How strongly a label of the field stands at the value, in `[0, 1]`.
    pub label: f32,
    /// The value proves itself: check digits, the field's own pattern.
    pub proven: bool,
    /// Documents in which a person confirmed the field.
    pub confirmed: u32,
    /// How alike the nearest of them is, in `[0, 1]`.
    pub layout: f32,
    /// A remembered name stands in for what was read.
    pub known: bool,
    /// The field names somebody or says where he lives: on layouts unlike any seen such fields err most.
    pub party: bool,
}

/// Weights of log-odds, margin, NONE, missing, reader, identity, label, proof, learned, log-odds once learned, number of
/// examples, layout, known name; of what was not learned a party, the lack of a label, both; the doubt about a long value;
/// and the constant.
/// Printed by `corpus calibrate` on parts of the labelled documents that are not held out; the weights of NONE and of missing
/// are set by hand, since labels do not say what a document lacks.
const WEIGHTS: EvidenceRow = [
    0.198, 0.345, -1.0, -2.0, 2.054, 1.159, 0.067, 0.163, -0.271, 0.216, 0.192, -0.03, 1.125, -0.602, 0.598,
    0.022, -1.53, -0.955,
];

impl Evidence {
    pub(super) fn row(&self) -> EvidenceRow {
        let clamp = |value: f32| value.clamp(1e-4, 1.0 - 1e-4);
        let odds = |value: f32| (clamp(value) / (1.0 - clamp(value))).ln();
        let margin = (clamp(self.probability) / clamp(self.runner_up)).ln().clamp(-4.0, 6.0);
        let flag = |condition: bool| if condition { 1.0 } else { 0.0 };
        let learned = flag(self.confirmed > 0);
        let (party, bare) =
            (flag(self.party) * (1.0 - learned), flag(self.label < UNLABELLED) * (1.0 - learned));
        [
            odds(self.probability),
            margin / 3.0,
            flag(self.none),
            flag(self.missing),
            self.reader,
            flag(self.identity),
            self.label,
            flag(self.proven),
            learned,
            learned * odds(self.probability),
            (self.confirmed as f32).ln_1p() / 4.0,
            self.layout,
            flag(self.known),
            party,
            bare,
            party * bare,
            (1.0 - self.reader) * (self.words as f32).ln_1p() / 3.0,
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
        missing: false,
        reader: 1.0,
        words: 1,
        identity: true,
        label: 1.0,
        proven: false,
        confirmed: 0,
        layout: 0.0,
        known: false,
        party: false,
    };

    #[test]
    fn more_evidence_is_more_confidence() {
        let sure = SURE.confidence();
        assert!(sure > 0.9);
        for weaker in [
            Evidence { probability: 0.5, runner_up: 0.45, ..SURE },
            Evidence { reader: 0.3, ..SURE },
            Evidence { reader: 0.3, words: 9, ..SURE },
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
