//! Rules that values should keep: bounds of one field, and sums and orders across fields.
//!
//! A document that breaks a rule is no failure of the reader; often it is the very thing that somebody wants to know. So
//! a broken rule is an [`Issue`] of the output, the job is recommended for review, and it completes all the same.

use super::{Field, FieldType, Hub, check};
use crate::extraction::{ExtractionOutput, FieldOutput, FieldValue, Issue, RuleKind};
use serde::{Deserialize, Serialize};

/// The lowest or highest value of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Bound {
    /// Of a number, an integer, an amount.
    Number(f64),
    /// `YYYY-MM-DD`, of a date.
    Date(String),
}

/// Bounds of one field, both included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldRules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
}

/// A rule across fields. A field without a value breaks none of them, except `atLeastOne`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum HubRule {
    /// `parts` add up to `total`.
    Sum {
        parts: Vec<String>,
        total: String,
        /// How far the two may be apart; 0.02 where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tolerance: Option<f64>,
    },
    /// `earlier` is not after `later`: dates, or numbers.
    Order { earlier: String, later: String },
    /// One of the fields has a value.
    AtLeastOne { fields: Vec<String> },
}

const TOLERANCE: f64 = 0.02;

impl HubRule {
    pub const KINDS: [&'static str; 3] = ["sum", "order", "atLeastOne"];
}

/// A value that has an order.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Ranked<'v> {
    Number(f64),
    /// ISO 8601 sorts as text.
    Date(&'v str),
}

impl<'v> Ranked<'v> {
    fn of(value: &'v FieldValue, kind: FieldType) -> Option<Self> {
        Some(match value {
            FieldValue::Integer(number) => Self::Number(*number as f64),
            FieldValue::Number(number) => Self::Number(*number),
            FieldValue::Money(money) => Self::Number(money.amount.parse().ok()?),
            FieldValue::Text(text) if matches!(kind, FieldType::Date | FieldType::DateTime) => {
                Self::Date(text)
            }
            _ => return None,
        })
    }
}

/// Every rule of the hub that the output breaks, in the order of fields and rules.
pub fn issues(hub: &Hub, output: &ExtractionOutput) -> Vec<Issue> {
    let of_fields = hub.fields.iter().flat_map(|field| of_field(field, find(output, &field.id)));
    let across = hub.rules.iter().filter_map(|rule| across(rule, output));
    of_fields.chain(across).collect()
}

fn find<'o>(output: &'o ExtractionOutput, id: &str) -> Option<&'o FieldOutput> {
    output.fields.iter().find(|field| field.id == id)
}

fn of_field(field: &Field, output: Option<&FieldOutput>) -> Vec<Issue> {
    let issue = |rule, message: String| Issue { field_ids: vec![field.id.clone()], rule, message };
    let Some((output, value)) = output.and_then(|output| Some((output, output.value.as_ref()?))) else {
        let missing = issue(RuleKind::Required, format!("{} is required and was not found", field.id));
        return if field.required { vec![missing] } else { Vec::new() };
    };
    let mut found = Vec::new();
    let text = match value {
        FieldValue::Text(text) if field.kind == FieldType::String => Some(text.as_str()),
        _ => output.text.as_deref(),
    };
    let pattern = field.pattern.as_deref().and_then(check::whole_match);
    if let (Some(pattern), Some(text)) = (pattern, text)
        && !pattern.is_match(text.trim())
    {
        found.push(issue(RuleKind::Pattern, format!("{} does not have the form of its pattern", field.id)));
    }
    let (Some(rules), Some(ranked)) = (&field.rules, Ranked::of(value, field.kind)) else { return found };
    if rules.min.as_ref().is_some_and(|min| below(ranked, min)) {
        found.push(issue(RuleKind::Min, format!("{} is below its lowest value", field.id)));
    }
    if rules.max.as_ref().is_some_and(|max| above(ranked, max)) {
        found.push(issue(RuleKind::Max, format!("{} is above its highest value", field.id)));
    }
    found
}

fn below(value: Ranked<'_>, min: &Bound) -> bool {
    match (value, min) {
        (Ranked::Number(value), Bound::Number(min)) => value < *min,
        (Ranked::Date(value), Bound::Date(min)) => day(value) < min.as_str(),
        _ => false,
    }
}

fn above(value: Ranked<'_>, max: &Bound) -> bool {
    match (value, max) {
        (Ranked::Number(value), Bound::Number(max)) => value > *max,
        (Ranked::Date(value), Bound::Date(max)) => day(value) > max.as_str(),
        _ => false,
    }
}

/// The date of a date-time.
fn day(text: &str) -> &str {
    text.get(..10).unwrap_or(text)
}

