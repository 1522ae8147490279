//! Why a confidence is what it is, in a closed list of words.

use serde::{Deserialize, Serialize};

/// See the module. The words are part of the output's contract: new ones may come, none changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// One of the field's labels stands at the value.
    Labelled,
    /// Amounts add up with it.
    IdentityHolds,
    /// It has the shape of the field's pattern.
    PatternMatches,
    /// Confirmed examples say so.
    Learned,
    /// A confirmed document looks the same.
    KnownLayout,
    /// The text was confirmed before.
    KnownName,
    /// Several ways to read the page agree.
    PassesAgree,
    /// Several ways to read the page differ.
    PassesDiffer,
    /// The words were hard to read.
    WeakReading,
    /// Another value is nearly as likely.
    CloseRival,
    /// It contradicts another field.
    Contradiction,
    /// Nothing on the pages looks like it.
    NotFound,
    /// It comes from data that is embedded in the file.
    EmbeddedData,
    /// The second reader says the same.
    SecondReaderAgrees,
    /// The second reader says something else.
    SecondReaderDiffers,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Labelled => "labelled",
            Reason::IdentityHolds => "identityHolds",
            Reason::PatternMatches => "patternMatches",
            Reason::Learned => "learned",
            Reason::KnownLayout => "knownLayout",
            Reason::KnownName => "knownName",
            Reason::PassesAgree => "passesAgree",
            Reason::PassesDiffer => "passesDiffer",
            Reason::WeakReading => "weakReading",
            Reason::CloseRival => "closeRival",
            Reason::Contradiction => "contradiction",
            Reason::NotFound => "notFound",
            Reason::EmbeddedData => "embeddedData",
            Reason::SecondReaderAgrees => "secondReaderAgrees",
            Reason::SecondReaderDiffers => "secondReaderDiffers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_as_it_is_named() {
        for reason in [Reason::IdentityHolds, Reason::SecondReaderDiffers, Reason::NotFound] {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("{:?}", reason.as_str()));
        }
    }
}
