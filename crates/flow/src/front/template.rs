//! Values with `${{ }}` in them, and the expressions inside.

use std::collections::HashSet;

use super::fields::scalar;
use super::yaml::{Kind, Node, Place, Span};
use super::{Front, fields};
use crate::diagnostics::Code;
use crate::ir::{Expr, Part, Template};

/// A piece of a scalar.
enum Piece<'t> {
    Text(&'t str),
    /// The text between the brackets, and which `${{` of the scalar it is.
    Expr(&'t str, usize),
    /// From a `${{` that is not closed.
    Unclosed(usize),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut number = 0;
    while let Some(at) = rest.find("${{") {
        if at > 0 {
            found.push(Piece::Text(&rest[..at]));
        }
        let inside = &rest[at + 3..];
        match closing(inside) {
            Some(end) => {
                found.push(Piece::Expr(&inside[..end], number));
                rest = &inside[end + 2..];
            }
            None => {
                found.push(Piece::Unclosed(number));
                return found;
            }
        }
        number += 1;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

/// The `}}` that is not the end of two objects, and not inside a text.
fn closing(inside: &str) -> Option<usize> {
    let bytes = inside.as_bytes();
    // What is open: `{` and `(`-interpolations; a text is the state between.
    let mut open: Vec<u8> = Vec::new();
    let mut in_text = false;
    let mut at = 0;
    while at < bytes.len() {
        match (in_text, bytes[at]) {
            (true, b'\\') if bytes.get(at + 1) == Some(&b'(') => {
                open.push(b'"');
                in_text = false;
                at += 1;
            }
            (true, b'\\') => at += 1,
            (true, b'"') => in_text = false,
            (true, _) => {}
            (false, b'"') => in_text = true,
            (false, b'{') => open.push(b'{'),
            (false, b'(') => open.push(b'('),
            (false, b')') => in_text = open.pop() == Some(b'"'),
            (false, b'}') if open.last() == Some(&b'{') => {
                open.pop();
            }
            (false, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

impl Front<'_, '_> {
    /// Any value of the definition.
    pub(super) fn template(&mut self, node: &Node) -> Template {
        match &node.kind {
            Kind::Scalar { text, plain } => self.scalar_template(node, text, *plain),
            Kind::List(items) => {
                let items: Vec<Template> = items.iter().map(|item| self.template(item)).collect();
                if items.iter().all(|item| matches!(item, Template::Literal(_))) {
                    return Template::Literal(items.into_iter().map(literal).collect());
                }
                Template::Array(items)
            }
            Kind::Map(_) => {
                let pairs = self.text_keys(node).unwrap_or_default();
                let pairs: Vec<(String, Template)> =
                    pairs.into_iter().map(|(key, value)| (key, self.template(value))).collect();
                if pairs.iter().all(|(_, value)| matches!(value, Template::Literal(_))) {
                    let pairs = pairs.into_iter().map(|(key, value)| (key, literal(value)));
                    return Template::Literal(serde_json::Value::Object(pairs.collect()));
                }
                Template::Object(pairs)
            }
        }
    }

    /// The pairs of a map whose keys are texts, each once.
    pub(super) fn text_keys<'n>(&mut self, node: &'n Node) -> Option<Vec<(String, &'n Node)>> {
        let Kind::Map(pairs) = &node.kind else { return None };
        let mut found: Vec<(String, &Node)> = Vec::new();
        let mut names = HashSet::new();
        for (key, value) in pairs {
            match &key.kind {
                Kind::Scalar { text, .. } if names.contains(text) => {
                    self.report.add(Code::YamlKey, key.span, format!("`{text}` stands twice"));
                }
                Kind::Scalar { text, .. } if text.contains("${{") => {
                    let message = "an expression as a key; build the object in an expression instead";
                    self.report.add(Code::ExpressionNotAllowed, key.span, message);
                }
                Kind::Scalar { text, .. } => {
                    names.insert(text);
                    found.push((text.clone(), value));
                }
                _ => {
                    let hint = "an unquoted `{{ … }}` is a map in YAML; write `${{ … }}`".to_owned();
                    self.report.add_with(Code::YamlKey, key.span, "a key that is no text", Some(hint));
                }
            }
        }
        Some(found)
    }

    fn scalar_template(&mut self, node: &Node, text: &str, plain: bool) -> Template {
        if !text.contains("${{") {
            return Template::Literal(scalar(text, plain));
        }
        let mut parts = Vec::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(literal) => parts.push(Part::Text(literal.to_owned())),
                Piece::Expr(source, number) => {
                    self.expression(node, source, number);
                    parts.push(Part::Expr(Expr(source.trim().to_owned())));
                }
                Piece::Unclosed(number) => {
                    if self.report.is_full() {
                        continue;
                    }
                    let start = self.opening(node, number).unwrap_or(node.span.start);
                    let span = Span { start, end: Place { column: start.column + 3, ..start } };
                    self.report.add(Code::ExpressionUnclosed, span, "`${{` without `}}`");
                }
            }
        }
        let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
        match parts.iter().filter(|part| !blank(part)).collect::<Vec<_>>().as_slice() {
            [Part::Expr(expr)] => Template::Expr(expr.clone()),
            _ => Template::Text(parts),
        }
    }

    /// A value that has to be one expression.
    pub(super) fn only_expression(&mut self, node: &Node, what: &str) -> Option<Expr> {
        match self.template(node) {
            Template::Expr(expr) => Some(expr),
            Template::Literal(serde_json::Value::Bool(value)) => Some(Expr(value.to_string())),
            _ => {
                let hint = match &node.kind {
                    Kind::Scalar { text, .. } if !text.contains("${{") => {
                        Some(format!("write `${{{{ {text} }}}}`"))
                    }
                    _ => None,
                };
                self.report.add_with(
                    Code::ExpressionWanted,
                    node.span,
                    format!("{what} is an expression"),
                    hint,
                );
                None
            }
        }
    }

    /// Checks one expression and what it names.
    fn expression(&mut self, node: &Node, source: &str, number: usize) {
        self.expression_bytes += source.len();
        if self.report.is_full() {
            return;
        }
        let place = |front: &Self, range: std::ops::Range<usize>| front.locate(node, source, number, range);
        match crate::expr::Checked::parse(source) {
            Err(error) => {
                let span = place(self, error.span);
                self.report.add_with(
                    super::expressions::code_of(error.kind),
                    span,
                    error.message,
                    error.hint,
                );
            }
            Ok(checked) => {
                for used in &checked.uses {
                    if let Some(wrong) = self.check_use(used).filter(|_| !self.report.is_full()) {
                        let span = place(self, wrong.range);
                        self.report.add_with(wrong.code, span, wrong.message, wrong.hint);
                    }
                }
            }
        }
    }

    /// Where the `number`th `${{` of a scalar stands in the text.
    fn opening(&self, node: &Node, number: usize) -> Option<Place> {
        let mut left = number;
        let Span { start, end } = node.span;
        for line in start.line..=end.line.max(start.line) {
            let text = self.lines.get(line as usize - 1)?;
            let from = if line == start.line { start.column as usize - 1 } else { 0 };
            let characters: Vec<char> = text.chars().collect();
            let mut at = from;
            while at + 2 < characters.len() {
                if characters[at..at + 3] == ['$', '{', '{'] {
                    if left == 0 {
                        return Some(Place { line, column: at as u32 + 1 });
                    }
                    left -= 1;
                    at += 3;
                } else {
                    at += 1;
                }
            }
        }
        None
    }

    /// The place of a part of an expression. YAML folds lines and strips indentation, but keeps every character that is
    /// no blank: those are counted.
    fn locate(&self, node: &Node, source: &str, number: usize, range: std::ops::Range<usize>) -> Span {
        let Some(open) = self.opening(node, number) else { return node.span };
        let solid = |to: usize| {
            let mut to = to.min(source.len());
            while !source.is_char_boundary(to) {
                to -= 1;
            }
            source[..to].chars().filter(|c| !c.is_whitespace()).count()
        };
        let (before, through) = (solid(range.start), solid(range.end.max(range.start)));
        let mut place = Place { column: open.column + 3, ..open };
        let mut start = None;
        let mut seen = 0;
        let mut end = place;
        'lines: for line in open.line..=node.span.end.line.max(open.line) {
            let Some(text) = self.lines.get(line as usize - 1) else { break };
            let from = if line == open.line { place.column as usize - 1 } else { 0 };
            for (at, character) in text.chars().enumerate().skip(from) {
                if character.is_whitespace() {
                    continue;
                }
                place = Place { line, column: at as u32 + 1 };
                if seen == before && start.is_none() {
                    start = Some(place);
                    end = Place { column: place.column + 1, ..place };
                }
                if seen >= through {
                    break 'lines;
                }
                seen += 1;
                end = Place { column: place.column + 1, ..place };
            }
        }
        let start = start.unwrap_or(place);
        Span { start, end: end.max(Place { column: start.column + 1, ..start }) }
    }

    pub(super) fn optional_template(
        &mut self,
        fields: &mut fields::Fields<'_>,
        name: &str,
    ) -> Option<Template> {
        fields.take(name).map(|node| self.template(node))
    }
}

fn literal(template: Template) -> serde_json::Value {
    match template {
        Template::Literal(value) => value,
        _ => serde_json::Value::Null,
    }
}
