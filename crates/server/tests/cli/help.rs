//! Help texts are part of the product: a change to one is seen in review.

use crate::{plextera, run};

const COMMANDS: [&[&str]; 19] = [
    &[],
    &["serve"],
    &["demo"],
    &["extract"],
    &["listen"],
    &["workflow"],
    &["workflow", "validate"],
    &["workflow", "publish"],
    &["workflow", "run"],
    &["workflow", "watch"],
    &["workflow", "import"],
    &["verify"],
    &["keys"],
    &["keys", "create"],
    &["keys", "list"],
    &["keys", "revoke"],
    &["config"],
    &["config", "print"],
    &["doctor"],
];

#[test]
fn every_command_explains_itself() {
    let directory = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let ended = run(plextera(directory.path()).args(command).arg("--help"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command:?}");
        let name = std::iter::once("plextera").chain(command.iter().copied()).collect::<Vec<_>>().join(" ");
        // Editors and git trim what clap leaves at the ends of lines.
        let text = ended.stdout.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::with_settings!({omit_expression => true, description => name.clone()}, {
            insta::assert_snapshot!(name.replace(' ', "-"), text);
        });
    }
}

#[test]
fn without_a_command_the_help_comes_and_counts_as_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(&mut plextera(directory.path()));
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("Usage: plextera <COMMAND>"), "{}", ended.stderr);
}

#[test]
fn a_misspelled_command_is_answered_with_the_right_one() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(plextera(directory.path()).arg("serv"));
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("'serve'"), "{}", ended.stderr);
}
