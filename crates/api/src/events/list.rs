//! `GET /events`

use crate::{
    Api,
    auth::Caller,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    event::{API_VERSION, EventType, Resource},
    fault::Fault,
    id::{EventId, JobId, RunId},
    page::Paged,
    time::Timestamp,
};
use serde::Serialize;
use store::events::{Event, EventFilter};
use utoipa::ToSchema;

/// An event without its data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSummary {
    event_id: EventId,
    event_type: EventType,
    occurred_at: Timestamp,
    api_version: &'static str,
    /// The job that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    /// The run that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
}

impl EventSummary {
    pub fn of(event: &Event) -> Self {
        Self {
            event_id: event.id,
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            api_version: API_VERSION,
            job_id: event.resource.and_then(Resource::job_id),
            run_id: event.resource.and_then(Resource::run_id),
        }
    }
}

/// All events without their data, the newest first. Test events are not among them.
#[utoipa::path(get, path = "/events", operation_id = "listEvents", tag = "Events",
    params(
        PageParameters,
        ("eventType" = inline(Option<EventType>), Query),
        ("jobId" = Option<JobId>, Query, description = "Only the event of this job"),
        ("runId" = Option<RunId>, Query, description = "Only the event of this run"),
        ("occurredAfter" = Option<Timestamp>, Query, description = "Only events later than this"),
        ("occurredBefore" = Option<Timestamp>, Query, description = "Only events earlier than this"),
    ),
    responses((status = 200, description = "One page of events", body = Paged<EventSummary>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Paged<EventSummary>>> {
    let page = query.page()?;
    let filter = EventFilter {
        event_type: query.one_of("eventType", EventType::parse, &EventType::ALL.map(EventType::as_str))?,
        resource: resource(&mut query)?,
        occurred_after: query.timestamp("occurredAfter")?,
        occurred_before: query.timestamp("occurredBefore")?,
    };
    query.finish()?;
    let events = api.store.events().list(caller.org_id, filter, page).await?;
    Ok(Json(events.map(|event| EventSummary::of(&event))))
}

/// The one thing whose event is asked for.
fn resource(query: &mut Query) -> Result<Option<Resource>> {
    let (job, run) = (query.parsed("jobId")?, query.parsed("runId")?);
    match (job, run) {
        (Some(_), Some(_)) => {
            Err(Fault::invalid("give one of `jobId` and `runId`: no event is of both").into())
        }
        (job, run) => Ok(job.map(Resource::Job).or(run.map(Resource::Run))),
    }
}
