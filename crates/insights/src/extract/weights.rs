//! The weights of the linear model: one row for each kind of field.
//!
//! They were set by hand and adjusted on documents whose sellers and layouts are not among those that figures are
//! reported on (`corpus evaluate` prints both; the split is described there). What training on synthetic documents adds to
//! them stands in [`super::prior`]. A score is a log-odds up to a constant, so a weight of 1 changes the odds by a factor of 2.7.

use super::{
    features::{Feature, Row},
    prior::TRAINED,
    roles::Role,
};
use domain::hub::FieldType;

/// What training adds to the weights of a class, and to its score of "none".
pub(super) struct Trained {
    pub class: Class,
    pub none: f32,
    pub weights: &'static [(Feature, f32)],
}

/// Fields that are weighed alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    IssueDate,
    OtherDate,
    GrandTotal,
    TaxAmount,
    OtherAmount,
    Number,
    Code,
    ProvenCode,
    Issuer,
    Name,
    Address,
    /// One of a list of values.
    Choice,
    Text,
}

impl Class {
    pub(super) fn of(kind: FieldType, role: Role) -> Class {
        match (kind, role) {
            (FieldType::Date | FieldType::DateTime, Role::IssueDate) => Class::IssueDate,
            (FieldType::Date | FieldType::DateTime, _) => Class::OtherDate,
            (FieldType::Money, Role::GrandTotal) => Class::GrandTotal,
            (FieldType::Money, Role::TaxAmount) => Class::TaxAmount,
            (FieldType::Money, _) => Class::OtherAmount,
            (FieldType::Integer | FieldType::Number, _) => Class::Number,
            (FieldType::Enum, _) => Class::Choice,
            (_, Role::Iban | Role::TaxId) => Class::ProvenCode,
            (_, Role::Identifier) => Class::Code,
            (_, Role::Issuer) => Class::Issuer,
            (_, Role::Recipient | Role::Person) => Class::Name,
            (_, Role::Address) => Class::Address,
            _ => Class::Text,
        }
    }

    pub(super) const ALL: [Class; 13] = [
        Class::IssueDate,
        Class::OtherDate,
        Class::GrandTotal,
        Class::TaxAmount,
        Class::OtherAmount,
        Class::Number,
        Class::Code,
        Class::ProvenCode,
        Class::Issuer,
        Class::Name,
        Class::Address,
        Class::Choice,
        Class::Text,
    ];

    /// The score of "the document has none".
    pub(super) fn none_score(self) -> f32 {
        self.none_by_hand() + self.trained().map_or(0.0, |trained| trained.none)
    }

