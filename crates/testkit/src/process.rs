//! What the kernel says of a running process.

use std::{fs, io};

/// The largest resident memory that a process, without its children, has had so far, in bytes.
pub fn peak_memory(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kb: u64 = line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(kb * 1024)
}
