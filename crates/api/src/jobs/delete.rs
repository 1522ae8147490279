//! `DELETE /document-insights/jobs/{jobId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::{fault::Fault, id::JobId};
use store::{jobs::JobDeleted, wake::Topic};

/// Delete a job that has ended, with its output, its feedback, what was learned from it and the content of its event.
///
/// The file is a resource of its own and stays. While the job has not ended, the answer is 409.
#[utoipa::path(delete, path = "/document-insights/jobs/{jobId}", operation_id = "deleteJob", tag = "Document Insights",
    params(("jobId" = JobId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(api): State<Api>, caller: Caller, Id(id): Id<JobId>) -> Result<StatusCode> {
    match api.store.jobs().delete(caller.org_id, id, api.context.now()).await? {
        JobDeleted::Done => {
            api.store.wake().hint(Topic::Learning);
            Ok(StatusCode::NO_CONTENT)
        }
        JobDeleted::NotFound => Err(missing::<JobId>()),
        JobDeleted::NotTerminal(status) => {
            let message = format!("the job is {}; it can be deleted once it has ended", status.as_str());
            Err(Fault::transient_conflict(message).into())
        }
    }
}
