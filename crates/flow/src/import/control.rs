//! Tasks that hold others: branches, loops, attempts, choices.

use super::{
    Importer, Place,
    tasks::{Made, key, uses},
    tree::{get, items, keys, named, text},
    write::Out,
};
use crate::front::yaml::Node;

impl Importer {
    /// Several tasks as one: a `switch` whose only case is always taken, because its output is that of its last step.
    pub(super) fn block(&mut self, name: &str, tasks: &Node, place: &Place) -> Option<Made> {
        let id = self.id(name);
        let (steps, after) = self.tasks(tasks, place.clone());
        if steps.is_empty() {
            return None;
        }
        let steps = self.closed(&id, steps, &after.current);
        let case = Out::Map(vec![key("else", Out::Json(true.into())), key("steps", Out::List(steps))]);
        Some(Made::new(&id, vec![key("switch", Out::List(vec![case]))], format!("steps.{id}.output")))
    }

    pub(super) fn fork(&mut self, name: &str, fork: &Node, task: &Node, place: &Place) -> Option<Made> {
        if let Some(compete) = get(fork, "compete").filter(|node| text(node) == Some("true")) {
            self.note(
                compete.span,
                "branches that compete have no counterpart; here all of them run to their end".to_owned(),
            );
        }
        let id = self.id(name);
        let (mut branches, mut outputs) = (Vec::new(), Vec::new());
        for item in get(fork, "branches").map(items).unwrap_or_default() {
            let Some((task_name, task)) = named(item) else { continue };
            let (mut steps, mut after) = (Vec::new(), place.clone());
            self.task(task_name, task, &mut after, &mut steps);
            if !steps.is_empty() {
                branches.push(Out::Map(vec![key("steps", Out::List(steps))]));
                outputs.push(after.current);
            }
        }
        let mut after = format!("[ {} ]", outputs.join(", "));
        if let Some(condition) = get(task, "if") {
            // What may be skipped cannot be named behind it.
            self.leave_out(condition.span, "the output of branches that have a condition");
            after = "null".to_owned();
        }
        (!branches.is_empty()).then(|| Made::new(&id, vec![key("parallel", Out::List(branches))], after))
    }

    /// A loop over items whose body is one task.
    pub(super) fn repeated(&mut self, name: &str, each: &Node, task: &Node, place: &Place) -> Option<Made> {
        if let Some(condition) = get(task, "while") {
            self.leave_out(condition.span, "`while` of a loop");
        }
        let body = get(task, "do").map(items).unwrap_or_default();
        let [only] = body else {
            self.leave_out(task.span, format!("the loop `{name}` over more than one task"));
            return None;
        };
        let (inner_name, inner) = named(only)?;
        for aspect in ["if", "then", "timeout", "export"] {
            if let Some(node) = get(inner, aspect) {
                self.leave_out(node.span, format!("`{aspect}` of a task in a loop"));
            }
        }
        if let Some(output) = get(inner, "output") {
            self.leave_out(output.span, "`output` of a task in a loop");
        }
        let variable = |key: &str, default: &str| {
            get(each, key).and_then(text).unwrap_or(default).trim_start_matches('$').to_owned()
        };
        let mut around = place.clone();
        around.variables.push((variable("each", "item"), "item"));
        around.variables.push((variable("at", "index"), "index"));
        let single = ["call", "set", "run"].iter().any(|kind| get(inner, kind).is_some());
        if !single {
            self.leave_out(inner.span, format!("the loop `{name}` over a block of tasks"));
            return None;
        }
        let (mut steps, mut after) = (Vec::new(), around);
        let before = self.ids.clone();
        self.task(inner_name, inner, &mut after, &mut steps);
        let Some(Out::Map(step)) = steps.into_iter().next() else { return None };
        // One step for both: it has the loop's name.
        self.ids = before;
        let id = self.id(name);
        let items = get(each, "in").map(|node| self.condition(node, place))?;
        let mut made = vec![key("for_each", items), key("max_parallel", Out::Number(1))];
        made.extend(step.into_iter().filter(|(key, _)| matches!(key.as_str(), "uses" | "with")));
        let last = if get(inner, "call").is_some() { ".[-1].output.body" } else { ".[-1].output" };
        let after = format!("(steps.{id}.output | if length == 0 then {} else {last} end)", place.current);
        Some(Made::new(&id, made, after))
    }

