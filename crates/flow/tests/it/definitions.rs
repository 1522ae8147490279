//! Definitions that compile, and what is said of those that do not.

use std::path::{Path, PathBuf};

use flow::diagnostics::{CODES, Code, Diagnostic, render};
use flow::{Known, compile};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = root().join(folder);
    let mut found: Vec<(String, String)> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    found.sort();
    found
}

fn known() -> Known {
    let id = domain::id::HubId::from_bytes;
    let hubs = domain::hub::builtin::all().into_iter().enumerate();
    let hubs = hubs.map(|(n, hub)| hub.into_hub(id([n as u8; 12]))).collect();
    Known { hubs: Some(hubs), workflows: Some([("line-item-check".to_owned(), 2)].into()) }
}

fn shown(name: &str, source: &str, found: &[Diagnostic]) -> String {
    render(name, source, found, false)
}

#[test]
fn the_examples_compile() {
    let examples = files("examples/workflows");
    assert!(examples.len() >= 5);
    for (name, source) in examples {
        if let Err(found) = compile(&source, &Known::default()) {
            panic!("{}", shown(&name, &source, &found));
        }
    }
}

#[test]
fn a_definition_survives_its_canonical_form_and_its_hash_is_that_of_the_meaning() {
    for (name, source) in files("examples/workflows") {
        let definition = compile(&source, &Known::default()).expect("it compiles");
        let bytes = definition.canonical_bytes();
        let again: flow::ir::Definition =
            serde_json::from_slice(&bytes).expect("the canonical form can be read");
        assert_eq!(again, definition, "{name}");
        assert_eq!(again.hash(), definition.hash());
        let commented = format!("# a remark\n{source}\n");
        assert_eq!(compile(&commented, &Known::default()).expect("it compiles").hash(), definition.hash());
    }
}

/// Each file of `tests/golden` with what is said of it, in a file of the same name. `UPDATE_GOLDEN=1` writes them.
#[test]
fn mistakes_are_told_as_the_golden_files_say() {
    let cases = files("crates/flow/tests/golden");
    let mut told: Vec<Code> = Vec::new();
    for (name, source) in cases {
        let found = compile(&source, &known()).expect_err(&name);
        told.extend(found.iter().map(|found| found.code));
        let text = shown(&name, &source, &found);
        let path = root().join("crates/flow/tests/golden").join(name.replace(".yaml", ".txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).expect("the golden file can be written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, golden, "{name}");
    }
    // Limits need texts too large for a folder; what an import leaves out is told by the importer.
    let elsewhere = [Code::YamlLimit, Code::TooMany, Code::ExpressionLimit, Code::ImportUnsupported];
    let missing: Vec<&Code> =
        CODES.iter().filter(|code| !told.contains(code) && !elsewhere.contains(code)).collect();
    assert!(missing.is_empty(), "no golden file shows {missing:?}");
}

fn codes(source: &str) -> Vec<Code> {
    compile(source, &Known::default()).expect_err("it has a mistake").iter().map(|found| found.code).collect()
}

#[test]
fn what_is_too_large_is_refused_at_once() {
    let head = "version: 1\nname: Large\nsteps:\n";
    let step = |n: usize| format!("  - {{ id: s{n}, uses: transform, with: 1 }}\n");
    let many: String = (0..501).map(step).collect();
    assert_eq!(codes(&format!("{head}{many}")), [Code::TooMany]);
    assert_eq!(codes(&" ".repeat(300_000)), [Code::YamlLimit]);
    let brackets = codes(&"[".repeat(100_000));
    assert!(brackets == [Code::YamlLimit] || brackets == [Code::YamlSyntax], "{brackets:?}");
    assert_eq!(codes(&"- ".repeat(5000)), [Code::YamlLimit]);
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [*a{p}, *a{p}]\n", p = n - 1)
    });
    assert_eq!(codes(&bomb), [Code::YamlLimit]);
    let deep =
        (1..5000).fold("a0: &a0 [x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{}]\n", n - 1));
    assert_eq!(codes(&deep), [Code::YamlLimit]);
    let long =
        format!("{head}  - {{ id: a, uses: transform, with: \"${{{{ 1{} }}}}\" }}\n", " + 1".repeat(300));
    assert_eq!(codes(&long), [Code::ExpressionLimit]);
    let wide: String = (0..400)
        .map(|n| {
            format!("  - {{ id: s{n}, uses: transform, with: \"${{{{ \\\"{}\\\" }}}}\" }}\n", "x".repeat(200))
        })
        .collect();
    assert_eq!(codes(&format!("{head}{wide}")), [Code::TooMany]);
}

#[test]
fn blocks_end_at_twenty() {
    let mut text = "version: 1\nname: Deep\nsteps:\n".to_owned();
    let mut indent = 2;
    for depth in 0..22 {
        let pad = " ".repeat(indent);
        text.push_str(&format!("{pad}- id: p{depth}\n{pad}  parallel:\n{pad}    - steps:\n"));
        indent += 8;
    }
    text.push_str(&format!("{}- {{ id: end, uses: transform, with: 1 }}\n", " ".repeat(indent)));
    let found = codes(&text);
    assert!(found == [Code::TooMany] || found == [Code::YamlLimit], "{found:?}");
}
