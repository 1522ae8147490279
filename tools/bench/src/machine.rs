//! The machine a figure was measured on, and the processor time that work took on it.

use anyhow::{Context, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use std::{fs, time::Duration};
use testkit::process;

/// Processor, cores and memory in one line.
pub fn describe() -> String {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.split_once(':').map(|(_, v)| v.trim().to_owned()));
        found.unwrap_or_else(|| "unknown".to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores, memory {}",
        line("/proc/cpuinfo", "model name"),
        line("/proc/meminfo", "MemTotal")
    )
}

fn seconds(usage: &Usage) -> Duration {
    let time = |value: nix::sys::time::TimeVal| {
        Duration::new(
            u64::try_from(value.tv_sec()).unwrap_or(0),
            u32::try_from(value.tv_usec() * 1000).unwrap_or(0),
        )
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// Processor time of this process so far.
pub fn own_cpu() -> Result<Duration> {
    Ok(seconds(&getrusage(UsageWho::RUSAGE_SELF)?))
}

/// Processor time of all children that have ended so far.
pub fn children_cpu() -> Result<Duration> {
    Ok(seconds(&getrusage(UsageWho::RUSAGE_CHILDREN)?))
}

/// A process and its children: processor time, and the largest resident memory of any one of them, in bytes.
pub fn tree(pid: u32) -> Result<(Duration, u64)> {
    let (mut cpu, mut peak) = used(pid)?;
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))?;
    for task in tasks.filter_map(Result::ok) {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|text| text.parse().ok()) {
            if let Ok((more, memory)) = used(child) {
                cpu += more;
                peak = peak.max(memory);
            }
        }
    }
    Ok((cpu, peak))
}

/// One process, with the children it has already waited for.
pub fn used(pid: u32) -> Result<(Duration, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("no stat")?.split_whitespace().collect();
    // proc(5): utime, stime, cutime, cstime are the 14th to 17th fields, in ticks of 10 ms.
    let ticks: u64 = fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok((Duration::from_millis(ticks * 10), process::peak_memory(pid)?))
}

/// The value below which `share` of the sorted values lie.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = (sorted.len().saturating_sub(1)) as f64 * share;
    sorted.get(index.round() as usize).copied().unwrap_or_default()
}

/// The middle value.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds of each of so many pieces.
pub fn per_piece(cpu: Duration, pieces: usize) -> f64 {
    cpu.as_secs_f64() / pieces.max(1) as f64
}
