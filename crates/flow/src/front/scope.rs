//! Which steps an expression may name, and what is known of their output.

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{Kind, Node};

/// What a value looks like, as far as that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Any,
    /// `closed`: it never has other keys.
    Object {
        keys: BTreeMap<String, Shape>,
        closed: bool,
        fields_of_hub: bool,
    },
}

impl Shape {
    pub fn closed(keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| ((*key).to_owned(), Self::Any)).collect();
        Self::Object { keys, closed: true, fields_of_hub: false }
    }
}

/// Where the compiler is.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Ids of all steps, wherever they stand.
    pub all: BTreeSet<String>,
    /// Steps that have ended whenever this place is reached.
    pub visible: Vec<(String, Shape)>,
    /// `for_each` around this place.
    pub loops: usize,
    pub blocks: usize,
    /// Secrets may be used here.
    pub secrets_allowed: bool,
    pub secrets: Vec<String>,
    pub seen: BTreeSet<String>,
}

impl Scope {
    pub fn of(root: &Node) -> Self {
        let mut scope = Self::default();
        if let Kind::Map(pairs) = &root.kind {
            for (key, value) in pairs {
                if is_text(key, "steps") || is_text(key, "finally") {
                    collect(value, &mut scope.all);
                }
            }
        }
        scope
    }

    pub fn shape(&self, id: &str) -> Option<&Shape> {
        self.visible.iter().find(|(visible, _)| visible == id).map(|(_, shape)| shape)
    }
}

fn is_text(node: &Node, wanted: &str) -> bool {
    matches!(&node.kind, Kind::Scalar { text, .. } if text == wanted)
}

/// The ids in a list of steps and in the blocks under it.
fn collect(steps: &Node, ids: &mut BTreeSet<String>) {
    let Kind::List(items) = &steps.kind else { return };
    for item in items {
        let Kind::Map(pairs) = &item.kind else { continue };
        for (key, value) in pairs {
            if let (true, Kind::Scalar { text, .. }) = (is_text(key, "id"), &value.kind) {
                ids.insert(text.clone());
            } else if ["steps", "switch", "parallel"].iter().any(|block| is_text(key, block)) {
                collect(value, ids);
            }
        }
    }
}
