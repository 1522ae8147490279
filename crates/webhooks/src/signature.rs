//! The two signatures: how they are written, and whether one matches.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret may be written with its padding or without: the libraries of the specification take both.
const SECRET_FORM: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signing secret with both of its keys. It has no `Debug`, so nothing can print it.
#[derive(Clone)]
pub struct Secret {
    text: String,
    decoded: Option<Vec<u8>>,
}

impl Secret {
    pub fn new(text: &str) -> Self {
        let decoded = text.strip_prefix("whsec_").and_then(|body| SECRET_FORM.decode(body).ok());
        Self { text: text.to_owned(), decoded }
    }

    /// The key of Plextera's own signature: the secret's UTF-8 bytes.
    pub fn utf8(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key of the Standard Webhooks signature: the bytes behind `whsec_` where the secret has that form.
    pub fn decoded(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(self.utf8())
    }
}

/// `t` as it stands and the signatures of a version we know; `None` where the header is not `t=…,v1=…`. Versions and
/// signatures that are not ours are passed over: a later platform may send more than one kind.
pub fn parse(value: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let (mut t, mut tags) = (None, Vec::new());
    for part in value.split(',') {
        match part.trim().split_once('=')? {
            ("t", _) if t.is_some() => return None,
            ("t", text) => t = Some(text),
            ("v1", tag) => tags.extend(hex::decode(tag)),
            _ => {}
        }
    }
    Some((t?, tags))
}

/// The signatures of a version we know; `None` where the header is not `v1,… v1,…`.
pub fn parse_standard(value: &str) -> Option<Vec<Vec<u8>>> {
    let mut tags = Vec::new();
    for part in value.split_ascii_whitespace() {
        let (version, tag) = part.split_once(',')?;
        if version == "v1" {
            tags.extend(STANDARD.decode(tag));
        }
    }
    (!value.trim().is_empty()).then_some(tags)
}

/// Whether one of `tags` is the HMAC-SHA256 of `parts`, compared in constant time.
pub fn matches(key: &[u8], parts: &[&[u8]], tags: &[Vec<u8>]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    tags.iter().fold(false, |matched, tag| matched | mac.clone().verify_slice(tag).is_ok())
}
