//! `POST /tasks/claim`, `POST /tasks/{taskId}/renew`, `/complete`, `/fail`

use crate::{
    Api,
    auth::Studio,
    body::{Body, Fields},
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    fault::Fault,
    id::{OrgId, RunId, TaskId},
    limits,
    time::Timestamp,
};
use flow::{ir::FailureClass, run::Failure};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use store::{
    runs::{ClaimedTask, TaskEnd, TaskLease, TaskUpdated},
    wake::Topic,
};
use utoipa::ToSchema;

/// Which tasks a worker takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ClaimTasks {
    /// As `custom` steps name it.
    #[schema(min_length = 1, max_length = 128)]
    task: String,
    #[schema(minimum = 1, maximum = 100, default = 1)]
    limit: Option<u32>,
    /// For how long they are this worker's, unless renewed.
    #[schema(minimum = 1, maximum = 86400, default = 60)]
    lease_seconds: Option<u64>,
}

/// A task that is this worker's until `leaseUntil`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub struct TaskAnswer {
    id: TaskId,
    task: String,
    input: Value,
    run_id: RunId,
    workflow_id: String,
    /// The step's place in the run.
    step: String,
    /// From 1.
    attempt: u32,
    created_at: Timestamp,
    lease_until: Timestamp,
    /// To be named in everything that is said about the task; another worker's is higher.
    fence: u32,
}

impl From<ClaimedTask> for TaskAnswer {
    fn from(ClaimedTask { task, lease_until, fence }: ClaimedTask) -> Self {
        Self {
            id: task.id,
            task: task.task,
            input: task.input,
            run_id: task.run_id,
            workflow_id: task.workflow_id,
            step: task.key,
            attempt: task.attempt,
            created_at: task.created_at,
            lease_until,
            fence,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimedTasks {
    data: Vec<TaskAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewedTask {
    id: TaskId,
    lease_until: Timestamp,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct RenewTask {
    fence: u32,
    #[schema(minimum = 1, maximum = 86400, default = 60)]
    lease_seconds: Option<u64>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct CompleteTask {
    fence: u32,
    /// The step's output.
    output: Option<Value>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct FailTask {
    fence: u32,
    #[schema(max_length = 64)]
    code: Option<String>,
    #[schema(max_length = 1024)]
    message: String,
    /// Whether the step's `retry` may try it again, as a `server_error`.
    retryable: Option<bool>,
}

/// Take tasks to do: those that nobody has, and those whose worker let its lease run out.
#[utoipa::path(post, path = "/tasks/claim", operation_id = "claimTasks", tag = "Workflow runs",
    request_body = ClaimTasks,
    responses((status = 200, description = "The oldest open tasks; none where there are none", body = ClaimedTasks)))]
pub async fn claim(State(api): State<Api>, caller: Studio, body: Body) -> Result<Json<ClaimedTasks>> {
    let mut fields = body.fields()?;
    fields.require("task");
    let task = fields.text("task", 1..=limits::TASK_NAME_CHARACTERS_MAX);
    let limit = fields.integer("limit", 1..=limits::TASK_CLAIM_MAX).unwrap_or(1);
    let lease = lease(&mut fields);
    fields.finish()?;
    let limit = u32::try_from(limit).unwrap_or(1);
    let task = task.unwrap_or_default();
    let now = api.context.now();
    let claimed = api.store.runs().claim_tasks(caller.org_id, &task, limit, lease, now).await?;
    Ok(Json(ClaimedTasks { data: claimed.into_iter().map(TaskAnswer::from).collect() }))
}

/// Keep a task longer. 409 where another worker has it by now, or it has ended.
#[utoipa::path(post, path = "/tasks/{taskId}/renew", operation_id = "renewTask", tag = "Workflow runs",
    params(("taskId" = TaskId, Path)),
    request_body = RenewTask,
    responses((status = 200, description = "Until when it is this worker's", body = RenewedTask)))]
pub async fn renew(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<TaskId>,
    body: Body,
) -> Result<Json<RenewedTask>> {
    let mut fields = body.fields()?;
    let fence = fence(&mut fields);
    let lease = lease(&mut fields);
    fields.finish()?;
    let task = TaskLease { org_id: caller.org_id, task_id: id, fence };
    let now = api.context.now();
    let until = check(api.store.runs().renew_task(task, lease, now).await?)?;
    Ok(Json(RenewedTask { id, lease_until: until.unwrap_or(now) }))
}

/// A task is done; the step's output is `output`. A worker that lost its lease changes nothing and gets 409.
#[utoipa::path(post, path = "/tasks/{taskId}/complete", operation_id = "completeTask", tag = "Workflow runs",
    params(("taskId" = TaskId, Path)),
    request_body = CompleteTask,
    responses((status = 204, description = "The run goes on")))]
pub async fn complete(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<TaskId>,
    body: Body,
) -> Result<StatusCode> {
    let read = |fields: &mut Fields| TaskEnd::Completed(fields.take("output").unwrap_or_default());
    end(&api, (caller.org_id, id), body, read).await
}

/// A task cannot be done. A worker that lost its lease changes nothing and gets 409.
#[utoipa::path(post, path = "/tasks/{taskId}/fail", operation_id = "failTask", tag = "Workflow runs",
    params(("taskId" = TaskId, Path)),
    request_body = FailTask,
    responses((status = 204, description = "The step fails, or is tried again as its `retry` says")))]
