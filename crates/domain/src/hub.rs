//! Hubs: which fields a kind of document has, and how documents find their hub.

pub mod builtin;

use crate::{id::HubId, metadata::Metadata};
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
        }
    }
}

/// What happens to a document whose bytes the hub has seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Duplicates {
    #[default]
    Reject,
    Allow,
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
    #[serde(default)]
    pub duplicates: Duplicates,
    #[serde(default)]
    pub routing: Routing,
    pub enabled: bool,
    /// From 1, one more with every change.
    pub version: u32,
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
        Hub {
            id: HubId::from_bytes([number; 12]),
            name: format!("Hub {number}"),
            fields: Vec::new(),
            languages: Vec::new(),
            duplicates: Duplicates::Reject,
            routing: Routing { metadata },
            enabled: true,
            version: 1,
        }
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
