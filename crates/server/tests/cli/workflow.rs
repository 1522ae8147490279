//! `plextera workflow`: what it says of definitions, with and without a server, and what its exit codes mean.

use crate::{Ended, plextera, run};
use std::{fs, path::Path};
use testkit::program::{KEY, Program};

const WRONG: &str = "version: 1\nname: Greeting\nsteps:\n  - id: hello\n    uses: transfrom\n    with: ${{ body.name | upcase }}\n";
const RIGHT: &str =
    "version: 1\nname: Greeting\nsteps:\n  - id: hello\n    uses: transform\n    with: hello\n";

fn workflow(directory: &Path, arguments: &[&str]) -> Ended {
    run(plextera(directory).arg("workflow").args(arguments))
}

#[test]
fn every_mistake_is_shown_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("wrong.yaml"), WRONG).unwrap();
    fs::write(directory.path().join("right.yaml"), RIGHT).unwrap();
    let ended = workflow(directory.path(), &["validate", "right.yaml", "wrong.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "right.yaml: valid\n"));
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!("workflow-validate-wrong", ended.stderr);
    });
    let ended = workflow(directory.path(), &["validate", "--json", "wrong.yaml"]);
    let verdict: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &verdict["valid"]), (1, &serde_json::json!(false)));
    assert_eq!(verdict["diagnostics"][0]["line"], 5);
    let ended = workflow(directory.path(), &["validate", "missing.yaml"]);
    assert!(ended.code == 1 && ended.stderr.contains("cannot read missing.yaml"), "{ended:?}");
}

#[test]
fn the_examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/workflows");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let files: Vec<String> = files.filter(|path| path.ends_with(".yaml")).collect();
    assert!(files.len() >= 5);
    let arguments: Vec<&str> = ["validate"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let ended = workflow(&folder, &arguments);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_foreign_document_is_translated_and_what_was_left_out_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let document = "document: { dsl: '1.0.0', namespace: a, name: b, version: 1.0.0 }\ndo:\n  - one: { set: { a: 1 } }\n  \
                    - two: { emit: { event: {} } }\n";
    fs::write(directory.path().join("b.yaml"), document).unwrap();
    let ended = workflow(directory.path(), &["import", "b.yaml"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("uses: transform"), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("IMPORT_UNSUPPORTED") && ended.stderr.contains("b.yaml:4:"),
        "{}",
        ended.stderr
    );
    fs::write(directory.path().join("ours.yaml"), ended.stdout).unwrap();
    assert_eq!(workflow(directory.path(), &["validate", "ours.yaml"]).code, 0);
    fs::write(directory.path().join("b.yaml"), "steps: []").unwrap();
    assert_eq!(workflow(directory.path(), &["import", "b.yaml"]).code, 1);
}

#[test]
fn what_is_missing_or_wrong_on_the_line_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["publish", "a.yaml"][..],
        &["run", "Not_A_Slug", "--api-key", KEY],
        &["run", "a", "--api-key", KEY, "--body", "{"],
        &["run", "a", "--api-key", KEY, "--body", "[]", "--file", "x=y"],
        &["validate"],
    ] {
        let ended = workflow(directory.path(), arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_definition_is_published_and_mistakes_change_nothing() {
    let server = Program::start(Path::new(env!("CARGO_BIN_EXE_plextera")), &[]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    fs::write(path.join("Greeting (2).yaml"), RIGHT).unwrap();
    fs::write(path.join("wrong.yaml"), WRONG).unwrap();
    let url = server.url();
    let ended = tokio::task::spawn_blocking(move || {
        let publish = |file: &str, more: &[&str]| {
            let arguments = [&["publish", file, "--api-url", &url, "--api-key", KEY], more].concat();
            workflow(&path, &arguments)
        };
        [
            publish("Greeting (2).yaml", &[]),
            publish("wrong.yaml", &["--id", "greeting-2"]),
            publish("Greeting (2).yaml", &[]),
        ]
    });
    let [first, wrong, again] = ended.await.unwrap();
    assert_eq!((first.code, first.stdout.as_str()), (0, "greeting-2: version 1 is published\n"), "{first:?}");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("error[UNKNOWN_TYPE]"), "{}", wrong.stderr);
    assert_eq!(
        again.stdout, "greeting-2: version 1 is published\n",
        "the draft is still the one that was published"
    );
}

const DIVIDING: &str = "version: 1\nname: Dividing\nsteps:\n  - { id: read, uses: file, if: \"${{ body.doc != null }}\", \
                        with: { operation: read, file: \"${{ body.doc[0] }}\", as: text } }\n  - { id: share, uses: transform, \
                        with: { each: \"${{ 6 / body.n }}\" } }\noutputs: { each: \"${{ steps.share.output.each }}\" }\n";

#[tokio::test]
async fn a_run_is_begun_and_watched_to_its_end() {
    let server = Program::start(Path::new(env!("CARGO_BIN_EXE_plextera")), &[]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    fs::write(path.join("dividing.yaml"), DIVIDING).unwrap();
    fs::write(path.join("a.txt"), "hello").unwrap();
    let url = server.url();
    let ended = tokio::task::spawn_blocking(move || {
        let call = |arguments: &[&str]| {
            workflow(&path, &[arguments, &["--api-url", &url, "--api-key", KEY]].concat())
        };
        let published = call(&["publish", "dividing.yaml"]);
        assert_eq!(published.code, 0, "{published:?}");
        let followed = call(&["run", "dividing", "--body", r#"{"n":2}"#, "--file", "doc=a.txt", "--follow"]);
        let begun = call(&["run", "dividing", "--body", r#"{"n":3}"#]);
        let watched = call(&["watch", begun.stdout.trim(), "--json"]);
        let failed = call(&["run", "dividing", "--body", r#"{"n":0}"#, "--follow"]);
        let unknown = call(&["watch", "65f1a7c2e4b0a1b2c3d4e5f6"]);
        [followed, begun, watched, failed, unknown]
    });
    let [followed, begun, watched, failed, unknown] = ended.await.unwrap();
    assert_eq!(followed.code, 0, "{followed:?}");
    assert!(followed.stderr.starts_with("run "), "{}", followed.stderr);
    for step in ["read", "share"] {
        assert!(followed.stderr.contains(step) && followed.stdout.contains(step), "{followed:?}");
    }
    assert!(followed.stdout.contains("COMPLETED"), "{}", followed.stdout);
    assert_eq!((begun.code, begun.stdout.trim().len()), (0, 24), "the id alone: {begun:?}");
    let run: serde_json::Value = serde_json::from_str(&watched.stdout).unwrap();
    assert_eq!((watched.code, &run["status"], &run["output"]["each"]), (0, &"COMPLETED".into(), &2.0.into()));
    assert_eq!(failed.code, 1);
    assert!(failed.stdout.contains("FAILED") && failed.stdout.contains("EXPRESSION_FAILED"), "{failed:?}");
    assert!(unknown.code == 1 && unknown.stderr.contains("404"), "{unknown:?}");
}
