//! The keys of a hub, which creating, changing and importing have in common.

use super::fields;
use crate::{
    body::{Body, Fields, mismatch},
    problem::Result,
};
use domain::{
    hub::{BusinessKey, Duplicates, Hub, HubRule, Review, Routing, check},
    limits,
};
use serde_json::Value;

/// A hub of which name and fields must be there.
pub fn whole(mut body: Fields, blank: Hub) -> Result<Hub> {
    body.require("name");
    body.require("fields");
    merged(body, blank)
}

/// A hub with what the body says; what it leaves out stays.
pub fn merged(mut body: Fields, mut hub: Hub) -> Result<Hub> {
    if let Some(name) = body.text("name", 1..=limits::HUB_NAME_CHARACTERS_MAX) {
        hub.name = name;
    }
    if let Some(given) = body.array("fields") {
        hub.fields = fields::read(&mut body, "fields", given, limits::HUB_FIELDS_MAX);
    }
    if let Some(languages) = body.text_list("languages", limits::HUB_LANGUAGES_MAX, 1..=8) {
        hub.languages = languages;
    }
    hub.duplicates = duplicates(&mut body, "duplicates").unwrap_or(hub.duplicates);
    hub.near_duplicates = duplicates(&mut body, "nearDuplicates").unwrap_or(hub.near_duplicates);
    if clears(&mut body, "businessKey") {
        hub.business_key = None;
    } else if let Some(mut key) = body.object("businessKey") {
        key.require("fields");
        let max = limits::HUB_FIELD_ID_CHARACTERS_MAX;
        let fields = key.text_list("fields", limits::HUB_KEY_FIELDS_MAX, 1..=max).unwrap_or_default();
        let duplicates = duplicates(&mut key, "duplicates").unwrap_or_default();
        body.absorb(key);
        hub.business_key = Some(BusinessKey { fields, duplicates });
    }
    if let Some(mut routing) = body.object("routing") {
        hub.routing = Routing { metadata: routing.texts("metadata").unwrap_or_default() };
        body.absorb(routing);
    }
    if clears(&mut body, "review") {
        hub.review = None;
    } else if let Some(mut review) = body.object("review") {
        review.require("maxErrorRate");
        if let Some(max_error_rate) = review.number("maxErrorRate") {
            hub.review = Some(Review { max_error_rate });
        }
        body.absorb(review);
    }
    if let Some(given) = body.array("rules") {
        hub.rules = rules(&mut body, given);
    }
    hub.enabled = body.boolean("enabled").unwrap_or(hub.enabled);
    // What could not be read was noted; its consequences are not told as mistakes of their own.
    if !body.is_wrong() {
        body.note(check::hub(&hub));
    }
    body.finish()?;
    Ok(hub)
}

fn duplicates(body: &mut Fields, name: &str) -> Option<Duplicates> {
    body.one_of(name, Duplicates::parse, &["reject", "allow"])
}

/// Takes the key where it is `null`, which clears it.
fn clears(body: &mut Fields, name: &str) -> bool {
    body.is_null(name) && body.take(name) == Some(Value::Null)
}

fn rules(body: &mut Fields, given: Vec<Value>) -> Vec<HubRule> {
    let mut rules = Vec::with_capacity(given.len());
    for (index, value) in given.into_iter().enumerate() {
        let Some(mut object) = body.item("rules", index, value) else { continue };
        rules.extend(rule(&mut object));
        body.absorb(object);
    }
    rules
}

fn rule(object: &mut Fields) -> Option<HubRule> {
    let id = 1..=limits::HUB_FIELD_ID_CHARACTERS_MAX;
    object.require("kind");
    match object.take("kind")? {
        Value::String(kind) if kind == "sum" => {
            object.require("parts");
            Some(HubRule::Sum {
                parts: object.text_list("parts", limits::HUB_FIELDS_MAX, id.clone()).unwrap_or_default(),
                total: object.required_text("total", id),
                tolerance: object.number("tolerance"),
            })
        }
        Value::String(kind) if kind == "order" => Some(HubRule::Order {
            earlier: object.required_text("earlier", id.clone()),
            later: object.required_text("later", id),
        }),
        Value::String(kind) if kind == "atLeastOne" => {
            object.require("fields");
            Some(HubRule::AtLeastOne {
                fields: object.text_list("fields", limits::HUB_FIELDS_MAX, id).unwrap_or_default(),
            })
        }
        Value::String(_) => {
            object.wrong("kind", format!("must be one of {}", HubRule::KINDS.join(", ")));
            None
        }
        other => {
            object.wrong("kind", mismatch("a string", &other));
            None
        }
    }
}

/// The body of an exported hub, without what says that it is one.
pub fn exported(body: Body) -> Result<Fields> {
    let mut fields = body.fields()?;
    fields.require("format");
    if let Some(format) = fields.text("format", 1..=64)
        && format != super::exchange::FORMAT
    {
        fields.wrong("format", format!("must be {}", super::exchange::FORMAT));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::HubId;

    fn issues(text: &str) -> Vec<String> {
        let body = Body::parse(text.as_bytes()).and_then(Body::fields).unwrap();
        let Err(problem) = whole(body, Hub::new(HubId::from_bytes([1; 12]), "", Vec::new())) else {
            return Vec::new();
        };
        problem.0.details.into_iter().map(|detail| detail.field).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_path() {
        let field = r#"{"id":"a","name":"A","type":"string"}"#;
        assert_eq!(issues(&format!(r#"{{"name":"H","fields":[{field}]}}"#)), [""; 0]);
        assert_eq!(issues("{}"), ["name", "fields"]);
        assert_eq!(issues(r#"{"name":"H","fields":[]}"#), ["fields"]);
        assert_eq!(issues(&format!(r#"{{"name":" ","fields":[{field}]}}"#)), ["name"]);
        assert_eq!(
            issues(r#"{"name":"H","fields":[{"id":"a","type":"text","label":"x"},7]}"#),
            ["fields[0].name", "fields[0].type", "fields[0].label", "fields[1]"]
        );
        let with = |more: &str| issues(&format!(r#"{{"name":"H","fields":[{field}],{more}}}"#));
        assert_eq!(with(r#""duplicates":"maybe","colour":1"#), ["duplicates", "colour"]);
        assert_eq!(with(r#""routing":{"metadata":{"a":""}}"#), ["routing.metadata.a"]);
        assert_eq!(
            with(r#""rules":[{"kind":"sum","parts":["a"],"total":"b"}]"#),
            ["rules[0].parts[0]", "rules[0].total"]
        );
        assert_eq!(
            with(r#""rules":[{"kind":"other"},{"kind":"order","x":1}]"#),
            ["rules[0].kind", "rules[1].earlier", "rules[1].later", "rules[1].x"]
        );
        assert_eq!(with(r#""businessKey":{"fields":["b"]}"#), ["businessKey.fields[0]"]);
        assert_eq!(with(r#""enabled":"yes""#), ["enabled"]);
    }
}
