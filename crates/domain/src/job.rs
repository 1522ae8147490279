//! Document Insights jobs: their states, and the one way a job ends.
//!
//! `QUEUED → PROCESSING → COMPLETED | FAILED`, `QUEUED → REJECTED`, and a cancelled job is FAILED from either. A terminal
//! state is reached once and never left; [`settle`] is the only function that makes one, and the event type follows
//! from it.

use crate::{
    event::EventType,
    extraction::ExtractionOutput,
    id::{FileId, HubId, JobId},
    metadata::Metadata,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum JobStatus {
    Queued,
    Processing,
    Completed,
    Failed,
    Rejected,
}

impl JobStatus {
    pub const ALL: [JobStatus; 5] =
        [Self::Queued, Self::Processing, Self::Completed, Self::Failed, Self::Rejected];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Rejected => "REJECTED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Rejected)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Operation {
    #[default]
    Extract,
}

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    /// Why a document was refused before it was processed.
    Rejection {
        EmptyFile = "EMPTY_FILE",
        BrokenFile = "BROKEN_FILE",
        EncryptedFile = "ENCRYPTED_FILE",
        /// A kind of file that cannot be read.
        UnsupportedDocument = "UNSUPPORTED_DOCUMENT",
        UnsupportedLanguage = "UNSUPPORTED_LANGUAGE",
        /// The message names the earlier job.
        DuplicateDocument = "DUPLICATE_DOCUMENT",
        TooManyPages = "TOO_MANY_PAGES",
        /// The document's URL could not be fetched.
        DocumentUnreachable = "DOCUMENT_UNREACHABLE",
        NoHub = "NO_HUB",
    }
}

reasons! {
    /// Why processing began and could not finish.
    Failure {
        ProcessingFailed = "PROCESSING_FAILED",
        ProcessingTimeout = "PROCESSING_TIMEOUT",
        ResourceLimit = "RESOURCE_LIMIT",
        Cancelled = "CANCELLED",
    }
}

/// Why a job ended badly, as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct JobError {
    pub code: String,
    pub message: String,
}

/// The document of a job. Of one given by URL only id and name are known until it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Document {
    pub file_id: FileId,
    pub file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_count: Option<u32>,
}

/// A job exactly as GET and events show it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Job {
    pub id: JobId,
    pub operation: Operation,
    pub status: JobStatus,
    pub output_available: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_name: Option<String>,
    /// The version of the hub that reads the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_version: Option<u32>,
    /// `true` where a field is less certain than the hub asks for, or breaks one of its rules; else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub review_recommended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    pub document: Document,
    /// The stored [`ExtractionOutput`], byte for byte. Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<ExtractionOutput>))]
    pub output: Option<Box<RawValue>>,
}

impl Job {
    /// A job as it begins: to be read, for this hub where one was asked for.
    pub fn queued(
        id: JobId,
        document: Document,
        hub: Option<(HubId, String)>,
        metadata: Option<Metadata>,
        now: Timestamp,
    ) -> Self {
        let (hub_id, hub_name) = hub.unzip();
        Self {
            id,
            operation: Operation::Extract,
            status: JobStatus::Queued,
            output_available: false,
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            error: None,
            hub_id,
            hub_name,
            hub_version: None,
            review_recommended: false,
            metadata: metadata.filter(|metadata| !metadata.is_empty()),
            document,
            output: None,
        }
    }
}

/// How a job's work ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    Completed(Box<RawValue>),
    Failed(Failure, String),
    Rejected(Rejection, String),
}

impl Outcome {
    /// A completed outcome of a typed output.
    pub fn completed(output: &ExtractionOutput) -> Result<Self, serde_json::Error> {
        Ok(Self::Completed(serde_json::value::to_raw_value(output)?))
    }
}

/// A job was asked to end in a way its state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from:?} cannot become {to:?}")]
pub struct IllegalTransition {
    pub from: JobStatus,
    pub to: JobStatus,
}

