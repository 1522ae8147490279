//! Which JSON Schemas `input` may be.
//!
//! Checking a value must end, and soon. So patterns are run by an engine that is linear in the text, and references
//! stay inside the schema, never lead back to where they stand, and do not multiply: with each one written out, the
//! schema is a tree of bounded size.

use std::collections::BTreeMap;

use domain::limits;
use serde_json::Value;

/// With all of them written out.
const REFERENCES_MAX: usize = 2000;

/// Says what is wrong with a schema.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    if !schema.is_object() {
        return Err("`input` is a JSON Schema: a map".to_owned());
    }
    let mut whole = Part::default();
    collect(schema, &mut whole)?;
    let mut leads_to: BTreeMap<&str, Part<'_>> = BTreeMap::new();
    for reference in &whole.references {
        let target = reference.strip_prefix('#').and_then(|pointer| schema.pointer(pointer));
        let Some(target) = target else {
            return Err(format!("`$ref` names nothing in this schema: {reference}"));
        };
        if !leads_to.contains_key(reference) {
            let mut part = Part::default();
            collect(target, &mut part)?;
            leads_to.insert(reference, part);
        }
    }
    let mut left = Left { references: REFERENCES_MAX, patterns: limits::WORKFLOW_PATTERNS_MAX };
    write_out(&whole, &leads_to, &mut Vec::new(), &mut left)?;
    crate::input::validator(schema).map(|_| ())
}

/// What stands in a schema or in a part of it.
#[derive(Default)]
struct Part<'v> {
    references: Vec<&'v str>,
    patterns: usize,
}

/// What may still be written out.
struct Left {
    references: usize,
    patterns: usize,
}

/// Counts a part as if each of its references were written out.
fn write_out<'v>(
    part: &Part<'v>,
    leads_to: &BTreeMap<&str, Part<'v>>,
    open: &mut Vec<&'v str>,
    left: &mut Left,
) -> Result<(), String> {
    left.patterns = left
        .patterns
        .checked_sub(part.patterns)
        .ok_or("more than 100 patterns, those behind a `$ref` counted each time")?;
    for &reference in &part.references {
        if open.contains(&reference) {
            return Err(format!(
                "`$ref` {reference} leads back to itself; a schema without an end is not supported"
            ));
        }
        left.references =
            left.references.checked_sub(1).ok_or("references that multiply to more than 2000")?;
        open.push(reference);
        if let Some(target) = leads_to.get(reference) {
            write_out(target, leads_to, open, left)?;
        }
        open.pop();
    }
    Ok(())
}

/// Every reference and every pattern of a schema.
fn collect<'v>(value: &'v Value, part: &mut Part<'v>) -> Result<(), String> {
    match value {
        Value::Object(pairs) => {
            for (key, value) in pairs {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => part.references.push(reference),
                    (
                        "$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor",
                        Value::String(_),
                    ) => {
                        return Err(format!("`{key}` is not supported; use `$ref` to `#/$defs/…`"));
                    }
                    ("pattern", Value::String(_)) => part.patterns += 1,
                    ("patternProperties", Value::Object(patterns)) => {
                        part.patterns += patterns.len();
                        collect(value, part)?;
                    }
                    _ => collect(value, part)?,
                }
            }
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, part))?,
        _ => {}
    }
    Ok(())
}
