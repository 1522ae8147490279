//! Whether a hub's definition can be worked with. Every mistake is told with its path, all of them at once.

use super::{Bound, BusinessKey, Field, FieldType, Hub, HubRule, Review};
use crate::{fault::Detail, limits, metadata};
use regex::{Regex, RegexBuilder};
use std::collections::HashSet;

/// A pattern that must match the whole text; `None` where it does not compile within its limit.
pub fn whole_match(pattern: &str) -> Option<Regex> {
    compile(pattern).ok()
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(limits::HUB_PATTERN_BYTES_MAX).build()
}

/// Everything wrong with a hub. Lengths of single texts are checked where they are read.
pub fn hub(hub: &Hub) -> Vec<Detail> {
    let mut details = Vec::new();
    if hub.name.trim().is_empty() {
        details.push(Detail::new("name", "must not be blank"));
    }
    fields(&hub.fields, "fields", limits::HUB_FIELDS_MAX, false, &mut details);
    languages(&hub.languages, &mut details);
    let routing = metadata::check(&hub.routing.metadata).into_iter();
    details.extend(routing.map(|detail| Detail::new(format!("routing.{}", detail.field), detail.issue)));
    if let Some(key) = &hub.business_key {
        business_key(hub, key, &mut details);
    }
    if let Some(Review { max_error_rate }) = hub.review
        && !(max_error_rate > 0.0 && max_error_rate < 1.0)
    {
        details.push(Detail::new("review.maxErrorRate", "must be more than 0 and less than 1"));
    }
    if hub.rules.len() > limits::HUB_RULES_MAX {
        details.push(Detail::new("rules", format!("at most {} rules", limits::HUB_RULES_MAX)));
    }
    for (index, rule) in hub.rules.iter().enumerate() {
        hub_rule(hub, rule, &format!("rules[{index}]"), &mut details);
    }
    details
}

fn fields(fields: &[Field], path: &str, max: usize, columns: bool, details: &mut Vec<Detail>) {
    if fields.is_empty() || fields.len() > max {
        details.push(Detail::new(path, format!("must have 1 to {max} entries")));
    }
    let mut seen = HashSet::new();
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{path}[{index}]");
        // An empty id was noted when it was read.
        if !field.id.is_empty() {
            if !is_id(&field.id) {
                let max = limits::HUB_FIELD_ID_CHARACTERS_MAX;
                let issue =
                    format!("must be a letter and up to {} letters, digits, `_` or `-`, all ASCII", max - 1);
                details.push(Detail::new(format!("{path}.id"), issue));
            } else if !seen.insert(field.id.as_str()) {
                details.push(Detail::new(format!("{path}.id"), "is the id of an earlier field"));
            }
        }
        one(field, &path, columns, details);
    }
}

