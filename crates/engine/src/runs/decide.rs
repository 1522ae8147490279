//! A run and what follows from what happened to it: the core's decisions, with values for what they ask.

use super::{
    Desk,
    begin::{self, Prepared},
    drive::{self, Outside},
    large::Sizes,
    values::Values,
};
use domain::{id::OrgId, run::Progress, time::Timestamp};
use flow::{
    ir::{Definition, Delivery, FailureClass, Template},
    run::{
        self, Commit, Effect, Event, Failure, Key, Output, Row, RowStatus, RunState, Scope, Slot, advance,
        pending,
    },
};
use std::{collections::VecDeque, sync::Arc};
use store::{
    files::StoredFile,
    runs::{Begin, ClaimedRun, Decision, MailId, NewRow, RunLease},
};

/// Rows of one decision; where more follow, they are the next one's.
const ROWS_MAX: usize = 2000;
/// Of the outputs in these rows, past which no more are added.
const BYTES_MAX: usize = 16_000_000;

/// A run in hand.
pub(super) struct Run {
    pub lease: RunLease,
    pub org_id: OrgId,
    pub depth: u32,
    pub retry_of: Option<domain::id::RunId>,
    workflow_id: String,
    pub(super) definition: Arc<Definition>,
    pub(super) state: RunState,
    pub(super) sizes: Sizes,
    values: Option<Values>,
    claimed: ClaimedRun,
    /// What the core has asked for and is still to be done.
    asked: VecDeque<Effect>,
}

/// What was decided and is to be committed.
#[derive(Default)]
pub(super) struct Draft {
    pub changed: bool,
    /// Of the outputs in its rows.
    bytes: usize,
    pub(super) commit: Commit,
    /// Rows, of this draft or earlier ones, that are shown as files.
    pub(super) files: Vec<(String, StoredFile)>,
    begins: Vec<Begin>,
    cancels: Vec<(Key, u32)>,
    asks: Option<(String, u32)>,
    outside: Vec<(Key, u32, Outside)>,
}

impl Draft {
    fn is_full(&self) -> bool {
        self.commit.rows.len() >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    /// What is to be done outside, where nothing is to be written.
    pub(super) fn outside(self) -> Vec<(Key, u32, Outside)> {
        self.outside
    }
}

impl Run {
    pub(super) fn new(claimed: ClaimedRun, definition: Arc<Definition>) -> Self {
        Self {
            lease: claimed.lease,
            org_id: claimed.org_id,
            depth: claimed.depth,
            retry_of: claimed.retry_of,
            workflow_id: claimed.workflow_id.clone(),
            definition,
            state: claimed.state.clone(),
            sizes: Sizes::default(),
            values: None,
            claimed,
            asked: VecDeque::new(),
        }
    }

    /// What a node does that takes a run over: what was under way outside is done again, with the same keys; what lives in
    /// the database was begun with the decision that asked for it.
    pub(super) fn take_over(&mut self, at_ms: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for effect in pending(&self.definition, &self.state, at_ms) {
            match effect {
                Effect::Perform { key, attempt, action: flow::ir::Action::WebFunction(call), .. }
                    if call.delivery == Delivery::AtMostOnce =>
                {
                    let message =
                        "the server died while the call was under way, and it may be made only once";
                    let result = Err(Failure::permanent("STEP_INTERRUPTED", message));
                    events.push(Event::Finished { at_ms, key, attempt, result });
                }
                Effect::Perform { ref action, .. } if begin::is_outside(action) => {
                    self.asked.push_back(effect)
                }
                Effect::Evaluate { .. } => self.asked.push_back(effect),
                Effect::Perform { .. } | Effect::Acquire { .. } | Effect::Cancel { .. } => {}
            }
        }
        events
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.asked.is_empty()
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.state.next_due(&self.definition)
    }

