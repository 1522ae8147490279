//! What a hub has learned: its model, how well it does, and the way back.

use crate::{
    Api,
    auth::Studio,
    body::Body,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
    studio::page_of,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    fault::Fault,
    hub::Hub,
    id::{HubId, OrgId},
    learning::{Evaluation, FieldScore, ModelVersion},
    page::Paged,
    time::Timestamp,
};
use serde::Serialize;
use store::{learning::RolledBack, wake::Topic};
use utoipa::ToSchema;

/// The model that a hub's next document is read with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// 0 while the hub has learned nothing: then the prior alone reads.
    version: u32,
    /// Examples whose document is still to be read.
    pending: u64,
    /// Everything that was taught is learned.
    up_to_date: bool,
    /// Why the last training failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
}

/// Which model is to be used.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct RollBack {
    /// A version that is still kept; 0 for the prior alone.
    version: u32,
}

/// What a hub has learned, and how well it reads documents that it was not shown.
#[utoipa::path(get, path = "/hubs/{hubId}/model", operation_id = "getModel", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "The model", body = Model)))]
pub async fn get(State(api): State<Api>, caller: Studio, Id(id): Id<HubId>) -> Result<Json<Model>> {
    let hub = hub(&api, caller.org_id, id).await?;
    Ok(Json(model(&api, caller.org_id, &hub).await?))
}

/// Every model of a hub that is kept, the newest first; those that were rolled back say why.
#[utoipa::path(get, path = "/hubs/{hubId}/model/versions", operation_id = "listModels", tag = "Studio",
    params(("hubId" = HubId, Path), PageParameters),
    responses((status = 200, description = "One page of models", body = Paged<ModelVersion>)))]
pub async fn versions(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    mut query: Query,
) -> Result<Json<Paged<ModelVersion>>> {
    let page = query.page()?;
    query.finish()?;
    hub(&api, caller.org_id, id).await?;
    Ok(Json(page_of(api.store.learning().models(caller.org_id, id).await?, &page)))
}

/// Use an earlier model from the next job on. What the hub is taught after that makes a new one.
#[utoipa::path(post, path = "/hubs/{hubId}/model/rollback", operation_id = "rollBackModel", tag = "Studio",
    params(("hubId" = HubId, Path)),
    request_body = RollBack,
    responses((status = 200, description = "The model as it is now", body = Model)))]
pub async fn roll_back(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<Model>> {
    let mut body = body.fields()?;
    body.require("version");
    let version = body.integer("version", 0..=u64::from(u32::MAX)).unwrap_or_default();
    body.finish()?;
    let hub = hub(&api, caller.org_id, id).await?;
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    match api.store.learning().roll_back(caller.org_id, id, version).await? {
        RolledBack::Done => Ok(Json(model(&api, caller.org_id, &hub).await?)),
        RolledBack::NotKept => Err(Fault::field("version", "no model of this version is kept").into()),
    }
}

/// Have a hub's model made again. A hub learns by itself from whatever it is taught; this is for after an upgrade.
#[utoipa::path(post, path = "/hubs/{hubId}/train", operation_id = "trainHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 202, description = "The model as it is now; `upToDate` says when the new one is there", body = Model)))]
pub async fn train(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<(StatusCode, Json<Model>)> {
    body.optional_fields()?.finish()?;
    let hub = hub(&api, caller.org_id, id).await?;
    api.store.learning().want(caller.org_id, id).await?;
    api.store.wake().hint(Topic::Learning);
    Ok((StatusCode::ACCEPTED, Json(model(&api, caller.org_id, &hub).await?)))
}

/// How well a hub reads documents that it was not shown: each example is left out once while the others teach.
///
/// This is made with each model and kept with it, so the answer is there at once and of the model in use.
#[utoipa::path(post, path = "/hubs/{hubId}/evaluate", operation_id = "evaluateHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 200, description = "Scores by field, and how far confidence can be trusted", body = Evaluation)))]
pub async fn evaluate(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    body: Body,
) -> Result<Json<Evaluation>> {
    body.optional_fields()?.finish()?;
    let hub = hub(&api, caller.org_id, id).await?;
    Ok(Json(model(&api, caller.org_id, &hub).await?.evaluation))
}

async fn hub(api: &Api, org_id: OrgId, id: HubId) -> Result<Hub> {
    api.store.hubs().get(org_id, id).await?.ok_or_else(missing::<HubId>)
}

async fn model(api: &Api, org_id: OrgId, hub: &Hub) -> Result<Model> {
    let learning = api.store.learning();
    let state = learning.state(org_id, hub.id).await?;
    let active = learning.model(org_id, hub.id, state.active_version).await?;
    let (evaluation, created_at) = match active {
        Some(active) => (active.evaluation, Some(active.created_at)),
        None => (untaught(hub), None),
    };
    Ok(Model {
        version: state.active_version,
        pending: state.pending,
        up_to_date: state.pending == 0 && state.trained >= state.wanted,
        error: state.error,
        evaluation,
        created_at,
    })
}

/// The evaluation of a hub that nobody has taught anything.
fn untaught(hub: &Hub) -> Evaluation {
    let fields =
        hub.fields.iter().map(|field| FieldScore { id: field.id.clone(), confirmed: 0, score: None });
    let mut evaluation = Evaluation { fields: fields.collect(), ..Evaluation::default() };
    evaluation.calibration.slope = 1.0;
    evaluation.review_threshold = hub.review.as_ref().map(|review| 1.0 - review.max_error_rate);
    evaluation
}