/// Dots and brackets are left to the paths of cells.
fn is_id(id: &str) -> bool {
    id.len() <= limits::HUB_FIELD_ID_CHARACTERS_MAX
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn one(field: &Field, path: &str, column: bool, details: &mut Vec<Detail>) {
    let mut wrong = |key: &str, issue: String| details.push(Detail::new(format!("{path}.{key}"), issue));
    let kind = field.kind;
    if column && matches!(kind, FieldType::Table | FieldType::List) {
        wrong("type", format!("a column cannot be a {}", kind.as_str()));
    }
    match (kind, field.values.is_empty()) {
        (FieldType::Enum, true) => wrong("values", "an enum needs its values".to_owned()),
        (FieldType::Enum, false) => {}
        (_, true) => {}
        (_, false) => wrong("values", format!("only an enum has values, and this is a {}", kind.as_str())),
    }
    if let Some(twice) = repeated(&field.values) {
        wrong(&format!("values[{twice}]"), "stands twice".to_owned());
    }
    match field.items {
        Some(_) if kind != FieldType::List => {
            wrong("items", format!("only a list has items, and this is a {}", kind.as_str()));
        }
        Some(items @ (FieldType::List | FieldType::Table | FieldType::Enum)) => {
            wrong("items", format!("a list cannot have items of the type {}", items.as_str()));
        }
        _ => {}
    }
    if let Some(pattern) = &field.pattern {
        match (kind, compile(pattern)) {
            (FieldType::Table | FieldType::Boolean, _) => {
                wrong("pattern", format!("a {} has no pattern", kind.as_str()));
            }
            (_, Err(error)) => wrong("pattern", why(&error)),
            (_, Ok(_)) => {}
        }
    }
    if let Some(rules) = &field.rules {
        for (key, bound) in [("rules.min", &rules.min), ("rules.max", &rules.max)] {
            if let Some(issue) = bound.as_ref().and_then(|bound| misfit(kind, bound)) {
                wrong(key, issue);
            }
        }
    }
    match (kind, field.columns.is_empty()) {
        (FieldType::Table, _) => {
            fields(&field.columns, &format!("{path}.columns"), limits::HUB_COLUMNS_MAX, true, details);
        }
        (_, true) => {}
        (_, false) => wrong("columns", format!("only a table has columns, and this is a {}", kind.as_str())),
    }
}

fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "is too large once it is compiled".to_owned(),
        // Its text draws the pattern over several lines; the last one says what is wrong.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("is no regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

fn misfit(kind: FieldType, bound: &Bound) -> Option<String> {
    match (kind, bound) {
        (FieldType::Money | FieldType::Number | FieldType::Integer, Bound::Number(number)) => {
            (!number.is_finite()).then(|| "must be a number".to_owned())
        }
        (FieldType::Money | FieldType::Number | FieldType::Integer, Bound::Date(_)) => {
            Some("must be a number".to_owned())
        }
        (FieldType::Date | FieldType::DateTime, Bound::Date(date)) => {
            let valid = date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok();
            (!valid).then(|| "must be a date, YYYY-MM-DD".to_owned())
        }
        (FieldType::Date | FieldType::DateTime, Bound::Number(_)) => {
            Some("must be a date, YYYY-MM-DD".to_owned())
        }
        _ => Some(format!("a {} has no bounds", kind.as_str())),
    }
}

fn repeated(texts: &[String]) -> Option<usize> {
    let mut seen = HashSet::new();
    texts.iter().position(|text| !seen.insert(text))
}

fn languages(languages: &[String], details: &mut Vec<Detail>) {
    for (index, language) in languages.iter().enumerate() {
        if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
            let issue = "must be a language of two lower-case letters (ISO 639-1), such as `en`";
            details.push(Detail::new(format!("languages[{index}]"), issue));
        }
    }
    if let Some(twice) = repeated(languages) {
        details.push(Detail::new(format!("languages[{twice}]"), "stands twice"));
    }
}

fn business_key(hub: &Hub, key: &BusinessKey, details: &mut Vec<Detail>) {
    let path = "businessKey.fields";
    let max = limits::HUB_KEY_FIELDS_MAX;
    if key.fields.is_empty() || key.fields.len() > max {
        details.push(Detail::new(path, format!("must have 1 to {max} entries")));
    }
    for (index, id) in key.fields.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match hub.fields.iter().find(|field| field.id == *id) {
            None => details.push(Detail::new(path, "the hub has no such field")),
            Some(field) if matches!(field.kind, FieldType::List | FieldType::Table) => {
                details.push(Detail::new(path, "a list or table is no part of a key"));
            }
            Some(_) => {}
        }
    }
    if let Some(twice) = repeated(&key.fields) {
        details.push(Detail::new(format!("{path}[{twice}]"), "stands twice"));
    }
}

