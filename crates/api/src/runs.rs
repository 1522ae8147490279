//! Workflow runs: begun here, driven by the engine.

mod close;
mod create;
mod get;
mod list;
mod retry;
mod signal;
mod trigger;

use crate::{Api, problem::Problem};
use domain::{
    fault::Fault,
    id::RunId,
    run::{Progress, Run, RunStatus, WorkflowName},
    time::Timestamp,
};
use flow::run::RunState;
use store::runs::WorkflowRef;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(list::list))
        .routes(routes!(get::get))
        .routes(routes!(close::close))
        .routes(routes!(retry::retry))
        .routes(routes!(signal::signal))
        .routes(routes!(trigger::trigger))
}

/// A run as it begins.
fn begun(
    id: RunId,
    workflow: &WorkflowRef,
    state: &RunState,
    retry_of: Option<RunId>,
    now: Timestamp,
) -> Run {
    let progress = flow::run::progress(&workflow.definition, state);
    Run {
        id,
        status: RunStatus::Processing,
        created_at: now,
        updated_at: now,
        started_at: None,
        completed_at: None,
        error: None,
        workflow: WorkflowName { id: workflow.id.clone(), name: workflow.name.clone() },
        retry_of,
        parent_run_id: None,
        progress: Progress { steps_completed: progress.steps_completed, steps_total: progress.steps_total },
        duration_ms: 0,
        computed_duration_ms: 0,
        output: None,
        output_file: None,
        steps: Some(Vec::new()),
    }
}

fn ended(status: RunStatus) -> Problem {
    Fault::conflict(format!("the run has ended already: it is {}", status.as_str())).into()
}
