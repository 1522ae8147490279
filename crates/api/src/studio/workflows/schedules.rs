//! `GET …/{workflowId}/schedules`, and `PUT`, `GET`, `DELETE …/{workflowId}/schedules/{name}`

use crate::{
    Api,
    auth::Studio,
    body::{Body, mismatch},
    path::{Id, Name, Under, missing},
    problem::{Problem, Result},
    query::{PageParameters, Query},
    studio::page_of,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    fault::{Detail, Fault},
    limits,
    page::Paged,
    schedule::{CatchUp, Cron, Timetable, Zone},
    time::Timestamp,
    workflow::WorkflowId,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use store::schedules::{self, Put};
use utoipa::ToSchema;

/// When a workflow starts by itself.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct PutSchedule {
    /// Minute, hour, day of the month, month, day of the week: `30 2 * * mon-fri`. Or `@daily` and its like.
    #[schema(min_length = 1, max_length = 256)]
    cron: String,
    /// An IANA name; `UTC` where it is left out.
    time_zone: Option<String>,
    /// What the runs get as `body`; an empty object where it is left out.
    body: Option<Value>,
    /// `true` where it is left out.
    enabled: Option<bool>,
    /// What happens to due times that passed while no server ran; `latest` where it is left out.
    catch_up: Option<CatchUp>,
}

/// A schedule of a workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    name: String,
    cron: String,
    time_zone: String,
    #[schema(value_type = Value)]
    body: Box<RawValue>,
    enabled: bool,
    catch_up: CatchUp,
    /// The due time that is waited for; absent where it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<Timestamp>,
    /// The due time that was acted on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<Timestamp>,
    /// The run that it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run_id: Option<String>,
    /// Why it started none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<schedules::Schedule> for Schedule {
    type Error = Problem;
    fn try_from(schedule: schedules::Schedule) -> Result<Self> {
        let body = RawValue::from_string(schedule.body).map_err(|error| {
            tracing::error!(%error, "a schedule's body is not JSON");
            Problem::internal()
        })?;
        Ok(Self {
            name: schedule.name,
            cron: schedule.timetable.cron.as_str().to_owned(),
            time_zone: schedule.timetable.zone.as_str().to_owned(),
            body,
            enabled: schedule.enabled,
            catch_up: schedule.catch_up,
            next_at: schedule.next_at,
            last_at: schedule.last_at,
            last_run_id: schedule.last_run_id,
            last_error: schedule.last_error,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        })
    }
}

/// Make a schedule, or replace the one of this name.
///
/// Each due time starts one run, however many servers there are. A time that a change of the clock leaves out is due at
/// the change; one that comes twice is due once; where the hours are `*`, the distance is kept instead.
#[utoipa::path(put, path = "/workflows/{workflowId}/schedules/{name}", operation_id = "putSchedule", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), ("name" = String, Path, pattern = "^[a-z0-9][a-z0-9-]{0,63}$")),
    request_body = PutSchedule,
    responses((status = 200, description = "The schedule", body = Schedule)))]
pub async fn put(
    State(api): State<Api>,
    caller: Studio,
    Under(id, Name(name)): Under<WorkflowId, Name>,
    body: Body,
) -> Result<Json<Schedule>> {
    let schedule = read(body, name, api.context.now())?;
    match api.store.schedules().put(caller.org_id, id, schedule).await? {
        Put::Done(schedule) => Ok(Json(Schedule::try_from(*schedule)?)),
        Put::NoWorkflow => Err(missing::<WorkflowId>()),
        Put::TooMany => {
            let max = limits::SCHEDULES_PER_WORKFLOW_MAX;
            Err(Fault::conflict(format!("a workflow has at most {max} schedules")).into())
        }
    }
}

fn read(body: Body, name: String, now: Timestamp) -> Result<schedules::Schedule> {
    let mut body = body.fields()?;
    // A name is a slug, like a workflow's id.
    if let Err(error) = name.parse::<WorkflowId>() {
        body.note([Detail::new("name", error.to_string())]);
    }
    body.require("cron");
    let cron = body.text("cron", 1..=limits::CRON_CHARACTERS_MAX);
    let cron = cron.and_then(|text| match text.parse::<Cron>() {
        Ok(cron) => Some(cron),
        Err(error) => {
            body.wrong("cron", error.to_string());
            None
        }
    });
    let zone = if body.has("timeZone") { body.parsed::<Zone>("timeZone") } else { "UTC".parse().ok() };
    let given = body.take("body").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let enabled = match body.take("enabled") {
        None => true,
        Some(Value::Bool(enabled)) => enabled,
        Some(other) => {
            body.wrong("enabled", mismatch("a boolean", &other));
            true
        }
    };
    let catch_up = body.one_of("catchUp", CatchUp::parse, CatchUp::NAMES).unwrap_or_default();
    let timetable = cron.zip(zone).map(|(cron, zone)| Timetable { cron, zone });
    let next_at = timetable.as_ref().and_then(|timetable| timetable.next_after(now));
    if timetable.is_some() && next_at.is_none() {
        body.wrong("cron", "no such day ever comes");
    }
    body.finish()?;
    let timetable = timetable.ok_or_else(Problem::internal)?;
    Ok(schedules::Schedule {
        name,
        timetable,
        body: given.to_string(),
        enabled,
        catch_up,
        next_at: next_at.filter(|_| enabled),
        last_at: None,
        last_run_id: None,
        last_error: None,
        created_at: now,
        updated_at: now,
    })
}

/// A schedule, with the due time that is waited for and what the last one led to.
#[utoipa::path(get, path = "/workflows/{workflowId}/schedules/{name}", operation_id = "getSchedule", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), ("name" = String, Path)),
    responses((status = 200, description = "The schedule", body = Schedule)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Under(id, Name(name)): Under<WorkflowId, Name>,
) -> Result<Json<Schedule>> {
    let schedule = api.store.schedules().get(caller.org_id, id, name).await?;
    Ok(Json(schedule.ok_or_else(|| Problem(Fault::not_found("schedule")))?.try_into()?))
}

/// All schedules of a workflow, the newest first.
#[utoipa::path(get, path = "/workflows/{workflowId}/schedules", operation_id = "listSchedules", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), PageParameters),
    responses((status = 200, description = "One page of schedules", body = Paged<Schedule>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
    mut query: Query,
) -> Result<Json<Paged<Schedule>>> {
    let page = query.page()?;
    query.finish()?;
    api.store.workflows().get(caller.org_id, id.clone()).await?.ok_or_else(missing::<WorkflowId>)?;
    let all = api.store.schedules().list(caller.org_id, id).await?;
    let all = all.into_iter().map(Schedule::try_from).collect::<Result<Vec<_>>>()?;
    Ok(Json(page_of(all, &page)))
}

/// Delete a schedule. Runs that it started go on.
#[utoipa::path(delete, path = "/workflows/{workflowId}/schedules/{name}", operation_id = "deleteSchedule", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), ("name" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(api): State<Api>,
    caller: Studio,
    Under(id, Name(name)): Under<WorkflowId, Name>,
) -> Result<StatusCode> {
    if api.store.schedules().delete(caller.org_id, id, name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::not_found("schedule").into())
    }
}