    /// `try` of one task that may be tried again, and what is done when it failed for good.
    pub(super) fn tried(&mut self, name: &str, tasks: &Node, task: &Node, place: &Place) -> Option<Made> {
        let catch = get(task, "catch");
        let mut made = match items(tasks) {
            [only] => {
                let (inner_name, inner) = named(only)?;
                let (mut steps, mut after) = (Vec::new(), place.clone());
                self.task(inner_name, inner, &mut after, &mut steps);
                if steps.is_empty() {
                    return None;
                }
                let Out::Map(first) = steps.remove(0) else { return None };
                let id = first.iter().find_map(|(key, out)| match out {
                    Out::Text(id) if key == "id" => Some(id.clone()),
                    _ => None,
                })?;
                let keys =
                    first.into_iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name")).collect();
                Made { id, keys, after: after.current, behind: steps }
            }
            _ => self.block(name, tasks, place)?,
        };
        let Some(catch) = catch else { return Some(made) };
        for (option, span) in keys(catch) {
            match option {
                "retry" | "do" => {}
                "errors" => {
                    self.note(span, "which errors are caught was left out: here every failure is".to_owned())
                }
                other => self.leave_out(span, format!("`catch.{other}`")),
            }
        }
        if let Some(retry) = get(catch, "retry") {
            let again = made.keys.iter().any(|(_, out)| {
                matches!(out, Out::Text(kind) if matches!(kind.as_str(), "web_function" | "workflow"))
            });
            match self.retry(retry) {
                Some(retry) if again => made.keys.push(key("retry", retry)),
                Some(_) => self.leave_out(retry.span, "trying again anything but a call or a workflow"),
                None => {}
            }
        }
        made.keys.push(key("continue_on_error", Out::Json(true.into())));
        let failed = format!("steps.{}.status == \"FAILED\"", made.id);
        let mut handled = place.current.clone();
        if let Some(handlers) = get(catch, "do") {
            let caught = self.id(&format!("{}_caught", made.id));
            let (steps, after) = self.tasks(handlers, place.clone());
            if !steps.is_empty() {
                let steps = self.closed(&caught, steps, &after.current);
                let case =
                    Out::Map(vec![key("when", Out::expression(&failed)), key("steps", Out::List(steps))]);
                made.behind.push(Out::Map(vec![
                    key("id", Out::text(&caught)),
                    key("switch", Out::List(vec![case])),
                ]));
                handled = format!("steps.{caught}.output");
            }
        }
        made.after = format!("(if {failed} then {handled} else {} end)", made.after);
        Some(made)
    }

    fn retry(&mut self, retry: &Node) -> Option<Out> {
        let named = text(retry).map(|name| self.policy(&format!("retries.{name}")));
        let policy = match named {
            Some(Some(policy)) => policy,
            Some(None) => {
                self.leave_out(retry.span, "a policy that is not under `use.retries`");
                return None;
            }
            None => retry.clone(),
        };
        let count =
            get(&policy, "limit").and_then(|limit| get(limit, "attempt")).and_then(|it| get(it, "count"));
        let Some(count) = count.and_then(text).and_then(|count| count.parse::<u32>().ok()) else {
            self.leave_out(retry.span, "a retry without `limit.attempt.count`");
            return None;
        };
        // Theirs counts what comes after the first attempt.
        let mut out = vec![key("max_attempts", Out::Number(count.saturating_add(1).clamp(2, 50)))];
        let kinds = ["exponential", "linear", "constant"];
        let backoff = get(&policy, "backoff");
        let kind = kinds.iter().find(|kind| backoff.is_some_and(|backoff| get(backoff, kind).is_some()));
        out.push(key("backoff", Out::text(kind.copied().unwrap_or("constant"))));
        if let Some(delay) = get(&policy, "delay").and_then(|delay| self.duration(delay)) {
            out.push(key("initial", Out::Text(delay)));
        }
        for (option, span) in keys(&policy) {
            if !matches!(option, "limit" | "backoff" | "delay") {
                self.leave_out(span, format!("`{option}` of a retry"));
            }
        }
        if let Some(duration) = get(&policy, "limit").and_then(|limit| get(limit, "duration")) {
            self.leave_out(duration.span, "a retry's limit in time");
        }
        Some(Out::Map(out))
    }

