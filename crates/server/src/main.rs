//! The program `plextera`: a server and the tools around it.
//!
//! Exit codes: 0 done; 1 it could not be done, or a check failed; 2 the command line or the settings are wrong.
//! Results go to stdout, progress and problems to stderr.

mod bootstrap;
mod cli;
mod client;
mod metering;
mod node;
mod open_files;
mod progress;
mod receiver;
mod report;
mod settings;
mod shutdown;
mod signatures;
mod system;
mod telemetry;
mod terminal;
mod wire;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FAILURE: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match arguments.command.run() {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

/// Prints `error` and chooses the exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        // Whoever read our output has seen enough.
        return ExitCode::SUCCESS;
    }
    let mut stderr = terminal::stderr();
    let advice = error.downcast_ref::<terminal::Advice>();
    // Where stderr is gone there is nobody left to tell.
    let _ = stderr.error(error);
    if let Some(advice) = advice {
        let _ = stderr.advice(&advice.advice);
    }
    let usage = error.chain().any(|cause| cause.is::<settings::Unusable>() || cause.is::<cli::Usage>());
    ExitCode::from(if usage { USAGE } else { FAILURE })
}
