//! Steps: what all of them have, and the blocks that hold others.

use domain::limits;

use super::Front;
use super::fields::{self, Fields, Report};
use super::scope::Shape;
use super::yaml::{Kind, Node, Span};
use crate::diagnostics::Code;
use crate::ir::{Action, Backoff, Branch, Case, Expr, FailureClass, ForEach, Retry, Step, Tolerance};

const KEYS: &[&str] = &[
    "id",
    "name",
    "uses",
    "with",
    "if",
    "for_each",
    "max_parallel",
    "tolerate_failures",
    "retry",
    "timeout",
    "continue_on_error",
    "delivery",
    "switch",
    "parallel",
];

/// What is done again when nothing else is said.
const RETRIED: [FailureClass; 4] =
    [FailureClass::Timeout, FailureClass::RateLimited, FailureClass::ServerError, FailureClass::Connection];

impl Front<'_, '_> {
    pub(super) fn step_list(&mut self, node: &Node) -> Vec<Step> {
        let items = fields::list(node, "`steps`", self.report);
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            self.report.add(Code::MissingKey, node.span, "a list of steps has at least one");
        }
        if self.scope.blocks > limits::WORKFLOW_DEPTH_MAX {
            self.report.add(Code::TooMany, node.span, "more than 20 blocks within each other");
            return Vec::new();
        }
        let mut steps = Vec::new();
        for item in items {
            self.steps += 1;
            if self.steps > limits::WORKFLOW_STEPS_MAX {
                break;
            }
            steps.extend(self.step(item));
        }
        steps
    }

    /// `finally` runs after everything else, whatever happened: only its own steps are sure to have ended.
    pub(super) fn finally(&mut self, node: &Node) -> Vec<Step> {
        self.scope.visible.clear();
        self.step_list(node)
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let mut fields = Fields::of(node, "a step", self.report)?;
        let id_node = fields.need("id", self.report);
        let id = id_node.and_then(|node| self.step_id(node));
        let name = fields.take("name").and_then(|node| self.name(node, "a step's `name`"));
        let condition = fields.take("if").and_then(|node| self.only_expression(node, "`if`"));
        let looped = fields.take_with_key("for_each");
        let items = looped.map(|(_, node)| self.items(node));
        let outer = self.scope.visible.len();
        self.scope.loops += usize::from(items.is_some());
        let action = self.action(&mut fields);
        self.scope.loops -= usize::from(items.is_some());
        let for_each = self.for_each(&mut fields, items);
        let kind = action.as_ref().map(|(action, _)| action.kind());
        let retry = self.retry(&mut fields, kind);
        let timeout_ms = fields.take_with_key("timeout").and_then(|(key, node)| {
            if matches!(kind, Some("transform" | "validate")) {
                self.report.add(Code::Misplaced, key, "`timeout` on a step that waits for nothing");
            }
            fields::duration(node, "`timeout`", self.report)
        });
        let continue_on_error = fields
            .take("continue_on_error")
            .and_then(|node| fields::boolean(node, "`continue_on_error`", self.report))
            .unwrap_or(false);
        fields.finish(KEYS, self.report);
        let (action, shape) = action?;
        // A block that may be skipped or fail leaves nothing certain behind.
        if condition.is_some() || for_each.is_some() || continue_on_error {
            self.scope.visible.truncate(outer);
        }
        let id = id?;
        let shape = if for_each.is_some() { Shape::Any } else { shape };
        self.scope.visible.push((id.clone(), shape));
        let step = Step { id, name, condition, for_each, retry, timeout_ms, continue_on_error, action };
        if let Some((key, _)) = looped {
            self.check_under_way(&step, key);
        }
        Some(step)
    }

    /// Loops within loops multiply. The innermost one that is too much is told.
    fn check_under_way(&mut self, step: &Step, key: Span) {
        let max = limits::WORKFLOW_UNDER_WAY_MAX;
        let inside = step.action.blocks().into_iter().flatten();
        let told = inside.map(Step::under_way_max).any(|steps| steps > max);
        let steps = step.under_way_max();
        if steps > max && !told {
            let message = format!("up to {steps} steps would be under way at a time, {max} are allowed");
            let hint = "lower `max_parallel` of this loop or of one inside it".to_owned();
            self.report.add_with(Code::TooMany, key, message, Some(hint));
        }
    }

    fn step_id(&mut self, node: &Node) -> Option<String> {
        let id = fields::text(node, "a step's `id`", self.report)?;
        let shaped = id.len() <= 64
            && id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !shaped {
            let hint: String =
                id.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let hint = hint.starts_with(|c: char| c.is_ascii_lowercase()).then(|| format!("write `{hint}`"));
            self.report.add_with(Code::BadId, node.span, format!("`{id}` is no id of a step"), hint);
            return None;
        }
        if !self.scope.seen.insert(id.clone()) {
            self.report.add(Code::DuplicateId, node.span, format!("a second step with the id `{id}`"));
        }
        Some(id)
    }

    fn items(&mut self, node: &Node) -> crate::ir::Template {
        let items = self.template(node);
        if matches!(&items, crate::ir::Template::Literal(value) if !value.is_array())
            || matches!(&items, crate::ir::Template::Text(_) | crate::ir::Template::Object(_))
        {
            self.report.add(
                Code::ExpressionWanted,
                node.span,
                "`for_each` is an expression that yields an array, or a list",
            );
        }
        items
    }

    fn for_each(&mut self, fields: &mut Fields<'_>, items: Option<crate::ir::Template>) -> Option<ForEach> {
        let looped = items.is_some();
        let max_parallel = match only_looped(fields, "max_parallel", looped, self.report) {
            None => Some(limits::WORKFLOW_PARALLEL_DEFAULT),
            Some(node) => {
                fields::whole_number(node, "`max_parallel`", 1..=limits::WORKFLOW_PARALLEL_MAX, self.report)
            }
        };
        let tolerate = match only_looped(fields, "tolerate_failures", looped, self.report) {
            None => Some(Tolerance::Count(0)),
            Some(node) => tolerance(node, self.report),
        };
        Some(ForEach { items: items?, max_parallel: max_parallel?, tolerate: tolerate? })
    }

    fn retry(&mut self, fields: &mut Fields<'_>, kind: Option<&str>) -> Option<Retry> {
        let (key, node) = fields.take_with_key("retry")?;
        if let Some(kind @ ("transform" | "validate" | "wait" | "approval" | "switch" | "parallel")) = kind {
            self.report.add(
                Code::Misplaced,
                key,
                format!("`retry` on a `{kind}`, which would only do the same again"),
            );
        }
        let mut fields = Fields::of(node, "`retry`", self.report)?;
        let attempts = fields.need("max_attempts", self.report).and_then(|node| {
            fields::whole_number(node, "`max_attempts`", 2..=limits::WORKFLOW_ATTEMPTS_MAX, self.report)
        });
        let words = [
            ("exponential", Backoff::Exponential),
            ("linear", Backoff::Linear),
            ("constant", Backoff::Constant),
        ];
        let backoff = match fields.take("backoff") {
            None => Some(Backoff::Exponential),
            Some(node) => fields::word(node, "`backoff`", &words, self.report),
        };
        let mut delay = |name: &str, default: u64| match fields.take(name) {
            None => Some(default),
            Some(node) => fields::duration(node, &format!("`{name}`"), self.report),
        };
        let initial_ms = delay("initial", 1000);
        let max_ms = delay("max", 60_000);
        let on = fields.take("on").map_or_else(|| RETRIED.to_vec(), |node| classes(node, self.report));
        fields.finish(&["max_attempts", "backoff", "initial", "max", "on"], self.report);
        let initial_ms = initial_ms?;
        Some(Retry {
            max_attempts: attempts?,
            backoff: backoff?,
            initial_ms,
            max_ms: max_ms?.max(initial_ms),
            on,
        })
    }

    fn action(&mut self, fields: &mut Fields<'_>) -> Option<(Action, Shape)> {
        let blocks: Vec<_> = ["switch", "parallel"]
            .into_iter()
            .filter_map(|name| Some((name, fields.take_with_key(name)?)))
            .collect();
        let uses = fields.take("uses");
        let with = fields.take_with_key("with");
        let delivery = fields.take_with_key("delivery");
        if let Some(&(name, (key, node))) = blocks.first() {
            let spare = blocks
                .get(1)
                .map(|(_, (key, _))| *key)
                .or(with.map(|(key, _)| key))
                .or(delivery.map(|(key, _)| key));
            if let Some(spare) = spare {
                self.report.add(Code::Misplaced, spare, format!("a step with `{name}:` does nothing else"));
            }
            if let Some(uses) = uses
                && fields::text(uses, "`uses`", self.report).is_some_and(|uses| uses != name)
            {
                self.report.add(
                    Code::Misplaced,
                    uses.span,
                    format!("a step with `{name}:` uses nothing else"),
                );
            }
            if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
                self.report.add(Code::MissingKey, key, format!("`{name}` has at least one entry"));
                return None;
            }
            self.scope.blocks += 1;
            let action = if name == "switch" { self.switch(node) } else { self.parallel(node) };
            self.scope.blocks -= 1;
            return Some((action, Shape::Any));
        }
        let Some(uses) = uses else {
            let message = "a step needs `uses`, `switch` or `parallel`";
            self.report.add(Code::MissingKey, first_line(fields), message);
            return None;
        };
        self.uses(uses, with, delivery, fields.span)
    }

    fn switch(&mut self, node: &Node) -> Action {
        let mut cases = Vec::new();
        let mut had_else = false;
        for item in fields::list(node, "`switch`", self.report) {
            let Some(mut fields) = Fields::of(item, "a case of `switch`", self.report) else { continue };
            if had_else {
                self.report.add(Code::UnreachableCase, item.span, "a case after `else`");
            }
            let when = fields.take("when").map(|node| self.only_expression(node, "`when`"));
            let otherwise = fields.take("else");
            match (&when, otherwise) {
                (None, None) => self.report.add(
                    Code::MissingKey,
                    first_line(&fields),
                    "a case needs `when` or `else: true`",
                ),
                (Some(_), Some(node)) => {
                    self.report.add(Code::Misplaced, node.span, "a case has `when` or `else`, not both")
                }
                (None, Some(node)) => {
                    had_else = true;
                    if fields::boolean(node, "`else`", self.report) == Some(false) {
                        self.report.add(Code::BadValue, node.span, "`else` is `true`");
                    }
                }
                (Some(_), None) => {}
            }
            let outer = self.scope.visible.len();
            let steps =
                fields.need("steps", self.report).map(|node| self.step_list(node)).unwrap_or_default();
            self.scope.visible.truncate(outer);
            fields.finish(&["when", "else", "steps"], self.report);
            cases.push(Case { when: when.map(|when| when.unwrap_or(Expr("null".to_owned()))), steps });
        }
        Action::Switch(cases)
    }

    fn parallel(&mut self, node: &Node) -> Action {
        let outer = self.scope.visible.len();
        let mut joined = Vec::new();
        let mut branches = Vec::new();
        for item in fields::list(node, "`parallel`", self.report) {
            let Some(mut fields) = Fields::of(item, "a branch of `parallel`", self.report) else { continue };
            let steps =
                fields.need("steps", self.report).map(|node| self.step_list(node)).unwrap_or_default();
            fields.finish(&["steps"], self.report);
            joined.extend(self.scope.visible.drain(outer..));
            branches.push(Branch { steps });
        }
        self.scope.visible.extend(joined);
        Action::Parallel(branches)
    }
}

