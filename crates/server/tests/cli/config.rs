//! `plextera config print`, and what every command says about settings it cannot use.

use crate::{plextera, run};

#[test]
fn values_are_shown_with_their_origin_and_secrets_are_not() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("plextera.toml"), "workers = 3\n[delivery]\ntimeout = \"5s\"\n")
        .unwrap();
    let key = format!("sk_live_{}", "A".repeat(43));
    let mut command = plextera(directory.path());
    command.args(["config", "print", "--json", "--set", "log.format=json"]);
    command.env("PLEXTERA_BOOTSTRAP_API_KEY", &key).env("PLEXTERA_DELIVERY__TIMEOUT", "7s");
    command.env("PLEXTERA_DATABASE_URL", "postgres://user:hunter2@db/plextera");
    let ended = run(&mut command);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let shown: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let setting = |key: &str| (shown[key]["value"].as_str().unwrap(), shown[key]["from"].as_str().unwrap());
    assert_eq!(setting("workers"), ("3", "plextera.toml"));
    assert_eq!(setting("delivery.timeout"), ("7s", "PLEXTERA_DELIVERY__TIMEOUT"));
    assert_eq!(setting("log.format"), ("json", "--set log.format"));
    assert_eq!(setting("listen"), ("127.0.0.1:8080", "default"));
    assert_eq!(setting("bootstrap_api_key"), ("(set)", "PLEXTERA_BOOTSTRAP_API_KEY"));
    assert!(!ended.stdout.contains("hunter2") && !ended.stdout.contains(&key), "{}", ended.stdout);
}

#[test]
fn settings_that_cannot_be_used_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    let print = || {
        let mut command = plextera(directory.path());
        command.args(["config", "print"]);
        command
    };
    let ended = run(print().args(["--set", "delivery.retryschedule=1s"]));
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean `delivery.retry_schedule`?"), "{}", ended.stderr);
    let ended = run(print().args(["--set", "workers=none"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.starts_with("error: --set workers: "), "{}", ended.stderr);
    let ended = run(print().args(["--config", "missing.toml"]));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("missing.toml"), "{}", ended.stderr);
}

/// The prefix is shared with variables of scripts and clients.
#[test]
fn a_variable_that_is_no_setting_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = plextera(directory.path());
    let ended = run(command.args(["config", "print"]).env("PLEXTERA_DELIVERY__RETRYSCHEDULE", "1s"));
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.contains("did you mean `PLEXTERA_DELIVERY__RETRY_SCHEDULE`?"), "{}", ended.stderr);
}
