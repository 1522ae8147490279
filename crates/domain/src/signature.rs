//! Signatures of deliveries, in both families of headers.
//!
//! - `X-Plextera-Signature: t=<unix seconds>,v1=<hex>` over `<t>.<body>`, keyed with the secret's UTF-8 bytes.
//! - `webhook-signature: v1,<base64>` over `<event id>.<t>.<body>` (Standard Webhooks), keyed with the bytes behind
//!   `whsec_` where the secret has that form, else with its UTF-8 bytes.
//!
//! While a rotated secret's overlap lasts, each header carries one signature per valid secret, the new one first.
//! Comparison is in constant time.

use crate::time::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How far a receiver lets `t` be from its own clock.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the signature header is missing or malformed")]
    Malformed,
    #[error("the timestamp is more than 5 minutes from the present time")]
    OutsideTolerance,
    #[error("no signature matches: another secret, or the body was changed")]
    Mismatch,
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key of the Standard Webhooks signature.
fn standard_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|body| STANDARD.decode(body).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// The value of `X-Plextera-Signature`; `secrets` newest first.
pub fn sign<S: AsRef<str>>(secrets: &[S], at: Timestamp, body: &[u8]) -> String {
    let t = at.as_seconds().to_string();
    let mut header = format!("t={t}");
    for secret in secrets {
        let tag = mac(secret.as_ref().as_bytes(), &[t.as_bytes(), b".", body]);
        header.push_str(",v1=");
        header.push_str(&hex::encode(tag));
    }
    header
}

/// The value of `webhook-signature`; `secrets` newest first.
pub fn sign_standard<S: AsRef<str>>(secrets: &[S], id: &str, at: Timestamp, body: &[u8]) -> String {
    let t = at.as_seconds().to_string();
    let tags: Vec<String> = secrets
        .iter()
        .map(|secret| {
            let tag = mac(&standard_key(secret.as_ref()), &[id.as_bytes(), b".", t.as_bytes(), b".", body]);
            format!("v1,{}", STANDARD.encode(tag))
        })
        .collect();
    tags.join(" ")
}

fn within_tolerance(t: i64, now: Timestamp) -> Result<(), Rejected> {
    let near = now.as_seconds().abs_diff(t) <= TOLERANCE.as_secs();
    if near { Ok(()) } else { Err(Rejected::OutsideTolerance) }
}

/// Checks `X-Plextera-Signature`.
pub fn verify(secret: &str, header: &str, body: &[u8], now: Timestamp) -> Result<(), Rejected> {
    let mut pairs = header.split(',').map(|part| part.trim().split_once('=').ok_or(Rejected::Malformed));
    let ("t", t) = pairs.next().ok_or(Rejected::Malformed)?? else { return Err(Rejected::Malformed) };
    within_tolerance(t.parse().map_err(|_| Rejected::Malformed)?, now)?;
    let expected = hex::encode(mac(secret.as_bytes(), &[t.as_bytes(), b".", body]));
    let mut matched = false;
    for pair in pairs {
        let (version, tag) = pair?;
        matched |= version == "v1" && bool::from(tag.as_bytes().ct_eq(expected.as_bytes()));
    }
    if matched { Ok(()) } else { Err(Rejected::Mismatch) }
}

/// Checks `webhook-signature` with its `webhook-id` and `webhook-timestamp`.
pub fn verify_standard(
    secret: &str,
    id: &str,
    t: &str,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Rejected> {
    within_tolerance(t.parse().map_err(|_| Rejected::Malformed)?, now)?;
    let expected =
        STANDARD.encode(mac(&standard_key(secret), &[id.as_bytes(), b".", t.as_bytes(), b".", body]));
    let mut matched = false;
    for part in header.split_whitespace() {
        let (version, tag) = part.split_once(',').ok_or(Rejected::Malformed)?;
        matched |= version == "v1" && bool::from(tag.as_bytes().ct_eq(expected.as_bytes()));
    }
    if matched { Ok(()) } else { Err(Rejected::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_ms(1_614_265_330_000);

    /// The vector published with the Standard Webhooks libraries.
    #[test]
    fn the_standard_webhooks_vector_holds() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let header = sign_standard(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, body);
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// RFC 4231, test case 2, is the same primitive: `HMAC(Jefe, "what do ya want for nothing?")`.
    #[test]
    fn the_primitive_is_hmac_sha256() {
        let tag = mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex::encode(tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let header = sign(&["new", "old"], AT, b"{}");
        assert_eq!(verify("new", &header, b"{}", AT), Ok(()));
        assert_eq!(verify("old", &header, b"{}", AT), Ok(()), "an overlapping secret still holds");
        assert_eq!(verify("other", &header, b"{}", AT), Err(Rejected::Mismatch));
        assert_eq!(verify("new", &header, b"{ }", AT), Err(Rejected::Mismatch));
        assert_eq!(verify("new", "v1=00", b"{}", AT), Err(Rejected::Malformed));
        assert_eq!(verify("new", "", b"{}", AT), Err(Rejected::Malformed));
        let late = AT.plus(Duration::from_secs(301));
        assert_eq!(verify("new", &header, b"{}", late), Err(Rejected::OutsideTolerance));
        let standard = sign_standard(&["new", "old"], "evt_1", AT, b"{}");
        let t = AT.as_seconds().to_string();
        assert_eq!(verify_standard("old", "evt_1", &t, &standard, b"{}", AT), Ok(()));
        assert_eq!(verify_standard("old", "evt_2", &t, &standard, b"{}", AT), Err(Rejected::Mismatch));
    }
}
