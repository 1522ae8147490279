//! `GET /organization`

use crate::{
    Api,
    auth::Studio,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use domain::id::{HubId, OrgId};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    id: OrgId,
    name: String,
    /// A document's content chooses the hub where nothing else names one.
    smart_classification: bool,
    /// Where a document goes that nothing else routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_hub_id: Option<HubId>,
}

/// The organization of the key.
#[utoipa::path(get, path = "/organization", operation_id = "getOrganization", tag = "Studio",
    responses((status = 200, description = "The organization", body = Organization)))]
pub async fn get(State(api): State<Api>, caller: Studio) -> Result<Json<Organization>> {
    let org = api.store.orgs().get(caller.org_id).await?.ok_or_else(|| {
        tracing::error!(org_id = %caller.org_id, "a key belongs to no organization");
        Problem::internal()
    })?;
    Ok(Json(Organization {
        id: org.id,
        name: org.name,
        smart_classification: org.smart_classification,
        default_hub_id: org.default_hub_id,
    }))
}
