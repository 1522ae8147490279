//! `DELETE /workflows/{workflowId}`

use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::workflow::WorkflowId;

/// Delete a workflow: it starts no run any more. Runs under way end as they would have.
///
/// Used again, the id goes on with the next version's number.
#[utoipa::path(delete, path = "/workflows/{workflowId}", operation_id = "deleteWorkflow", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(api): State<Api>, caller: Studio, Id(id): Id<WorkflowId>) -> Result<StatusCode> {
    if api.store.workflows().delete(caller.org_id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing::<WorkflowId>())
    }
}
