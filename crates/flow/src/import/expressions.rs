//! Expressions: jq on both sides, with other names for what is around.

use super::{
    Importer, Place,
    tree::{items, pairs, text},
    write::Out,
};
use crate::front::{
    scalar,
    yaml::{Kind, Node},
};

/// What their runtime binds and ours does not, and why.
const FOREIGN: &[(&str, &str)] = &[
    ("$context", "what `export` put aside"),
    ("$input", "a task's input before it was transformed"),
    ("$output", "a task's output before it was transformed"),
    ("$task", "the task itself"),
    ("$workflow", "the workflow itself"),
    ("$runtime", "the runtime"),
    ("$authorization", "the authorization of a call"),
    ("$error", "the error that was caught"),
];

/// The inside of `${ … }`; `None` where a text is none.
pub(super) fn inside(text: &str) -> Option<&str> {
    text.trim().strip_prefix("${")?.strip_suffix('}').map(str::trim)
}

/// Whether an expression names a variable.
fn names(source: &str, variable: &str) -> bool {
    source.match_indices(variable).any(|(at, _)| {
        !source[at + variable.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

impl Importer {
    /// An expression of theirs in our language, without braces.
    pub(super) fn translated(&mut self, node: &Node, source: &str, place: &Place, secrets: bool) -> String {
        if let Some((variable, what)) = FOREIGN.iter().find(|(variable, _)| names(source, variable)) {
            self.note(
                node.span,
                format!(
                    "`{variable}` ({what}) has no counterpart; what names it fails until it is rewritten"
                ),
            );
            // A null in its place would be believed.
            return format!("error({})", serde_json::Value::String(format!("not imported: {source}")));
        }
        let mut source = source.to_owned();
        if names(&source, "$secrets") {
            if !secrets {
                self.note(node.span, "a secret outside the `with` of a call is not allowed here".to_owned());
            }
            self.note_secrets(&source);
            source = source.replace("$secrets", "secrets");
        }
        let bound: String = place
            .variables
            .iter()
            .filter(|(name, _)| names(&source, &format!("${name}")))
            .map(|(name, ours)| format!("{ours} as ${name} | "))
            .collect();
        let own = source.starts_with("secrets.") && !source.contains(['|', ' ']);
        if source == "." {
            place.current.clone()
        } else if own {
            source
        } else if bound.is_empty() && is_path(&source) && is_path_of_ours(&place.current) {
            format!("{}{source}", place.current)
        } else if let Some(ours) = alone(&source, place) {
            ours
        } else {
            format!("{bound}{} | {source}", place.current)
        }
    }

    fn note_secrets(&mut self, source: &str) {
        for (at, _) in source.match_indices("$secrets.") {
            let name: String = source[at + "$secrets.".len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            self.secrets.insert(name);
        }
    }

    /// What `.` becomes once this expression, text or object was applied to it.
    pub(super) fn piped(&mut self, node: &Node, place: &Place) -> String {
        match text(node).and_then(inside) {
            Some(source) => {
                let source = source.to_owned();
                format!("({})", self.translated(node, &source, place, false))
            }
            None => {
                self.leave_out(node.span, "a transformation that is no single expression");
                place.current.clone()
            }
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self, node: &Node, place: &Place) -> Out {
        let source = text(node).unwrap_or_default();
        // A condition may stand without the braces.
        let source = inside(source).unwrap_or(source).to_owned();
        Out::expression(&self.translated(node, &source, place, false))
    }

    /// A value whose texts may be expressions.
    pub(super) fn template(&mut self, node: &Node, place: &Place, secrets: bool) -> Out {
        match &node.kind {
            Kind::Scalar { text, plain } => match inside(text) {
                Some(source) => {
                    let source = source.to_owned();
                    Out::expression(&self.translated(node, &source, place, secrets))
                }
                None => Out::of(&scalar(text, *plain)),
            },
            Kind::List(_) => {
                Out::List(items(node).iter().map(|item| self.template(item, place, secrets)).collect())
            }
            Kind::Map(_) => {
                let pair = |(key, node): &(Node, Node)| {
                    Some((text(key)?.to_owned(), self.template(node, place, secrets)))
                };
                Out::Map(pairs(node).iter().filter_map(pair).collect())
            }
        }
    }

    /// An address: an expression, or a template of RFC 6570 whose `{name}` stand for `.name`.
    pub(super) fn address(&mut self, node: &Node, place: &Place) -> Out {
        let given = text(node).unwrap_or_default();
        if inside(given).is_some() {
            return self.template(node, place, true);
        }
        let mut rest = given;
        let mut ours = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            let simple = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !simple || name.is_empty() {
                self.leave_out(node.span, format!("`{{{name}}}` in an address"));
            }
            let value = self.translated(node, &format!(".{name}"), place, true);
            ours.push_str(before);
            ours.push_str(&format!("${{{{ {value} | tostring | @uri }}}}"));
            rest = behind;
        }
        Out::Text(ours + rest)
    }
}

/// `.a.b[0]`.
fn is_path(source: &str) -> bool {
    source.starts_with('.')
        && source[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && source.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']'))
}

/// `steps.a.output`.
fn is_path_of_ours(current: &str) -> bool {
    current.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
}

/// A variable of a loop, or a path into it, which needs nothing around it.
fn alone(source: &str, place: &Place) -> Option<String> {
    place.variables.iter().find_map(|(name, ours)| {
        let rest = source.strip_prefix('$')?.strip_prefix(name.as_str())?;
        (rest.is_empty() || is_path(rest)).then(|| format!("{ours}{rest}"))
    })
}
