//! Workflows as they are kept: a draft that may be wrong, and versions that never change.
//!
//! What a definition means is the business of the crate `flow`; here it is text, bytes and a hash. A version, once
//! published, stays as it is: a run is pinned to the version it began with.

use crate::{limits, time::Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// A workflow's id within its organization: a slug that its author chooses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkflowId(Arc<str>);

/// The text is not a workflow's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 lower-case letters, digits and `-`, a letter or digit first")]
pub struct InvalidWorkflowId;

impl WorkflowId {
    /// The shape, as a regular expression.
    pub const PATTERN: &'static str = "^[a-z0-9][a-z0-9-]{0,63}$";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkflowId {
    type Err = InvalidWorkflowId;
    fn from_str(text: &str) -> Result<Self, InvalidWorkflowId> {
        let slug = text.len() <= limits::WORKFLOW_ID_CHARACTERS_MAX
            && !text.is_empty()
            && !text.starts_with('-')
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if slug { Ok(Self(text.into())) } else { Err(InvalidWorkflowId) }
    }
}

impl Borrow<str> for WorkflowId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for WorkflowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkflowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for WorkflowId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(Self::PATTERN))
            .examples(["claim-intake"])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for WorkflowId {}

/// A workflow with its draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    pub id: WorkflowId,
    /// What the draft calls itself, or the last draft that could be read.
    pub name: String,
    /// The draft, as its author wrote it; it may be wrong.
    pub source: String,
    /// The newest version that was published, which new runs get.
    pub published_version: Option<u32>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A published version. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowVersion {
    pub workflow_id: WorkflowId,
    /// From 1, without gaps; a number is never given twice, not even after the workflow was deleted.
    pub version: u32,
    pub name: String,
    /// The canonical form of the compiled definition: JSON.
    pub definition: Vec<u8>,
    /// SHA-256 of `definition`, 64 lower-case hex digits.
    pub hash: String,
    pub created_at: Timestamp,
}

/// What is wrong with the name of a secret: it has to be one that an expression can write.
pub fn check_secret_name(name: &str) -> Result<(), &'static str> {
    let fits = name.len() <= limits::WORKFLOW_SECRET_NAME_CHARACTERS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { Ok(()) } else { Err("must be 1 to 64 letters, digits and `_`, no digit first") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_slug() {
        for id in ["a", "claim-intake", "2024-claims", "a--b", &"x".repeat(64)] {
            assert_eq!(id.parse::<WorkflowId>().map(|id| id.to_string()), Ok(id.to_owned()));
        }
        for id in ["", "-a", "Claim", "claim_intake", "claim intake", "ä", "a/b", &"x".repeat(65)] {
            assert_eq!(id.parse::<WorkflowId>(), Err(InvalidWorkflowId), "{id}");
        }
    }

    #[test]
    fn a_secret_has_a_name_that_expressions_can_write() {
        assert!(["LEDGER_TOKEN", "_x", "a1"].iter().all(|name| check_secret_name(name).is_ok()));
        assert!(
            ["", "1a", "A-B", "A B", &"x".repeat(65)].iter().all(|name| check_secret_name(name).is_err())
        );
    }
}
