//! Times that a run waits for. The clock itself is the engine's; here are only sums.

use domain::limits;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::Key;
use super::super::state::{Doing, Instance, Phase, RunState};
use super::Core;
use super::emit::{Walk, walk};
use crate::duration;
use crate::ir::{Backoff, Definition, Retry};

pub(super) fn after(at_ms: i64, ms: u64) -> i64 {
    at_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// A wait's duration: a text with a unit, or a number of seconds.
pub(super) fn duration_ms(value: &Value) -> Result<u64, String> {
    let ms = match value {
        Value::String(text) => duration::parse_ms(text).map_err(|error| error.to_string())?,
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0);
            seconds.map(|seconds| (seconds * 1000.0) as u64).ok_or("a wait cannot be negative")?
        }
        _ => return Err("a wait needs a duration such as `5m`, or a number of seconds".to_owned()),
    };
    if ms > limits::WORKFLOW_DURATION_MAX.as_millis() as u64 {
        return Err("a wait of more than 366 days".to_owned());
    }
    Ok(ms)
}

pub(super) fn instant_ms(value: &Value) -> Result<i64, String> {
    let text = value.as_str().ok_or("`until` needs a time such as `2026-01-31T08:00:00Z`")?;
    let time: Timestamp =
        text.parse().map_err(|_| format!("`{text}` is not a time such as `2026-01-31T08:00:00Z`"))?;
    Ok(time.as_millisecond())
}

/// How long to wait before attempt `attempt + 1`: the schedule, spread by up to a fifth so that a fan-out that failed
/// together does not return together. The spread comes from the key, so that it is the same after a crash.
pub(super) fn backoff_ms(retry: &Retry, attempt: u32, retry_after_ms: Option<u64>, key: &Key) -> u64 {
    let factor = match retry.backoff {
        Backoff::Constant => 1,
        Backoff::Linear => u64::from(attempt),
        Backoff::Exponential => 1u64 << (attempt - 1).min(40),
    };
    let base = retry.initial_ms.saturating_mul(factor).min(retry.max_ms);
    let digest = Sha256::digest(format!("{key}#{attempt}"));
    let spread = base / 5 * u64::from(digest[0]) / 255;
    let asked = retry_after_ms.unwrap_or(0).min(limits::DELIVERY_RETRY_AFTER_MAX.as_millis() as u64);
    (base + spread).max(asked)
}

/// When this instance wants to be woken.
fn due_ms(instance: &Instance) -> Option<i64> {
    let wake = match instance.doing {
        Doing::Sleeping { until_ms } | Doing::BackingOff { until_ms } => Some(until_ms),
        _ => None,
    };
    [wake, instance.deadline_ms].into_iter().flatten().min()
}

impl Core<'_> {
    /// The instances whose timers ran out, longest ago first.
    pub(super) fn due_keys(&self) -> Vec<Key> {
        let mut found: Vec<(i64, Key)> = Vec::new();
        each_instance(self.definition, &self.state, &mut |instance, key| {
            if let Some(due) = due_ms(instance).filter(|due| *due <= self.at_ms) {
                found.push((due, key()));
            }
        });
        found.sort_by_key(|(due, _)| *due);
        found.truncate(limits::WORKFLOW_DUE_PER_TICK_MAX);
        found.into_iter().map(|(_, key)| key).collect()
    }

    /// The first instance that waits for this signal.
    pub(super) fn listener(&self, name: &str) -> Option<Key> {
        let mut found = None;
        each_instance(self.definition, &self.state, &mut |instance, key| match &instance.doing {
            Doing::Listening { signal } if signal == name && found.is_none() => found = Some(key()),
            _ => {}
        });
        found
    }
}

fn each_instance(
    definition: &Definition,
    state: &RunState,
    visit: &mut dyn FnMut(&Instance, &dyn Fn() -> Key),
) {
    let (steps, sequence) = match state.phase {
        Phase::Steps => (&definition.steps, &state.main),
        Phase::Finally => (&definition.finally, &state.finally),
        _ => return,
    };
    walk(steps, sequence, &mut Vec::new(), &mut |step, hops, _, found| {
        if let Walk::Instance(instance, index) = found {
            let key = || Key { within: hops.to_vec(), step: step.id.clone(), index: Some(index) };
            visit(instance, &key);
        }
    });
}

impl RunState {
    /// When the next [`Event::Tick`](super::super::Event::Tick) is worth sending. The only timer of a run.
    pub fn next_due(&self, definition: &Definition) -> Option<i64> {
        if self.is_terminal() {
            return None;
        }
        let mut due = self.deadline_ms;
        each_instance(definition, self, &mut |instance, _| {
            due = [due, due_ms(instance)].into_iter().flatten().min();
        });
        due
    }
}
