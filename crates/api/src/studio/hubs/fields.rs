//! The fields of a hub, and the columns of its tables, as a body gives them.

use crate::body::{Fields, mismatch};
use domain::{
    hub::{Bound, Field, FieldRules, FieldType},
    limits,
};
use serde_json::Value;

/// Tables do not stand in tables, and what is deeper is not read.
const DEPTH_MAX: usize = 2;

/// The fields of `given`, which was taken from `body` under `name`.
pub fn read(body: &mut Fields, name: &str, given: Vec<Value>, max: usize) -> Vec<Field> {
    read_at(body, name, given, max, 1)
}

fn read_at(body: &mut Fields, name: &str, given: Vec<Value>, max: usize, depth: usize) -> Vec<Field> {
    if given.len() > max {
        body.wrong(name, format!("must have 1 to {max} entries"));
        return Vec::new();
    }
    let mut fields = Vec::with_capacity(given.len());
    for (index, value) in given.into_iter().enumerate() {
        let Some(mut object) = body.item(name, index, value) else { continue };
        fields.extend(one(&mut object, depth));
        body.absorb(object);
    }
    fields
}

fn one(object: &mut Fields, depth: usize) -> Option<Field> {
    let label = 1..=limits::HUB_LABEL_CHARACTERS_MAX;
    let id = object.required_text("id", 1..=limits::HUB_FIELD_ID_CHARACTERS_MAX);
    let name = object.required_text("name", 1..=limits::HUB_NAME_CHARACTERS_MAX);
    object.require("type");
    let kinds = FieldType::ALL.map(FieldType::as_str);
    let kind = object.one_of("type", FieldType::parse, &kinds);
    let mut field = Field {
        aliases: object.text_list("aliases", limits::HUB_ALIASES_MAX, label.clone()).unwrap_or_default(),
        description: object.text("description", 0..=limits::HUB_DESCRIPTION_CHARACTERS_MAX),
        required: object.boolean("required").unwrap_or_default(),
        pattern: object.text("pattern", 1..=limits::HUB_PATTERN_CHARACTERS_MAX),
        values: object.text_list("values", limits::HUB_VALUES_MAX, label).unwrap_or_default(),
        items: object.one_of("items", FieldType::parse, &kinds),
        rules: rules(object),
        ..Field::new(&id, &name, FieldType::String)
    };
    if let Some(columns) = object.array("columns") {
        if depth < DEPTH_MAX {
            field.columns = read_at(object, "columns", columns, limits::HUB_COLUMNS_MAX, depth + 1);
        } else {
            object.wrong("columns", "a column has no columns of its own");
        }
    }
    field.kind = kind?;
    Some(field)
}

fn rules(object: &mut Fields) -> Option<FieldRules> {
    let mut rules = object.object("rules")?;
    let read = FieldRules { min: bound(&mut rules, "min"), max: bound(&mut rules, "max") };
    object.absorb(rules);
    Some(read)
}

fn bound(rules: &mut Fields, name: &str) -> Option<Bound> {
    match rules.take(name)? {
        Value::Number(number) => number.as_f64().map(Bound::Number),
        Value::String(date) => Some(Bound::Date(date)),
        other => {
            rules.wrong(name, mismatch("a number or a date", &other));
            None
        }
    }
}
