//! `plextera keys` on an embedded database.

use crate::{plextera, run};

#[test]
fn a_database_nobody_started_has_no_organization_and_the_error_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(plextera(directory.path()).args(["keys", "list"]));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("no organization named `default`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("plextera serve"), "{}", ended.stderr);
}

#[test]
fn what_is_not_a_key_id_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(plextera(directory.path()).args(["keys", "revoke", "sk_live_x"]));
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("key_"), "{}", ended.stderr);
}
