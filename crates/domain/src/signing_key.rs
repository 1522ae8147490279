//! Key pairs that sign deliveries for whoever checks them with a public key (Ed25519), and when each of them signs.
//!
//! A server has one pair that signs and one that will sign next; the public halves of both are published, so a receiver
//! that looks at the published keys once a day has known a key long before it meets it. A pair that was replaced goes on
//! signing beside the new one for [`SIGNS_ON`], for receivers that were given its public half by hand, and is published
//! a little longer.

use crate::time::Timestamp;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a pair is published before it may sign by itself.
pub const PUBLISHED_AHEAD: Duration = Duration::from_secs(24 * 3600);
/// How long a pair that was replaced goes on signing.
pub const SIGNS_ON: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long it is published after that: requests may be under way.
pub const PUBLISHED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The private half and the public half. `Debug` shows the public one.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// From 32 secret bytes, which are the private half (RFC 8032, 5.1.5). `None` where they are not 32.
    pub fn from_seed(seed: &[u8]) -> Option<Self> {
        let seed: &[u8; 32] = seed.try_into().ok()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = PublicKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { pair, public })
    }

    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The signature: 64 bytes, the same for the same message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

/// The public half, which anybody may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Its thumbprint: SHA-256 over the key's required members in the order of their names (RFC 7638, RFC 8037).
    pub fn id(self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    fn x(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As a key of a JSON Web Key Set.
    pub fn to_jwk(self) -> Jwk {
        Jwk { kty: "OKP", crv: "Ed25519", x: self.x(), kid: self.id(), alg: "EdDSA", usage: "sig" }
    }
}

/// A public key by RFC 7517 and RFC 8037.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    pub kid: String,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
}

/// Where a pair is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// When it was made, which is when it was first published.
    pub created_at: Timestamp,
    /// When it began to sign.
    pub active_from: Option<Timestamp>,
    /// When another took its place.
    pub replaced_at: Option<Timestamp>,
}

impl Stage {
    pub const fn new(now: Timestamp) -> Self {
        Self { created_at: now, active_from: None, replaced_at: None }
    }

    /// Whether it is the one that signs.
    pub const fn is_active(&self) -> bool {
        self.active_from.is_some() && self.replaced_at.is_none()
    }

    /// Whether it waits for its turn.
    pub const fn is_next(&self) -> bool {
        self.active_from.is_none() && self.replaced_at.is_none()
    }

    /// Whether deliveries carry its signature.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.active_from.is_some() && self.replaced_at.is_none_or(|at| now < at.plus(SIGNS_ON))
    }

    /// Whether nobody needs to know it any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.replaced_at.is_some_and(|at| now >= at.plus(SIGNS_ON + PUBLISHED_AFTER))
    }

    /// Whether it is to be replaced by `next`, which has been published for long enough.
    pub fn gives_way(&self, next: &Stage, period: Duration, now: Timestamp) -> bool {
        self.active_from.is_some_and(|from| now >= from.plus(period))
            && now >= next.created_at.plus(PUBLISHED_AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(days: u32) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000).plus(DAY * days)
    }

    /// RFC 8032, 7.1, test 1.
    #[test]
    fn the_published_vector_holds() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::from_seed(&seed).unwrap();
        assert_eq!(
            hex::encode(key.public().0),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        let signature = hex::encode(key.sign(b""));
        assert!(signature.starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"));
        assert!(SigningKey::from_seed(&seed[1..]).is_none());
        assert!(!format!("{key:?}").contains("9d61"), "{key:?}");
    }

    /// RFC 8037, appendix A.2 and A.3.
    #[test]
    fn a_public_key_is_written_as_the_standard_does() {
        let bytes = hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap();
        let jwk = PublicKey(bytes.try_into().unwrap()).to_jwk();
        assert_eq!(jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(jwk.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_pair_is_published_before_it_signs_and_after() {
        let next = Stage::new(at(0));
        assert!(next.is_next() && !next.signs(at(0)) && !next.is_over(at(1000)));
        let active = Stage { active_from: Some(at(1)), ..next };
        assert!(active.is_active() && active.signs(at(500)));
        assert!(!active.gives_way(&Stage::new(at(90)), DAY * 90, at(90)), "its time is not over");
        assert!(!active.gives_way(&Stage::new(at(91)), DAY * 90, at(91)), "nobody knows the next one yet");
        assert!(active.gives_way(&Stage::new(at(90)), DAY * 90, at(91)));
        let replaced = Stage { replaced_at: Some(at(91)), ..active };
        assert!(!replaced.is_active() && !replaced.is_next());
        assert!(replaced.signs(at(97)) && !replaced.signs(at(98)));
        assert!(!replaced.is_over(at(98)) && replaced.is_over(at(99)));
    }
}
