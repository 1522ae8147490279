//! Tasks that do something: what each becomes, and what `.` is after it.

use super::{
    Importer, Place,
    expressions::inside,
    tree::{get, items, keys, named, text},
    write::Out,
};
use crate::front::yaml::Node;

/// What every task may have.
const COMMON: &[&str] = &["if", "input", "output", "export", "timeout", "then", "metadata"];

/// A task on its way to a step.
pub(super) struct Made {
    pub id: String,
    /// What comes after `id` and `name`.
    pub keys: Vec<(String, Out)>,
    /// What `.` is once it has run.
    pub after: String,
    /// Steps that belong behind it.
    pub behind: Vec<Out>,
}

impl Made {
    pub fn new(id: &str, keys: Vec<(String, Out)>, after: String) -> Self {
        Self { id: id.to_owned(), keys, after, behind: Vec::new() }
    }
}

pub(super) fn key(name: &str, out: Out) -> (String, Out) {
    (name.to_owned(), out)
}

/// `uses` and `with`.
pub(super) fn uses(kind: &str, with: Out) -> Vec<(String, Out)> {
    vec![key("uses", Out::text(kind)), key("with", with)]
}

impl Importer {
    /// The steps of a list of tasks, and what holds after them.
    pub(super) fn tasks(&mut self, tasks: &Node, mut place: Place) -> (Vec<Out>, Place) {
        let mut steps = Vec::new();
        let all = items(tasks);
        let mut position = 0;
        while let Some(item) = all.get(position) {
            position += 1;
            let Some((name, task)) = named(item) else {
                self.leave_out(item.span, "a task that is no map with one name");
                continue;
            };
            if let Some(switch) = get(task, "switch") {
                let taken = self.switch(name, task, switch, &all[position..], &mut place, &mut steps);
                position += taken;
                continue;
            }
            self.then(task, position == all.len());
            self.task(name, task, &mut place, &mut steps);
        }
        (steps, place)
    }

    /// `then`: going on is what happens anyway, and so is the end at the end.
    pub(super) fn then(&mut self, task: &Node, last: bool) {
        let Some(node) = get(task, "then") else { return };
        match text(node) {
            Some("continue") => {}
            Some("end" | "exit") if last => {}
            _ => self.leave_out(node.span, "a jump (`then`) other than to where a `switch` before it ends"),
        }
    }

    pub(super) fn task(&mut self, name: &str, task: &Node, place: &mut Place, steps: &mut Vec<Out>) {
        let mut inner = place.clone();
        if let Some(from) = get(task, "input").and_then(|input| get(input, "from")) {
            inner.current = self.piped(from, place);
        }
        let Some(made) = self.made(name, task, &inner) else { return };
        for aspect in ["input", "output"] {
            if let Some(schema) = get(task, aspect).and_then(|node| get(node, "schema")) {
                self.leave_out(schema.span, format!("a schema of a task's {aspect}"));
            }
        }
        if let Some(export) = get(task, "export") {
            self.note(
                export.span,
                "`export` was left out; name the step itself where its output is needed".to_owned(),
            );
        }
        let mut step = vec![key("id", Out::text(&made.id))];
        if made.id != name {
            step.push(key("name", Out::text(name)));
        }
        let condition = get(task, "if").map(|node| self.condition(node, place));
        let conditional = condition.is_some();
        if let (Some(node), true) = (get(task, "if"), made.keys.iter().any(|(key, _)| key == "if")) {
            self.leave_out(node.span, "a condition around a task that has one");
        } else {
            step.extend(condition.map(|condition| key("if", condition)));
        }
        step.extend(made.keys);
        if let Some(timeout) = get(task, "timeout").and_then(|node| self.timeout(node)) {
            let pure = step
                .iter()
                .any(|(_, out)| matches!(out, Out::Text(kind) if kind == "transform" || kind == "validate"));
            if !pure && !step.iter().any(|(key, _)| key == "timeout") {
                step.push(key("timeout", Out::Text(timeout)));
            }
        }
        steps.push(Out::Map(step));
        steps.extend(made.behind);
        let mut after = made.after;
        if let Some(shaped) = get(task, "output").and_then(|output| get(output, "as")) {
            after = self.shaped(&made.id, shaped, &Place { current: after, ..place.clone() }, steps);
        }
        // A task that was skipped passes on what it saw.
        place.current = if conditional && after != place.current {
            format!("(if steps.{}.status == \"SKIPPED\" then {} else {after} end)", made.id, place.current)
        } else {
            after
        };
    }

    /// `output.as`: an expression over the output, or a step of its own that builds an object.
    fn shaped(&mut self, id: &str, shaped: &Node, place: &Place, steps: &mut Vec<Out>) -> String {
        if text(shaped).and_then(inside).is_some() {
            return self.piped(shaped, place);
        }
        let own = self.id(&format!("{id}_output"));
        let with = self.template(shaped, place, false);
        let mut step = vec![key("id", Out::text(&own))];
        step.extend(uses("transform", with));
        steps.push(Out::Map(step));
        format!("steps.{own}.output")
    }

