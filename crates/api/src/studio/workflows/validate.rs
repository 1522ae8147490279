//! `POST /workflows/validate`, `POST /workflows/{workflowId}/validate`

use super::{
    Verdict,
    compile::{compile, verdict},
    source::Source,
};
use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::workflow::WorkflowId;

/// Say what is wrong with a definition, without keeping it.
#[utoipa::path(post, path = "/workflows/validate", operation_id = "validateWorkflow", tag = "Workflow definitions",
    request_body(content = String, content_type = "application/yaml", description = "The definition, at most 256 KiB"),
    responses((status = 200, description = "What is wrong with it, if anything", body = Verdict)))]
pub async fn text(State(api): State<Api>, caller: Studio, Source(source): Source) -> Result<Json<Verdict>> {
    let (_, outcome) = compile(&api, caller.org_id, None, source).await?;
    Ok(Json(verdict(&outcome)))
}

/// Say what is wrong with a workflow's draft, or with the text in the body, without keeping it.
#[utoipa::path(post, path = "/workflows/{workflowId}/validate", operation_id = "validateWorkflowDraft", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    request_body(content = Option<String>, content_type = "application/yaml", description = "Instead of the draft"),
    responses((status = 200, description = "What is wrong with it, if anything", body = Verdict)))]
pub async fn draft(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
    Source(source): Source,
) -> Result<Json<Verdict>> {
    let workflow =
        api.store.workflows().get(caller.org_id, id.clone()).await?.ok_or_else(missing::<WorkflowId>)?;
    let source = if source.is_empty() { workflow.source } else { source };
    let (_, outcome) = compile(&api, caller.org_id, Some(&id), source).await?;
    Ok(Json(verdict(&outcome)))
}