fn across(rule: &HubRule, output: &ExtractionOutput) -> Option<Issue> {
    let ranked = |id: &String| {
        let field = find(output, id)?;
        Ranked::of(field.value.as_ref()?, field.kind)
    };
    match rule {
        HubRule::Sum { parts, total, tolerance } => {
            let number = |id| match ranked(id)? {
                Ranked::Number(number) => Some(number),
                Ranked::Date(_) => None,
            };
            let sum: f64 = parts.iter().map(number).sum::<Option<f64>>()?;
            let apart = (sum - number(total)?).abs();
            let message = format!("{} do not add up to {total}", parts.join(" and "));
            let field_ids = [total].into_iter().chain(parts).cloned().collect();
            // The smallest amount by which sums of decimals in binary may be off.
            (apart > tolerance.unwrap_or(TOLERANCE) + 1e-9).then_some(Issue {
                field_ids,
                rule: RuleKind::Sum,
                message,
            })
        }
        HubRule::Order { earlier, later } => {
            let wrong = match (ranked(earlier)?, ranked(later)?) {
                (Ranked::Date(first), Ranked::Date(second)) => day(first) > day(second),
                (first, second) => first > second,
            };
            let message = format!("{earlier} is after {later}");
            let field_ids = vec![earlier.clone(), later.clone()];
            wrong.then_some(Issue { field_ids, rule: RuleKind::Order, message })
        }
        HubRule::AtLeastOne { fields } => {
            let none = fields.iter().all(|id| find(output, id).is_none_or(|field| field.value.is_none()));
            let message = format!("none of {} was found", fields.join(", "));
            none.then_some(Issue { field_ids: fields.clone(), rule: RuleKind::AtLeastOne, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extraction::Money, id::HubId};

    fn output(values: &[(&str, FieldType, Option<FieldValue>)]) -> ExtractionOutput {
        let field = |(id, kind, value): &(&str, FieldType, Option<FieldValue>)| FieldOutput {
            id: (*id).into(),
            name: (*id).into(),
            kind: *kind,
            value: value.clone(),
            text: None,
            confidence: 0.9,
            placements: Vec::new(),
            confidence_reasons: Vec::new(),
        };
        ExtractionOutput::new(values.iter().map(field).collect())
    }

    fn money(amount: &str) -> Option<FieldValue> {
        Some(FieldValue::Money(Money { amount: amount.into(), currency: None }))
    }

    fn broken(hub: &Hub, output: &ExtractionOutput) -> Vec<RuleKind> {
        issues(hub, output).into_iter().map(|issue| issue.rule).collect()
    }

    #[test]
    fn bounds_and_patterns_are_of_one_field() {
        let number = Field {
            required: true,
            pattern: Some("A-[0-9]+".into()),
            ..Field::new("number", "Number", FieldType::String)
        };
        let bounds = |min, max| Some(FieldRules { min: Some(min), max: Some(max) });
        let date = Field {
            rules: bounds(Bound::Date("2020-01-01".into()), Bound::Date("2030-12-31".into())),
            ..Field::new("date", "Date", FieldType::Date)
        };
        let total = Field {
            rules: bounds(Bound::Number(0.0), Bound::Number(100.0)),
            ..Field::new("total", "Total", FieldType::Money)
        };
        let hub = Hub::new(HubId::from_bytes([1; 12]), "H", vec![number, date, total]);
        let text = |text: &str| Some(FieldValue::Text(text.into()));
        let with = |number, date, total| {
            let values = [
                ("number", FieldType::String, number),
                ("date", FieldType::Date, date),
                ("total", FieldType::Money, total),
            ];
            broken(&hub, &output(&values))
        };
        assert_eq!(with(text("A-1"), text("2020-01-01"), money("100.00")), []);
        assert_eq!(with(None, None, None), [RuleKind::Required]);
        use RuleKind::{Max, Min, Pattern};
        assert_eq!(with(text("B-1"), text("2019-12-31"), money("100.01")), [Pattern, Min, Max]);
    }

    #[test]
    fn rules_across_fields_speak_of_values_that_are_there() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rules = vec![
            HubRule::Sum { parts: names(&["net", "tax"]), total: "total".into(), tolerance: None },
            HubRule::Order { earlier: "from".into(), later: "until".into() },
            HubRule::AtLeastOne { fields: names(&["from", "net"]) },
        ];
        let hub = Hub { rules, ..Hub::new(HubId::from_bytes([1; 12]), "H", Vec::new()) };
        let date = |text: &str| Some(FieldValue::Text(text.into()));
        let right = output(&[
            ("net", FieldType::Money, money("100.00")),
            ("tax", FieldType::Money, money("19.01")),
            ("total", FieldType::Money, money("119.00")),
            ("from", FieldType::Date, date("2026-01-01")),
            ("until", FieldType::DateTime, date("2026-01-01T00:00:00Z")),
        ]);
        assert_eq!(broken(&hub, &right), []);
        let wrong = output(&[
            ("net", FieldType::Money, money("100.00")),
            ("tax", FieldType::Money, money("19.03")),
            ("total", FieldType::Money, money("119.00")),
            ("from", FieldType::Date, date("2026-01-02")),
            ("until", FieldType::Date, date("2026-01-01")),
        ]);
        assert_eq!(broken(&hub, &wrong), [RuleKind::Sum, RuleKind::Order]);
        assert_eq!(broken(&hub, &output(&[])), [RuleKind::AtLeastOne]);
    }
}
