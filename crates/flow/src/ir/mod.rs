//! The canonical form of a workflow: what a version is, once it is published.
//!
//! YAML, an importer and a canvas all end here, and a run is pinned to the [`Definition::hash`] it began with. The form
//! is plain data: JSON with a published schema (`docs/workflow.schema.json`), the same bytes for the same meaning, so
//! its hash says whether two definitions are one. Durations are milliseconds; expressions are kept as their author
//! wrote them, without the `${{ }}`.

mod action;
mod canonical;
mod template;

pub use action::{
    Action, Assertion, Branch, Case, ConvertTo, Delivery, DocumentInsights, Encoding, FileAction, Method,
    OnReject, ReadAs, Wait, WebFunction,
};
pub use canonical::{Hash, canonical_json};
pub use template::{Expr, Part, Template};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A published workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// Of the format: 1.
    pub version: u32,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema (2020-12) that `body` must match; checked before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The names of the secrets that its expressions may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Of the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    pub steps: Vec<Step>,
    /// Run after the steps however they ended, unless the run was closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finally: Vec<Step>,
    /// The run's output, as parents and the run's event see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Template>,
}

/// How many runs with the same key are under way at a time; others wait their turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    pub key: Template,
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Unique in the whole definition.
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Skipped where this is null or false. Asked once, before `for_each`.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Of one attempt (of one item, under `for_each`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// A failure does not end the run; later steps see `steps.<id>.status == "FAILED"`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_error: bool,
    /// Adjacent tag `uses`, content `with`.
    #[serde(flatten)]
    pub action: Action,
}

/// The step's action once per item of an array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForEach {
    pub items: Template,
    /// Items under way at a time.
    pub max_parallel: u32,
    pub tolerate: Tolerance,
}

/// How many items may fail without failing the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    Count(u32),
    /// 0 to 100, of all items, rounded down.
    Percent(u32),
}

impl Tolerance {
    pub fn of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (u64::from(total) * u64::from(percent) / 100) as u32,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retry {
    /// The first one included.
    pub max_attempts: u32,
    pub backoff: Backoff,
    pub initial_ms: u64,
    pub max_ms: u64,
    /// Which failures are tried again.
    pub on: Vec<FailureClass>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    Constant,
    Linear,
    Exponential,
}

/// What a failure means for trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The attempt took longer than it may, or its answer did.
    Timeout,
    /// 429, or the product's own limit.
    RateLimited,
    /// 5xx of a called server; work that failed on our side and may pass next time.
    ServerError,
    /// No answer: refused, reset, no such host.
    Connection,
    /// Everything else: trying again does the same.
    Permanent,
}

impl Definition {
    /// SHA-256 of [`canonical_json`].
    pub fn hash(&self) -> Hash {
        Hash::of(&self.canonical_bytes())
    }

    /// The bytes that are stored and hashed.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("a definition is plain data with string keys");
        canonical_json(&value).into_bytes()
    }

    /// Every step, in the order in which it stands; blocks before what they hold.
    pub fn all_steps(&self) -> Vec<&Step> {
        let mut found = Vec::new();
        for step in self.steps.iter().chain(&self.finally) {
            step.collect(&mut found);
        }
        found
    }
}

impl Step {
    /// Steps that one run of it can have under way or remember while they are, itself included: the size of a run's
    /// state is in proportion to this.
    pub fn under_way_max(&self) -> u64 {
        let blocks = self.action.blocks().into_iter();
        let blocks = blocks.map(|block| block.iter().map(Step::under_way_max).fold(0, u64::saturating_add));
        let inside = match self.action {
            Action::Switch(_) => blocks.max().unwrap_or(0),
            _ => blocks.fold(0, u64::saturating_add),
        };
        let items = self.for_each.as_ref().map_or(1, |each| u64::from(each.max_parallel));
        inside.saturating_add(1).saturating_mul(items)
    }

    fn collect<'s>(&'s self, found: &mut Vec<&'s Step>) {
        found.push(self);
        for inner in self.action.blocks().into_iter().flatten() {
            inner.collect(found);
        }
    }
}
