//! From an action with its values to what is begun: a row for the decision's transaction, or work outside.

use super::{
    Desk,
    call::{self, Call},
    decide::Run,
    drive::Outside,
    files::{self, FileWork},
};
use domain::{
    id::{FileId, HubId},
    job::{Document, Job},
    limits, metadata,
    subscription::check_url,
};
use flow::{
    expr::{Env, Reads},
    ir::{Action, Definition, DocumentInsights, Template},
    run::{Failure, Key},
};
use serde_json::Value;
use std::sync::Arc;
use store::{
    jobs::{JobDocument, NewJob},
    runs::{Begin, ChildRun, WorkflowRef},
};

/// The attempt at a step that is begun.
pub(super) struct Step<'a> {
    pub key: &'a Key,
    pub attempt: u32,
    pub deadline_ms: Option<i64>,
    pub resumes: bool,
}

pub(super) enum Prepared {
    Begin(Box<Begin>),
    Outside(Outside),
    Failed(Failure),
}

/// Whether it happens where the database does not see it.
pub(super) const fn is_outside(action: &Action) -> bool {
    matches!(action, Action::WebFunction(_) | Action::File(_))
}

/// Which attempt at which step began it.
pub(super) const fn place(begin: &Begin) -> (&Key, u32) {
    match begin {
        Begin::Run { key, attempt, .. }
        | Begin::Job { key, attempt, .. }
        | Begin::Approval { key, attempt, .. }
        | Begin::Task { key, attempt, .. } => (key, *attempt),
    }
}

/// Why nothing is begun.
pub(super) enum Stop {
    Failed(Failure),
    Store(store::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// What templates are evaluated with.
pub(super) struct Filled<'a> {
    desk: &'a Desk,
    env: Env,
}

impl Filled<'_> {
    pub(super) async fn value(&self, template: &Template) -> Result<Value, Failure> {
        self.desk.parts.expressions.evaluate(template, &self.env).await
    }

    pub(super) async fn optional(&self, template: Option<&Template>) -> Result<Option<Value>, Failure> {
        match template {
            Some(template) => self.value(template).await.map(Some),
            None => Ok(None),
        }
    }

    /// A text; other scalars as JSON writes them.
    pub(super) async fn text(&self, template: &Template, what: &str) -> Result<String, Failure> {
        match self.value(template).await? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            _ => Err(Failure::permanent("STEP_INPUT_INVALID", format!("{what} must be a text"))),
        }
    }
}

pub(super) async fn prepare(
    desk: &Desk,
    run: &Run,
    step: &Step<'_>,
    action: &Action,
    env: Env,
) -> store::Result<Prepared> {
    match try_prepare(desk, run, step, action, env).await {
        Ok(prepared) => Ok(prepared),
        Err(Stop::Failed(failure)) => Ok(Prepared::Failed(failure)),
        Err(Stop::Store(error)) => Err(error),
    }
}

async fn try_prepare(
    desk: &Desk,
    run: &Run,
    step: &Step<'_>,
    action: &Action,
    mut env: Env,
) -> Result<Prepared, Stop> {
    if let Action::WebFunction(_) = action {
        let names: Vec<String> = Reads::of(&action.templates()).secrets.into_iter().collect();
        if !names.is_empty() {
            for (name, secret) in desk.parts.store.workflow_secrets().open(run.org_id, &names).await? {
                env.secrets.insert(name, Value::String(secret.as_str().to_owned()));
            }
            if let Some(missing) = names.iter().find(|name| !env.secrets.contains_key(*name)) {
                let message = format!("the secret {missing} is not set");
                return Err(Failure::permanent("SECRET_MISSING", message).into());
            }
        }
    }
    let filled = Filled { desk, env };
    let (key, attempt) = (step.key.clone(), step.attempt);
    let begin = match action {
        Action::WebFunction(with) => {
            let call = call::prepare(&filled, with, run.lease.run_id, step, desk).await?;
            return Ok(Prepared::Outside(Outside::Call(Box::<Call>::new(call))));
        }
        Action::File(action) => {
            let work: FileWork = files::prepare(&filled, action, run, step).await?;
            return Ok(Prepared::Outside(Outside::File(Box::new(work))));
        }
        Action::DocumentInsights(with) => {
            let job = Box::new(job(desk, run, &filled, with).await?);
            Begin::Job { key, attempt, job }
        }
        Action::Workflow { workflow, version, body } => {
            let body =
                filled.optional(body.as_ref()).await?.unwrap_or_else(|| Value::Object(Default::default()));
            let child = ChildRun {
                workflow: published(desk, run, workflow, *version).await?,
                body,
                depth: run.depth + 1,
                resumes: run.retry_of.filter(|_| step.resumes),
            };
            Begin::Run { key, attempt, child }
        }
        Action::Approval { title, description, data, .. } => Begin::Approval {
            key,
            attempt,
            title: filled.text(title, "the title").await?,
            description: match description {
                Some(description) => Some(filled.text(description, "the description").await?),
                None => None,
            },
            data: filled.optional(data.as_ref()).await?,
        },
        Action::Custom { task, input } => {
            let input = filled.optional(input.as_ref()).await?.unwrap_or_default();
            Begin::Task { key, attempt, task: task.clone(), input }
        }
        // The core does these itself.
        Action::Transform(_)
        | Action::Validate(_)
        | Action::Wait(_)
        | Action::Switch(_)
        | Action::Parallel(_) => {
            return Err(Failure::permanent("STEP_FAILED", "this step cannot be performed").into());
        }
    };
    Ok(Prepared::Begin(Box::new(begin)))
}

