//! `DELETE /files/{fileId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::{fault::Fault, id::FileId};
use store::files::FileDeleted;

/// Delete a file and its bytes.
///
/// Jobs and runs that have ended keep their results. While a job or a run that has not ended uses the file, the answer is 409.
#[utoipa::path(delete, path = "/files/{fileId}", operation_id = "deleteFile", tag = "Files",
    params(("fileId" = FileId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(api): State<Api>, caller: Caller, Id(id): Id<FileId>) -> Result<StatusCode> {
    match api.store.files().delete(caller.org_id, id).await? {
        FileDeleted::Done => Ok(StatusCode::NO_CONTENT),
        FileDeleted::NotFound => Err(missing::<FileId>()),
        FileDeleted::InUse => {
            Err(Fault::transient_conflict("a job or run that has not ended uses this file").into())
        }
    }
}
