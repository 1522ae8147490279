//! What the fuzzers have found interesting, as ordinary tests.

#[path = "../../../../fuzz/workflows/checks.rs"]
mod checks;

use std::path::Path;

fn each(corpus: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/workflows/corpus").join(corpus);
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        check(&std::fs::read(&path).expect("a file"));
        seen += 1;
    }
    assert!(seen > 0, "{} is empty", folder.display());
}

#[test]
fn the_corpus_of_definitions_holds() {
    each("definition", checks::definition);
}

#[test]
fn the_corpus_of_expressions_holds() {
    each("expression", checks::expression);
}