    /// Nothing where training was not accepted.
    fn trained(self) -> Option<&'static Trained> {
        TRAINED.iter().find(|trained| trained.class == self)
    }

    pub(super) fn none_by_hand(self) -> f32 {
        match self {
            Class::IssueDate => 1.0,
            Class::GrandTotal => 1.5,
            Class::Issuer => 0.5,
            Class::Address => 1.0,
            _ => 2.0,
        }
    }

    pub(super) fn weights_by_hand(self) -> &'static [(Feature, f32)] {
        match self {
            Class::IssueDate => &[
                (Feature::Label, 5.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -0.5),
                (Feature::Quality, 2.0),
                (Feature::Top, 1.5),
                (Feature::Repeated, 0.2),
                (Feature::Down, -0.5),
                (Feature::Dated, 0.8),
                (Feature::TitleRow, 3.5),
                (Feature::Period, -3.0),
                (Feature::Listed, -3.0),
            ],
            Class::OtherDate => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::Quality, 1.0),
            ],
            Class::GrandTotal => &[
                (Feature::Label, 5.5),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -2.0),
                (Feature::Rank, 1.5),
                (Feature::Sum, 0.5),
                (Feature::Repeated, 0.6),
                (Feature::Cents, 1.0),
                (Feature::Currency, 0.4),
                (Feature::Percent, -8.0),
                (Feature::Zero, -3.0),
                (Feature::Down, 0.6),
                (Feature::Font, 0.8),
                (Feature::ColumnSum, 2.5),
                (Feature::Difference, 0.4),
                (Feature::AddsUp, 0.8),
                (Feature::AddsUpOtherwise, -1.5),
            ],
            Class::TaxAmount => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::Cents, 3.0),
                (Feature::Currency, 1.0),
                (Feature::Percent, -8.0),
                (Feature::Down, 0.6),
                (Feature::ColumnSum, 1.5),
                // A sum that is printed nowhere needs more than labels.
                (Feature::Lines, -1.2),
                // A tax is smaller than what it is taken from.
                (Feature::Rank, -2.5),
                (Feature::AddsUp, 4.5),
                (Feature::AddsUpOtherwise, -2.0),
            ],
            Class::OtherAmount => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::Cents, 3.0),
                (Feature::Currency, 1.0),
                (Feature::Percent, -8.0),
                (Feature::Down, 0.6),
                (Feature::ColumnSum, 2.5),
                (Feature::Lines, -1.2),
                (Feature::AddsUp, 4.5),
                (Feature::AddsUpOtherwise, -2.0),
            ],
            Class::Number => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::Quality, 1.0),
            ],
            Class::Code => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::Quality, 1.0),
                (Feature::Digits, 0.6),
                (Feature::Top, 0.6),
                (Feature::LabelInside, -3.0),
                (Feature::Prose, -2.0),
                (Feature::Part, -0.2),
                (Feature::Numbered, 1.2),
                (Feature::Bracketed, -2.5),
                (Feature::TitleRow, 4.5),
                // An amount is no number of anything.
                (Feature::Currency, -6.0),
            ],
            Class::ProvenCode => &[
                (Feature::Label, 5.0),
                (Feature::Rival, -2.5),
                (Feature::Unlabelled, -1.5),
                (Feature::Proven, 6.0),
                (Feature::Top, 0.5),
                (Feature::LabelInside, -3.0),
                (Feature::Prose, -2.0),
            ],
            Class::Issuer => &[
                (Feature::Label, 4.0),
                (Feature::Rival, -4.0),
                (Feature::LegalForm, 1.8),
                (Feature::Head, 2.0),
                (Feature::Top, 1.0),
                (Feature::Font, 1.0),
                (Feature::Repeated, 0.8),
                (Feature::AddressLike, -3.0),
                (Feature::Digits, -4.0),
                (Feature::Title, -5.0),
                (Feature::Prose, -2.0),
                (Feature::LabelInside, -3.0),
                (Feature::Stripped, 0.8),
                (Feature::Lines, -1.2),
                (Feature::Quality, 1.0),
                (Feature::Remainder, -1.5),
                (Feature::Completes, 3.0),
                (Feature::BlockHead, 0.3),
                (Feature::Domain, 2.0),
                (Feature::Contact, 1.2),
                (Feature::Sender, 3.5),
                (Feature::Attention, -4.0),
                (Feature::Addressed, -3.0),
                (Feature::Echoed, 3.0),
                (Feature::Mentioned, 1.0),
                (Feature::Imprint, 2.0),
                (Feature::FirstBlock, 0.3),
                (Feature::Side, 0.35),
                (Feature::Unbalanced, -3.0),
                (Feature::TwoBlocks, -2.0),
            ],
            Class::Name => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -5.0),
                (Feature::LegalForm, 0.8),
                (Feature::AddressLike, -2.0),
                (Feature::Digits, -3.0),
                (Feature::Title, -4.0),
                (Feature::Prose, -4.0),
                (Feature::LabelInside, -3.0),
                (Feature::Lines, -1.2),
                (Feature::Quality, 1.0),
                (Feature::Remainder, -1.5),
                (Feature::Completes, 3.0),
                (Feature::BlockHead, 7.0),
                (Feature::Repeated, -0.7),
                (Feature::Domain, -3.0),
                (Feature::Contact, -1.0),
                (Feature::Sender, -4.0),
                // A company beats the person in it.
                (Feature::Attention, -4.5),
                (Feature::Addressed, 4.0),
                (Feature::Echoed, 2.0),
                (Feature::Head, -2.0),
                (Feature::Mentioned, -0.5),
                (Feature::Imprint, -2.5),
                (Feature::Side, -0.35),
                (Feature::Unbalanced, -3.0),
                (Feature::TwoBlocks, 2.0),
            ],
            Class::Address => &[
                (Feature::Label, 3.0),
                (Feature::Rival, -3.0),
                (Feature::AddressLike, 4.0),
                (Feature::Top, 1.5),
                (Feature::Lines, 0.4),
                (Feature::LegalForm, -1.0),
                (Feature::LabelInside, -2.0),
                (Feature::Title, -5.0),
                (Feature::Prose, 0.2),
                (Feature::Stripped, 0.3),
                (Feature::BadStart, -2.0),
                (Feature::BadEnd, -2.0),
            ],
            Class::Choice => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -2.5),
                (Feature::Unlabelled, -3.5),
                (Feature::Quality, 1.0),
                (Feature::LabelInside, -2.5),
                (Feature::Lines, -1.0),
                (Feature::Ticked, 6.0),
            ],
            Class::Text => &[
                (Feature::Label, 6.0),
                (Feature::Rival, -4.0),
                (Feature::Unlabelled, -6.0),
                (Feature::LabelInside, -2.5),
                (Feature::Quality, 0.5),
                (Feature::Lines, -1.0),
            ],
        }
    }

    pub(super) fn score(self, row: &Row) -> f32 {
        let trained = self.trained().map_or(&[][..], |trained| trained.weights);
        self.weights_by_hand()
            .iter()
            .chain(trained)
            .map(|(feature, weight)| weight * row[*feature as usize])
            .sum()
    }
}
