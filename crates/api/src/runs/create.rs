//! `POST /workflows/{workflowId}/runs`

use super::begun;
use crate::{
    Api,
    auth::Caller,
    body::Body,
    files,
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    path::{Id, missing},
    problem::{Problem, Result},
    upload::{Part, receive_any},
};
use axum::{
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use domain::{
    fault::Fault,
    id::OrgId,
    limits,
    run::{FileNode, Run},
    workflow::WorkflowId,
};
use flow::run::RunState;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::{
    blobs::{BlobKey, Upload},
    files::StoredFile,
    idempotency::Once,
    runs::{NewRun, WorkflowRef},
};

/// What a run begins with.
struct Input {
    body: Value,
    /// What tells this request from another.
    fingerprint: [u8; 32],
    files: Vec<(StoredFile, Upload)>,
}

/// Begin a run of a published workflow.
///
/// The workflow sees as `body` any JSON; or of a multipart body its parts under their names: text as text, JSON parts as
/// JSON, and files, stored, as arrays of `{"fileId","name","mimeType","sizeBytes"}`, also where there is only one.
#[utoipa::path(post, path = "/workflows/{workflowId}/runs", operation_id = "createRun", tag = "Workflow runs",
    params(("workflowId" = WorkflowId, Path), IdempotencyHeader),
    request_body(content((Value = "application/json"), (Value = "multipart/form-data")), description = "What the workflow sees as `body`"),
    responses((status = 202, description = "The run has begun", body = Run)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<WorkflowId>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response> {
    begin(&api, caller.org_id, id, key, request).await
}

/// Begins a run from a request, whoever may make it.
pub(super) async fn begin(
    api: &Api,
    org_id: OrgId,
    id: WorkflowId,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response> {
    let workflow = published(api, org_id, id).await?;
    let input = read(api, org_id, request).await?;
    if let Some(earlier) = key.earlier(api, org_id, &input.fingerprint).await? {
        return Ok(earlier);
    }
    let (now, id) = (api.context.now(), api.context.run_id());
    let mut stored = Vec::with_capacity(input.files.len());
    for (file, upload) in input.files {
        upload.finish().await?;
        stored.push(file);
    }
    let reply = Reply::new(StatusCode::ACCEPTED, &begun(id, &workflow, &RunState::new(), None, now))?;
    let request = key.record(org_id, &input.fingerprint, &reply);
    let blobs: Vec<_> = stored.iter().map(|file| BlobKey { org_id, file_id: file.file.id }).collect();
    let new = NewRun { org_id, id, workflow, body: input.body, files: stored, request };
    let once = api.store.runs().accept(new, now).await?;
    if matches!(once, Once::Replay(_) | Once::Mismatch) {
        for blob in blobs {
            api.store.blobs().delete(blob).await?;
        }
    }
    reply.settle(once)
}

/// The newest version, as runs are pinned to it.
pub(super) async fn published(api: &Api, org_id: OrgId, id: WorkflowId) -> Result<WorkflowRef> {
    let found = api.store.workflows().published(org_id, id.clone(), None).await?;
    let found = found.ok_or_else(missing::<WorkflowId>)?;
    let definition = serde_json::from_slice(&found.definition).map_err(|error| {
        tracing::error!(%error, workflow_id = %id, "a published definition cannot be read");
        Problem::internal()
    })?;
    Ok(WorkflowRef {
        id: id.to_string(),
        name: found.name,
        hash: found.hash,
        definition: Arc::new(definition),
    })
}

async fn read(api: &Api, org_id: OrgId, request: Request) -> Result<Input> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data")) {
        let body = Body::from_request(request, &()).await?;
        return Ok(Input { fingerprint: body.fingerprint(), body: body.value()?, files: Vec::new() });
    }
    let parts = receive_any(api, org_id, request, limits::RUN_UPLOADS_MAX).await?;
    let mut body = Map::new();
    let mut files = Vec::new();
    let mut hasher = Sha256::new();
    for (name, part) in parts {
        let twice = |name: &str| Problem::from(Fault::field(name, "the part is given twice"));
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        match part {
            Part::Text { text, json } => {
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
                let value = match json {
                    true => Body::parse(text.as_bytes())
                        .map_err(|_| Fault::field(name.as_str(), "is not JSON"))?
                        .part()?,
                    false => Value::String(text),
                };
                if body.insert(name.clone(), value).is_some() {
                    return Err(twice(&name));
                }
            }
            Part::File(file, upload) => {
                hasher.update(file.name.as_bytes());
                hasher.update(file.sha256);
                let stored = files::stored(file, api.context.now());
                let node = json!(FileNode::from(&stored.file));
                match body.entry(name.clone()).or_insert_with(|| json!([])) {
                    Value::Array(nodes)
                        if files.is_empty() || nodes.iter().all(|node| node.get("fileId").is_some()) =>
                    {
                        nodes.push(node);
                    }
                    _ => return Err(twice(&name)),
                }
                files.push((stored, upload));
            }
        }
    }
    let body = Body::from(Value::Object(body)).value()?;
    Ok(Input { body, fingerprint: hasher.finalize().into(), files })
}