    /// Everything that follows, up to where the run waits for something outside.
    pub(super) async fn decide(&mut self, desk: &Desk, mut events: VecDeque<Event>) -> store::Result<Draft> {
        let mut values = match self.values.take() {
            Some(values) => values,
            None => Values::new(desk.parts.store.clone(), &self.claimed, &self.definition),
        };
        let mut draft = Draft::default();
        loop {
            if let Some(event) = events.pop_front() {
                self.apply(event, &mut draft, &mut values);
                continue;
            }
            let Some(effect) = next_asked(&mut self.asked, draft.is_full()) else { break };
            let at_ms = desk.parts.ctx.now().as_ms();
            match effect {
                Effect::Evaluate { key, attempt, slot, template, scope } => {
                    let result = self.evaluate(desk, &mut values, slot, &template, &scope).await?;
                    events.push_back(Event::Evaluated { at_ms, key, attempt, slot, result });
                }
                Effect::Perform { key, attempt, action, scope, deadline_ms, resumes } => {
                    let step = begin::Step { key: &key, attempt, deadline_ms, resumes };
                    let prepared = match values.env(&action.templates(), &scope).await {
                        Ok(env) => begin::prepare(desk, self, &step, &action, env).await?,
                        Err(error) => Prepared::Failed(unreadable(error)?),
                    };
                    match prepared {
                        Prepared::Begin(begin) => draft.begins.push(*begin),
                        Prepared::Outside(work) => draft.outside.push((key, attempt, work)),
                        Prepared::Failed(failure) => {
                            events.push_back(Event::Finished { at_ms, key, attempt, result: Err(failure) });
                        }
                    }
                }
                Effect::Cancel { key, attempt } => {
                    draft.begins.retain(|begin| begin::place(begin) != (&key, attempt));
                    draft.outside.retain(|(k, a, _)| (k, *a) != (&key, attempt));
                    draft.cancels.push((key, attempt));
                }
                Effect::Acquire { concurrency, limit } => {
                    let group = format!("{}/{}/{concurrency}", self.org_id, self.workflow_id);
                    draft.asks = Some((group, limit));
                }
            }
        }
        if draft.commit.terminal.is_some() {
            self.asked.clear();
        }
        self.keep_large(desk, &mut draft, &mut values).await?;
        self.values = Some(values);
        Ok(draft)
    }

    fn apply(&mut self, event: Event, draft: &mut Draft, values: &mut Values) {
        let advanced = advance(&self.definition, std::mem::take(&mut self.state), event);
        self.state = advanced.state;
        draft.changed |= advanced.changed;
        for row in &advanced.commit.rows {
            values.note(row);
            if let Some(Output::Inline(value)) = &row.output {
                draft.bytes += value.to_string().len();
            }
        }
        draft.commit.join(advanced.commit);
        self.asked.extend(advanced.effects);
    }

    async fn evaluate(
        &self,
        desk: &Desk,
        values: &mut Values,
        slot: Slot,
        template: &Template,
        scope: &Scope,
    ) -> store::Result<Result<serde_json::Value, Failure>> {
        let expressions = &desk.parts.expressions;
        if slot == Slot::Input {
            let Some(schema) = &self.definition.input else { return Ok(Ok(serde_json::Value::Null)) };
            let body = values.row("body").await?.unwrap_or_default();
            return Ok(expressions.check_input(schema, &body).await.map(|()| serde_json::Value::Null));
        }
        let env = match values.env(&[template], scope).await {
            Ok(env) => env,
            Err(error) => return unreadable(error).map(Err),
        };
        Ok(expressions.evaluate(template, &env).await)
    }

