//! `POST /files`

use crate::{
    Api,
    auth::Caller,
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    problem::Result,
    upload,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use domain::{file::File, time::Timestamp};
use store::{blobs::BlobKey, files::StoredFile, idempotency::Once};
use utoipa::ToSchema;

/// A multipart body.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct FileUpload {
    /// The file itself, at most 50 000 000 bytes.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// Store a file.
///
/// The kind is detected from the bytes; a declared content type is not used. Programs and scripts are refused.
#[utoipa::path(post, path = "/files", operation_id = "createFile", tag = "Files",
    params(IdempotencyHeader),
    request_body(content = FileUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "Stored", body = File)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response> {
    let received = upload::receive(&api, caller.org_id, request, &[]).await?;
    let fingerprint = received.fingerprint();
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    received.blob.finish().await?;
    let now = api.context.now();
    let blob = BlobKey { org_id: caller.org_id, file_id: received.file.id };
    let stored = stored(received.file, now);
    let reply = Reply::new(StatusCode::CREATED, &stored.file)?;
    let record = key.record(caller.org_id, &fingerprint, &reply);
    let once = api.store.files().insert(caller.org_id, stored, record, now).await?;
    if !matches!(once, Once::First(())) {
        api.store.blobs().delete(blob).await?;
    }
    reply.settle(once)
}

/// The row of a file that was received.
pub fn stored(file: upload::ReceivedFile, now: Timestamp) -> StoredFile {
    StoredFile {
        sha256: file.sha256,
        file: File {
            id: file.id,
            name: file.name,
            mime_type: file.kind.mime_type().to_owned(),
            size_bytes: file.size_bytes,
            created_at: now,
        },
    }
}
