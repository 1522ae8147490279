//! Which JSON Schemas `input` may be.
//!
//! Checking a value must end, and soon. So patterns are run by an engine that is linear in the text, and references
//! stay inside the schema, never lead back to where they stand, and do not multiply: with each one written out, the
//! schema is a tree of bounded size.

use std::collections::BTreeMap;

use serde_json::Value;

/// With all of them written out.
const REFERENCES_MAX: usize = 2000;

/// Says what is wrong with a schema.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    if !schema.is_object() {
        return Err("`input` is a JSON Schema: a map".to_owned());
    }
    let mut references = Vec::new();
    collect(schema, &mut references)?;
    let mut leads_to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reference in &references {
        let target = reference.strip_prefix('#').and_then(|pointer| schema.pointer(pointer));
        let Some(target) = target else {
            return Err(format!("`$ref` names nothing in this schema: {reference}"));
        };
        let mut inside = Vec::new();
        collect(target, &mut inside)?;
        leads_to.insert(reference, inside);
    }
    let mut left = REFERENCES_MAX;
    for reference in &references {
        write_out(reference, &leads_to, &mut Vec::new(), &mut left)?;
    }
    crate::input::validator(schema).map(|_| ())
}

/// Follows a reference as if it were written out.
fn write_out<'v>(
    reference: &'v str,
    leads_to: &BTreeMap<&str, Vec<&'v str>>,
    open: &mut Vec<&'v str>,
    left: &mut usize,
) -> Result<(), String> {
    if open.contains(&reference) {
        return Err(format!(
            "`$ref` {reference} leads back to itself; a schema without an end is not supported"
        ));
    }
    *left = left.checked_sub(1).ok_or("references that multiply to more than 2000")?;
    open.push(reference);
    for next in leads_to.get(reference).into_iter().flatten() {
        write_out(next, leads_to, open, left)?;
    }
    open.pop();
    Ok(())
}

/// Every reference of a schema.
fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) -> Result<(), String> {
    match value {
        Value::Object(pairs) => {
            for (key, value) in pairs {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => found.push(reference),
                    (
                        "$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor",
                        Value::String(_),
                    ) => {
                        return Err(format!("`{key}` is not supported; use `$ref` to `#/$defs/…`"));
                    }
                    _ => collect(value, found)?,
                }
            }
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found))?,
        _ => {}
    }
    Ok(())
}
