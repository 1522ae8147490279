//! `GET /workflow-runs/{runId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
    query::Query,
};
use axum::{Json, extract::State};
use domain::{id::RunId, limits, run::Run};
use store::runs::Nested;

/// A run with the steps that were reached, and the runs that they began, whole and recursively.
///
/// Of a step with many nested runs a page is shown; `nestedRuns.count` says how many there are.
#[utoipa::path(get, path = "/workflow-runs/{runId}", operation_id = "getRun", tag = "Workflow runs",
    params(
        ("runId" = RunId, Path),
        ("nestedPage" = Option<u32>, Query, description = "From 0", maximum = 1_000_000),
        ("nestedSize" = Option<u32>, Query, description = "Nested runs of a step; 50 where absent", minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "The run", body = Run)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<RunId>,
    mut query: Query,
) -> Result<Json<Run>> {
    let page = query.number("nestedPage", 0, limits::PAGE_NUMBER_MAX.into())?.unwrap_or(0);
    let size = query.number("nestedSize", 1, limits::PAGE_SIZE_MAX.into())?;
    query.finish()?;
    let nested = Nested {
        page: u32::try_from(page).unwrap_or(limits::PAGE_NUMBER_MAX),
        size: size.and_then(|size| u32::try_from(size).ok()).unwrap_or(limits::PAGE_SIZE_DEFAULT),
    };
    let run = api.store.runs().get(caller.org_id, id, nested, api.context.now()).await?;
    Ok(Json(run.ok_or_else(missing::<RunId>)?))
}
