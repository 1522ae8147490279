//! `GET /workflow-runs`

use crate::{
    Api,
    auth::Caller,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    id::RunId,
    page::Paged,
    run::{Run, RunStatus},
    time::Timestamp,
    workflow::WorkflowId,
};
use store::runs::RunFilter;

/// All runs as summaries, the newest first. Nested runs are among them.
#[utoipa::path(get, path = "/workflow-runs", operation_id = "listRuns", tag = "Workflow runs",
    params(
        PageParameters,
        ("status" = inline(Option<RunStatus>), Query),
        ("workflowId" = Option<WorkflowId>, Query),
        ("parentRunId" = Option<RunId>, Query, description = "Only the runs that this one began"),
        ("createdAfter" = Option<Timestamp>, Query, description = "Only runs created later than this"),
        ("createdBefore" = Option<Timestamp>, Query, description = "Only runs created earlier than this"),
    ),
    responses((status = 200, description = "One page of runs", body = Paged<Run>)))]
pub async fn list(State(api): State<Api>, caller: Caller, mut query: Query) -> Result<Json<Paged<Run>>> {
    let page = query.page()?;
    let filter = RunFilter {
        status: query.one_of("status", RunStatus::parse, &["PROCESSING", "COMPLETED", "FAILED", "CLOSED"])?,
        workflow_id: query.parsed::<WorkflowId>("workflowId")?.map(|id| id.to_string()),
        parent_run_id: query.parsed("parentRunId")?,
        created_after: query.timestamp("createdAfter")?,
        created_before: query.timestamp("createdBefore")?,
    };
    query.finish()?;
    Ok(Json(api.store.runs().list(caller.org_id, filter, page, api.context.now()).await?))
}
