//! Workflow runs as clients see them: in answers, in lists and in events.
//!
//! What a run does next is the crate `flow`; this is only what can be told of it.

use crate::{event::EventType, file::File, id::RunId, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident: $($variant:ident = $text:literal),*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$(Self::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.as_str() == text)
            }
        }
    };
}

statuses! {
    /// Where a run stands.
    RunStatus: Processing = "PROCESSING", Completed = "COMPLETED", Failed = "FAILED", Closed = "CLOSED"
}

statuses! {
    /// Where a step of a run stands.
    StepStatus: Queued = "QUEUED", Processing = "PROCESSING", Completed = "COMPLETED", Failed = "FAILED", Skipped = "SKIPPED"
}

impl RunStatus {
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Processing)
    }

    /// The event of this end. A run that somebody closed has none.
    pub const fn event_type(self) -> Option<EventType> {
        match self {
            Self::Completed => Some(EventType::RunCompleted),
            Self::Failed => Some(EventType::RunFailed),
            Self::Processing | Self::Closed => None,
        }
    }
}

/// One run of a workflow.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = WorkflowRun, no_recursion))]
pub struct Run {
    pub id: RunId,
    pub status: RunStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    pub workflow: WorkflowName,
    /// The FAILED run that this one takes up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RunId>,
    /// The run whose step began this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
    pub progress: Progress,
    /// From the start to the end, or until now.
    pub duration_ms: u64,
    /// The time that its steps took, added up: more than `durationMs` where steps ran at the same time, less where it waited.
    pub computed_duration_ms: u64,
    /// What the workflow's `outputs` say. Absent in lists and in nested runs of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub output: Option<Box<RawValue>>,
    /// The output as a stored file, where it is too large to stand here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_file: Option<FileNode>,
    /// The steps that were reached, in the definition's order. Absent in lists and in nested runs of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunError {
    pub code: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WorkflowName {
    /// The workflow's slug.
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = RunProgress))]
pub struct Progress {
    pub steps_completed: u32,
    pub steps_total: u32,
}

/// A step of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = RunStep, no_recursion))]
pub struct Step {
    pub id: String,
    pub name: String,
    /// What `uses` says in the definition.
    #[serde(rename = "type")]
    pub kind: String,
    pub status: StepStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub output: Option<Box<RawValue>>,
    /// The output as a stored file, where it is too large to stand here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_file: Option<FileNode>,
    /// Why the output is left out, where it is too large even for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_omitted: Option<String>,
    pub nested_runs: NestedRuns,
}

/// The runs that a step began.
#[derive(Debug, Clone, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(no_recursion))]
pub struct NestedRuns {
    /// All of them, also those beyond `data`.
    pub count: u64,
    pub data: Vec<Run>,
}

/// A stored file as workflows see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileNode {
    pub file_id: crate::id::FileId,
    pub name: String,
    pub mime_type: String,
    pub size_bytes: u64,
}

impl From<&File> for FileNode {
    fn from(file: &File) -> Self {
        Self {
            file_id: file.id,
            name: file.name.clone(),
            mime_type: file.mime_type.clone(),
            size_bytes: file.size_bytes,
        }
    }
}
