//! Documents of the CNCF Serverless Workflow DSL 1.0, as far as they say the same here.
//!
//! What has a counterpart becomes a definition that compiles; what has none is left out and told, with its place
//! ([`Code::ImportUnsupported`]), so that nobody believes to have what is not there. Nothing is approximated in silence.
//!
//! The two languages differ most in how data flows. There, a task sees the output of the one before it as `.`; here a
//! step names what it reads. So the importer follows the tasks and keeps the expression that stands for `.` at each
//! place ([`Place::current`]): `${ .pet.id }` after a call `find` becomes `${{ steps.find.output.body | .pet.id }}`.

mod control;
mod durations;
mod expressions;
mod tasks;
mod tree;
mod write;

use crate::{
    diagnostics::{Code, Diagnostic},
    front::yaml::{self, Node, Span},
};
use std::collections::BTreeSet;
use tree::{get, keys, pairs, text, value};
use write::Out;

/// A document that was understood.
#[derive(Debug, Clone)]
pub struct Imported {
    /// A definition in our own language.
    pub yaml: String,
    /// What was left out, in the order of the document.
    pub report: Vec<Diagnostic>,
}

/// Translates a document, which may be YAML or JSON.
///
/// # Errors
/// Why it is no such document.
pub fn import(source: &str) -> Result<Imported, Vec<Diagnostic>> {
    let root = match yaml::parse(source) {
        Ok(Some(root)) => root,
        Ok(None) => return Err(vec![diagnostic(Code::MissingKey, start(), "the text is empty".to_owned())]),
        Err(broken) => return Err(vec![diagnostic(broken.code, broken.span, broken.message)]),
    };
    let missing = |what: &str| Err(vec![diagnostic(Code::MissingKey, start(), what.to_owned())]);
    let Some(document) = get(&root, "document") else {
        return missing("no `document`: this is no Serverless Workflow document of the DSL 1.0");
    };
    let dsl = get(document, "dsl").and_then(text).unwrap_or_default();
    if !dsl.starts_with("1.") {
        let span = get(document, "dsl").map_or(document.span, |node| node.span);
        return Err(vec![diagnostic(Code::BadValue, span, format!("`dsl` is `{dsl}`; 1.0 is understood"))]);
    }
    let Some(tasks) = get(&root, "do") else { return missing("no `do`: there is nothing to translate") };
    let mut importer = Importer::default();
    let yaml = importer.document(&root, document, tasks);
    importer.report.sort_by_key(|found| (found.line, found.column));
    Ok(Imported { yaml, report: importer.report })
}

/// The importer while it walks a document.
#[derive(Default)]
struct Importer {
    report: Vec<Diagnostic>,
    ids: BTreeSet<String>,
    secrets: BTreeSet<String>,
    /// Named policies under `use`, by their path: `retries.default`.
    named: Vec<(String, Node)>,
}

/// What holds at one place of the document.
#[derive(Clone)]
struct Place {
    /// What `.` is here.
    current: String,
    /// Variables of loops around, and what they are called here.
    variables: Vec<(String, &'static str)>,
}

impl Importer {
    fn document(&mut self, root: &Node, document: &Node, tasks: &Node) -> String {
        for key in keys(root) {
            if !matches!(key.0, "document" | "do" | "input" | "output" | "use" | "timeout") {
                self.leave_out(key.1, format!("`{}` of the document", key.0));
            }
        }
        if let Some(used) = get(root, "use") {
            self.used(used);
        }
        let mut place = Place { current: "body".to_owned(), variables: Vec::new() };
        let schema = get(root, "input").and_then(|input| self.input(input, &mut place));
        let (steps, end) = self.tasks(tasks, place);
        let outputs = match get(root, "output").and_then(|output| get(output, "as")) {
            Some(node) => self.template(node, &end, false),
            None => Out::expression(&end.current),
        };
        let timeout = get(root, "timeout").and_then(|node| self.timeout(node));
        let word = |key: &str| get(document, key).and_then(text).unwrap_or_default().to_owned();
        let name = get(document, "title").and_then(text).map_or_else(|| word("name"), str::to_owned);
        let mut map = vec![("version".to_owned(), Out::Number(1)), ("name".to_owned(), Out::text(&name))];
        if let Some(summary) = get(document, "summary").and_then(text) {
            map.push(("description".to_owned(), Out::text(summary.trim())));
        }
        if let Some(schema) = schema {
            map.push(("input".to_owned(), schema));
        }
        if !self.secrets.is_empty() {
            map.push((
                "secrets".to_owned(),
                Out::List(self.secrets.iter().map(|name| Out::text(name)).collect()),
            ));
        }
        map.extend(timeout.map(|timeout| ("timeout".to_owned(), Out::text(&timeout))));
        map.push(("steps".to_owned(), Out::List(steps)));
        map.push(("outputs".to_owned(), outputs));
        let head = format!(
            "# From the Serverless Workflow document {}/{}, version {}.\n",
            word("namespace"),
            word("name"),
            word("version")
        );
        head + &write::yaml(&Out::Map(map))
    }

    /// `use`: secrets by their names, policies to be found when a task names them.
    fn used(&mut self, used: &Node) {
        for (key, node) in pairs(used) {
            match text(key).unwrap_or_default() {
                // Which secrets are listed follows from those that are used.
                "secrets" => {}
                kind @ ("retries" | "timeouts") => {
                    for (name, policy) in pairs(node) {
                        let name = text(name).unwrap_or_default();
                        self.named.push((format!("{kind}.{name}"), policy.clone()));
                    }
                }
                other => self.leave_out(key.span, format!("`use.{other}`")),
            }
        }
    }

    /// The schema of the input; `from` changes what the first task sees.
    fn input(&mut self, input: &Node, place: &mut Place) -> Option<Out> {
        if let Some(from) = get(input, "from") {
            place.current = self.piped(from, place);
        }
        let schema = get(input, "schema")?;
        match get(schema, "document") {
            Some(document) => Some(Out::of(&value(document))),
            None => {
                self.leave_out(schema.span, "a schema that is somewhere else (`input.schema.resource`)");
                None
            }
        }
    }

    /// Tells that something has no counterpart.
    fn leave_out(&mut self, span: Span, what: impl Into<String>) {
        let message = format!("{} has no counterpart and was left out", what.into());
        self.note(span, message);
    }

    fn note(&mut self, span: Span, message: String) {
        self.report.push(diagnostic(Code::ImportUnsupported, span, message));
    }

    /// An id of a step for a task's name: `getPet` is `get_pet`.
    fn id(&mut self, name: &str) -> String {
        let mut id = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !id.is_empty() && !id.ends_with('_') {
                id.push('_');
            }
            id.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
        }
        if !id.starts_with(|first: char| first.is_ascii_lowercase()) {
            id.insert_str(0, "step_");
        }
        id.truncate(56);
        let mut unique = id.clone();
        let mut number = 2;
        while !self.ids.insert(unique.clone()) {
            unique = format!("{id}_{number}");
            number += 1;
        }
        unique
    }
}

fn start() -> Span {
    let place = |column| yaml::Place { line: 1, column };
    Span { start: place(1), end: place(2) }
}

fn diagnostic(code: Code, span: Span, message: String) -> Diagnostic {
    Diagnostic {
        code,
        message,
        line: span.start.line,
        column: span.start.column,
        end_line: span.end.line,
        end_column: span.end.column,
        hint: None,
    }
}
