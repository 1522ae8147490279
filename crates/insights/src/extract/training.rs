//! What the prior's weights are fitted on: the options of a field in a document whose value is known, as the linear model
//! sees them. For tools/corpus, which writes [`super::prior`]; the product does not learn this way.

use super::{
    analysis::Analysis,
    candidates::Candidate,
    features::{FEATURES, Feature},
    rows,
    weights::Class,
};
use crate::{learn::truth, page::Page};
use domain::hub::Hub;
use serde_json::Value;
use std::collections::BTreeMap;

impl Feature {
    /// In the order of a row.
    pub(super) const ALL: [Feature; FEATURES] = [
        Feature::Label,
        Feature::Rival,
        Feature::Unlabelled,
        Feature::Quality,
        Feature::Top,
        Feature::Head,
        Feature::Down,
        Feature::Rank,
        Feature::Sum,
        Feature::Repeated,
        Feature::Font,
        Feature::Reader,
        Feature::LegalForm,
        Feature::Cents,
        Feature::Currency,
        Feature::Percent,
        Feature::AddressLike,
        Feature::Lines,
        Feature::Title,
        Feature::Prose,
        Feature::Digits,
        Feature::LabelInside,
        Feature::Part,
        Feature::Stripped,
        Feature::Zero,
        Feature::Proven,
        Feature::Numbered,
        Feature::Bracketed,
        Feature::Remainder,
        Feature::ColumnSum,
        Feature::Difference,
        Feature::Completes,
        Feature::BlockHead,
        Feature::Dated,
        Feature::TitleRow,
        Feature::BadStart,
        Feature::BadEnd,
        Feature::Domain,
        Feature::Contact,
        Feature::Sender,
        Feature::Attention,
        Feature::Addressed,
        Feature::Echoed,
        Feature::Mentioned,
        Feature::Imprint,
        Feature::FirstBlock,
        Feature::Period,
        Feature::Ticked,
        Feature::Listed,
        Feature::AddsUp,
        Feature::AddsUpOtherwise,
        Feature::Side,
        Feature::Unbalanced,
        Feature::TwoBlocks,
    ];
}

/// Fields that are weighed alike, with the weights that were set by hand.
#[derive(Debug, Clone)]
pub struct ClassByHand {
    pub name: String,
    pub none: f32,
    /// One for each feature.
    pub weights: Vec<f32>,
}

/// One field of one document.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Its place in [`classes_by_hand`].
    pub class: usize,
    /// The features of each option.
    pub options: Vec<Vec<f32>>,
    /// One for each option; all false where the document has none.
    pub right: Vec<bool>,
    /// The score of "none" as it was set by hand, with what the field adds to it.
    pub none: f32,
}

pub fn classes_by_hand() -> Vec<ClassByHand> {
    let one = |class: &Class| {
        let mut weights = vec![0.0; FEATURES];
        class.weights_by_hand().iter().for_each(|(feature, weight)| weights[*feature as usize] = *weight);
        ClassByHand { name: format!("{class:?}"), none: class.none_by_hand(), weights }
    };
    Class::ALL.iter().map(one).collect()
}

/// The names of the features, in the order of rows.
pub fn feature_names() -> Vec<String> {
    Feature::ALL.iter().map(|feature| format!("{feature:?}")).collect()
}

/// The fields of a document whose values are given (null: it has none), where one of the options is the value.
pub fn decisions(pages: &[Page], hub: &Hub, values: &BTreeMap<String, Value>) -> Vec<Decision> {
    let analysis = Analysis::new(pages, hub);
    let rows = rows::of(&analysis);
    let candidates: Vec<&Candidate> = analysis.candidates().collect();
    let mut decisions = Vec::new();
    for (index, field) in hub.fields.iter().enumerate() {
        let Some(value) = values.get(&field.id) else { continue };
        let marks = truth::marks(field, value, &rows.fields[index], &rows.candidates);
        let Some(marks) = marks else { continue };
        let narrow = rows.fields[index].options.iter().zip(marks).filter(|(option, _)| option.narrow);
        let (options, right): (Vec<Vec<f32>>, Vec<bool>) = narrow
            .map(|(option, right)| {
                let number = option.candidate as usize;
                (analysis.features(index, number, candidates[number]).to_vec(), right)
            })
            .unzip();
        if !value.is_null() && !right.contains(&true) {
            continue;
        }
        let class = Class::of(field.kind, analysis.roles[index]);
        let required = if field.required { 1.0 } else { 0.0 };
        let place = Class::ALL.iter().position(|other| *other == class);
        decisions.push(Decision {
            class: place.unwrap_or_default(),
            options,
            right,
            none: class.none_by_hand() - required,
        });
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_and_classes_stand_in_the_order_of_their_numbers() {
        assert!(Feature::ALL.iter().enumerate().all(|(index, feature)| *feature as usize == index));
        assert!(Class::ALL.iter().enumerate().all(|(index, class)| *class as usize == index));
    }
}
