//! `GET /files/{fileId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{file::File, id::FileId};

/// A file's name, kind and size.
#[utoipa::path(get, path = "/files/{fileId}", operation_id = "getFile", tag = "Files",
    params(("fileId" = FileId, Path)),
    responses((status = 200, description = "The file", body = File)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<FileId>) -> Result<Json<File>> {
    let stored = api.store.files().get(caller.org_id, id).await?.ok_or_else(missing::<FileId>)?;
    Ok(Json(stored.file))
}
