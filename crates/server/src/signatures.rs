//! What a receiver checks on a delivery: both families of signature headers.

use domain::{
    signature::{self, Rejected},
    time::Timestamp,
};
use hyper::HeaderMap;

pub const EVENT_ID: &str = "x-plextera-event-id";
pub const EVENT_TYPE: &str = "x-plextera-event-type";
pub const DELIVERY_ID: &str = "x-plextera-delivery-id";
pub const SEQUENCE: &str = "x-plextera-sequence";
pub const SIGNATURE: &str = "x-plextera-signature";
pub const STANDARD_ID: &str = "webhook-id";
pub const STANDARD_TIMESTAMP: &str = "webhook-timestamp";
pub const STANDARD_SIGNATURE: &str = "webhook-signature";

/// One check: the header it is about, and what came of it; `None` where the delivery has no such header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    pub header: &'static str,
    pub result: Option<Result<(), Rejected>>,
}

/// Both checks of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks(pub [Check; 2]);

impl Checks {
    /// Every signature that is there holds, and at least one is there.
    pub fn hold(&self) -> bool {
        let results = || self.0.iter().filter_map(|check| check.result);
        results().count() > 0 && results().all(|result| result.is_ok())
    }
}

/// A header's value as text; empty where it is missing or not text.
pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Checks the delivery against `secret` as a receiver would at `now`.
pub fn check(secret: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Checks {
    let ours = headers.contains_key(SIGNATURE).then(|| {
        let value = header(headers, SIGNATURE);
        signature::verify(secret, value, body, now)
    });
    let standard = headers.contains_key(STANDARD_SIGNATURE).then(|| {
        let (id, t) = (header(headers, STANDARD_ID), header(headers, STANDARD_TIMESTAMP));
        signature::verify_standard(secret, id, t, header(headers, STANDARD_SIGNATURE), body, now)
    });
    Checks([
        Check { header: SIGNATURE, result: ours },
        Check { header: STANDARD_SIGNATURE, result: standard },
    ])
}

/// When the delivery says it was signed.
pub fn signed_at(headers: &HeaderMap) -> Option<Timestamp> {
    let ours = header(headers, SIGNATURE).split(',').find_map(|part| part.trim().strip_prefix("t="));
    let text = ours.unwrap_or_else(|| header(headers, STANDARD_TIMESTAMP));
    let seconds: i64 = text.parse().ok()?;
    seconds.checked_mul(1000).map(Timestamp::from_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_ms(1_772_357_400_000);

    fn delivery(body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let standard = signature::sign_standard(&["s"], "evt_1", AT, body);
        headers.insert(SIGNATURE, signature::sign(&["s"], AT, body).parse().unwrap());
        headers.insert(STANDARD_ID, "evt_1".parse().unwrap());
        headers.insert(STANDARD_TIMESTAMP, "1772357400".parse().unwrap());
        headers.insert(STANDARD_SIGNATURE, standard.parse().unwrap());
        headers
    }

    #[test]
    fn both_families_are_checked() {
        let headers = delivery(b"{}");
        assert!(check("s", &headers, b"{}", AT).hold());
        assert!(!check("other", &headers, b"{}", AT).hold());
        assert!(!check("s", &headers, b"{ }", AT).hold());
        assert_eq!(signed_at(&headers), Some(AT));
    }

    #[test]
    fn one_wrong_family_is_enough_to_fail_and_none_is_no_proof() {
        let mut headers = delivery(b"{}");
        headers.insert(STANDARD_ID, "evt_2".parse().unwrap());
        assert!(!check("s", &headers, b"{}", AT).hold());
        headers.remove(STANDARD_SIGNATURE);
        assert!(check("s", &headers, b"{}", AT).hold());
        headers.remove(SIGNATURE);
        assert!(!check("s", &headers, b"{}", AT).hold());
    }
}
