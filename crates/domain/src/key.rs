//! API keys: 256 random bits, shown once, stored as a hash.
//!
//! A plain SHA-256 is enough for the hash: a key is random and long, so there is nothing to guess that a slow hash
//! would protect.

use crate::{
    id::{KeyId, OrgId},
    time::Timestamp,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

const PREFIX: &str = "sk_live_";

/// A key as its owner holds it. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// The text is not an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is sk_live_ followed by 43 characters of A-Z a-z 0-9 - _")]
pub struct InvalidApiKey;

impl ApiKey {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let body = text.strip_prefix(PREFIX).ok_or(InvalidApiKey)?;
        // 43 characters hold 258 bits; the two left over are not checked, as keys chosen by operators may set them.
        let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if body.len() == 43 && body.bytes().all(in_alphabet) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidApiKey)
        }
    }

    /// What is stored and looked up.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The secret itself: for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(sk_live_…)")
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Scope {
    /// The public API.
    Public,
    /// The Studio API as well.
    Studio,
}

impl Scope {
    pub const ALL: [Scope; 2] = [Scope::Public, Scope::Studio];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Public => "public",
            Scope::Studio => "studio",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A key as it is stored and listed: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeyRecord {
    pub id: KeyId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_parses_and_is_never_shown_by_debug() {
        let key = ApiKey::from_random([7; 32]);
        assert_eq!(key.reveal().len(), 51);
        assert_eq!(ApiKey::parse(key.reveal()), Ok(key.clone()));
        assert!(!format!("{key:?}").contains(&key.reveal()[8..]));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "sk_live_",
            "sk_test_AAAA",
            &format!("sk_live_{}", "A".repeat(44)),
            &format!("sk_live_{}", "+".repeat(43)),
        ] {
            assert_eq!(ApiKey::parse(text), Err(InvalidApiKey), "{text}");
        }
    }
}
