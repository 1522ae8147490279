//! Workflow definitions: drafts that may be wrong, versions that never change, and what starts their runs.
//!
//! A draft is kept whatever it says, and every answer that shows one says what is wrong with it: an editor saves as its
//! user types. Only what compiles becomes a version.

mod compile;
mod delete;
mod get;
mod list;
mod publish;
mod put;
mod schedules;
mod source;
mod trigger;
mod validate;
mod versions;

pub use compile::Diagnostic;
pub use trigger::hash as trigger_hash;

use crate::Api;
use domain::{
    time::Timestamp,
    workflow::{Workflow, WorkflowId},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(put::put, get::get, delete::delete))
        .routes(routes!(validate::text))
        .routes(routes!(validate::draft))
        .routes(routes!(publish::publish))
        .routes(routes!(versions::list))
        .routes(routes!(versions::get))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::put, schedules::get, schedules::delete))
        .routes(routes!(trigger::create, trigger::get, trigger::delete))
}

/// What is wrong with a definition: nothing, where it is valid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    valid: bool,
    /// In the order of the text.
    diagnostics: Vec<Diagnostic>,
}

/// A draft, and what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Draft {
    #[serde(flatten)]
    verdict: Verdict,
    /// The text as its author wrote it; not in the answer to the one who has just sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

/// A workflow with its draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowAnswer {
    id: WorkflowId,
    name: String,
    draft: Draft,
    /// The version that new runs get; absent until one is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_version: Option<u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl WorkflowAnswer {
    fn new(workflow: Workflow, verdict: Verdict, with_source: bool) -> Self {
        Self {
            id: workflow.id,
            name: workflow.name,
            draft: Draft { verdict, source: with_source.then_some(workflow.source) },
            published_version: workflow.published_version,
            created_at: workflow.created_at,
            updated_at: workflow.updated_at,
        }
    }
}
