//! Runs a command with a PostgreSQL that all its tests share: `with-postgres cargo nextest run`.
//!
//! Each test process would start a server of its own otherwise, which costs a second or two each time.

use std::process::{Command, ExitCode};
use testkit::postgres::{Durability, Server, URL_VARIABLE};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        return ExitCode::from(2);
    };
    let server = Server::start(Durability::Off);
    let status = Command::new(program).args(arguments).env(URL_VARIABLE, server.url()).status();
    match status {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(_) => ExitCode::from(127),
    }
}
