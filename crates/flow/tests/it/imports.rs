//! Documents of the Serverless Workflow DSL: what becomes of them, word for word, and that it compiles.
//!
//! `PLEXTERA_UPDATE=1 cargo test -p flow --test it imports` writes the expected files anew.

use flow::{Known, diagnostics, import::import};
use std::{fs, path::Path};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/import"))
}

fn check(name: &str, ending: &str, current: &str) {
    let path = folder().join(format!("{name}.{ending}"));
    if std::env::var_os("PLEXTERA_UPDATE").is_some() {
        fs::write(&path, current).expect("the golden file is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == current, "{} is not what comes out; it is now:\n{current}", path.display());
}

fn translate(name: &str) {
    let source = fs::read_to_string(folder().join(format!("{name}.sw.yaml"))).expect("the document is there");
    let imported = import(&source).expect("it is a document");
    check(name, "yaml", &imported.yaml);
    check(name, "txt", &diagnostics::render(&format!("{name}.sw.yaml"), &source, &imported.report, false));
    if let Err(found) = flow::compile(&imported.yaml, &Known::default()) {
        panic!("{}\n{}", imported.yaml, diagnostics::render(name, &imported.yaml, &found, false));
    }
}

#[test]
fn what_maps_one_to_one_becomes_steps() {
    translate("pet-adoption");
}

#[test]
fn what_does_not_is_told_with_its_place() {
    translate("unsupported");
}

#[test]
fn what_is_no_such_document_is_refused() {
    for (source, part) in [
        ("", "empty"),
        ("a: [", ""),
        ("do: []", "no `document`"),
        ("document: {dsl: '0.8'}\ndo: []", "`0.8`"),
        ("document: {dsl: '1.0.0'}", "no `do`"),
    ] {
        let found = import(source).expect_err("it is none");
        assert!(found[0].message.contains(part), "{source}: {found:?}");
    }
}
