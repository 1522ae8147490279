//! Is this request a webhook of Plextera, and is its body what was sent?
//!
//! For receivers written in Rust. There is no async, no HTTP framework and no clock but the system's: hand in the
//! request's headers as a function of a header's name, and the body as the **raw bytes** that arrived, before any JSON
//! parser has seen them.
//!
//! ```
//! use plextera_webhooks::Verifier;
//! # let now = 1_772_357_400;
//! # let headers = [("X-Plextera-Signature",
//! #     "t=1772357400,v1=e2a1b2d6e9e5f4a3a3fb9f3c3e6be0a5ab0ee4e2e0d1fa2a2ffab1d0a9c6f0d7")];
//! # let body = b"{}";
//! let verifier = Verifier::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
//! // With axum, actix or hyper: `|name| headers.get(name).and_then(|value| value.to_str().ok())`.
//! let verdict = verifier.verify(|name| plextera_webhooks::find(&headers, name), body);
//! assert!(verdict.is_err(), "this signature was made up");
//! ```
//!
//! A delivery is signed twice, by `X-Plextera-Signature` and by the headers of the
//! [Standard Webhooks](https://www.standardwebhooks.com) specification. One is enough; where both are there, both must
//! hold. Each may carry several signatures while a secret is being rotated: one that matches is enough. Comparison is in
//! constant time.
//!
//! With the feature `serde`, `Verifier::event` verifies and then reads the envelope.

#[cfg(all(doctest, feature = "serde"))]
mod docs;
#[cfg(feature = "serde")]
mod event;
mod rejected;
mod signature;

#[cfg(feature = "serde")]
pub use event::{Event, Unread};
pub use rejected::Rejected;

use signature::Secret;
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The header of Plextera's own signature.
pub const SIGNATURE: &str = "x-plextera-signature";
/// The headers of the Standard Webhooks signature.
pub const STANDARD_ID: &str = "webhook-id";
pub const STANDARD_TIMESTAMP: &str = "webhook-timestamp";
pub const STANDARD_SIGNATURE: &str = "webhook-signature";
/// How far a delivery's time may be from the receiver's clock, unless [`Verifier::tolerance`] says otherwise.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Knows the secret of a subscription. Make one, keep it, use it for every request. `Debug` does not show the secret.
#[derive(Clone)]
pub struct Verifier {
    secrets: Vec<Secret>,
    /// In seconds; `None` takes any age.
    tolerance: Option<u64>,
}

/// What was found in one request: `None` for a signature that it does not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub plextera: Option<Result<(), Rejected>>,
    pub standard: Option<Result<(), Rejected>>,
}

impl Report {
    /// Every signature that is there holds, and at least one is there.
    pub fn verdict(&self) -> Result<(), Rejected> {
        match (self.plextera, self.standard) {
            (None, None) => Err(Rejected::Unsigned),
            (one, other) => one.unwrap_or(Ok(())).and(other.unwrap_or(Ok(()))),
        }
    }
}

impl Verifier {
    /// `secret` is the subscription's `signingSecret`, as it was given to the API.
    pub fn new(secret: &str) -> Self {
        Self { secrets: vec![Secret::new(secret)], tolerance: Some(TOLERANCE.as_secs()) }
    }

    /// Takes what is signed with this secret too: for a receiver that must hold both while a secret is replaced without
    /// an overlap.
    #[must_use]
    pub fn or(mut self, secret: &str) -> Self {
        self.secrets.push(Secret::new(secret));
        self
    }

    /// How far a delivery's time may be from this machine's clock, in both directions. It bounds how long somebody who
    /// recorded a request can send it again.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance: Some(tolerance.as_secs()), ..self }
    }

    /// Does not look at the time: for requests that were saved. A receiver should not use it.
    #[must_use]
    pub fn any_age(self) -> Self {
        Self { tolerance: None, ..self }
    }

    /// Checks a request now. `header` gives a header's value by its name, in lower case, whatever case it arrived in.
    pub fn verify<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Result<(), Rejected> {
        self.verify_at(header, body, unix_seconds())
    }

    /// The same by another clock, in seconds since 1970.
    pub fn verify_at<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: i64,
    ) -> Result<(), Rejected> {
        self.report_at(header, body, now).verdict()
    }

    /// What each of the two signatures is worth, for tools that show it.
    pub fn report_at<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, body: &[u8], now: i64) -> Report {
        let plextera = header(SIGNATURE).map(|value| self.plextera(value, body, now));
        let standard = header(STANDARD_SIGNATURE).map(|value| {
            let (id, t) = (header(STANDARD_ID), header(STANDARD_TIMESTAMP));
            let id = id.ok_or(Rejected::Malformed { header: STANDARD_ID })?;
            let t = t.ok_or(Rejected::Malformed { header: STANDARD_TIMESTAMP })?;
            self.standard(id, t, value, body, now)
        });
        Report { plextera, standard }
    }

    fn plextera(&self, value: &str, body: &[u8], now: i64) -> Result<(), Rejected> {
        let (t, tags) = signature::parse(value).ok_or(Rejected::Malformed { header: SIGNATURE })?;
        self.within_tolerance(t, SIGNATURE, now)?;
        let matches = |secret: &Secret| signature::matches(secret.utf8(), &[t.as_bytes(), b".", body], &tags);
        self.any(matches, SIGNATURE)
    }

    fn standard(&self, id: &str, t: &str, value: &str, body: &[u8], now: i64) -> Result<(), Rejected> {
        let tags = signature::parse_standard(value);
        let tags = tags.ok_or(Rejected::Malformed { header: STANDARD_SIGNATURE })?;
        self.within_tolerance(t, STANDARD_TIMESTAMP, now)?;
        let parts = [id.as_bytes(), b".", t.as_bytes(), b".", body];
        self.any(|secret| signature::matches(secret.decoded(), &parts, &tags), STANDARD_SIGNATURE)
    }

    /// All secrets are tried, whichever matches.
    fn any(&self, matches: impl Fn(&Secret) -> bool, header: &'static str) -> Result<(), Rejected> {
        let matched = self.secrets.iter().fold(false, |matched, secret| matched | matches(secret));
        if matched { Ok(()) } else { Err(Rejected::Mismatch { header }) }
    }

    fn within_tolerance(&self, t: &str, header: &'static str, now: i64) -> Result<(), Rejected> {
        let digits = !t.is_empty() && t.bytes().all(|byte| byte.is_ascii_digit());
        let signed_at = t.parse::<i64>().ok().filter(|_| digits).ok_or(Rejected::Malformed { header })?;
        match self.tolerance {
            Some(tolerance) if now.abs_diff(signed_at) > tolerance => {
                Err(Rejected::OutsideTolerance { signed_at, now })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} secrets)", self.secrets.len())
    }
}

/// When the request says it was signed, in seconds since 1970; nothing is verified.
pub fn signed_at<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<i64> {
    let ours = header(SIGNATURE).and_then(signature::parse).map(|(t, _)| t);
    ours.or_else(|| header(STANDARD_TIMESTAMP))?.parse().ok()
}

/// Finds a header among pairs of name and value, in whatever case it is written.
///
/// ```
/// let headers = [("Content-Type", "application/json"), ("Webhook-Id", "evt_1")];
/// assert_eq!(plextera_webhooks::find(&headers, "webhook-id"), Some("evt_1"));
/// ```
pub fn find<'h, N: AsRef<str>, V: AsRef<str>>(headers: &'h [(N, V)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(candidate, _)| candidate.as_ref().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_ref())
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
