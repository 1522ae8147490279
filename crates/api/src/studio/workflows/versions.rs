//! `GET /workflows/{workflowId}/versions`, `GET /workflows/{workflowId}/versions/{version}`

use crate::{
    Api,
    auth::Studio,
    path::{Id, Number, Under, missing},
    problem::{Problem, Result},
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    page::Paged,
    time::Timestamp,
    workflow::{WorkflowId, WorkflowVersion},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A published version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    workflow_id: WorkflowId,
    /// From 1.
    version: u32,
    name: String,
    /// SHA-256 of the definition's canonical form.
    hash: String,
    created_at: Timestamp,
}

impl From<WorkflowVersion> for Version {
    fn from(version: WorkflowVersion) -> Self {
        Self {
            workflow_id: version.workflow_id,
            version: version.version,
            name: version.name,
            hash: version.hash,
            created_at: version.created_at,
        }
    }
}

/// A published version with what it says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeVersion {
    #[serde(flatten)]
    version: Version,
    /// The text it was compiled from.
    source: String,
    /// What the text means: the form that runs follow.
    #[schema(value_type = Object)]
    definition: Value,
}

/// All versions that were published, the newest first.
#[utoipa::path(get, path = "/workflows/{workflowId}/versions", operation_id = "listWorkflowVersions", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), PageParameters),
    responses((status = 200, description = "One page of versions", body = Paged<Version>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
    mut query: Query,
) -> Result<Json<Paged<Version>>> {
    let page = query.page()?;
    query.finish()?;
    let workflows = api.store.workflows();
    workflows.get(caller.org_id, id.clone()).await?.ok_or_else(missing::<WorkflowId>)?;
    Ok(Json(workflows.versions(caller.org_id, id, page).await?.map(Version::from)))
}

/// A version with its text and its compiled form.
#[utoipa::path(get, path = "/workflows/{workflowId}/versions/{version}", operation_id = "getWorkflowVersion", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), ("version" = u32, Path, minimum = 1)),
    responses((status = 200, description = "The version", body = WholeVersion)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Under(id, Number(number)): Under<WorkflowId, Number>,
) -> Result<Json<WholeVersion>> {
    let workflows = api.store.workflows();
    let version = workflows.published(caller.org_id, id.clone(), Some(number)).await?;
    let version = version.ok_or_else(missing::<Number>)?;
    let source = workflows.source(caller.org_id, id, number).await?.ok_or_else(missing::<Number>)?;
    let definition = serde_json::from_slice(&version.definition).map_err(|error| {
        tracing::error!(%error, "a published definition is not JSON");
        Problem::internal()
    })?;
    Ok(Json(WholeVersion { version: version.into(), source, definition }))
}
