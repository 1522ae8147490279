//! The guide shows the examples as they are.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_definition_in_the_guide_stands_in_an_example() {
    let names =
        ["claim-intake", "invoice-to-ledger", "folder-of-documents", "nightly-reconciliation", "callback"];
    let examples: Vec<String> = names.map(|name| read(&format!("examples/workflows/{name}.yaml"))).into();
    let guide = read("docs/workflows.md");
    let blocks: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map_or(rest, |(block, _)| block))
        .collect();
    assert!(blocks.len() >= 8);
    for block in blocks {
        assert!(examples.iter().any(|example| example.contains(block)), "in no example:\n{block}");
    }
    for name in names {
        assert!(guide.contains(&format!("examples/workflows/{name}.yaml")), "{name} is not in the guide");
    }
}
