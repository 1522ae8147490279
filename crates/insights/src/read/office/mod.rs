//! Office documents: ZIP packages of XML parts that name each other (ECMA-376).

mod docx;
mod formats;
mod pptx;
mod xlsx;

use std::collections::HashMap;

use super::package::{Budget, Package};
use super::xml::{Node, walk};
use super::{Refusal, flow::Flow};
use crate::page::Page;

/// The text of a DOCX.
pub(super) fn read_docx(bytes: Vec<u8>, budget: &mut Budget) -> Result<Flow, Refusal> {
    docx::read(&mut Package::open(bytes)?, budget)
}

/// The sheets of an XLSX, one below the other.
pub(super) fn read_xlsx(bytes: Vec<u8>, budget: &mut Budget) -> Result<Flow, Refusal> {
    xlsx::read(&mut Package::open(bytes)?, budget)
}

/// The slides of a PPTX.
pub(super) fn read_pptx(bytes: Vec<u8>, budget: &mut Budget) -> Result<Vec<Page>, Refusal> {
    pptx::read(&mut Package::open(bytes)?, budget)
}

/// A part that must be there.
fn part(package: &mut Package, name: &str, budget: &mut Budget) -> Result<Vec<u8>, Refusal> {
    package
        .file(name, budget)?
        .ok_or_else(|| Refusal::Broken { reason: format!("its part {name} is missing") })
}

/// Walks through a part.
fn walk_part(xml: &[u8], visit: impl FnMut(Node<'_>) -> bool) -> Result<(), Refusal> {
    walk(xml, visit)
        .map_err(|reason| Refusal::Broken { reason: format!("one of its parts is damaged {reason}") })
}

/// The parts that a part names: their paths in the package by their ids. Targets outside the package are left out.
fn relations(
    package: &mut Package,
    part: &str,
    budget: &mut Budget,
) -> Result<HashMap<String, Relation>, Refusal> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let Some(xml) = package.file(&format!("{folder}/_rels/{file}.rels"), budget)? else {
        return Ok(HashMap::new());
    };
    let mut relations = HashMap::new();
    walk_part(&xml, |node| {
        if let Node::Start(element) = node {
            let outside = element.attribute("TargetMode").is_some_and(|mode| mode == "External");
            if let (Some(id), Some(target), false) =
                (element.attribute("Id"), element.attribute("Target"), outside)
            {
                let kind = element.attribute("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.insert(id, Relation { kind, path: resolved(folder, &target) });
            }
        }
        true
    })?;
    Ok(relations)
}

/// See [`relations`].
struct Relation {
    /// The last word of its type: `slide`, `header`, `worksheet`.
    kind: String,
    path: String,
}

/// The path of a target named from a folder. It is a key into the package, never a path of this machine.
fn resolved(folder: &str, target: &str) -> String {
    let whole = match target.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
