//! Looking into a tree of YAML.

use crate::front::{
    scalar,
    yaml::{Kind, Node, Span},
};
use serde_json::Value;

pub(super) fn pairs(node: &Node) -> &[(Node, Node)] {
    match &node.kind {
        Kind::Map(pairs) => pairs,
        _ => &[],
    }
}

pub(super) fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => &[],
    }
}

pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

pub(super) fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    pairs(node).iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value)
}

/// The keys of a map with their places.
pub(super) fn keys(node: &Node) -> Vec<(&str, Span)> {
    pairs(node).iter().filter_map(|(key, _)| Some((text(key)?, key.span))).collect()
}

/// A task or a case: a map with one key, its name.
pub(super) fn named(node: &Node) -> Option<(&str, &Node)> {
    match pairs(node) {
        [(key, value)] => Some((text(key)?, value)),
        _ => None,
    }
}

/// As JSON.
pub(super) fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain } => scalar(text, *plain),
        Kind::List(items) => Value::Array(items.iter().map(value).collect()),
        Kind::Map(pairs) => Value::Object(
            pairs.iter().filter_map(|(key, node)| Some((text(key)?.to_owned(), value(node)))).collect(),
        ),
    }
}
