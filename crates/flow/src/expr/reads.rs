//! Which names a template reads, so that the engine loads those and no more.

use std::collections::BTreeSet;

use super::Checked;
use crate::ir::Template;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    pub body: bool,
    /// Ids of steps.
    pub steps: BTreeSet<String>,
    pub item: bool,
    pub secrets: BTreeSet<String>,
    pub run: bool,
}

impl Reads {
    /// Of expressions that compiled. What does not parse reads nothing: its evaluation fails anyway.
    pub fn of(templates: &[&Template]) -> Self {
        let mut reads = Self::default();
        for expr in templates.iter().flat_map(|template| template.expressions()) {
            let Ok(checked) = Checked::parse(expr.source()) else { continue };
            for used in &checked.uses {
                let first = || used.path.first().copied().flatten().map(str::to_owned);
                match used.root {
                    "body" => reads.body = true,
                    "steps" => reads.steps.extend(first()),
                    "item" | "index" => reads.item = true,
                    "secrets" => reads.secrets.extend(first()),
                    "run" => reads.run = true,
                    _ => {}
                }
            }
        }
        reads
    }
}
