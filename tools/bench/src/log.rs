//! When terminal states were committed, as the server's own log has it: its clock is this machine's, so the time from a
//! commit to a receipt is measured without a server made for measuring.

use anyhow::Result;
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Per job, from what the log holds past `from_bytes`.
pub fn commits(log: &Path, from_bytes: u64) -> Result<HashMap<String, SystemTime>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(from_bytes))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let ended = text.lines().filter(|line| line.contains("a job ended"));
    Ok(ended.filter_map(|line| Some((word_after(line, "job_id=")?.to_owned(), moment(line)?))).collect())
}

fn word_after<'l>(line: &'l str, mark: &str) -> Option<&'l str> {
    line.split_once(mark)?.1.split_whitespace().next()
}

/// The time that a line of the log begins with; only its part within the day is used, and the day is this one.
fn moment(line: &str) -> Option<SystemTime> {
    let clock = line.split_once('T')?.1.split_once('Z')?.0;
    let parts: Vec<f64> = clock.split(':').filter_map(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = parts[..] else { return None };
    let day = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() / 86_400 * 86_400;
    let within = Duration::from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds);
    Some(UNIX_EPOCH + Duration::from_secs(day) + within)
}
