//! Whose label a value stands at: the field's own, or one that claims it for something else.

use super::{
    candidates::{Candidate, Reading},
    features::Asked,
    labels::Relation,
    lexicon::{Elsewhere, Meaning},
    roles::Role,
};
use domain::hub::FieldType;

/// The strongest relation to the field itself, directly or through its section and the row's `Name:`.
pub(super) fn own_strength(relations: &[Relation], field: usize, role: Role) -> (f32, bool) {
    let (mut direct, mut section) = (0.0_f32, 0.0_f32);
    let (mut name, mut address) = (0.0_f32, 0.0_f32);
    for relation in relations {
        match relation.meaning {
            Meaning::Field(other) if other == field => {
                if relation.section {
                    section = section.max(relation.strength);
                } else {
                    direct = direct.max(relation.strength);
                }
            }
            Meaning::Name if !relation.section => name = name.max(relation.strength),
            Meaning::Address if !relation.section => address = address.max(relation.strength),
            _ => {}
        }
    }
    let row = match role {
        Role::Issuer | Role::Recipient | Role::Person => name,
        Role::Address => address,
        _ => 0.0,
    };
    let through_section = if section > 0.1 { (0.95 * row).max(section) } else { 0.0 };
    (direct.max(through_section), through_section > direct)
}

/// How strongly a label of something else claims a candidate. Only what could stand at that label is claimed by it: no date is
/// the change of a cash payment, and no amount the date of a delivery.
pub(super) fn rival_strength(candidate: &Candidate, asked: &Asked<'_>) -> f32 {
    let Asked { field, role, name_fields, fields } = *asked;
    let claims = |kind: FieldType| match (&candidate.reading, kind) {
        (Reading::Date(_), FieldType::Date | FieldType::DateTime) => 1.0,
        (Reading::Number(_), FieldType::Money | FieldType::Number | FieldType::Integer) => 1.0,
        (Reading::Date(_) | Reading::Number(_), FieldType::String) => TEXT_CLAIMS,
        (Reading::Date(_) | Reading::Number(_), _) => 0.0,
        (Reading::Code { .. } | Reading::Text(_), _) => 1.0,
    };
    let rivals = candidate.relations.iter().map(|relation| {
        let claim = match relation.meaning {
            Meaning::Field(other) if other == field => 0.0,
            Meaning::Field(other)
                if !relation.section || (role.is_name() && name_fields.contains(&other)) =>
            {
                claims(fields[other].kind)
            }
            Meaning::Name if !relation.section && !role.is_name() => claims(FieldType::String),
            Meaning::Address if !relation.section && role != Role::Address => claims(FieldType::String),
            Meaning::Other(elsewhere) if !relation.section => claims(match elsewhere {
                Elsewhere::Date => FieldType::Date,
                Elsewhere::Amount => FieldType::Money,
                Elsewhere::Text => FieldType::String,
            }),
            _ => 0.0,
        };
        claim * relation.strength
    });
    rivals.fold(0.0, f32::max)
}

/// How much of a number or a date the label of a text claims: few texts are nothing but one.
const TEXT_CLAIMS: f32 = 0.5;
