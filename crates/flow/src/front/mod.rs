//! From YAML to a definition, or to every mistake in it.

mod actions;
mod expressions;
mod fields;
mod schema;
mod scope;
mod steps;
mod template;
pub(crate) mod yaml;

use std::collections::BTreeMap;

use domain::hub::Hub;
use domain::limits;
use serde_json::Value;

use crate::diagnostics::{Code, Diagnostic};
use crate::ir::{Concurrency, Definition};
pub(crate) use fields::scalar;
use fields::{Fields, Report};
use scope::Scope;
use yaml::{Kind, Node, Place, Span};

/// What is known of the organization at the time of compiling. What is `None` is not checked.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub hubs: Option<Vec<Hub>>,
    /// Ids of published workflows, with their newest version.
    pub workflows: Option<BTreeMap<String, u32>>,
}

impl Known {
    /// A hub by its id or by its name in kebab case.
    pub fn hub<'h>(hubs: &'h [Hub], reference: &str) -> Option<&'h Hub> {
        hubs.iter().find(|hub| hub.id.to_string() == reference || kebab(&hub.name) == reference)
    }
}

/// A name as definitions write it: `Claim form (2024)` is `claim-form-2024`.
pub fn kebab(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// Compiles a definition.
///
/// # Errors
/// Every mistake in it (the first hundred), in the order of the text.
pub fn compile(source: &str, known: &Known) -> Result<Definition, Vec<Diagnostic>> {
    let mut report = Report::default();
    let definition = match yaml::parse(source) {
        Err(broken) => {
            let line = source.lines().nth(broken.span.start.line as usize - 1).unwrap_or_default();
            let hint = (broken.code == Code::YamlSyntax && line.contains("${{")).then(|| {
                "a value with `: ` or ` #` inside needs quotes, or `|` and a line of its own".to_owned()
            });
            report.add_with(broken.code, broken.span, broken.message, hint);
            None
        }
        Ok(None) => {
            let start = Place { line: 1, column: 1 };
            let span = Span { start, end: Place { line: 1, column: 2 } };
            report.add(
                Code::MissingKey,
                span,
                "the text is empty; a workflow needs `version`, `name`, `steps`",
            );
            None
        }
        Ok(Some(root)) => Front::new(source, known, &root, &mut report).document(&root),
    };
    report.found.sort_by_key(|found| (found.line, found.column));
    match definition {
        Some(definition) if report.found.is_empty() => Ok(definition),
        _ => Err(report.found),
    }
}

/// What a text calls its workflow, also where it does not compile: `None` where it is not YAML or has no usable name.
pub fn name_of(source: &str) -> Option<String> {
    let root = yaml::parse(source).ok()??;
    let Kind::Map(pairs) = &root.kind else { return None };
    let text = |node: &Node| match &node.kind {
        Kind::Scalar { text, .. } => Some(text.trim().to_owned()),
        _ => None,
    };
    let (_, name) = pairs.iter().find(|(key, _)| text(key).as_deref() == Some("name"))?;
    text(name).filter(|name| (1..=limits::HUB_NAME_CHARACTERS_MAX).contains(&name.chars().count()))
}

/// The compiler while it walks a text.
struct Front<'s, 'r> {
    lines: Vec<&'s str>,
    known: &'s Known,
    report: &'r mut Report,
    scope: Scope,
    steps: usize,
    expression_bytes: usize,
}

const KEYS: &[&str] = &[
    "version",
    "name",
    "description",
    "input",
    "secrets",
    "timeout",
    "concurrency",
    "steps",
    "finally",
    "outputs",
];

impl<'s, 'r> Front<'s, 'r> {
    fn new(source: &'s str, known: &'s Known, root: &Node, report: &'r mut Report) -> Self {
        let scope = Scope::of(root);
        Self { lines: source.lines().collect(), known, report, scope, steps: 0, expression_bytes: 0 }
    }

    fn document(&mut self, root: &Node) -> Option<Definition> {
        let mut fields = Fields::of(root, "a workflow", self.report)?;
        let version = fields.need("version", self.report);
        if let Some(node) = version {
            fields::whole_number(node, "`version`", 1..=1, self.report);
        }
        let name = fields.need("name", self.report).and_then(|node| self.name(node, "`name`"));
        let description =
            fields.take("description").and_then(|node| fields::text(node, "`description`", self.report));
        let input = fields.take("input").and_then(|node| self.input(node));
        let secrets = fields.take("secrets").map(|node| self.secrets(node)).unwrap_or_default();
        self.scope.secrets.clone_from(&secrets);
        let timeout_ms =
            fields.take("timeout").and_then(|node| fields::duration(node, "`timeout`", self.report));
        let concurrency = fields.take("concurrency").and_then(|node| self.concurrency(node));
        let steps = fields.need("steps", self.report).map(|node| self.step_list(node)).unwrap_or_default();
        let outputs = fields.take("outputs").map(|node| self.template(node));
        let finally = fields.take("finally").map(|node| self.finally(node)).unwrap_or_default();
        fields.finish(KEYS, self.report);
        if self.steps > limits::WORKFLOW_STEPS_MAX {
            let message = format!("{} steps, {} are allowed", self.steps, limits::WORKFLOW_STEPS_MAX);
            self.report.add(Code::TooMany, root.span, message);
        }
        if self.expression_bytes > limits::WORKFLOW_EXPRESSION_BYTES_MAX {
            self.report.add(Code::TooMany, root.span, "more than 64 KiB of expressions");
        }
        Some(Definition {
            version: 1,
            name: name?,
            description,
            input,
            secrets,
            timeout_ms,
            concurrency,
            steps,
            finally,
            outputs,
        })
    }

    fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let name = fields::text(node, what, self.report)?;
        let length = name.trim().chars().count();
        if length == 0 || length > limits::HUB_NAME_CHARACTERS_MAX {
            self.report.add(Code::BadValue, node.span, format!("{what} has 1 to 128 characters"));
            return None;
        }
        Some(name)
    }

    fn input(&mut self, node: &Node) -> Option<Value> {
        let schema = self.literal(node);
        match schema::check(&schema) {
            Ok(()) => Some(schema),
            Err(message) => {
                self.report.add(Code::BadSchema, node.span, message);
                None
            }
        }
    }

    /// A value without expressions.
    fn literal(&mut self, node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar { text, plain } => scalar(text, *plain),
            Kind::List(items) => items.iter().map(|item| self.literal(item)).collect(),
            Kind::Map(_) => {
                let Some(pairs) = self.text_keys(node) else { return Value::Null };
                Value::Object(pairs.into_iter().map(|(key, node)| (key, self.literal(node))).collect())
            }
        }
    }

    fn secrets(&mut self, node: &Node) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for node in fields::list(node, "`secrets`", self.report) {
            let Some(name) = fields::text(node, "a secret's name", self.report) else { continue };
            let shaped = name.len() <= 64
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !shaped {
                let message = "a secret's name has up to 64 letters, digits and `_`, no digit first";
                self.report.add(Code::BadValue, node.span, message);
            } else if names.contains(&name) {
                self.report.add(Code::BadValue, node.span, format!("`{name}` is listed twice"));
            } else {
                names.push(name);
            }
        }
        if names.len() > limits::WORKFLOW_SECRETS_MAX {
            self.report.add(Code::TooMany, node.span, "more than 50 secrets");
        }
        names
    }

    fn concurrency(&mut self, node: &Node) -> Option<Concurrency> {
        let mut fields = Fields::of(node, "`concurrency`", self.report)?;
        let key = fields.need("key", self.report).map(|node| self.template(node));
        let limit = match fields.take("limit") {
            None => Some(1),
            Some(node) => {
                fields::whole_number(node, "`limit`", 1..=limits::WORKFLOW_CONCURRENCY_MAX, self.report)
            }
        };
        fields.finish(&["key", "limit"], self.report);
        Some(Concurrency { key: key?, limit: limit? })
    }
}
