//! The catalogue of events: one for each way a job or a run can end, and one that tells operators of the platform itself.
//!
//! An event's body is rendered once, when its terminal state is committed, and stored: every attempt, redelivery and
//! replay sends the same bytes.

pub mod sample;

use crate::{
    id::{EventId, JobId, RunId, SubscriptionId},
    job::Job,
    run::Run,
    subscription::Subscription,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What `apiVersion` and `X-Plextera-Api-Version` say.
pub const API_VERSION: &str = "v1";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum EventType {
    #[serde(rename = "document-insights.job.completed")]
    JobCompleted,
    #[serde(rename = "document-insights.job.failed")]
    JobFailed,
    #[serde(rename = "document-insights.job.rejected")]
    JobRejected,
    #[serde(rename = "workflow.run.completed")]
    RunCompleted,
    #[serde(rename = "workflow.run.failed")]
    RunFailed,
    /// For operators: the platform paused a subscription. Who asks for it needs the scope `studio`.
    #[serde(rename = "platform.subscription.disabled")]
    SubscriptionDisabled,
}

/// What ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Job(JobId),
    Run(RunId),
}

impl Resource {
    pub const fn job_id(self) -> Option<JobId> {
        match self {
            Self::Job(id) => Some(id),
            Self::Run(_) => None,
        }
    }

    pub const fn run_id(self) -> Option<RunId> {
        match self {
            Self::Run(id) => Some(id),
            Self::Job(_) => None,
        }
    }
}

/// Which kind of resource an event speaks of; a filter narrows only its own family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    DocumentInsights,
    Workflow,
    Platform,
}

impl EventType {
    /// Those of jobs and runs: what a receiver is told of unless it is an operator's.
    pub const ALL: [EventType; 5] =
        [Self::JobCompleted, Self::JobFailed, Self::JobRejected, Self::RunCompleted, Self::RunFailed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobCompleted => "document-insights.job.completed",
            Self::JobFailed => "document-insights.job.failed",
            Self::JobRejected => "document-insights.job.rejected",
            Self::RunCompleted => "workflow.run.completed",
            Self::RunFailed => "workflow.run.failed",
            Self::SubscriptionDisabled => "platform.subscription.disabled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut known = Self::ALL.into_iter().chain([Self::SubscriptionDisabled]);
        known.find(|event_type| event_type.as_str() == text)
    }

    pub const fn family(self) -> Family {
        match self {
            Self::JobCompleted | Self::JobFailed | Self::JobRejected => Family::DocumentInsights,
            Self::RunCompleted | Self::RunFailed => Family::Workflow,
            Self::SubscriptionDisabled => Family::Platform,
        }
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The envelope, its keys in the order in which they are sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a, D> {
    pub event_id: EventId,
    pub event_type: EventType,
    /// The time of the terminal state, `data.completedAt`.
    pub occurred_at: Timestamp,
    pub api_version: &'a str,
    pub data: D,
}

/// `data` of a job's event: the job as GET shows it, and its id under the name that receivers know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct JobEventData<'a> {
    pub job_id: JobId,
    #[serde(flatten)]
    pub job: &'a Job,
    /// `true` in a test event, else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// `data` of a run's event: the run as GET shows it, nested runs as summaries, and the ids under the names that receivers
/// know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunEventData<'a> {
    pub run_id: RunId,
    pub workflow_id: &'a str,
    #[serde(flatten)]
    pub run: &'a Run,
    /// `true` in a test event, else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl<'a> RunEventData<'a> {
    pub fn of(run: &'a Run) -> Self {
        Self { run_id: run.id, workflow_id: &run.workflow.id, run, test: false }
    }
}

/// `data` of the event that a subscription was paused by the platform: the subscription as GET shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionEventData<'a> {
    pub subscription_id: SubscriptionId,
    #[serde(flatten)]
    pub subscription: &'a Subscription,
    /// `true` in a test event, else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// Renders the body of an event.
///
/// Errors only where `data` cannot be written as JSON.
pub fn render<D: Serialize>(
    event_id: EventId,
    event_type: EventType,
    occurred_at: Timestamp,
    data: D,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope { event_id, event_type, occurred_at, api_version: API_VERSION, data })
}

/// The body of a terminal job's event.
///
/// Errors only where the job cannot be written as JSON.
pub fn render_job(event_id: EventId, event_type: EventType, job: &Job) -> Result<Vec<u8>, serde_json::Error> {
    let occurred_at = job.completed_at.unwrap_or(job.updated_at);
    render(event_id, event_type, occurred_at, JobEventData { job_id: job.id, job, test: false })
}

/// The body of a terminal run's event.
///
/// Errors only where the run cannot be written as JSON.
pub fn render_run(event_id: EventId, event_type: EventType, run: &Run) -> Result<Vec<u8>, serde_json::Error> {
    let occurred_at = run.completed_at.unwrap_or(run.updated_at);
    render(event_id, event_type, occurred_at, RunEventData::of(run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UlidId;

    #[test]
    fn a_jobs_event_is_the_job_with_its_output_whole() {
        let job = sample::job(EventType::JobCompleted);
        let body = render_job(EventId::from_parts(1, 1), EventType::JobCompleted, &job).unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(text.starts_with(r#"{"eventId":"evt_"#), "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["data"]["jobId"], json["data"]["id"]);
        assert_eq!(json["occurredAt"], json["data"]["completedAt"]);
        assert_eq!(json["apiVersion"], "v1");
        assert_eq!(json["data"]["output"], serde_json::to_value(&job).unwrap()["output"]);
        let keys: Vec<usize> = ["eventId", "eventType", "occurredAt", "apiVersion", "data"]
            .iter()
            .map(|key| text.find(&format!("\"{key}\":")).unwrap())
            .collect();
        assert!(keys.is_sorted());
    }

    #[test]
    fn names_parse_back() {
        for event_type in EventType::ALL {
            assert_eq!(EventType::parse(event_type.as_str()), Some(event_type));
            assert_eq!(serde_json::to_value(event_type).unwrap(), event_type.as_str());
        }
    }
}
