//! How many files and connections may be open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// As many as a busy server needs, where the machine lets it.
const WANTED: u64 = 65_536;

/// Raises the limit as far as that is allowed: many systems begin with 1024 and allow more to whoever asks. What it is now.
pub fn raise() -> nix::Result<u64> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let raised = WANTED.min(most).max(now);
    if raised > now {
        setrlimit(Resource::RLIMIT_NOFILE, raised, most)?;
    }
    Ok(raised)
}
