//! `POST /workflow-runs/{runId}/close`

use super::ended;
use crate::{
    Api,
    auth::Caller,
    body::Body,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    id::RunId,
    run::{Run, RunStatus},
};
use store::{
    runs::{Mail, Nested, Posted},
    wake::Topic,
};

/// End a run that has not ended: it becomes CLOSED, and so do the runs that it began. There is no event.
///
/// What is under way is stopped, and the node that has the run writes its end a moment after this answer.
#[utoipa::path(post, path = "/workflow-runs/{runId}/close", operation_id = "closeRun", tag = "Workflow runs",
    params(("runId" = RunId, Path)),
    responses((status = 200, description = "The run as it is now", body = Run)))]
pub async fn close(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<RunId>,
    body: Body,
) -> Result<(StatusCode, Json<Run>)> {
    body.optional_fields()?.finish()?;
    match api.store.runs().post(caller.org_id, id, Mail::Close).await? {
        Posted::Done => api.store.wake().hint(Topic::Runs),
        Posted::NotFound => return Err(missing::<RunId>()),
        // Closing twice is as closing once.
        Posted::AlreadyTerminal(RunStatus::Closed) => {}
        Posted::AlreadyTerminal(status) => return Err(ended(status)),
    }
    let nested = Nested { page: 0, size: domain::limits::PAGE_SIZE_DEFAULT };
    let run = api.store.runs().get(caller.org_id, id, nested, api.context.now()).await?;
    Ok((StatusCode::OK, Json(run.ok_or_else(missing::<RunId>)?)))
}
