//! Absent is not `null`.
//!
//! A key that may be left out is described by the derive as one that may be `null`. This API never writes `null` for an
//! absent value and refuses it in requests, except for the few keys below where it means something of its own.

use std::collections::BTreeMap;
use utoipa::openapi::{
    RefOr, Schema,
    schema::{ArrayItems, SchemaType, Type},
};

/// Schema and key.
const NULLABLE: &[(&str, &str)] = &[
    ("FieldOutput", "value"),
    ("Cell", "value"),
    ("Feedback", "value"),
    ("FeedbackRequest", "value"),
    ("ChangeHub", "businessKey"),
    ("ChangeHub", "review"),
    ("ChangeOrganization", "defaultHubId"),
    ("ChangeSubscription", "filters"),
    ("ChangeSubscription", "description"),
    ("ChangeSubscription", "headers"),
];

/// Takes `null` out of every property that is not among the exceptions.
pub fn not_null(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, schema) in schemas {
        strip_properties(name, schema);
    }
}

fn strip_properties(name: &str, schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            for (key, property) in &mut object.properties {
                if !NULLABLE.contains(&(name, key)) {
                    strip(property);
                }
                strip_properties(name, property);
            }
        }
        // The items of a page stand in it as a whole.
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                strip_properties(name, items);
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(|item| strip_properties(name, item)),
        _ => {}
    }
}

fn strip(property: &mut RefOr<Schema>) {
    let RefOr::T(schema) = property else { return };
    match schema {
        Schema::Object(object) => without_null(&mut object.schema_type),
        Schema::Array(array) => without_null(&mut array.schema_type),
        Schema::OneOf(one_of) => {
            one_of.items.retain(|item| !is_null(item));
            if let [only] = one_of.items.as_slice() {
                let only = only.clone();
                *property = only;
            }
        }
        _ => {}
    }
}

fn without_null(schema_type: &mut SchemaType) {
    if let SchemaType::Array(types) = schema_type {
        types.retain(|one| *one != Type::Null);
        if let [only] = types.as_slice() {
            *schema_type = SchemaType::Type(only.clone());
        }
    }
}

fn is_null(item: &RefOr<Schema>) -> bool {
    matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
