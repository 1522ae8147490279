//! `POST /workflow-runs/{runId}/retry`

use super::{begun, create::published};
use crate::{
    Api,
    auth::Caller,
    body::Body,
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{fault::Fault, id::RunId, run::Run};
use flow::run::RunState;
use store::{idempotency::Once, runs::Retried, wake::Topic};
use utoipa::ToSchema;

/// How a run is taken up.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct RetryRequest {
    /// `same` (the default): the definition that the run had. `latest`: the newest one, where it fits what is kept.
    #[schema(pattern = "^(same|latest)$")]
    definition: Option<String>,
}

/// Take a FAILED run up where it failed: a new run keeps what ended well and does the rest again.
#[utoipa::path(post, path = "/workflow-runs/{runId}/retry", operation_id = "retryRun", tag = "Workflow runs",
    params(("runId" = RunId, Path), IdempotencyHeader),
    request_body = Option<RetryRequest>,
    responses((status = 202, description = "The new run", body = Run)))]
pub async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<RunId>,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let mut fields = body.optional_fields()?;
    let parse = |text: &str| ["same", "latest"].contains(&text).then(|| text == "latest");
    let latest = fields.one_of("definition", parse, &["same", "latest"]).unwrap_or(false);
    fields.finish()?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    let runs = api.store.runs();
    let earlier = runs.workflow_of(caller.org_id, id).await?.ok_or_else(missing::<RunId>)?;
    let latest = match latest {
        true => {
            let workflow_id = earlier.id.parse().map_err(|_| Problem::internal())?;
            Some(published(&api, caller.org_id, workflow_id).await?)
        }
        false => None,
    };
    let (now, new_id) = (api.context.now(), api.context.run_id());
    let run = begun(new_id, latest.as_ref().unwrap_or(&earlier), &RunState::new(), Some(id), now);
    let reply = Reply::new(StatusCode::ACCEPTED, &run)?;
    let request = key.record(caller.org_id, &fingerprint, &reply);
    let once = runs.retry((caller.org_id, id, new_id), latest, request, now).await?;
    match &once {
        Once::First(Retried::Done) => api.store.wake().hint(Topic::Runs),
        Once::First(Retried::NotFound) => return Err(missing::<RunId>()),
        Once::First(Retried::NotFailed(status)) => {
            let message = format!("only a FAILED run can be retried; this one is {}", status.as_str());
            return Err(Fault::conflict(message).into());
        }
        Once::First(Retried::Refused(message)) => return Err(Fault::conflict(message.as_str()).into()),
        Once::Replay(_) | Once::Mismatch => {}
    }
    reply.settle(once)
}
