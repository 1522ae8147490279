//! What a definition means, said as simply as it can be: one function that calls itself, nothing at once, nothing that
//! can be interrupted. The engine has to come to the same, in whatever order things end.

use std::collections::BTreeSet;

use flow::expr::{self, Env};
use flow::ir::{Action, Definition, OnReject, Step, Template, Wait};
use flow::run::{Failure, RowStatus};
use serde_json::{Map, Value, json};

/// How what is done outside ends. The same question, the same answer.
pub trait Oracle {
    fn outcome(&self, key: &str, attempt: u32) -> Result<Value, Failure>;
}

#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Completed(Value),
    /// One of these codes: which of several branches fails first is a matter of order.
    Failed(BTreeSet<String>),
}

struct Naive<'a> {
    oracle: &'a dyn Oracle,
    body: &'a Value,
    run: Value,
}

/// Where a step stands: what its names mean, and how its keys begin.
#[derive(Clone, Default)]
struct Place {
    steps: Map<String, Value>,
    item: Value,
    index: Value,
    prefix: String,
}

/// Why something failed, and what it gave all the same: an approval that was refused says by whom.
#[derive(Default)]
struct Broken {
    codes: BTreeSet<String>,
    output: Option<Value>,
}

type Ended = Result<Value, Broken>;

pub fn run(definition: &Definition, body: &Value, oracle: &dyn Oracle) -> End {
    let mut naive = Naive { oracle, body, run: json!({"status": "PROCESSING", "error": {"code": null}}) };
    let mut place = Place::default();
    let mut end = naive.list(&definition.steps, &mut place).map(|_| Value::Null);
    if let (Ok(_), Some(outputs)) = (&end, &definition.outputs) {
        end = naive.value(outputs, &place);
    }
    let status = if end.is_ok() { "COMPLETED" } else { "FAILED" };
    naive.run["status"] = json!(status);
    let mut place = Place::default();
    for step in &definition.finally {
        // Every one of them is tried.
        if let Err(broken) = naive.step(step, &mut place).1 {
            end = end.and(Err(broken));
        }
    }
    end.map_or_else(|broken| End::Failed(broken.codes), End::Completed)
}

