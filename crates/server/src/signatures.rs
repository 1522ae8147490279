//! What a receiver checks on a delivery, as the commands that play a receiver show it.

use domain::time::Timestamp;
use hyper::HeaderMap;
use plextera_webhooks::{Rejected, SIGNATURE, STANDARD_SIGNATURE, Verifier};

pub const EVENT_ID: &str = "x-plextera-event-id";
pub const EVENT_TYPE: &str = "x-plextera-event-type";
pub const DELIVERY_ID: &str = "x-plextera-delivery-id";
pub const SEQUENCE: &str = "x-plextera-sequence";

/// One check: the header it is about, and what came of it; `None` where the delivery has no such header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    pub header: &'static str,
    pub result: Option<Result<(), Rejected>>,
}

/// Both checks of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    pub each: [Check; 2],
    pub verdict: Result<(), Rejected>,
}

/// A header's value as text; empty where it is missing or not text.
pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    lookup(headers)(name).unwrap_or_default()
}

/// Checks the delivery as a receiver would at `now`.
pub fn check(verifier: &Verifier, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Checks {
    let report = verifier.report_at(lookup(headers), body, now.as_seconds());
    let each = [
        Check { header: SIGNATURE, result: report.plextera },
        Check { header: STANDARD_SIGNATURE, result: report.standard },
    ];
    Checks { each, verdict: report.verdict() }
}

/// When the delivery says it was signed.
pub fn signed_at(headers: &HeaderMap) -> Option<Timestamp> {
    let seconds = plextera_webhooks::signed_at(lookup(headers))?;
    seconds.checked_mul(1000).map(Timestamp::from_ms)
}

fn lookup<'h>(headers: &'h HeaderMap) -> impl Fn(&str) -> Option<&'h str> {
    |name| headers.get(name)?.to_str().ok()
}
