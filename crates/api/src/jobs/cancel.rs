//! `POST /document-insights/jobs/{jobId}/cancel`

use crate::{
    Api,
    auth::Caller,
    body::Body,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{fault::Fault, id::JobId, job::Job};
use store::{jobs::Cancelled, wake::Topic};

/// End a job that has not ended: it becomes FAILED with `CANCELLED`, and its event is sent.
#[utoipa::path(post, path = "/document-insights/jobs/{jobId}/cancel", operation_id = "cancelJob", tag = "Document Insights",
    params(("jobId" = JobId, Path)),
    responses((status = 200, description = "The job as it is now", body = Job)))]
pub async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<JobId>,
    body: Body,
) -> Result<Json<Job>> {
    body.optional_fields()?.finish()?;
    match api.store.jobs().cancel(caller.org_id, id, api.context.now()).await? {
        Cancelled::Done(job) => {
            api.store.wake().hint(Topic::Events);
            api.store.wake().hint(Topic::Deliveries);
            Ok(Json(*job))
        }
        Cancelled::NotFound => Err(missing::<JobId>()),
        Cancelled::AlreadyTerminal(status) => {
            Err(Fault::conflict(format!("the job has ended already: it is {}", status.as_str())).into())
        }
    }
}
