//! What is taken from a child before it becomes another program. The only unsafe code of the engine.
#![allow(
    unsafe_code,
    reason = "resource limits must be set between fork and exec, and groups be killed, by system call"
)]

use std::io;
use tokio::process::Command;

/// Reading yields to answering and delivering, where all compete for the same cores.
const NICENESS: libc::c_int = 5;

/// Limits of one child process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Address space; a failed allocation aborts the child.
    pub memory_bytes: u64,
    pub open_files: u64,
    /// Processor time over the child's life.
    pub cpu_seconds: u64,
}

/// Makes `command` run in its own process group, under `limits`, without core dumps and without ever gaining
/// privileges, and a little behind this process; the kernel kills it when the thread that started it ends.
pub(super) fn confine(command: &mut Command, limits: Limits) {
    command.process_group(0);
    let before_exec = move || {
        set_limit(libc::RLIMIT_AS, limits.memory_bytes)?;
        set_limit(libc::RLIMIT_NOFILE, limits.open_files)?;
        set_limit(libc::RLIMIT_CPU, limits.cpu_seconds)?;
        set_limit(libc::RLIMIT_CORE, 0)?;
        control(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong)?;
        control(libc::PR_SET_NO_NEW_PRIVS, 1)?;
        // SAFETY: takes numbers only; `0` is the calling process.
        check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) })
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; setrlimit, prctl and setpriority are
    // plain system calls, and building an io::Error of a number does not allocate.
    unsafe { command.pre_exec(before_exec) };
}

/// Kills the process group `id` with everything in it. One that is gone already is no error.
pub(super) fn kill_group(id: u32) {
    if let Ok(id @ 2..) = libc::pid_t::try_from(id) {
        // SAFETY: kill reads nothing of ours. `id` is a child that is not yet reaped, so its number is not reused, and
        // it is not 0 or 1, which would mean our own group or everything.
        unsafe { libc::kill(-id, libc::SIGKILL) };
    }
}

fn set_limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: the structure lives for the call and the kernel only reads it.
    check(unsafe { libc::setrlimit(resource, &limit) })
}

fn control(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    // SAFETY: both options in use take one number; the others must be zero.
    check(unsafe {
        libc::prctl(option, argument, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong)
    })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
