//! What must hold.

use crate::model::{Row, State};

pub const ONE_EVENT: &str = "a terminal state has one event";
pub const STATE_AND_EVENT: &str = "a terminal state and its event are never without each other";
pub const GAPLESS: &str = "the numbers of a subscription have no gaps";
pub const NUMBERED_ONCE: &str = "the attempts at a delivery are numbered one after the other";
pub const DELIVERED_STAYS: &str = "what is delivered stays so until it is asked for again";
pub const TRUE_RESULTS: &str = "what is recorded as delivered has arrived";
pub const NOTHING_LOST: &str = "when nothing is left to do, every job has ended and every event has arrived";
pub const NOTHING_AFTER: &str = "nothing is sent for a subscription that was deleted";
pub const NOTHING_LEFT: &str = "when nothing is left to do, nothing of a deleted subscription is there";
pub const VERIFIES: &str = "what is sent is signed by the secret that its endpoint has";

/// The first rule that a state breaks. `quiet`: no node has anything left to do in it.
pub fn broken(state: &State, quiet: bool) -> Option<&'static str> {
    for (job, row) in state.jobs.iter().zip(&state.rows) {
        if job.events > 1 {
            return Some(ONE_EVENT);
        }
        if job.ended != (job.events == 1) {
            return Some(STATE_AND_EVENT);
        }
        if row.number_used_twice {
            return Some(NUMBERED_ONCE);
        }
        if row.regressed {
            return Some(DELIVERED_STAYS);
        }
        if row.delivered && !row.arrived {
            return Some(TRUE_RESULTS);
        }
    }
    if state.subscription.sent_after_deletion {
        return Some(NOTHING_AFTER);
    }
    if state.subscription.sent_unverifiable {
        return Some(VERIFIES);
    }
    if !state.subscription.exists() {
        let all_ended = state.jobs.iter().all(|job| job.ended);
        return match quiet {
            true if !all_ended => Some(NOTHING_LOST),
            true if state.rows.iter().any(|row| row.exists) => Some(NOTHING_LEFT),
            _ => None,
        };
    }
    let mut sequence: Vec<u8> = state.rows.iter().filter(|row| row.exists).map(|row| row.sequence).collect();
    sequence.sort_unstable();
    // Where the number and the row are one transaction, this holds in every state and not only at the end.
    if !sequence.iter().copied().eq(1..=state.numbers) {
        return Some(GAPLESS);
    }
    let done = |row: &Row| row.exists && row.delivered && row.arrived;
    if quiet && !(state.jobs.iter().all(|job| job.ended) && state.rows.iter().all(done)) {
        return Some(NOTHING_LOST);
    }
    None
}
