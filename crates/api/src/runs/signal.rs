//! `POST /workflow-runs/{runId}/signals/{name}`

use super::ended;
use crate::{
    Api,
    auth::Caller,
    body::Body,
    path::{Name, Under, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::{id::RunId, limits};
use store::{
    runs::{Mail, Posted},
    wake::Topic,
};

/// Answer a `wait` step: its output is this body, any JSON. A signal that comes before the step is kept for it.
#[utoipa::path(post, path = "/workflow-runs/{runId}/signals/{name}", operation_id = "signalRun", tag = "Workflow runs",
    params(("runId" = RunId, Path), ("name" = String, Path, description = "As the step names it")),
    request_body(content = serde_json::Value, description = "What the step gives as its output"),
    responses((status = 202, description = "The run is told")))]
pub async fn signal(
    State(api): State<Api>,
    caller: Caller,
    Under(id, Name(name)): Under<RunId, Name>,
    body: Body,
) -> Result<StatusCode> {
    if name.contains('\0') || name.chars().count() > limits::SIGNAL_NAME_CHARACTERS_MAX {
        return Err(missing::<RunId>());
    }
    let data = body.value()?;
    match api.store.runs().post(caller.org_id, id, Mail::Signal { name, data }).await? {
        Posted::Done => api.store.wake().hint(Topic::Runs),
        Posted::NotFound => return Err(missing::<RunId>()),
        Posted::AlreadyTerminal(status) => return Err(ended(status)),
    }
    Ok(StatusCode::ACCEPTED)
}
