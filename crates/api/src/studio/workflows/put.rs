//! `PUT /workflows/{workflowId}`

use super::{
    WorkflowAnswer,
    compile::{compile, verdict},
    source::Source,
};
use crate::{
    Api,
    auth::Studio,
    path::{Id, Name},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{
    fault::Fault,
    limits,
    workflow::{InvalidWorkflowId, WorkflowId},
};

/// Save a draft. It is kept also where it is wrong; the answer says every mistake with its place.
///
/// The first time makes the workflow. Runs are not affected until the draft is published.
#[utoipa::path(put, path = "/workflows/{workflowId}", operation_id = "putWorkflow", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path, description = "A slug of your own; `validate` is taken")),
    request_body(content = String, content_type = "application/yaml", description = "The definition, at most 256 KiB"),
    responses((status = 200, description = "Saved", body = WorkflowAnswer)))]
pub async fn put(
    State(api): State<Api>,
    caller: Studio,
    Id(Name(id)): Id<Name>,
    Source(source): Source,
) -> Result<Json<WorkflowAnswer>> {
    let id: WorkflowId =
        id.parse().map_err(|error: InvalidWorkflowId| Fault::field("workflowId", error.to_string()))?;
    let (source, outcome) = compile(&api, caller.org_id, Some(&id), source).await?;
    let workflows = api.store.workflows();
    let name = match &outcome {
        Ok(definition) => definition.name.clone(),
        Err(_) => match flow::name_of(&source) {
            Some(name) => name,
            None => workflows
                .get(caller.org_id, id.clone())
                .await?
                .map_or_else(|| id.to_string(), |workflow| workflow.name),
        },
    };
    let workflow = workflows.put(caller.org_id, id, name, source, api.context.now()).await?;
    let Some(workflow) = workflow else {
        let max = limits::WORKFLOWS_PER_ORG_MAX;
        return Err(Fault::conflict(format!("an organization has at most {max} workflows")).into());
    };
    Ok(Json(WorkflowAnswer::new(workflow, verdict(&outcome), false)))
}
