//! `POST`, `GET`, `DELETE …/{workflowId}/trigger`

use crate::{
    Api,
    auth::Studio,
    body::Body,
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{fault::Fault, time::Timestamp, workflow::WorkflowId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A trigger's address, shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTrigger {
    /// Below this server's address. Whoever knows it starts runs: it is a secret.
    #[schema(examples("/api/public/v1/triggers/Zm9v…"))]
    path: String,
    created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

/// Under what a token is looked up.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Give a workflow an address of its own: a POST there starts a run with the request's JSON as `body`, without a key.
///
/// Again, it makes a new address, and the old one ends at once. There is no idempotency here, because the answer holds
/// the secret and is therefore not kept.
#[utoipa::path(post, path = "/workflows/{workflowId}/trigger", operation_id = "createTrigger", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    responses((status = 201, description = "The address, shown this once", body = NewTrigger)))]
pub async fn create(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
    body: Body,
) -> Result<(StatusCode, Json<NewTrigger>)> {
    body.optional_fields()?.finish()?;
    let token = URL_SAFE_NO_PAD.encode(api.context.random::<32>());
    let now = api.context.now();
    if !api.store.triggers().put(caller.org_id, id, hash(&token), now).await? {
        return Err(missing::<WorkflowId>());
    }
    let path = format!("{}/triggers/{token}", crate::PUBLIC);
    Ok((StatusCode::CREATED, Json(NewTrigger { path, created_at: now })))
}

/// Whether a workflow has an address of its own, and when it was last used. The address is not known any more.
#[utoipa::path(get, path = "/workflows/{workflowId}/trigger", operation_id = "getTrigger", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    responses((status = 200, description = "It has one", body = Trigger)))]
pub async fn get(State(api): State<Api>, caller: Studio, Id(id): Id<WorkflowId>) -> Result<Json<Trigger>> {
    let trigger = api.store.triggers().get(caller.org_id, id).await?;
    let trigger = trigger.ok_or_else(|| Problem(Fault::not_found("trigger")))?;
    Ok(Json(Trigger { created_at: trigger.created_at, last_used_at: trigger.last_used_at }))
}

/// Take a workflow's address away. It starts nothing from now on.
#[utoipa::path(delete, path = "/workflows/{workflowId}/trigger", operation_id = "deleteTrigger", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    responses((status = 204, description = "Taken away")))]
pub async fn delete(State(api): State<Api>, caller: Studio, Id(id): Id<WorkflowId>) -> Result<StatusCode> {
    if api.store.triggers().delete(caller.org_id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::not_found("trigger").into())
    }
}
