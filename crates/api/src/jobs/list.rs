//! `GET /document-insights/jobs`

use crate::{
    Api,
    auth::Caller,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    id::HubId,
    job::{Job, JobStatus},
    page::Paged,
    time::Timestamp,
};
use store::jobs::JobFilter;

/// All jobs without their output, the newest first.
///
/// `metadata.<key>=<value>` narrows the list to jobs whose metadata has this pair; it may be given for several keys.
#[utoipa::path(get, path = "/document-insights/jobs", operation_id = "listJobs", tag = "Document Insights",
    params(
        PageParameters,
        ("status" = inline(Option<JobStatus>), Query),
        ("hubId" = Option<HubId>, Query),
        ("createdAfter" = Option<Timestamp>, Query, description = "Only jobs created later than this"),
        ("createdBefore" = Option<Timestamp>, Query, description = "Only jobs created earlier than this"),
    ),
    responses((status = 200, description = "One page of jobs", body = Paged<Job>)))]
pub async fn list(State(api): State<Api>, caller: Caller, mut query: Query) -> Result<Json<Paged<Job>>> {
    let page = query.page()?;
    let filter = JobFilter {
        status: query.one_of("status", JobStatus::parse, &JobStatus::ALL.map(JobStatus::as_str))?,
        hub_id: query.parsed("hubId")?,
        created_after: query.timestamp("createdAfter")?,
        created_before: query.timestamp("createdBefore")?,
        metadata: query.prefixed("metadata."),
    };
    query.finish()?;
    Ok(Json(api.store.jobs().list(caller.org_id, filter, page).await?))
}