    /// Cases that lead to tasks further down, each up to where all of them meet again. How many of the tasks that
    /// follow were taken in.
    pub(super) fn switch(
        &mut self,
        name: &str,
        task: &Node,
        switch: &Node,
        following: &[Node],
        place: &mut Place,
        steps: &mut Vec<Out>,
    ) -> usize {
        let cases: Vec<(&str, Option<&Node>, &Node)> = items(switch)
            .iter()
            .filter_map(|item| named(item))
            .map(|(_, case)| {
                (get(case, "then").and_then(text).unwrap_or("continue"), get(case, "when"), case)
            })
            .collect();
        let Some(segments) = segments(&cases.iter().map(|(then, ..)| *then).collect::<Vec<_>>(), following)
        else {
            let message = format!(
                "the switch `{name}` was left out: its cases do not lead to tasks that follow it and meet again"
            );
            self.note(switch.span, message);
            return 0;
        };
        let id = self.id(name);
        let mut out = Vec::new();
        for (position, (_, when, case)) in cases.iter().enumerate() {
            let (from, to) = segments.of[position];
            let mut inner = place.clone();
            let mut made = Vec::new();
            for item in &following[from..to] {
                if let Some((task_name, task)) = named(item) {
                    self.task(task_name, task, &mut inner, &mut made);
                }
            }
            let made = self.closed(&format!("{id}_{position}"), made, &inner.current);
            let head = match when {
                Some(when) => key("when", self.condition(when, place)),
                None => key("else", Out::Json(true.into())),
            };
            if when.is_none() && position + 1 < cases.len() {
                self.leave_out(case.span, "a case after the default");
            }
            out.push(Out::Map(vec![head, key("steps", Out::List(made))]));
        }
        if !cases.iter().any(|(_, when, _)| when.is_none()) {
            let made = self.closed(&format!("{id}_else"), Vec::new(), &place.current);
            out.push(Out::Map(vec![key("else", Out::Json(true.into())), key("steps", Out::List(made))]));
        }
        let mut step = vec![key("id", Out::text(&id))];
        if id != name {
            step.push(key("name", Out::text(name)));
        }
        if let Some(condition) = get(task, "if") {
            self.leave_out(condition.span, "`if` of a switch");
        }
        step.push(key("switch", Out::List(out)));
        steps.push(Out::Map(step));
        place.current = format!("steps.{id}.output");
        segments.taken
    }

    /// Steps whose last one has `current` as its output, which then is the block's.
    fn closed(&mut self, id: &str, mut steps: Vec<Out>, current: &str) -> Vec<Out> {
        let last = steps.last().and_then(|step| match step {
            Out::Map(keys) => keys.iter().find_map(|(key, out)| match out {
                Out::Text(id) if key == "id" => Some(format!("steps.{id}.output")),
                _ => None,
            }),
            _ => None,
        });
        if last.as_deref() == Some(current) {
            return steps;
        }
        let own = self.id(&format!("{id}_output"));
        let mut step = vec![key("id", Out::text(&own))];
        step.extend(uses("transform", Out::expression(current)));
        steps.push(Out::Map(step));
        steps
    }
}

/// Which tasks belong to which case.
struct Segments {
    /// From and to, for each case.
    of: Vec<(usize, usize)>,
    /// How many tasks the switch takes in.
    taken: usize,
}

/// The tasks that follow, cut where the cases lead: each part has to end by going where all of them meet.
fn segments(targets: &[&str], following: &[Node]) -> Option<Segments> {
    let at =
        |name: &str| following.iter().position(|item| named(item).is_some_and(|(known, _)| known == name));
    let then = |position: usize| -> Option<&str> {
        named(&following[position]).and_then(|(_, task)| get(task, "then")).and_then(text)
    };
    let mut starts: Vec<usize> = targets
        .iter()
        .filter(|target| !matches!(**target, "continue" | "end" | "exit"))
        .map(|target| at(target))
        .collect::<Option<_>>()?;
    starts.sort_unstable();
    starts.dedup();
    let ends_run = |target: &str| matches!(target, "end" | "exit");
    if starts.is_empty() {
        // Every case goes on, or every case ends: nothing is chosen.
        return None;
    }
    if starts[0] != 0 {
        return None;
    }
    // Where the first part goes, all go.
    let jump =
        (0..following.len()).find_map(|position| then(position).filter(|target| *target != "continue"));
    let meets = match (jump, starts.as_slice()) {
        (Some(target), _) if ends_run(target) => following.len(),
        (Some(target), _) => at(target)?,
        (None, [_]) => following.len(),
        (None, [_, second]) => *second,
        (None, _) => return None,
    };
    starts.retain(|start| *start != meets);
    if starts.last().is_none_or(|last| meets <= *last) {
        return None;
    }
    let mut ends: Vec<usize> = starts.iter().skip(1).copied().collect();
    ends.push(meets);
    for (start, end) in starts.iter().zip(&ends) {
        for position in *start..*end {
            let last = position + 1 == *end;
            let leads = match then(position) {
                None | Some("continue") => {
                    if last {
                        *end
                    } else {
                        position + 1
                    }
                }
                Some(target) if ends_run(target) => following.len(),
                Some(target) => at(target)?,
            };
            if leads != if last { meets } else { position + 1 } {
                return None;
            }
        }
    }
    let of = targets
        .iter()
        .map(|target| {
            if *target == "continue" {
                // To the task right behind the switch.
                return Some((starts[0], ends[0]));
            }
            if ends_run(target) {
                return (meets == following.len()).then_some((0, 0));
            }
            let start = at(target)?;
            if start == meets {
                return Some((0, 0));
            }
            let part = starts.iter().position(|known| *known == start)?;
            Some((starts[part], ends[part]))
        })
        .collect::<Option<Vec<_>>>()?;
    // Two cases to one part would need its steps twice.
    let mut used: Vec<_> = of.iter().filter(|(from, to)| from < to).collect();
    used.sort_unstable();
    let count = used.len();
    used.dedup();
    (used.len() == count).then_some(Segments { of, taken: meets })
}
