//! One specimen of each event: what the test endpoint sends and what the documentation shows.

use super::{EventType, JobEventData, RunEventData, SubscriptionEventData, render};
use crate::{
    extraction::{ExtractionOutput, FieldOutput, FieldValue, Money, PageBox, Placement},
    hub::FieldType,
    id::{EventId, FileId, HubId, JobId, RunId, SubscriptionId, UlidId},
    job::{Document, Failure, Job, JobError, JobStatus, Operation, Rejection},
    metadata::Metadata,
    run::{NestedRuns, Progress, Run, RunError, RunStatus, Step, StepStatus, WorkflowName},
    subscription::{DisabledReason, Health, Subscription, SubscriptionStatus},
    time::Timestamp,
};
use serde_json::json;
use std::collections::BTreeMap;

/// 2026-03-01T09:30:00Z.
const CREATED_AT: Timestamp = Timestamp::from_ms(1_772_357_400_000);
const COMPLETED_AT: Timestamp = Timestamp::from_ms(1_772_357_402_000);

/// A job in the terminal state that `event_type` stands for; workflow types give a completed one.
pub fn job(event_type: EventType) -> Job {
    let base = Job {
        id: JobId::from_parts(1_772_357_400_000, 0x1_5a3c_77d1_09be),
        operation: Operation::Extract,
        status: JobStatus::Completed,
        output_available: false,
        created_at: CREATED_AT,
        updated_at: COMPLETED_AT,
        started_at: Some(CREATED_AT),
        completed_at: Some(COMPLETED_AT),
        error: None,
        hub_id: Some(HubId::from_bytes(*b"\x67\x21\xb0\xc4\xe5\xf6\x07\x18\x29\x3a\x4b\x5c")),
        hub_name: Some("Invoices".into()),
        hub_version: Some(3),
        review_recommended: false,
        metadata: Some(Metadata::from([("customerDocumentId".into(), "2026-0042".into())])),
        document: Document {
            file_id: FileId::from_parts(1_772_357_399_000, 0x2_11f0_84ac_3e5d),
            file_name: "invoice-0042.pdf".into(),
            mime_type: Some("application/pdf".into()),
            size_bytes: Some(48_213),
            page_count: Some(1),
        },
        output: None,
    };
    match event_type {
        EventType::JobFailed => Job {
            status: JobStatus::Failed,
            error: Some(JobError {
                code: Failure::ProcessingTimeout.as_str().into(),
                message: "reading the document took longer than 25 s".into(),
            }),
            ..base
        },
        EventType::JobRejected => Job {
            status: JobStatus::Rejected,
            started_at: None,
            hub_id: None,
            hub_name: None,
            hub_version: None,
            document: Document { page_count: None, ..base.document },
            error: Some(JobError {
                code: Rejection::EncryptedFile.as_str().into(),
                message: "the PDF is encrypted; submit it without a password".into(),
            }),
            ..base
        },
        _ => Job { output_available: true, output: serde_json::value::to_raw_value(&output()).ok(), ..base },
    }
}

fn output() -> ExtractionOutput {
    let placed = |x, y, width, height| vec![Placement::Box(PageBox::new(1, x, y, width, height))];
    let field = |id: &str, name: &str, kind, value, text: &str, confidence, placements| FieldOutput {
        id: id.into(),
        name: name.into(),
        kind,
        value: Some(value),
        text: Some(text.into()),
        confidence,
        placements,
        confidence_reasons: Vec::new(),
    };
    let total = FieldValue::Money(Money { amount: "1234.50".into(), currency: Some("EUR".into()) });
    let number = FieldValue::Text("INV-0042".into());
    ExtractionOutput::new(vec![
        field(
            "invoiceNumber",
            "Invoice number",
            FieldType::String,
            number,
            "INV-0042",
            0.98,
            placed(0.7112, 0.0843, 0.1208, 0.0127),
        ),
        field(
            "total",
            "Total",
            FieldType::Money,
            total,
            "1.234,50 €",
            0.95,
            placed(0.8014, 0.7421, 0.0931, 0.0131),
        ),
    ])
}

/// The body of a test event of `event_type`: a specimen marked `"test":true`.
///
/// Errors only where the specimen cannot be written as JSON.
pub fn render_test(
    event_id: EventId,
    event_type: EventType,
    now: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    match event_type {
        EventType::JobCompleted | EventType::JobFailed | EventType::JobRejected => {
            let job = Job { updated_at: now, completed_at: Some(now), ..job(event_type) };
            render(event_id, event_type, now, JobEventData { job_id: job.id, job: &job, test: true })
        }
        EventType::RunCompleted | EventType::RunFailed => {
            let run = Run { updated_at: now, completed_at: Some(now), ..run(event_type) };
            render(event_id, event_type, now, RunEventData { test: true, ..RunEventData::of(&run) })
        }
        EventType::SubscriptionDisabled => {
            let subscription = subscription(now);
            let subscription_id = subscription.id;
            let data = SubscriptionEventData { subscription_id, subscription: &subscription, test: true };
            render(event_id, event_type, now, data)
        }
    }
}

