//! Definitions by chance: every kind of step, blocks within blocks, expressions that name only what has ended.
//!
//! Made from numbers that a test draws, so that a failing case becomes small: fewer numbers, fewer steps.

use flow::ir::Definition;
use serde_json::{Value, json};

/// Which definitions.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Failures end the run: none is continued or tolerated, and no expression is wrong.
    pub strict: bool,
}

/// Draws definitions from a list of numbers; after its end everything is zero, which is the simplest choice.
pub struct Generator<'n> {
    numbers: std::slice::Iter<'n, u8>,
    wanted: Wanted,
    /// Ids of steps that have ended wherever the next expression stands.
    visible: Vec<String>,
    steps: usize,
    loops: usize,
    /// A retry does all of `finally` again, and a signal that was taken does not come again.
    is_finally: bool,
    pub signals: Vec<String>,
}

const STEPS_MAX: usize = 14;
const DEPTH_MAX: usize = 3;

pub fn definition(numbers: &[u8], wanted: Wanted) -> (Definition, Vec<String>) {
    let mut generator = Generator {
        numbers: numbers.iter(),
        wanted,
        visible: Vec::new(),
        steps: 0,
        loops: 0,
        is_finally: false,
        signals: Vec::new(),
    };
    let mut whole = json!({"version": 1, "name": "By chance", "steps": generator.list(0)});
    let seen: Vec<String> = generator.visible.iter().map(|id| format!("steps.{id}")).collect();
    let outputs = format!("[{}] | map({{status, output}})", seen.join(", "));
    whole["outputs"] = json!({"expr": if seen.is_empty() { "body".to_owned() } else { outputs }});
    generator.visible.clear();
    generator.is_finally = true;
    if generator.chance(3) {
        whole["finally"] = generator.list(DEPTH_MAX);
    }
    if generator.chance(4) {
        whole["concurrency"] = json!({"key": {"expr": "body.n"}, "limit": 1});
    }
    let definition = serde_json::from_value(whole.clone());
    (definition.unwrap_or_else(|error| panic!("{error}: {whole}")), generator.signals)
}

impl Generator<'_> {
    fn below(&mut self, bound: u8) -> u8 {
        self.numbers.next().copied().unwrap_or(0) % bound
    }

    /// True once in `of`; never when the numbers are used up.
    fn chance(&mut self, of: u8) -> bool {
        self.below(of) == of - 1
    }

    fn list(&mut self, depth: usize) -> Value {
        let length = 1 + self.below(4);
        let mut steps = vec![self.step(depth)];
        while steps.len() < usize::from(length) && self.steps < STEPS_MAX {
            steps.push(self.step(depth));
        }
        steps.into()
    }

    fn step(&mut self, depth: usize) -> Value {
        let id = format!("s{}", self.steps);
        self.steps += 1;
        let mut step = json!({"id": id});
        let condition = self.chance(5).then(|| self.condition());
        let looped = self.chance(4);
        if looped {
            let items = match self.below(3) {
                0 => json!({"expr": "body.items"}),
                1 => json!({"literal": []}),
                _ => json!({"array": [{"literal": 1}, {"expr": self.value()}]}),
            };
            let tolerate = match (self.wanted.strict, self.below(3)) {
                (true, _) | (_, 0) => json!({"count": 0}),
                (_, 1) => json!({"count": 1}),
                _ => json!({"percent": 50}),
            };
            step["forEach"] = json!({"items": items, "maxParallel": 1 + self.below(3), "tolerate": tolerate});
            self.loops += 1;
        }
        let outer = self.visible.len();
        self.action(&mut step, depth);
        self.loops -= usize::from(looped);
        let soft = !self.wanted.strict && self.chance(4);
        if soft {
            step["continueOnError"] = json!(true);
        }
        if condition.is_some() || looped || soft {
            self.visible.truncate(outer);
        }
        if let Some(condition) = condition {
            step["if"] = json!(condition);
        }
        self.visible.push(id);
        step
    }

    fn action(&mut self, step: &mut Value, depth: usize) {
        let blocks = depth < DEPTH_MAX && self.steps < STEPS_MAX;
        let (uses, with) = match self.below(if blocks { 10 } else { 8 }) {
            0 | 1 => ("custom", json!({"task": "t", "input": {"expr": self.value()}})),
            2 | 3 => ("transform", json!({"expr": self.value()})),
            4 if self.wanted.strict => ("validate", json!([{"assert": "true"}])),
            4 => (
                "validate",
                json!([{"assert": "body.n >= 0"}, {"assert": self.condition(), "message": {"literal": "no"}}]),
            ),
            5 => ("workflow", json!({"workflow": "child", "body": {"expr": self.value()}})),
            6 if self.loops == 0 && !self.is_finally => {
                let name = format!("signal-{}", self.signals.len());
                self.signals.push(name.clone());
                ("wait", json!({"signal": {"literal": name}}))
            }
            6 => ("wait", json!({"duration": {"literal": format!("{}s", 1 + self.below(9))}})),
            7 => (
                "approval",
                json!({"title": {"literal": "?"}, "onReject": if self.chance(2) { "continue" } else { "fail" }}),
            ),
            8 => ("switch", self.switch(depth)),
            _ => ("parallel", self.parallel(depth)),
        };
        if matches!(uses, "custom" | "workflow") && self.chance(3) {
            step["retry"] = json!({"maxAttempts": 2 + self.below(2), "backoff": "linear", "initialMs": 1000, "maxMs": 5000,
                "on": ["connection"]});
        }
        step["uses"] = json!(uses);
        step["with"] = with;
    }

    fn switch(&mut self, depth: usize) -> Value {
        let outer = self.visible.len();
        let mut cases = vec![json!({"when": self.condition(), "steps": self.list(depth + 1)})];
        self.visible.truncate(outer);
        if self.chance(2) {
            cases.push(json!({"steps": self.list(depth + 1)}));
            self.visible.truncate(outer);
        }
        cases.into()
    }

    fn parallel(&mut self, depth: usize) -> Value {
        let outer = self.visible.len();
        let mut joined = Vec::new();
        let mut branches = Vec::new();
        for _ in 0..1 + self.below(3) {
            branches.push(json!({"steps": self.list(depth + 1)}));
            joined.extend(self.visible.drain(outer..));
        }
        self.visible.extend(joined);
        branches.into()
    }

    /// An expression without errors, whatever the values are.
    fn value(&mut self) -> String {
        match self.below(6) {
            0 => "body.n".to_owned(),
            1 if self.loops > 0 => "[item, index]".to_owned(),
            2 if !self.wanted.strict && self.chance(3) => "error(\"by chance\")".to_owned(),
            3 | 4 if !self.visible.is_empty() => format!("steps.{}.output", self.one()),
            5 if !self.visible.is_empty() => {
                format!("[steps.{}.output, steps.{}.status]", self.one(), self.one())
            }
            _ => "7".to_owned(),
        }
    }

    fn condition(&mut self) -> String {
        match self.below(4) {
            0 => "true".to_owned(),
            1 if !self.visible.is_empty() => format!("steps.{}.status == \"COMPLETED\"", self.one()),
            2 if !self.visible.is_empty() => format!("steps.{}.output != null", self.one()),
            3 => "false".to_owned(),
            _ => "body.n > 2".to_owned(),
        }
    }

    fn one(&mut self) -> String {
        let bound = u8::try_from(self.visible.len()).expect("few steps");
        let at = self.below(bound);
        self.visible[usize::from(at)].clone()
    }
}
