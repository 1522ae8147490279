//! Durations: `{seconds: 5}` or ISO 8601 there, `5s` here.

use super::{
    Importer,
    tree::{get, keys, text},
};
use crate::front::yaml::Node;

const UNITS: [(&str, u64); 5] =
    [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1)];

impl Importer {
    /// As our own language writes it.
    pub(super) fn duration(&mut self, node: &Node) -> Option<String> {
        let ms = match text(node) {
            Some(text) => iso8601(text),
            None => from_parts(node),
        };
        match ms {
            Some(ms) if ms > 0 => Some(written(ms)),
            _ => {
                self.leave_out(node.span, "a duration that is no sum of days, hours, minutes, seconds");
                None
            }
        }
    }

    /// `timeout: {after: …}`, or the name of one under `use.timeouts`.
    pub(super) fn timeout(&mut self, node: &Node) -> Option<String> {
        let policy = match text(node) {
            Some(name) => self.policy(&format!("timeouts.{name}")),
            None => Some(node.clone()),
        };
        match policy.as_ref().and_then(|policy| get(policy, "after")) {
            Some(after) => self.duration(after),
            None => {
                self.leave_out(node.span, "a timeout without `after`");
                None
            }
        }
    }

    pub(super) fn policy(&self, path: &str) -> Option<Node> {
        self.named.iter().find(|(known, _)| known == path).map(|(_, node)| node.clone())
    }
}

fn from_parts(node: &Node) -> Option<u64> {
    let mut ms: u64 = 0;
    for (key, _) in keys(node) {
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == key)?;
        let count: u64 = get(node, key).and_then(text)?.parse().ok()?;
        ms = ms.checked_add(count.checked_mul(*unit)?)?;
    }
    Some(ms)
}

/// `P1DT2H30M5.5S`; years and months have no fixed length.
fn iso8601(text: &str) -> Option<u64> {
    let (date, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let mut ms: u64 = 0;
    for (part, units) in
        [(date, &[('D', 86_400_000)][..]), (time, &[('H', 3_600_000), ('M', 60_000), ('S', 1000)])]
    {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let unit = units.iter().find(|(letter, _)| rest[end..].starts_with(*letter))?.1;
            let count: f64 = rest[..end].parse().ok().filter(|count| (0.0..1e9).contains(count))?;
            ms = ms.checked_add((count * f64::from(unit)).round() as u64)?;
            rest = &rest[end + 1..];
        }
    }
    Some(ms)
}

/// `1h30m`.
fn written(mut ms: u64) -> String {
    let mut text = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if ms >= length {
            text.push_str(&format!("{}{unit}", ms / length));
            ms %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_durations_become_ours() {
        for (iso, ours) in [
            ("PT5S", "5s"),
            ("PT1.5S", "1s500ms"),
            ("P1DT2H30M", "1d2h30m"),
            ("PT90M", "1h30m"),
            ("P2D", "2d"),
        ] {
            assert_eq!(iso8601(iso).map(written).as_deref(), Some(ours), "{iso}");
        }
        for other in ["5s", "P1M", "P1Y", "PT", "P-1D", "PTxS"] {
            assert!(iso8601(other).is_none_or(|ms| ms == 0), "{other}");
        }
    }
}
