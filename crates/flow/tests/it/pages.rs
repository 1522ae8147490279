//! Every code of a diagnostic has its page in `docs/diagnostics`, and what the page shows is true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flow::diagnostics::{CODES, Code};
use flow::{Known, compile};

/// Told by the importer, whose documents are no definitions.
const IMPORTED: Code = Code::ImportUnsupported;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics")
}

fn page(code: Code) -> String {
    let path = folder().join(format!("{}.md", code.as_str()));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn known() -> Known {
    let id = domain::id::HubId::from_bytes;
    let hubs = domain::hub::builtin::all().into_iter().enumerate();
    let hubs = hubs.map(|(n, hub)| hub.into_hub(id([n as u8; 12]))).collect();
    Known { hubs: Some(hubs), workflows: Some([("line-item-check".to_owned(), 2)].into()) }
}

/// The fenced YAML of a page, in order.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks.filter_map(|block| Some(block.split_once("```")?.0.to_owned())).collect()
}

#[test]
fn the_codes_and_the_pages_are_the_same_set() {
    let codes: BTreeSet<String> = CODES.iter().map(|code| format!("{}.md", code.as_str())).collect();
    let pages =
        std::fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry"));
    let mut pages: BTreeSet<String> =
        pages.map(|page| page.file_name().to_string_lossy().into_owned()).collect();
    assert!(pages.remove("README.md"), "the list of all");
    assert_eq!(codes, pages);
    let list = std::fs::read_to_string(folder().join("README.md")).expect("the list");
    for code in CODES {
        let line = format!("- [{0}]({0}.md): {1}", code.as_str(), code.meaning());
        assert!(list.contains(&line), "the list lacks: {line}");
    }
}

#[test]
fn each_page_says_what_the_program_says() {
    for code in CODES {
        let start = format!("# {}\n\n{}\n\n{}\n", code.as_str(), code.meaning(), code.cure());
        let page = page(*code);
        assert!(page.starts_with(&start), "{} begins with:\n{start}", code.as_str());
    }
}

#[test]
fn each_page_shows_the_mistake_and_its_cure() {
    for code in CODES.iter().filter(|code| **code != IMPORTED) {
        let examples = examples(&page(*code));
        let [wrong, right] = examples.as_slice() else { panic!("{}: two examples", code.as_str()) };
        let found = compile(wrong, &known()).err().unwrap_or_default();
        let told: Vec<Code> = found.iter().map(|found| found.code).collect();
        assert_eq!(told, [*code], "the first example of {}: {found:#?}", code.as_str());
        if let Err(found) = compile(right, &known()) {
            panic!("the second example of {}: {found:#?}", code.as_str());
        }
    }
}
