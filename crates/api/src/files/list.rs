//! `GET /files`

use crate::{
    Api,
    auth::Caller,
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{file::File, page::Paged};

/// All files, the newest first.
#[utoipa::path(get, path = "/files", operation_id = "listFiles", tag = "Files",
    params(PageParameters),
    responses((status = 200, description = "One page of files", body = Paged<File>)))]
pub async fn list(State(api): State<Api>, caller: Caller, mut query: Query) -> Result<Json<Paged<File>>> {
    let page = query.page()?;
    query.finish()?;
    let files = api.store.files().list(caller.org_id, page).await?;
    Ok(Json(files.map(|stored| stored.file)))
}