/// Ends a job: the job in its terminal state, and the type of the one event that says so.
///
/// Errors where the job is already terminal, where a rejection comes after processing began, and where a completion
/// comes before it. FAILED is allowed from QUEUED: a job is cancelled there, or its validation kills its workers.
pub fn settle(mut job: Job, outcome: Outcome, now: Timestamp) -> Result<(Job, EventType), IllegalTransition> {
    let (status, event_type) = match &outcome {
        Outcome::Completed(_) => (JobStatus::Completed, EventType::JobCompleted),
        Outcome::Failed(..) => (JobStatus::Failed, EventType::JobFailed),
        Outcome::Rejected(..) => (JobStatus::Rejected, EventType::JobRejected),
    };
    let allowed = match status {
        JobStatus::Completed => job.status == JobStatus::Processing,
        JobStatus::Rejected => job.status == JobStatus::Queued,
        _ => !job.status.is_terminal(),
    };
    if !allowed {
        return Err(IllegalTransition { from: job.status, to: status });
    }
    match outcome {
        Outcome::Completed(output) => job.output = Some(output),
        Outcome::Failed(code, message) => job.error = Some(JobError { code: code.as_str().into(), message }),
        Outcome::Rejected(code, message) => {
            job.error = Some(JobError { code: code.as_str().into(), message })
        }
    }
    // A clock that stepped back must not end a job before it began.
    let now = now.max(job.started_at.unwrap_or(job.created_at)).max(job.created_at);
    job.status = status;
    job.output_available = job.output.is_some();
    job.updated_at = now;
    job.completed_at = Some(now);
    Ok((job, event_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UlidId;

    fn job(status: JobStatus) -> Job {
        let created_at = Timestamp::from_ms(1_700_000_000_000);
        Job {
            id: JobId::from_parts(1, 1),
            operation: Operation::Extract,
            status,
            output_available: false,
            created_at,
            updated_at: created_at,
            started_at: None,
            completed_at: None,
            error: None,
            hub_id: None,
            hub_name: None,
            hub_version: None,
            review_recommended: false,
            metadata: None,
            document: Document {
                file_id: FileId::from_parts(1, 1),
                file_name: "a.pdf".into(),
                mime_type: None,
                size_bytes: None,
                page_count: None,
            },
            output: None,
        }
    }

    fn outcomes() -> [Outcome; 3] {
        [
            Outcome::completed(&ExtractionOutput::new(vec![])).unwrap(),
            Outcome::Failed(Failure::ProcessingFailed, "x".into()),
            Outcome::Rejected(Rejection::EmptyFile, "x".into()),
        ]
    }

    #[test]
    fn only_the_contracts_transitions_are_possible() {
        let now = Timestamp::from_ms(1_700_000_001_000);
        let mut possible = Vec::new();
        for from in JobStatus::ALL {
            for outcome in outcomes() {
                if let Ok((job, _)) = settle(job(from), outcome, now) {
                    assert!(job.status.is_terminal());
                    assert_eq!(job.completed_at, Some(now));
                    possible.push((from.as_str(), job.status.as_str()));
                }
            }
        }
        assert_eq!(
            possible,
            [
                ("QUEUED", "FAILED"),
                ("QUEUED", "REJECTED"),
                ("PROCESSING", "COMPLETED"),
                ("PROCESSING", "FAILED")
            ]
        );
    }

    #[test]
    fn a_clock_that_steps_back_does_not_end_a_job_before_it_began() {
        let (job, _) = settle(job(JobStatus::Queued), outcomes()[1].clone(), Timestamp::from_ms(5)).unwrap();
        assert_eq!(job.completed_at, Some(job.created_at));
    }

    #[test]
    fn the_wire_form_is_the_contracts() {
        let (job, event_type) =
            settle(job(JobStatus::Processing), outcomes()[0].clone(), Timestamp::from_ms(1_700_000_001_000))
                .unwrap();
        assert_eq!(event_type, EventType::JobCompleted);
        let json: serde_json::Value = serde_json::to_value(&job).unwrap();
        assert_eq!(json["status"], "COMPLETED");
        assert_eq!(json["operation"], "extract");
        assert_eq!(json["outputAvailable"], true);
        assert_eq!(json["completedAt"], "2023-11-14T22:13:21Z");
        assert_eq!(json["output"]["fieldCount"], 0);
        assert!(json.get("error").is_none());
    }
}
