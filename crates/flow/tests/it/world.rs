//! An engine in memory: a journal, effects in a bag, a clock that only moves when told.

use std::collections::BTreeMap;

use flow::expr::{self, Env};
use flow::ir::Definition;
use flow::run::{
    self, Commit, Effect, Event, Failure, Key, Output, Row, RowStatus, RunState, Scope, Slot, Terminal,
};
use serde_json::{Value, json};

pub struct World<'d> {
    pub definition: &'d Definition,
    pub body: Value,
    pub state: RunState,
    pub journal: BTreeMap<String, Row>,
    /// Effects on the outside whose end nobody has told yet.
    pub open: Vec<Effect>,
    pub cancelled: Vec<Key>,
    pub terminals: Vec<Terminal>,
    pub now_ms: i64,
    /// Whether to keep every event with the state that it led to.
    pub record: bool,
    pub recorded: Vec<(Event, RunState)>,
}

impl<'d> World<'d> {
    pub fn new(definition: &'d Definition, body: Value) -> Self {
        Self {
            definition,
            body,
            state: RunState::new(),
            journal: BTreeMap::new(),
            open: Vec::new(),
            cancelled: Vec::new(),
            terminals: Vec::new(),
            now_ms: 1_000_000,
            record: false,
            recorded: Vec::new(),
        }
    }

    pub fn start(definition: &'d Definition, body: Value) -> Self {
        let mut world = Self::new(definition, body);
        world.feed(Event::Start { at_ms: world.now_ms });
        world
    }

    /// One event, and every evaluation that follows from it, as one commit.
    pub fn feed(&mut self, event: Event) -> bool {
        let mut queue = vec![event];
        let mut changed = false;
        let mut commit = Commit::default();
        while let Some(event) = queue.pop() {
            let recorded = self.record.then(|| event.clone());
            let advanced = run::advance(self.definition, self.state.clone(), event);
            self.state = advanced.state;
            self.recorded.extend(recorded.map(|event| (event, self.state.clone())));
            changed |= advanced.changed;
            for row in &advanced.commit.rows {
                self.journal.insert(row.name.clone(), row.clone());
            }
            commit.join(advanced.commit);
            for effect in advanced.effects {
                match effect {
                    Effect::Evaluate { key, attempt, slot, template, scope } => {
                        let result = if slot == Slot::Input {
                            Ok(Value::Null)
                        } else {
                            expr::evaluate(&template, &self.env(&scope))
                        };
                        queue.push(Event::Evaluated { at_ms: self.now_ms, key, attempt, slot, result });
                    }
                    Effect::Cancel { key, attempt } => {
                        self.open.retain(|effect| {
                            !matches!(effect, Effect::Perform { key: k, attempt: a, .. } if *k == key && *a == attempt)
                        });
                        self.cancelled.push(key);
                    }
                    effect => self.open.push(effect),
                }
            }
        }
        self.terminals.extend(commit.terminal);
        // What is stored is what a node that takes over reads.
        let stored = serde_json::to_string(&self.state).expect("a state is plain data");
        assert_eq!(self.state, serde_json::from_str(&stored).expect("a state can be read back"));
        changed
    }

    /// As a node does that takes the run over: what is open is asked of the state again.
    pub fn take_over(&mut self) {
        self.open.clear();
        for effect in run::pending(self.definition, &self.state, self.now_ms) {
            assert!(!matches!(effect, Effect::Evaluate { .. }), "nothing is evaluated between commits");
            self.open.push(effect);
        }
    }

    pub fn performing(&self) -> Vec<(Key, u32)> {
        let open = self.open.iter().filter_map(|effect| match effect {
            Effect::Perform { key, attempt, .. } => Some((key.clone(), *attempt)),
            _ => None,
        });
        open.collect()
    }

    pub fn finish(&mut self, key: &str, result: Result<Value, Failure>) -> bool {
        let key: Key = key.parse().expect("a key");
        let at = self.open.iter().position(|e| matches!(e, Effect::Perform { key: k, .. } if *k == key));
        let at = at.unwrap_or_else(|| panic!("{key} is not under way: {:?}", self.performing()));
        let Effect::Perform { key, attempt, .. } = self.open.remove(at) else { unreachable!() };
        self.finished(key, attempt, result)
    }

    pub fn finished(&mut self, key: Key, attempt: u32, result: Result<Value, Failure>) -> bool {
        self.feed(Event::Finished { at_ms: self.now_ms, key, attempt, result: result.map(Output::Inline) })
    }

    pub fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        self.feed(Event::Tick { at_ms: self.now_ms });
    }

    pub fn output(&self) -> Value {
        self.row_output("outputs")
    }

    pub fn row_output(&self, name: &str) -> Value {
        match self.journal.get(name).and_then(|row| row.output.as_ref()) {
            None | Some(Output::Stored(_)) => Value::Null,
            Some(Output::Inline(value)) => value.clone(),
            Some(Output::Row(row)) => self.row_output(row),
            Some(Output::Items { key, total }) => {
                (0..*total).map(|index| self.item(&Key { index: Some(index), ..key.clone() })).collect()
            }
        }
    }

    fn item(&self, key: &Key) -> Value {
        let name = key.to_string();
        let row = &self.journal[&name];
        let output = row.output.is_some().then(|| self.row_output(&name));
        expr::item_value(key.index.unwrap_or_default(), row.status, output, row.failure.as_ref())
    }

    fn env(&self, scope: &Scope) -> Env {
        let steps = scope.steps.iter().map(|(id, step)| {
            let output = step.row.as_deref().map(|row| self.row_output(row));
            (id.clone(), expr::step_value(step.status, output, step.failure.as_ref()))
        });
        let item = scope.item.as_ref().map(|item| self.row_output(&item.row)[item.index as usize].clone());
        let status = scope.ended.as_ref().map_or(run::RunStatus::Processing, |(status, _)| *status);
        let error = scope.ended.as_ref().and_then(|(_, failure)| failure.as_ref()).map(|f| f.code.clone());
        Env {
            body: self.body.clone(),
            steps: steps.collect(),
            item: item.unwrap_or_default(),
            index: scope.item.as_ref().map(|item| json!(item.index)).unwrap_or_default(),
            run: json!({"status": status, "error": {"code": error}}),
            ..Env::default()
        }
    }

    pub fn statuses(&self) -> BTreeMap<String, RowStatus> {
        let steps = self.journal.values().filter(|row| row.key.is_some());
        steps.map(|row| (row.name.clone(), row.status)).collect()
    }
}
