//! What a person says about a job's result. A feedback with a value is a labelled example.

use crate::{
    extraction::Placement,
    id::{FeedbackId, JobId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FeedbackType {
    /// Something is wrong.
    #[default]
    Error,
    /// A remark.
    Info,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Feedback {
    pub id: FeedbackId,
    pub job_id: JobId,
    pub message: String,
    #[serde(rename = "type")]
    pub kind: FeedbackType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_id: Option<String>,
    /// The right value, in the field's own encoding; `Some(null)` says that the document has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    pub created_at: Timestamp,
}