/// A subscription whose endpoint answered 410.
fn subscription(now: Timestamp) -> Subscription {
    let health = Health { consecutive_failures: 1, last_failure_at: Some(now), ..Health::default() };
    Subscription {
        id: SubscriptionId::from_parts(1_772_357_398_000, 0x4_02aa_19c3_77b0),
        status: SubscriptionStatus::Paused,
        endpoint_url: "https://example.com/hooks/plextera".into(),
        event_types: vec![EventType::JobCompleted],
        filters: None,
        description: None,
        headers: BTreeMap::new(),
        ordering: None,
        rate_limit: None,
        asymmetric_signature: false,
        disabled_reason: Some(DisabledReason::Gone),
        health,
        created_at: CREATED_AT,
        updated_at: now,
    }
}

/// A run in the terminal state that `event_type` stands for; job types give a failed one.
pub fn run(event_type: EventType) -> Run {
    let completed = event_type == EventType::RunCompleted;
    let id = RunId::from_bytes(*b"\x01\x9c\xa8\xb2\xe5\xf6\x07\x18\x29\x3a\x4b\x5d");
    let workflow = |id: &str, name: &str| WorkflowName { id: id.into(), name: name.into() };
    let base = Run {
        id,
        status: if completed { RunStatus::Completed } else { RunStatus::Failed },
        created_at: CREATED_AT,
        updated_at: COMPLETED_AT,
        started_at: Some(CREATED_AT),
        completed_at: Some(COMPLETED_AT),
        error: None,
        workflow: workflow("claim-intake", "Claim intake"),
        retry_of: None,
        parent_run_id: None,
        progress: Progress { steps_completed: 1, steps_total: 2 },
        duration_ms: 2000,
        computed_duration_ms: 1800,
        output: None,
        output_file: None,
        steps: None,
    };
    let step = |id: &str, name: &str, kind: &str, status| Step {
        id: id.into(),
        name: name.into(),
        kind: kind.into(),
        status,
        message: None,
        output: None,
        output_file: None,
        output_omitted: None,
        nested_runs: NestedRuns::default(),
    };
    let raw = |value: serde_json::Value| serde_json::value::to_raw_value(&value).ok();
    if !completed {
        let message = "the PDF is encrypted; submit it without a password";
        let mut failed = step("read", "Read the claim", "document_insights", StepStatus::Failed);
        failed.message = Some(message.into());
        let error = RunError { code: "JOB_REJECTED".into(), message: message.into() };
        let progress = Progress { steps_completed: 1, steps_total: 2 };
        return Run { error: Some(error), progress, steps: Some(vec![failed]), ..base };
    }
    let mut total = step("total", "Total", "transform", StepStatus::Completed);
    total.output = raw(json!({"amount": "1234.50", "currency": "EUR"}));
    let nested = Run {
        id: RunId::from_bytes(*b"\x01\x9c\xa8\xb2\xe6\x10\x52\x6b\x9d\x01\x7f\x3c"),
        workflow: workflow("line-item-check", "Line item check"),
        parent_run_id: Some(id),
        progress: Progress { steps_completed: 1, steps_total: 1 },
        duration_ms: 900,
        computed_duration_ms: 850,
        ..base.clone()
    };
    let mut items = step("items", "Check the lines", "workflow", StepStatus::Completed);
    items.output = raw(json!([{"index": 0, "status": "COMPLETED", "output": {"verdict": "ok"}}]));
    items.nested_runs = NestedRuns { count: 1, data: vec![nested] };
    Run {
        progress: Progress { steps_completed: 2, steps_total: 2 },
        output: raw(json!({"claimId": "2026-0042"})),
        steps: Some(vec![total, items]),
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_event_is_marked_and_has_its_payload_key() {
        for event_type in EventType::ALL {
            let body = render_test(EventId::from_parts(1, 1), event_type, CREATED_AT).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(json["data"]["test"], true);
            assert_eq!(json["eventType"], event_type.as_str());
            assert_eq!(json["occurredAt"], json["data"]["completedAt"]);
            let key = if json["data"]["workflowId"].is_null() { "jobId" } else { "runId" };
            assert_eq!(json["data"][key], json["data"]["id"]);
        }
    }
}