pub(super) fn first_line(fields: &Fields<'_>) -> Span {
    Span { start: fields.span.start, end: fields.span.start }
}

/// A key that means something beside `for_each` alone.
fn only_looped<'n>(
    fields: &mut Fields<'n>,
    name: &str,
    looped: bool,
    report: &mut Report,
) -> Option<&'n Node> {
    let (key, node) = fields.take_with_key(name)?;
    if !looped {
        report.add(Code::Misplaced, key, format!("`{name}` without `for_each`"));
    }
    Some(node)
}

fn tolerance(node: &Node, report: &mut Report) -> Option<Tolerance> {
    if let Kind::Scalar { text, .. } = &node.kind {
        if let Some(percent) = text.trim().strip_suffix('%') {
            if let Some(percent) = percent.parse().ok().filter(|percent| *percent <= 100) {
                return Some(Tolerance::Percent(percent));
            }
        } else if let Ok(count) = text.trim().parse() {
            return Some(Tolerance::Count(count));
        }
    }
    report.add(
        Code::BadValue,
        node.span,
        "`tolerate_failures` is a number of items or a percentage such as `10%`",
    );
    None
}

fn classes(node: &Node, report: &mut Report) -> Vec<FailureClass> {
    let words = [
        ("timeout", FailureClass::Timeout),
        ("rate_limited", FailureClass::RateLimited),
        ("server_error", FailureClass::ServerError),
        ("connection", FailureClass::Connection),
        ("permanent", FailureClass::Permanent),
    ];
    let mut found = Vec::new();
    for node in fields::list(node, "`on`", report) {
        if let Some(class) = fields::word(node, "an entry of `on`", &words, report)
            && !found.contains(&class)
        {
            found.push(class);
        }
    }
    found
}
