//! `POST /document-insights/jobs/{jobId}/feedback`

use super::field_value;
use crate::{
    Api,
    auth::Caller,
    body::{Body, Fields},
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    extraction::{ExtractionOutput, Placement},
    fault::Fault,
    feedback::{Feedback, FeedbackType},
    id::{HubId, JobId},
    job::{Job, JobStatus},
    learning::{ExampleSource, Values},
    limits,
};
use serde_json::Value;
use store::{learning::NewExample, wake::Topic};
use utoipa::ToSchema;

/// What a person says about a job's result.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct FeedbackRequest {
    #[schema(min_length = 1, max_length = 1024)]
    message: String,
    /// `ERROR` where it is left out.
    #[schema(rename = "type")]
    kind: Option<FeedbackType>,
    /// A field of the job's output, or a cell of a table: `lineItems[0].description`.
    #[schema(min_length = 1, max_length = 256)]
    field_id: Option<String>,
    /// The right value in the field's own encoding, `null` where the document has none. Needs `fieldId`.
    value: Option<Value>,
    /// Where the right value stands.
    placement: Option<Placement>,
}

#[derive(Debug)]
struct Said {
    message: String,
    kind: FeedbackType,
    field_id: Option<String>,
    value: Option<Value>,
    placement: Option<Placement>,
}

/// Say what is wrong with a result, and what would be right.
#[utoipa::path(post, path = "/document-insights/jobs/{jobId}/feedback", operation_id = "createFeedback", tag = "Document Insights",
    params(("jobId" = JobId, Path), IdempotencyHeader),
    request_body = FeedbackRequest,
    responses((status = 202, description = "Kept", body = Feedback)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(job_id): Id<JobId>,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let said = read(body.fields()?)?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    let job = api.store.jobs().get(caller.org_id, job_id).await?.ok_or_else(missing::<JobId>)?;
    require_completed(&job)?;
    if let Some(field_id) = &said.field_id {
        let hub = match job.hub_id {
            Some(hub_id) => api.store.hubs().get(caller.org_id, hub_id).await?,
            None => None,
        };
        let output = output(&job)?;
        let field = field_value::find(field_id, hub.as_ref(), &output);
        let field = field.ok_or_else(|| Fault::field("fieldId", "the job's hub has no such field"))?;
        if let Some(value) = &said.value {
            field_value::check_value(&field, value).map_err(|detail| Fault::validation(vec![detail]))?;
        }
    }
    let now = api.context.now();
    let feedback = Feedback {
        id: api.context.id(),
        job_id,
        message: said.message,
        kind: said.kind,
        field_id: said.field_id,
        value: said.value,
        placement: said.placement,
        created_at: now,
    };
    let reply = Reply::new(StatusCode::ACCEPTED, &feedback)?;
    let record = key.record(caller.org_id, &fingerprint, &reply);
    let teaches = teaches(&api, &job, &feedback);
    let inserted = api.store.feedback().insert(caller.org_id, feedback, teaches, record, now).await?;
    api.store.wake().hint(Topic::Learning);
    reply.settle(inserted)
}

/// The example that a feedback with a value is, and the hub that learns from it.
fn teaches(api: &Api, job: &Job, feedback: &Feedback) -> Option<(HubId, NewExample)> {
    let (field_id, value) = (feedback.field_id.clone()?, feedback.value.clone()?);
    let example = NewExample {
        id: api.context.id(),
        source: ExampleSource::Feedback,
        file_id: Some(job.document.file_id),
        job_id: Some(job.id),
        feedback_id: Some(feedback.id),
        sha256: None,
        values: Values::from([(field_id, value)]),
    };
    Some((job.hub_id?, example))
}

fn require_completed(job: &Job) -> Result<()> {
    let message = || format!("feedback is for COMPLETED jobs; this one is {}", job.status.as_str());
    match job.status {
        JobStatus::Completed => Ok(()),
        status if status.is_terminal() => Err(Fault::conflict(message()).into()),
        _ => Err(Fault::transient_conflict(message()).into()),
    }
}

fn output(job: &Job) -> Result<ExtractionOutput> {
    let Some(output) = &job.output else { return Ok(ExtractionOutput::new(Vec::new())) };
    serde_json::from_str(output.get()).map_err(|error| {
        tracing::error!(%error, job_id = %job.id, "a stored output cannot be read");
        Problem::internal()
    })
}

fn read(mut body: Fields) -> Result<Said> {
    let message = body.required_text("message", 1..=limits::FEEDBACK_MESSAGE_CHARACTERS_MAX);
    let kind = body.one_of("type", feedback_type, &["ERROR", "INFO"]).unwrap_or_default();
    let has_field = body.has("fieldId");
    let field_id = body.text("fieldId", 1..=limits::FIELD_ID_CHARACTERS_MAX);
    let value = body.take("value");
    if value.is_some() && !has_field {
        body.wrong("value", "needs fieldId");
    }
    let placement = body.take("placement").and_then(|value| match placement(value) {
        Some(placement) => Some(placement),
        None => {
            body.wrong("placement", "must be a box (page, x, y, width, height) or a span (page, start, end)");
            None
        }
    });
    body.finish()?;
    Ok(Said { message, kind, field_id, value, placement })
}

fn feedback_type(text: &str) -> Option<FeedbackType> {
    match text {
        "ERROR" => Some(FeedbackType::Error),
        "INFO" => Some(FeedbackType::Info),
        _ => None,
    }
}

fn placement(value: Value) -> Option<Placement> {
    let placement = serde_json::from_value(value).ok()?;
    let possible = match placement {
        Placement::Box(page_box) => {
            let fractions = [page_box.x, page_box.y, page_box.width, page_box.height];
            page_box.page >= 1 && fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction))
        }
        Placement::Span(span) => span.page >= 1 && span.start <= span.end,
    };
    possible.then_some(placement)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(text: &str) -> Vec<String> {
        let Err(problem) = Body::parse(text.as_bytes()).and_then(Body::fields).and_then(read) else {
            return Vec::new();
        };
        problem.0.details.into_iter().map(|detail| detail.field).collect()
    }

    #[test]
    fn mistakes_are_named() {
        assert!(issues(r#"{"message":"x","fieldId":"a","value":null}"#).is_empty());
        assert_eq!(issues(r#"{"type":"error"}"#), ["message", "type"]);
        assert_eq!(issues(r#"{"message":"","value":1}"#), ["message", "value"]);
        assert_eq!(issues(&format!(r#"{{"message":"{}"}}"#, "x".repeat(1025))), ["message"]);
        assert_eq!(issues(r#"{"message":"x","fieldId":"","note":1}"#), ["fieldId", "note"]);
    }

    #[test]
    fn places_lie_on_a_page() {
        let place = |text: &str| issues(&format!(r#"{{"message":"x","placement":{text}}}"#)).is_empty();
        assert!(place(r#"{"page":1,"x":0,"y":0.5,"width":0.1,"height":0.1}"#));
        assert!(place(r#"{"page":1,"start":3,"end":9}"#));
        for wrong in [
            r#"{"page":0,"x":0,"y":0,"width":0,"height":0}"#,
            r#"{"page":1,"x":2,"y":0,"width":0,"height":0}"#,
            "[]",
            "null",
        ] {
            assert!(!place(wrong), "{wrong}");
        }
    }
}
