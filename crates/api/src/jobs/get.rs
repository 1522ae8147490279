//! `GET /document-insights/jobs/{jobId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{id::JobId, job::Job};

/// A job, with its output once that is available.
#[utoipa::path(get, path = "/document-insights/jobs/{jobId}", operation_id = "getJob", tag = "Document Insights",
    params(("jobId" = JobId, Path)),
    responses((status = 200, description = "The job", body = Job)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<JobId>) -> Result<Json<Job>> {
    Ok(Json(api.store.jobs().get(caller.org_id, id).await?.ok_or_else(missing::<JobId>)?))
}
