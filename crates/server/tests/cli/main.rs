//! The command line as people and scripts meet it: the real program, its exit codes, what it prints and where.
#![allow(clippy::unwrap_used)]

mod config;
mod dashboards;
mod help;
mod keys;
mod listen;
mod listen_remote;
mod serve;
mod verify;
mod workflow;

use std::{path::Path, process::Command};

/// The program in an environment of its own: no settings of the machine reach it, and no colours.
fn plextera(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plextera"));
    command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// What it printed and how it ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(command: &mut Command) -> Ended {
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    let code = output.status.code().expect("it ends by itself");
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}
