//! `GET /organization`, `PATCH /organization`

use super::hubs::org;
use crate::{Api, auth::Studio, body::Body, problem::Result};
use axum::{Json, extract::State};
use domain::{
    fault::Fault,
    id::{HubId, OrgId},
    org::Org,
};
use serde::Serialize;
use utoipa::ToSchema;

pub const NAME_CHARACTERS_MAX: usize = 128;

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

impl From<Org> for Organization {
    fn from(org: Org) -> Self {
        Self {
            id: org.id,
            name: org.name,
            smart_classification: org.smart_classification,
            default_hub_id: org.default_hub_id,
        }
    }
}

/// What is to change; what is left out stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ChangeOrganization {
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    smart_classification: Option<bool>,
    /// An enabled hub. `null`: a document that nothing routes is REJECTED with `NO_HUB`.
    #[schema(nullable)]
    default_hub_id: Option<HubId>,
}

/// The organization of the key.
#[utoipa::path(get, path = "/organization", operation_id = "getOrganization", tag = "Studio",
    responses((status = 200, description = "The organization", body = Organization)))]
pub async fn get(State(api): State<Api>, caller: Studio) -> Result<Json<Organization>> {
    Ok(Json(org(&api, caller.org_id).await?.into()))
}

/// Change the organization's name, or how documents find their hub.
#[utoipa::path(patch, path = "/organization", operation_id = "updateOrganization", tag = "Studio",
    request_body = ChangeOrganization,
    responses((status = 200, description = "The organization as it is now", body = Organization)))]
pub async fn patch(State(api): State<Api>, caller: Studio, body: Body) -> Result<Json<Organization>> {
    let mut body = body.fields()?;
    let mut org = org(&api, caller.org_id).await?;
    if let Some(name) = body.text("name", 1..=NAME_CHARACTERS_MAX) {
        org.name = name;
    }
    if let Some(smart) = body.boolean("smartClassification") {
        org.smart_classification = smart;
    }
    if body.is_null("defaultHubId") {
        body.take("defaultHubId");
        org.default_hub_id = None;
    }
    let default = body.parsed::<HubId>("defaultHubId");
    body.finish()?;
    if let Some(id) = default {
        let hub = api.store.hubs().get(caller.org_id, id).await?.filter(|hub| hub.enabled);
        hub.ok_or_else(|| Fault::field("defaultHubId", "no enabled hub of this organization has this id"))?;
        org.default_hub_id = Some(id);
    }
    api.store.orgs().update(org.clone()).await?;
    Ok(Json(org.into()))
}
