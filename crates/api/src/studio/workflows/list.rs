//! `GET /workflows`

use crate::{
    Api,
    auth::Studio,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    page::Paged,
    time::Timestamp,
    workflow::{Workflow, WorkflowId},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A workflow in a list: without its draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSummary {
    id: WorkflowId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_version: Option<u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Workflow> for WorkflowSummary {
    fn from(workflow: Workflow) -> Self {
        Self {
            id: workflow.id,
            name: workflow.name,
            published_version: workflow.published_version,
            created_at: workflow.created_at,
            updated_at: workflow.updated_at,
        }
    }
}

/// All workflows, published or not, the newest first.
#[utoipa::path(get, path = "/workflows", operation_id = "listWorkflows", tag = "Workflow definitions",
    params(PageParameters),
    responses((status = 200, description = "One page of workflows", body = Paged<WorkflowSummary>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    mut query: Query,
) -> Result<Json<Paged<WorkflowSummary>>> {
    let page = query.page()?;
    query.finish()?;
    Ok(Json(api.store.workflows().list(caller.org_id, page).await?.map(WorkflowSummary::from)))
}