    /// The draft as it is committed, and what is to be done outside after it.
    pub(super) fn decision(
        &mut self,
        draft: Draft,
        taken: Vec<MailId>,
        under_way: bool,
        never: Timestamp,
    ) -> (Decision, Vec<(Key, u32, Outside)>) {
        if let Some(values) = &mut self.values {
            values.committed();
        }
        let progress = run::progress(&self.definition, &self.state);
        let computed_ms = self.computed_ms(&draft.commit.rows);
        let mut files = draft.files;
        let rows = draft.commit.rows.into_iter().map(|row| {
            let file = files.iter().position(|(name, _)| *name == row.name);
            NewRow { file: file.map(|at| files.swap_remove(at).1), row }
        });
        let rows: Vec<NewRow> = rows.collect();
        let decision = Decision {
            lease: self.lease,
            org_id: self.org_id,
            workflow_id: self.workflow_id.clone(),
            definition: Arc::clone(&self.definition),
            state: self.state.clone(),
            progress: Progress {
                steps_completed: progress.steps_completed,
                steps_total: progress.steps_total,
            },
            computed_ms,
            wake_at: self.next_due().map_or(never, Timestamp::from_ms),
            hot: under_way || !draft.outside.is_empty() || !self.asked.is_empty(),
            rows,
            files,
            taken,
            begins: draft.begins,
            cancels: draft.cancels,
            asks: draft.asks,
            ended: draft.commit.terminal.map(drive::ended),
        };
        (decision, draft.outside)
    }

    /// What the steps and items that ended took, those that only hold others left out.
    fn computed_ms(&self, rows: &[Row]) -> u64 {
        let ended = rows.iter().filter(|row| matches!(row.status, RowStatus::Completed | RowStatus::Failed));
        let work =
            ended.filter(|row| row.key.as_ref().is_some_and(|key| key.index.is_some() && self.is_work(key)));
        work.map(|row| u64::try_from(row.ended_at_ms - row.started_at_ms).unwrap_or(0)).sum()
    }

    fn is_work(&self, key: &Key) -> bool {
        let steps = self.definition.all_steps();
        steps.iter().any(|step| step.id == key.step && step.action.blocks().is_empty())
    }
}

/// What is to be done next. In a draft that is full only evaluations wait for the next one: they are asked for again
/// after a crash. Whatever else the state counts as begun has to be begun in the same transaction.
fn next_asked(asked: &mut VecDeque<Effect>, full: bool) -> Option<Effect> {
    let waits = |effect: &Effect| full && matches!(effect, Effect::Evaluate { .. });
    let at = asked.iter().position(|effect| !waits(effect))?;
    asked.remove(at)
}

/// What the author has to know of values that cannot be read, where it is the author's affair.
fn unreadable(error: store::Error) -> store::Result<Failure> {
    let store::Error::TooLarge { bytes_max } = error else { return Err(error) };
    let message = format!(
        "the outputs of a loop's items come to more than {} MB; have each item store what is large with `uses: file` and \
         pass the file on",
        bytes_max / 1_000_000
    );
    Ok(Failure::permanent("EXPRESSION_FAILED", message))
}

/// A failure of our own side that trying again may cure.
pub(super) fn unavailable(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, FailureClass::ServerError, message)
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Draft, ROWS_MAX, next_asked};
    use flow::run::{Effect, Row, RowStatus, Scope, Slot};
    use std::collections::VecDeque;

    fn row(name: String) -> Row {
        Row {
            name,
            key: None,
            status: RowStatus::Data,
            output: None,
            failure: None,
            attempts: 0,
            started_at_ms: 0,
            ended_at_ms: 0,
        }
    }

    #[test]
    fn a_full_draft_still_begins_what_its_state_counts_as_begun() {
        let evaluate = Effect::Evaluate {
            key: None,
            attempt: 1,
            slot: Slot::Outputs,
            template: flow::ir::Template::Literal(serde_json::Value::Null),
            scope: Scope::default(),
        };
        let cancel = Effect::Cancel { key: "call/0".parse().expect("a key"), attempt: 1 };
        let mut asked = VecDeque::from([evaluate.clone(), cancel.clone()]);
        assert_eq!(next_asked(&mut asked, true), Some(cancel));
        assert_eq!(next_asked(&mut asked, true), None, "an evaluation waits for the next draft");
        assert_eq!(next_asked(&mut asked, false), Some(evaluate));
    }

    #[test]
    fn a_draft_is_full_by_its_rows_or_by_their_bytes() {
        let mut draft = Draft::default();
        assert!(!draft.is_full());
        draft.bytes = BYTES_MAX;
        assert!(draft.is_full());
        draft.bytes = 0;
        draft.commit.rows = (0..ROWS_MAX).map(|number| row(number.to_string())).collect();
        assert!(draft.is_full());
    }
}