impl Naive<'_> {
    /// The output of the last step that completed.
    fn list(&self, steps: &[Step], place: &mut Place) -> Ended {
        let mut last = Value::Null;
        for step in steps {
            let (status, output) = self.step(step, place);
            let output = output?;
            if status == RowStatus::Completed {
                last = output;
            }
        }
        Ok(last)
    }

    /// One step; an error is what ends the list.
    fn step(&self, step: &Step, place: &mut Place) -> (RowStatus, Ended) {
        let (status, ended) = self.conditional(step, place);
        let output = match &ended {
            Ok(value) => Some(value.clone()).filter(|_| status == RowStatus::Completed),
            Err(broken) => broken.output.clone(),
        };
        place.steps.insert(step.id.clone(), expr::step_value(status, output, None));
        match ended {
            Err(_) if step.continue_on_error => (status, Ok(Value::Null)),
            ended => (status, ended),
        }
    }

    fn conditional(&self, step: &Step, place: &mut Place) -> (RowStatus, Ended) {
        let failed = |broken| (RowStatus::Failed, Err(broken));
        if let Some(condition) = &step.condition {
            match self.holds(condition.source(), place) {
                Err(broken) => return failed(broken),
                Ok(false) => return (RowStatus::Skipped, Ok(Value::Null)),
                Ok(true) => {}
            }
        }
        let ended = match &step.for_each {
            None => {
                let key = format!("{}{}/0", place.prefix, step.id);
                self.instance(step, place, &key, &step.id)
            }
            Some(each) => match self.value(&each.items, place) {
                Err(broken) => Err(broken),
                Ok(Value::Array(items)) => self.items(step, items, place),
                Ok(_) => Err(only("FOR_EACH_NOT_AN_ARRAY")),
            },
        };
        match ended {
            Ok(value) => (RowStatus::Completed, Ok(value)),
            Err(broken) => failed(broken),
        }
    }

    fn items(&self, step: &Step, items: Vec<Value>, place: &Place) -> Ended {
        let total = u32::try_from(items.len()).expect("few items");
        let mut failed = 0;
        let mut outputs = Vec::new();
        for (index, item) in (0..).zip(items) {
            let mut inside = place.clone();
            (inside.item, inside.index) = (item, json!(index));
            let key = format!("{}{}/{index}", place.prefix, step.id);
            let ended = self.instance(step, &mut inside, &key, &format!("{}.{index}", step.id));
            failed += u32::from(ended.is_err());
            let status = if ended.is_ok() { RowStatus::Completed } else { RowStatus::Failed };
            let output = ended.map_or_else(|broken| broken.output, Some);
            outputs.push(expr::item_value(index, status, output, None));
        }
        let tolerated = step.for_each.as_ref().map_or(0, |each| each.tolerate.of(total));
        if failed > tolerated { Err(only("TOO_MANY_FAILURES")) } else { Ok(outputs.into()) }
    }

    /// One action, tried as often as it may be.
    fn instance(&self, step: &Step, place: &mut Place, key: &str, hop: &str) -> Ended {
        let attempts = step.retry.as_ref().map_or(1, |retry| retry.max_attempts);
        match &step.action {
            Action::Transform(template) => self.value(template, place),
            Action::Wait(Wait::Signal(name)) => Ok(json!({"signal": self.value(name, place)?})),
            Action::Wait(_) => Ok(Value::Null),
            Action::Validate(assertions) => {
                for assertion in assertions {
                    if !self.holds(assertion.assert.source(), place)? {
                        return Err(only("ASSERTION_FAILED"));
                    }
                }
                Ok(Value::Null)
            }
            Action::Switch(cases) => {
                for case in cases {
                    let taken = match &case.when {
                        None => true,
                        Some(when) => self.holds(when.source(), place)?,
                    };
                    if taken {
                        let ended = self.inside(place, hop, |place| self.list(&case.steps, place));
                        return ended.map_err(|broken| Broken { output: None, ..broken });
                    }
                }
                Ok(Value::Null)
            }
            Action::Parallel(branches) => {
                let mut codes = BTreeSet::new();
                for branch in branches {
                    let ended = self.inside(place, hop, |place| self.list(&branch.steps, place));
                    codes.extend(ended.err().unwrap_or_default().codes);
                }
                if codes.is_empty() { Ok(Value::Null) } else { Err(Broken { codes, output: None }) }
            }
            action => {
                let mut last = None;
                for attempt in 1..=attempts {
                    match self.oracle.outcome(key, attempt) {
                        Ok(value) => return approved(action, value),
                        Err(failure) => {
                            let again = step.retry.as_ref().is_some_and(|r| r.on.contains(&failure.class));
                            last = Some(only(&failure.code));
                            if !again {
                                break;
                            }
                        }
                    }
                }
                Err(last.unwrap_or_default())
            }
        }
    }

    fn inside(&self, place: &mut Place, hop: &str, work: impl FnOnce(&mut Place) -> Ended) -> Ended {
        let outer = place.prefix.clone();
        place.prefix = format!("{outer}{hop}/");
        let ended = work(place);
        place.prefix = outer;
        ended
    }

    fn holds(&self, source: &str, place: &Place) -> Result<bool, Broken> {
        let value = self.value(&Template::Expr(flow::ir::Expr(source.to_owned())), place)?;
        Ok(!matches!(value, Value::Null | Value::Bool(false)))
    }

    fn value(&self, template: &Template, place: &Place) -> Ended {
        let env = Env {
            body: self.body.clone(),
            steps: place.steps.clone(),
            item: place.item.clone(),
            index: place.index.clone(),
            run: self.run.clone(),
            ..Env::default()
        };
        expr::evaluate(template, &env).map_err(|failure| only(&failure.code))
    }
}

fn approved(action: &Action, value: Value) -> Ended {
    match action {
        Action::Approval { on_reject: OnReject::Fail, .. } if value["approved"] == json!(false) => {
            Err(Broken { output: Some(value), ..only("APPROVAL_REJECTED") })
        }
        _ => Ok(value),
    }
}

fn only(code: &str) -> Broken {
    Broken { codes: BTreeSet::from([code.to_owned()]), output: None }
}
