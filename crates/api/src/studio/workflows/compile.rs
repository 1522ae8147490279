//! Compiling with what the organization has: its hubs, whose fields are known, and its published workflows.

use super::Verdict;
use crate::{
    Api,
    problem::{Problem, Result},
};
use domain::{id::OrgId, workflow::WorkflowId};
use flow::{Known, diagnostics, ir::Definition};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One mistake in a definition. Lines and columns count from 1, columns in characters; the end is the first place
/// after it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// What kind of mistake; each has its page in the documentation.
    #[schema(examples("UNKNOWN_FIELD"))]
    code: &'static str,
    message: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Diagnostic {
    /// In one line, as details of an error show it.
    pub fn issue(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{} at {}:{}: {}{hint}", self.code, self.line, self.column, self.message)
    }
}

impl From<diagnostics::Diagnostic> for Diagnostic {
    fn from(found: diagnostics::Diagnostic) -> Self {
        Self {
            code: found.code.as_str(),
            message: found.message,
            line: found.line,
            column: found.column,
            end_line: found.end_line,
            end_column: found.end_column,
            hint: found.hint,
        }
    }
}

/// A definition, or every mistake in it.
pub type Outcome = std::result::Result<Definition, Vec<Diagnostic>>;

/// Compiles a text; the text comes back with what it means. `own` is the id of the workflow that it is the draft of: it
/// may begin runs of itself, also before its first version is there, because it is by the time that one of them runs.
pub async fn compile(
    api: &Api,
    org_id: OrgId,
    own: Option<&WorkflowId>,
    source: String,
) -> Result<(String, Outcome)> {
    let hubs = api.store.hubs().list(org_id).await?;
    let newest = api.store.workflows().newest(org_id).await?;
    let mut workflows: BTreeMap<String, u32> =
        newest.into_iter().map(|(id, version)| (id.to_string(), version)).collect();
    if let Some(own) = own {
        workflows.entry(own.to_string()).or_default();
    }
    let known = Known { hubs: Some(hubs), workflows: Some(workflows) };
    // A large definition takes a while: other requests are not to wait for it.
    let compiled = tokio::task::spawn_blocking(move || {
        let outcome = flow::compile(&source, &known);
        (source, outcome.map_err(|found| found.into_iter().map(Diagnostic::from).collect()))
    });
    compiled.await.map_err(|error| {
        tracing::error!(%error, "the compiler of workflows failed");
        Problem::internal()
    })
}

/// What an outcome says of the text.
pub fn verdict(outcome: &Outcome) -> Verdict {
    let diagnostics = outcome.as_ref().err().cloned().unwrap_or_default();
    Verdict { valid: outcome.is_ok(), diagnostics }
}
