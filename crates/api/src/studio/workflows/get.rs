//! `GET /workflows/{workflowId}`

use super::{
    WorkflowAnswer,
    compile::{compile, verdict},
};
use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::workflow::WorkflowId;

/// A workflow with its draft's text, and what is wrong with it today.
#[utoipa::path(get, path = "/workflows/{workflowId}", operation_id = "getWorkflow", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    responses((status = 200, description = "The workflow", body = WorkflowAnswer)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
) -> Result<Json<WorkflowAnswer>> {
    let workflow =
        api.store.workflows().get(caller.org_id, id.clone()).await?.ok_or_else(missing::<WorkflowId>)?;
    let (_, outcome) = compile(&api, caller.org_id, Some(&id), workflow.source.clone()).await?;
    Ok(Json(WorkflowAnswer::new(workflow, verdict(&outcome), true)))
}
