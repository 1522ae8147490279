//! Values with expressions in them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The text between `${{` and `}}`: jq, with `body`, `steps`, `item`, `index`, `secrets` and `run` as names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr(pub String);

impl Expr {
    pub fn source(&self) -> &str {
        &self.0
    }
}

/// A value of the definition. Written in JSON with one key that says what it is: `{"expr": "body.id"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Template {
    /// Holds no expression anywhere.
    Literal(Value),
    /// A scalar that is exactly one `${{ }}`: yields the JSON value.
    Expr(Expr),
    /// Text with expressions in it; a null among them is an error.
    Text(Vec<Part>),
    Array(Vec<Template>),
    /// In the order in which it was written.
    Object(Vec<(String, Template)>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Text(String),
    Expr(Expr),
}

impl Template {
    /// Every expression in it, in order.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'t>(&'t self, found: &mut Vec<&'t Expr>) {
        match self {
            Self::Literal(_) => {}
            Self::Expr(expr) => found.push(expr),
            Self::Text(parts) => found.extend(parts.iter().filter_map(|part| match part {
                Part::Text(_) => None,
                Part::Expr(expr) => Some(expr),
            })),
            Self::Array(items) => items.iter().for_each(|item| item.collect(found)),
            Self::Object(pairs) => pairs.iter().for_each(|(_, value)| value.collect(found)),
        }
    }
}

impl From<Expr> for Template {
    fn from(expr: Expr) -> Self {
        Self::Expr(expr)
    }
}
