//! `POST /document-insights/jobs/extract/upload`

use super::submit::{Wishes, submit};
use crate::{
    Api,
    auth::Caller,
    body::Body,
    files,
    idempotency::{IdempotencyHeader, IdempotencyKey},
    problem::Result,
    upload::receive,
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use domain::{fault::Fault, id::HubId, job::Job, metadata::Metadata};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::jobs::JobDocument;
use utoipa::ToSchema;

/// A multipart body.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ExtractUpload {
    /// The document itself, at most 50 000 000 bytes.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// An enabled hub; without it, routing chooses.
    hub_id: Option<HubId>,
    /// A JSON object of texts.
    metadata: Option<Metadata>,
}

/// Store a file and read it, in one call.
#[utoipa::path(post, path = "/document-insights/jobs/extract/upload", operation_id = "uploadAndExtract", tag = "Document Insights",
    params(IdempotencyHeader),
    request_body(content = ExtractUpload, content_type = "multipart/form-data"),
    responses((status = 202, description = "Queued", body = Job)))]
pub async fn upload(
    State(api): State<Api>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response> {
    let mut received = receive(&api, caller.org_id, request, &["hubId", "metadata"]).await?;
    let fingerprint = received.fingerprint();
    let wishes = read(std::mem::take(&mut received.texts))?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    let hub = wishes.hub(&api, &caller).await?;
    received.blob.finish().await?;
    let stored = files::stored(received.file, api.context.now());
    submit(&api, &caller, JobDocument::New(stored), wishes, hub, (&key, fingerprint)).await
}

/// The text parts under the same rules as the keys of a JSON body.
fn read(mut texts: BTreeMap<String, String>) -> Result<Wishes> {
    let mut object = serde_json::Map::new();
    if let Some(hub_id) = texts.remove("hubId") {
        object.insert("hubId".to_owned(), json!(hub_id.trim()));
    }
    if let Some(text) = texts.remove("metadata") {
        let parsed = serde_json::from_str::<Value>(&text);
        let metadata = parsed.map_err(|error| Fault::field("metadata", format!("is not JSON: {error}")))?;
        object.insert("metadata".to_owned(), metadata);
    }
    let mut fields = Body::from(Value::Object(object)).fields()?;
    let wishes = Wishes { hub_id: fields.parsed("hubId"), metadata: fields.texts("metadata") };
    fields.note(wishes.check());
    fields.finish()?;
    Ok(wishes)
}