    fn made(&mut self, name: &str, task: &Node, place: &Place) -> Option<Made> {
        const KINDS: &[&str] =
            &["call", "set", "wait", "run", "raise", "for", "fork", "try", "do", "emit", "listen", "switch"];
        let found = keys(task);
        let kind = KINDS.iter().copied().find(|kind| found.iter().any(|(key, _)| key == kind));
        let Some(kind) = kind else {
            self.leave_out(task.span, format!("the task `{name}`, which is of no known kind,"));
            return None;
        };
        let of_kind: &[&str] = match kind {
            "call" => &["call", "with"],
            "for" => &["for", "while", "do"],
            "try" => &["try", "catch"],
            kind => &[kind][..],
        };
        for (other, span) in &found {
            // `do` stands in a `for`, and alone is a block.
            if !COMMON.contains(other) && !of_kind.contains(other) && *other != kind {
                self.leave_out(*span, format!("`{other}` on a task with `{kind}`"));
            }
        }
        let node = get(task, kind)?;
        match kind {
            "call" => self.call(name, node, task, place),
            "set" => {
                let id = self.id(name);
                let with = self.template(node, place, false);
                Some(Made::new(&id, uses("transform", with), format!("steps.{id}.output")))
            }
            "wait" => {
                let duration = self.duration(node)?;
                let id = self.id(name);
                let with = Out::Map(vec![key("duration", Out::Text(duration))]);
                Some(Made::new(&id, uses("wait", with), place.current.clone()))
            }
            "run" => self.run(name, node, place),
            "raise" => self.raise(name, node, place),
            "for" => self.repeated(name, node, task, place),
            "fork" => self.fork(name, node, task, place),
            "try" => self.tried(name, node, task, place),
            "do" => self.block(name, node, place),
            kind => {
                self.leave_out(node.span, format!("the task `{name}` (`{kind}`)"));
                None
            }
        }
    }

    fn call(&mut self, name: &str, kind: &Node, task: &Node, place: &Place) -> Option<Made> {
        if text(kind) != Some("http") {
            let kind_name = text(kind).unwrap_or_default();
            self.leave_out(kind.span, format!("the call `{name}` of `{kind_name}`"));
            return None;
        }
        let with = get(task, "with")?;
        let id = self.id(name);
        let mut call = Vec::new();
        let mut headers = Vec::new();
        let mut after = format!("steps.{id}.output.body");
        for (option, span) in keys(with) {
            let node = get(with, option)?;
            match option {
                "method" => {
                    let method = text(node).unwrap_or_default().to_ascii_uppercase();
                    if !["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                        self.leave_out(node.span, format!("the method `{method}`"));
                        continue;
                    }
                    call.insert(0, key("method", Out::Text(method)));
                }
                "endpoint" => {
                    let uri = get(node, "uri").unwrap_or(node);
                    call.push(key("url", self.address(uri, place)));
                    if let Some(authentication) = get(node, "authentication") {
                        headers.extend(self.authorization(authentication, place));
                    }
                }
                "headers" => match self.template(node, place, true) {
                    Out::Map(pairs) => headers.extend(pairs),
                    other => call.push(key("headers", other)),
                },
                "query" => call.push(key("query", self.template(node, place, true))),
                "body" => call.push(key("body", self.template(node, place, true))),
                "output" => match text(node) {
                    Some("content") => {}
                    Some("response") => {
                        after = format!(
                            "(steps.{id}.output | {{ statusCode: .status, headers: .headers, content: .body }})"
                        );
                    }
                    _ => self.leave_out(node.span, "an output of `raw`"),
                },
                other => self.leave_out(span, format!("`{other}` of a call")),
            }
        }
        if !headers.is_empty() {
            call.push(key("headers", Out::Map(headers)));
        }
        Some(Made::new(&id, uses("web_function", Out::Map(call)), after))
    }

    /// A bearer token; other schemes need more than a header.
    fn authorization(&mut self, node: &Node, place: &Place) -> Option<(String, Out)> {
        let token = get(node, "bearer").and_then(|bearer| get(bearer, "token"));
        let Some(token) = token else {
            self.leave_out(node.span, "an authentication other than a bearer's `token`");
            return None;
        };
        let value = match self.template(token, place, true) {
            Out::Text(text) => format!("Bearer {text}"),
            _ => return None,
        };
        Some(key("Authorization", Out::Text(value)))
    }

    fn run(&mut self, name: &str, node: &Node, place: &Place) -> Option<Made> {
        let Some(workflow) = get(node, "workflow") else {
            self.leave_out(node.span, format!("the task `{name}`, which runs a container, script or shell,"));
            return None;
        };
        if let Some(awaited) = get(node, "await").filter(|node| text(node) == Some("false")) {
            self.leave_out(awaited.span, "not waiting for a workflow");
        }
        if let Some(version) = get(workflow, "version").filter(|node| text(node) != Some("latest")) {
            self.leave_out(version.span, "the version of a workflow (ours are counted: write `name@2`)");
        }
        let id = self.id(name);
        let called = get(workflow, "name").and_then(text).unwrap_or_default();
        let mut with = vec![key("workflow", Out::text(called))];
        let body = match get(workflow, "input") {
            Some(input) => self.template(input, place, false),
            None => Out::expression(&place.current),
        };
        with.push(key("body", body));
        Some(Made::new(&id, uses("workflow", Out::Map(with)), format!("steps.{id}.output")))
    }

    /// An error that ends the run: an assertion that never holds.
    fn raise(&mut self, name: &str, node: &Node, place: &Place) -> Option<Made> {
        let error = get(node, "error")?;
        let Some(told) = get(error, "detail").or_else(|| get(error, "title")) else {
            self.leave_out(error.span, "an error without `title` or `detail`");
            return None;
        };
        let id = self.id(name);
        let message = self.template(told, place, false);
        let assertion = Out::Map(vec![key("assert", Out::expression("false")), key("message", message)]);
        Some(Made::new(&id, uses("validate", Out::List(vec![assertion])), place.current.clone()))
    }
}
