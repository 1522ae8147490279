//! Hubs: which fields a kind of document has, and how documents find their hub.

pub mod builtin;
pub mod check;
mod key;
mod rules;

pub use key::transaction_key;
pub use rules::{Bound, FieldRules, HubRule, issues};

use crate::{id::HubId, metadata::Metadata, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The type of a field, which fixes the encoding of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    DateTime,
    Money,
    Enum,
    List,
    Table,
}

impl FieldType {
    pub const ALL: [FieldType; 10] = [
        Self::String,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Date,
        Self::DateTime,
        Self::Money,
        Self::Enum,
        Self::List,
        Self::Table,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Money => "money",
            Self::Enum => "enum",
            Self::List => "list",
            Self::Table => "table",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One field of a hub, or one column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(no_recursion))]
pub struct Field {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Labels under which documents show the field, in any language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// A regular expression the whole value must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The values of an `enum`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The type of a list's items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<FieldType>,
    /// The columns of a `table`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Field>,
    /// Bounds that a value should keep; one that does not is reported, and the job completes all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<FieldRules>,
}

impl Field {
    /// A field with nothing but the three things every field has.
    pub fn new(id: &str, name: &str, kind: FieldType) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            aliases: Vec::new(),
            description: None,
            required: false,
            pattern: None,
            values: Vec::new(),
            items: None,
            columns: Vec::new(),
            rules: None,
        }
    }
}

/// What happens to a document that the hub has seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Duplicates {
    #[default]
    Reject,
    Allow,
}

impl Duplicates {
    pub const fn allow() -> Self {
        Self::Allow
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "reject" => Some(Self::Reject),
            "allow" => Some(Self::Allow),
            _ => None,
        }
    }
}

/// The fields that together name one transaction, whatever the document looks like: two documents of one seller with
/// the same invoice number are the same invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BusinessKey {
    /// Ids of fields that are neither lists nor tables.
    pub fields: Vec<String>,
    /// `reject` where it is left out.
    #[serde(default)]
    pub duplicates: Duplicates,
}

/// When a person should look at a job's fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Review {
    /// Of the fields that nobody looks at, at most this share may be wrong: more than 0, less than 1.
    pub max_error_rate: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Routing {
    /// A document whose metadata has all these pairs goes to this hub.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// A hub as it is stored and as extraction needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Hub {
    pub id: HubId,
    pub name: String,
    pub fields: Vec<Field>,
    /// Two-letter codes (ISO 639-1) of the languages it reads; empty: all.
    #[serde(default)]
    pub languages: Vec<String>,
    /// The same bytes again.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// The same text again, in another file.
    #[serde(default = "Duplicates::allow")]
    pub near_duplicates: Duplicates,
    /// The same transaction again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_key: Option<BusinessKey>,
    #[serde(default)]
    pub routing: Routing,
    /// Where it is left out, no job is marked for review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Rules across fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<HubRule>,
    pub enabled: bool,
    /// From 1, one more with every change.
    pub version: u32,
}

impl Hub {
    /// The first version of an enabled hub with nothing but fields.
    pub fn new(id: HubId, name: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            id,
            name: name.into(),
            fields,
            languages: Vec::new(),
            duplicates: Duplicates::Reject,
            near_duplicates: Duplicates::Allow,
            business_key: None,
            routing: Routing::default(),
            review: None,
            rules: Vec::new(),
            enabled: true,
            version: 1,
        }
    }
}

/// A hub as the Studio shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HubRecord {
    #[serde(flatten)]
    pub hub: Hub,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One entry of a hub's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HubVersion {
    pub version: u32,
    pub name: String,
    pub enabled: bool,
    pub field_count: u32,
    pub created_at: Timestamp,
}

/// The enabled hub whose routing pairs all stand in `metadata`; where several do, the one with the most pairs, then
/// the one with the lowest id, so that the choice never depends on the order of a query.
pub fn route_by_metadata<'h>(hubs: &'h [Hub], metadata: &Metadata) -> Option<&'h Hub> {
    hubs.iter()
        .filter(|hub| hub.enabled && !hub.routing.metadata.is_empty())
        .filter(|hub| hub.routing.metadata.iter().all(|(key, value)| metadata.get(key) == Some(value)))
        .max_by_key(|hub| (hub.routing.metadata.len(), std::cmp::Reverse(hub.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(number: u8, pairs: &[(&str, &str)]) -> Hub {
        let metadata = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let hub = Hub::new(HubId::from_bytes([number; 12]), format!("Hub {number}"), Vec::new());
        Hub { routing: Routing { metadata }, ..hub }
    }

    #[test]
    fn the_hub_with_most_matching_pairs_wins() {
        let hubs = [hub(1, &[("a", "1")]), hub(2, &[("a", "1"), ("b", "2")]), hub(3, &[])];
        let given = Metadata::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!(route_by_metadata(&hubs, &given).map(|hub| hub.id), Some(hubs[1].id));
        let given = Metadata::from([("a".into(), "1".into())]);
        assert_eq!(route_by_metadata(&hubs, &given).map(|hub| hub.id), Some(hubs[0].id));
        assert_eq!(route_by_metadata(&hubs, &Metadata::new()), None);
    }

    #[test]
    fn disabled_hubs_take_nothing() {
        let hubs = [Hub { enabled: false, ..hub(1, &[("a", "1")]) }];
        assert_eq!(route_by_metadata(&hubs, &Metadata::from([("a".into(), "1".into())])), None);
    }
}
