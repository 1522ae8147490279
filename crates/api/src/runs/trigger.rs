//! `POST /triggers/{token}`

use super::create;
use crate::{
    Api,
    idempotency::{IdempotencyHeader, IdempotencyKey},
    path::{Id, Name},
    problem::Result,
    studio,
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use domain::{fault::Fault, run::Run};

/// Begin a run of the workflow that has this address. Needs no key: the address is the secret.
///
/// The workflow sees the request's JSON as `body`, or a multipart body as for `POST /workflows/{workflowId}/runs`.
#[utoipa::path(post, path = "/triggers/{token}", operation_id = "trigger", tag = "Workflow runs",
    params(("token" = String, Path), IdempotencyHeader),
    request_body(content((Value = "application/json"), (Value = "multipart/form-data")), description = "What the workflow sees as `body`"),
    security(()),
    responses((status = 202, description = "The run has begun", body = Run)))]
pub async fn trigger(
    State(api): State<Api>,
    Id(Name(token)): Id<Name>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response> {
    let hash = studio::trigger_hash(&token);
    let unknown = || Fault::not_found("trigger");
    let (org_id, workflow_id) = api.store.triggers().find(hash).await?.ok_or_else(unknown)?;
    let response = create::begin(&api, org_id, workflow_id, key, request).await?;
    api.store.triggers().used(hash, api.context.now()).await?;
    Ok(response)
}