async fn published(desk: &Desk, run: &Run, id: &str, version: Option<u32>) -> Result<WorkflowRef, Stop> {
    let unknown = || {
        let version = version.map(|version| format!("@{version}")).unwrap_or_default();
        Failure::permanent("WORKFLOW_NOT_FOUND", format!("no published workflow {id}{version}"))
    };
    if run.depth >= limits::RUN_DEPTH_MAX {
        let message = format!("more than {} runs within each other", limits::RUN_DEPTH_MAX);
        return Err(Failure::permanent("RUNS_TOO_DEEP", message).into());
    }
    let workflow_id = id.parse().map_err(|_| unknown())?;
    let found = desk.parts.store.workflows().published(run.org_id, workflow_id, version).await?;
    let found = found.ok_or_else(unknown)?;
    if let Some(definition) = desk.known_definition(&found.hash) {
        return Ok(WorkflowRef { id: id.to_owned(), name: found.name, hash: found.hash, definition });
    }
    let definition: Definition = serde_json::from_slice(&found.definition)
        .map_err(|error| store::Error::Corrupt(error.to_string()))?;
    let definition = Arc::new(definition);
    desk.know(&found.hash, &definition);
    Ok(WorkflowRef { id: id.to_owned(), name: found.name, hash: found.hash, definition })
}

fn invalid(message: impl Into<String>) -> Stop {
    Failure::permanent("STEP_INPUT_INVALID", message).into()
}

async fn job(desk: &Desk, run: &Run, filled: &Filled<'_>, with: &DocumentInsights) -> Result<NewJob, Stop> {
    let parts = &desk.parts;
    let document = document(desk, run, filled.value(&with.document).await?).await?;
    let hub = match filled.optional(with.hub.as_ref()).await? {
        None | Some(Value::Null) => None,
        Some(Value::String(reference)) => Some(hub(desk, run, &reference).await?),
        Some(_) => return Err(invalid("hub must be a hub's id or name")),
    };
    let metadata = match filled.optional(with.metadata.as_ref()).await? {
        None | Some(Value::Null) => None,
        Some(value) => Some(texts(value)?),
    };
    if let Some(detail) = metadata.as_ref().and_then(|metadata| metadata::check(metadata).into_iter().next())
    {
        return Err(invalid(format!("{}: {}", detail.field, detail.issue)));
    }
    let new_id: FileId = parts.ctx.id();
    let shown = match &document {
        JobDocument::New(stored) | JobDocument::Existing(stored) => Document {
            file_id: stored.file.id,
            file_name: stored.file.name.clone(),
            mime_type: Some(stored.file.mime_type.clone()),
            size_bytes: Some(stored.file.size_bytes),
            page_count: None,
        },
        JobDocument::Url(url) => Document {
            file_id: new_id,
            file_name: domain::file::clean_name(url.split(['?', '#']).next().unwrap_or_default()),
            mime_type: None,
            size_bytes: None,
            page_count: None,
        },
    };
    let job = Job::queued(parts.ctx.id(), shown, hub, metadata, parts.ctx.now());
    Ok(NewJob { org_id: run.org_id, job, document, request: None })
}

/// A file node, `{"fileId"}`, `{"url"}`, or a file id.
async fn document(desk: &Desk, run: &Run, value: Value) -> Result<JobDocument, Stop> {
    if let Some(url) = value.get("url").and_then(Value::as_str) {
        if url.chars().count() > limits::DOCUMENT_URL_CHARACTERS_MAX {
            return Err(invalid("the document's URL is too long"));
        }
        check_url(url, desk.parts.allow_http)
            .map_err(|issue| invalid(format!("the document's URL {issue}")))?;
        return Ok(JobDocument::Url(url.to_owned()));
    }
    let id = files::id_of(&value).ok_or_else(|| invalid("document must be a file, a file id or {url}"))?;
    let stored = desk.parts.store.files().get(run.org_id, id).await?;
    Ok(JobDocument::Existing(stored.ok_or_else(|| invalid(format!("no such file: {id}")))?))
}

async fn hub(desk: &Desk, run: &Run, reference: &str) -> Result<(HubId, String), Stop> {
    let unknown = || invalid(format!("no enabled hub {reference}"));
    let hubs = desk.parts.store.hubs().list(run.org_id).await?;
    let hub = flow::Known::hub(&hubs, reference).filter(|hub| hub.enabled).ok_or_else(unknown)?;
    Ok((hub.id, hub.name.clone()))
}

fn texts(value: Value) -> Result<metadata::Metadata, Stop> {
    let Value::Object(map) = value else { return Err(invalid("metadata must be an object of texts")) };
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Number(_) | Value::Bool(_) => Ok((key, value.to_string())),
        _ => Err(invalid(format!("metadata.{key} must be a text"))),
    };
    map.into_iter().map(text).collect()
}
