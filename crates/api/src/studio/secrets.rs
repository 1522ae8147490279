//! `GET /secrets`, `PUT /secrets/{name}`, `DELETE /secrets/{name}`

use super::page_of;
use crate::{
    Api,
    auth::Studio,
    body::Body,
    path::{Id, Name},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    fault::{Detail, Fault},
    limits,
    page::Paged,
    time::Timestamp,
    workflow,
};
use serde::Serialize;
use store::workflow_secrets::SecretRecord;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The value to keep.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct PutSecret {
    /// It never comes back in any answer.
    #[schema(write_only, min_length = 1, max_length = 16384)]
    value: String,
}

/// A secret as clients see it: that it is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    name: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<SecretRecord> for Secret {
    fn from(record: SecretRecord) -> Self {
        Self { name: record.name, created_at: record.created_at, updated_at: record.updated_at }
    }
}

/// The names of all secrets of workflows. Their values are never shown.
#[utoipa::path(get, path = "/secrets", operation_id = "listSecrets", tag = "Workflow definitions",
    params(PageParameters),
    responses((status = 200, description = "One page of names", body = Paged<Secret>)))]
pub async fn list(State(api): State<Api>, caller: Studio, mut query: Query) -> Result<Json<Paged<Secret>>> {
    let page = query.page()?;
    query.finish()?;
    let mut all = api.store.workflow_secrets().list(caller.org_id).await?;
    all.sort_by_key(|record| record.created_at);
    Ok(Json(page_of(all, &page).map(Secret::from)))
}

/// Set a secret that workflows may use as `secrets.<NAME>`.
///
/// It is kept sealed and never shown again. Calls that begin after the answer use the new value.
#[utoipa::path(put, path = "/secrets/{name}", operation_id = "putSecret", tag = "Workflow definitions",
    params(("name" = String, Path, pattern = "^[A-Za-z_][A-Za-z0-9_]{0,63}$")),
    request_body = PutSecret,
    responses((status = 200, description = "Kept", body = Secret)))]
pub async fn put(
    State(api): State<Api>,
    caller: Studio,
    Id(Name(name)): Id<Name>,
    body: Body,
) -> Result<Json<Secret>> {
    let mut body = body.fields()?;
    let value = Zeroizing::new(body.required_text("value", 1..=limits::WORKFLOW_SECRET_BYTES_MAX));
    if value.len() > limits::WORKFLOW_SECRET_BYTES_MAX {
        body.wrong("value", format!("must have at most {} bytes", limits::WORKFLOW_SECRET_BYTES_MAX));
    }
    if let Err(issue) = workflow::check_secret_name(&name) {
        body.note([Detail::new("name", issue)]);
    }
    body.finish()?;
    let now = api.context.now();
    let secrets = api.store.workflow_secrets();
    if !secrets.put(caller.org_id, name.clone(), value, now).await? {
        let max = limits::WORKFLOW_SECRETS_PER_ORG_MAX;
        return Err(Fault::conflict(format!("an organization has at most {max} secrets")).into());
    }
    let listed = secrets.list(caller.org_id).await?;
    let record = listed.into_iter().find(|record| record.name == name);
    // Deleted by somebody else in between: it was there all the same.
    let record = record.unwrap_or(SecretRecord { name, created_at: now, updated_at: now });
    Ok(Json(record.into()))
}

/// Delete a secret. Calls that need it fail from now on.
#[utoipa::path(delete, path = "/secrets/{name}", operation_id = "deleteSecret", tag = "Workflow definitions",
    params(("name" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(api): State<Api>, caller: Studio, Id(Name(name)): Id<Name>) -> Result<StatusCode> {
    if api.store.workflow_secrets().delete(caller.org_id, name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::not_found("secret").into())
    }
}
