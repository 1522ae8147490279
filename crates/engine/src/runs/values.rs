//! What the names in a run's expressions stand for: rows that this decision is about to write, small values of the last
//! ones, and everything else from the store, only where it is named.

use domain::limits;
use flow::{
    expr::{self, Env, Reads},
    ir::{Definition, Template},
    run::{self, ItemRef, Key, Output, Row, RowStatus, RunStatus, Scope},
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use store::{Store, runs::ClaimedRun};

/// Items in a chunk of a large array, as the store has them.
const CHUNK_ITEMS: u32 = 100;

pub(super) struct Values {
    store: Store,
    run_id: domain::id::RunId,
    workflow_id: String,
    /// Rows that are decided and not committed yet.
    pending: HashMap<String, Row>,
    /// Values that were committed by this task, as long as they are few and small.
    recent: HashMap<String, Value>,
    recent_bytes: usize,
    /// The chunk of items that was read last: row, number, items.
    chunk: Option<(String, u32, Vec<Value>)>,
    /// Steps whose output is a job.
    jobs: BTreeSet<String>,
}

impl Values {
    pub(super) fn new(store: Store, claimed: &ClaimedRun, definition: &Definition) -> Self {
        let jobs =
            definition.all_steps().into_iter().filter(|step| step.action.kind() == "document_insights");
        Self {
            store,
            run_id: claimed.lease.run_id,
            workflow_id: claimed.workflow_id.clone(),
            pending: HashMap::new(),
            recent: HashMap::new(),
            recent_bytes: 0,
            chunk: None,
            jobs: jobs.map(|step| step.id.clone()).collect(),
        }
    }

    /// A row that is about to be written.
    pub(super) fn note(&mut self, row: &Row) {
        self.forget(&row.name);
        self.pending.insert(row.name.clone(), row.clone());
    }

    /// The rows are written.
    pub(super) fn committed(&mut self) {
        for (name, row) in std::mem::take(&mut self.pending) {
            let Some(Output::Inline(value)) = row.output else { continue };
            let bytes = value.to_string().len();
            if bytes > limits::RUN_VALUE_INLINE_BYTES_MAX {
                continue;
            }
            if self.recent_bytes + bytes > limits::RUN_CACHE_BYTES_MAX {
                self.recent.clear();
                self.recent_bytes = 0;
            }
            self.recent_bytes += bytes;
            self.recent.insert(name, value);
        }
    }

    fn forget(&mut self, name: &str) {
        self.recent.remove(name);
        if self.chunk.as_ref().is_some_and(|(row, ..)| row == name) {
            self.chunk = None;
        }
    }

    /// What the expressions in `templates` may read.
    pub(super) async fn env(&mut self, templates: &[&Template], scope: &Scope) -> store::Result<Env> {
        let reads = Reads::of(templates);
        let body = if reads.body { self.row("body").await?.unwrap_or_default() } else { Value::Null };
        let mut steps = serde_json::Map::new();
        for (id, step) in &scope.steps {
            let output = match &step.row {
                Some(name) => self.row(name).await?,
                None => None,
            };
            let output = if self.jobs.contains(id) { output.map(by_field) } else { output };
            steps.insert(id.clone(), expr::step_value(step.status, output, step.failure.as_ref()));
        }
        let item = match &scope.item {
            Some(item) if reads.item => self.item(item).await?,
            _ => Value::Null,
        };
        let (status, failure) = match &scope.ended {
            Some((status, failure)) => (*status, failure.as_ref()),
            None => (RunStatus::Processing, None),
        };
        let mut run = json!({
            "id": self.run_id,
            "workflowId": self.workflow_id,
            "now": domain::time::Timestamp::from_ms(scope.now_ms),
            "status": status,
        });
        if let Some(failure) = failure {
            run["error"] = json!({"code": failure.code, "message": failure.message});
        }
        let index = scope.item.as_ref().map(|item| json!(item.index)).unwrap_or_default();
        Ok(Env { body, steps, item, index, run, ..Env::default() })
    }

    /// The value of a row.
    pub(super) async fn row(&mut self, name: &str) -> store::Result<Option<Value>> {
        let mut name = name.to_owned();
        loop {
            if let Some(value) = self.recent.get(&name) {
                return Ok(Some(value.clone()));
            }
            let Some(row) = self.pending.get(&name) else {
                return self.store.runs().value(self.run_id, &name).await;
            };
            match row.output.clone() {
                None => return Ok(None),
                Some(Output::Inline(value)) => return Ok(Some(value)),
                Some(Output::Row(other)) => name = other,
                Some(output) => return self.output(output).await,
            }
        }
    }

    /// The value of an output that is not in a row.
    pub(super) async fn output(&mut self, output: Output) -> store::Result<Option<Value>> {
        match output {
            Output::Inline(value) => Ok(Some(value)),
            Output::Row(name) => Box::pin(self.row(&name)).await,
            Output::Stored(_) => self.store.runs().resolve(self.run_id, output).await,
            Output::Items { key, total } => {
                let written = Output::Items { key: key.clone(), total };
                let value = self.store.runs().resolve(self.run_id, written).await?;
                let Some(Value::Array(mut items)) = value else { return Ok(value) };
                // What this decision itself adds to them.
                for index in 0..total {
                    let name = Key { index: Some(index), ..key.clone() }.to_string();
                    let Some((status, failure)) = self.noted(&name) else { continue };
                    let output = Box::pin(self.row(&name)).await?;
                    if let Some(item) = items.get_mut(index as usize) {
                        *item = expr::item_value(index, status, output, failure.as_ref());
                    }
                }
                Ok(Some(Value::Array(items)))
            }
        }
    }

    fn noted(&self, name: &str) -> Option<(RowStatus, Option<run::Failure>)> {
        self.pending.get(name).map(|row| (row.status, row.failure.clone()))
    }

    async fn item(&mut self, item: &ItemRef) -> store::Result<Value> {
        let at = |items: &Value| items.get(item.index as usize).cloned();
        if let Some(Output::Inline(items)) = self.pending.get(&item.row).and_then(|row| row.output.as_ref()) {
            return Ok(at(items).unwrap_or_default());
        }
        if let Some(items) = self.recent.get(&item.row) {
            return Ok(at(items).unwrap_or_default());
        }
        let number = item.index / CHUNK_ITEMS;
        let here = self.chunk.as_ref().is_some_and(|(row, n, _)| *row == item.row && *n == number);
        if !here {
            let items = self.store.runs().items(self.run_id, &item.row, item.index).await?;
            self.chunk = Some((item.row.clone(), number, items));
        }
        let items = self.chunk.as_ref().map(|(.., items)| items);
        Ok(items
            .and_then(|items| items.get((item.index % CHUNK_ITEMS) as usize))
            .cloned()
            .unwrap_or_default())
    }
}

/// A job, or each of a loop's jobs, with its fields by their ids.
fn by_field(output: Value) -> Value {
    let Value::Array(mut items) = output else { return expr::outputs_by_field(output) };
    for item in &mut items {
        if let Some(output) = item.get_mut("output") {
            *output = expr::outputs_by_field(output.take());
        }
    }
    Value::Array(items)
}