fn hub_rule(hub: &Hub, rule: &HubRule, path: &str, details: &mut Vec<Detail>) {
    let number = [FieldType::Money, FieldType::Number, FieldType::Integer];
    let ranked =
        [FieldType::Date, FieldType::DateTime, FieldType::Money, FieldType::Number, FieldType::Integer];
    let mut wrong = |key: String, issue: &str| details.push(Detail::new(format!("{path}.{key}"), issue));
    let mut check =
        |id: &str, key: String, kinds: &[FieldType]| match hub.fields.iter().find(|field| field.id == id) {
            None => wrong(key, "the hub has no such field"),
            Some(field) if !kinds.is_empty() && !kinds.contains(&field.kind) => {
                wrong(key, "a field of this type cannot stand here");
            }
            Some(_) => {}
        };
    match rule {
        HubRule::Sum { parts, total, tolerance } => {
            for (index, part) in parts.iter().enumerate() {
                check(part, format!("parts[{index}]"), &number);
            }
            check(total, "total".to_owned(), &number);
            if parts.is_empty() {
                wrong("parts".to_owned(), "must name at least one field");
            }
            if tolerance.is_some_and(|tolerance| !(0.0..=1e9).contains(&tolerance)) {
                wrong("tolerance".to_owned(), "must be a number, not below 0");
            }
        }
        HubRule::Order { earlier, later } => {
            check(earlier, "earlier".to_owned(), &ranked);
            check(later, "later".to_owned(), &ranked);
        }
        HubRule::AtLeastOne { fields } => {
            for (index, id) in fields.iter().enumerate() {
                check(id, format!("fields[{index}]"), &[]);
            }
            if fields.is_empty() {
                wrong("fields".to_owned(), "must name at least one field");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hub::{FieldRules, builtin},
        id::HubId,
    };

    fn wrong(fields: Vec<Field>) -> Vec<String> {
        let mut paths: Vec<String> = hub(&Hub::new(HubId::from_bytes([1; 12]), "H", fields))
            .into_iter()
            .map(|detail| detail.field)
            .collect();
        paths.sort();
        paths
    }

    fn field(kind: FieldType) -> Field {
        Field::new("f", "F", kind)
    }

    #[test]
    fn the_built_in_hubs_are_right() {
        for definition in builtin::all() {
            assert_eq!(hub(&definition.into_hub(HubId::from_bytes([1; 12]))), []);
        }
    }

    #[test]
    fn what_belongs_to_a_type_stands_only_there() {
        let text = |text: &str| vec![text.to_owned()];
        assert_eq!(
            wrong(vec![Field { values: text("a"), ..field(FieldType::String) }]),
            ["fields[0].values"]
        );
        assert_eq!(wrong(vec![field(FieldType::Enum)]), ["fields[0].values"]);
        let twice = vec!["a".to_owned(), "a".to_owned()];
        assert_eq!(wrong(vec![Field { values: twice, ..field(FieldType::Enum) }]), ["fields[0].values[1]"]);
        assert_eq!(wrong(vec![field(FieldType::Table)]), ["fields[0].columns"]);
        let columns = vec![Field::new("c", "C", FieldType::Table)];
        let table = Field { columns: columns.clone(), ..field(FieldType::Table) };
        assert_eq!(wrong(vec![table]), ["fields[0].columns[0].columns", "fields[0].columns[0].type"]);
        assert_eq!(wrong(vec![Field { columns, ..field(FieldType::Date) }]), ["fields[0].columns"]);
        let items = |kind, items| Field { items: Some(items), ..field(kind) };
        assert_eq!(wrong(vec![items(FieldType::List, FieldType::Date)]), [""; 0]);
        assert_eq!(wrong(vec![items(FieldType::List, FieldType::List)]), ["fields[0].items"]);
        assert_eq!(wrong(vec![items(FieldType::String, FieldType::Date)]), ["fields[0].items"]);
    }

    #[test]
    fn ids_patterns_and_bounds_are_checked() {
        assert_eq!(wrong(vec![field(FieldType::Date), field(FieldType::Date)]), ["fields[1].id"]);
        for id in ["a.b", "1a", "a[0]", "ä", &"x".repeat(65)] {
            assert_eq!(wrong(vec![Field::new(id, "F", FieldType::Date)]), ["fields[0].id"], "{id}");
        }
        let pattern =
            |pattern: &str| wrong(vec![Field { pattern: Some(pattern.into()), ..field(FieldType::String) }]);
        assert_eq!(pattern("INV-[0-9]{4}"), [""; 0]);
        assert_eq!(pattern("("), ["fields[0].pattern"]);
        assert_eq!(pattern("((a{100}){100}){100}"), ["fields[0].pattern"]);
        let min = |kind, min| {
            let rules = FieldRules { min: Some(min), max: None };
            wrong(vec![Field { rules: Some(rules), ..field(kind) }])
        };
        assert_eq!(min(FieldType::Date, Bound::Date("2026-01-01".into())), [""; 0]);
        assert_eq!(min(FieldType::Date, Bound::Number(1.0)), ["fields[0].rules.min"]);
        assert_eq!(min(FieldType::String, Bound::Number(1.0)), ["fields[0].rules.min"]);
    }

    #[test]
    fn keys_and_rules_name_fields_that_are_there() {
        let order = HubRule::Order { earlier: "f".into(), later: "nope".into() };
        let key = BusinessKey { fields: vec!["nope".into()], duplicates: Default::default() };
        let given = Hub {
            languages: vec!["EN".into()],
            business_key: Some(key),
            review: Some(Review { max_error_rate: 1.0 }),
            rules: vec![order],
            ..Hub::new(HubId::from_bytes([1; 12]), "H", vec![field(FieldType::Date)])
        };
        let paths: Vec<String> = hub(&given).into_iter().map(|detail| detail.field).collect();
        assert_eq!(paths, ["languages[0]", "businessKey.fields[0]", "review.maxErrorRate", "rules[0].later"]);
    }
}