pub async fn fail(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<TaskId>,
    body: Body,
) -> Result<StatusCode> {
    end(&api, (caller.org_id, id), body, |fields| TaskEnd::Failed(failure(fields))).await
}

fn failure(fields: &mut Fields) -> Failure {
    fields.require("message");
    let code = fields.text("code", 1..=limits::TASK_CODE_CHARACTERS_MAX);
    let message = fields.text("message", 1..=limits::FAILURE_MESSAGE_CHARACTERS_MAX).unwrap_or_default();
    let class = match fields.take("retryable") {
        None | Some(Value::Bool(false)) => FailureClass::Permanent,
        Some(Value::Bool(true)) => FailureClass::ServerError,
        Some(_) => {
            fields.wrong("retryable", "must be a boolean");
            FailureClass::Permanent
        }
    };
    Failure::new(code.as_deref().unwrap_or("TASK_FAILED"), class, message)
}

/// A worker's last word about a task; `read` takes what it says from the body.
async fn end(
    api: &Api,
    (org_id, task_id): (OrgId, TaskId),
    body: Body,
    read: impl FnOnce(&mut Fields) -> TaskEnd,
) -> Result<StatusCode> {
    let mut fields = body.fields()?;
    let fence = fence(&mut fields);
    let said = read(&mut fields);
    fields.finish()?;
    let task = TaskLease { org_id, task_id, fence };
    check(api.store.runs().end_task(task, said, api.context.now()).await?)?;
    api.store.wake().hint(Topic::Runs);
    Ok(StatusCode::NO_CONTENT)
}

fn fence(fields: &mut Fields) -> u32 {
    fields.require("fence");
    let fence = fields.integer("fence", 1..=u64::from(u32::MAX));
    fence.and_then(|fence| u32::try_from(fence).ok()).unwrap_or_default()
}

fn lease(fields: &mut Fields) -> Duration {
    let seconds = fields.integer("leaseSeconds", 1..=limits::TASK_LEASE_SECONDS_MAX);
    Duration::from_secs(seconds.unwrap_or(limits::TASK_LEASE_SECONDS_DEFAULT))
}

fn check(updated: TaskUpdated) -> Result<Option<Timestamp>> {
    match updated {
        TaskUpdated::Done(until) => Ok(until),
        TaskUpdated::NotFound => Err(missing::<TaskId>()),
        TaskUpdated::Lost => {
            Err(Fault::conflict("the task is not this worker's any more: it has ended, or another has it")
                .into())
        }
    }
}
