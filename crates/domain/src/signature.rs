//! Signatures of deliveries, in both families of headers.
//!
//! - `X-Plextera-Signature: t=<unix seconds>,v1=<hex>` over `<t>.<body>`, keyed with the secret's UTF-8 bytes.
//! - `webhook-signature: v1,<base64>` over `<event id>.<t>.<body>` (Standard Webhooks), keyed with the bytes behind
//!   `whsec_` where the secret has that form, else with its UTF-8 bytes.
//!
//! - The same header with `v1a,<base64>` over the same, by the server's own key pair (Ed25519), where the subscription
//!   asks for it.
//!
//! While a rotated secret's overlap lasts, each header carries one signature per valid secret, the new one first.
//! Receivers check them with the crate `plextera-webhooks`, which shares no code with this file: each tests the other.

use crate::{signing_key::SigningKey, time::Timestamp};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// With its padding or without, as the libraries of the specification take it.
const SECRET_FORM: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key of the Standard Webhooks signature.
fn standard_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|body| SECRET_FORM.decode(body).ok());
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

/// The same with `v1a` of each of `keys` behind: the value of `webhook-signature` for who checks with a public key.
pub fn sign_standard_both<'k, S: AsRef<str>>(
    secrets: &[S],
    keys: impl IntoIterator<Item = &'k SigningKey>,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> String {
    let mut header = sign_standard(secrets, id, at, body);
    let message = [id.as_bytes(), b".", at.as_seconds().to_string().as_bytes(), b".", body].concat();
    for key in keys {
        header.push_str(" v1a,");
        STANDARD.encode_string(key.sign(&message), &mut header);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use plextera_webhooks::Verifier;

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
    fn a_key_pair_signs_beside_the_secrets() {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let keys = [1, 2].map(|byte| SigningKey::from_seed(&[byte; 32]).unwrap());
        let header = sign_standard_both(&["secret"], &keys, "evt_1", AT, b"{}");
        let (symmetric, rest) = header.split_once(' ').unwrap();
        assert_eq!(symmetric, sign_standard(&["secret"], "evt_1", AT, b"{}"));
        for (part, key) in rest.split(' ').zip(&keys) {
            let signature = STANDARD.decode(part.strip_prefix("v1a,").unwrap()).unwrap();
            let public = UnparsedPublicKey::new(&ED25519, key.public().0);
            assert!(public.verify(b"evt_1.1614265330.{}", &signature).is_ok());
            assert!(public.verify(b"evt_1.1614265331.{}", &signature).is_err());
        }
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let (ours, t) = (sign(&["new", "old"], AT, b"{}"), AT.as_seconds().to_string());
        for secret in ["new", "old", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_a2V5cw"] {
            let secrets = [secret, "old"];
            let (ours, standard) = (sign(&secrets, AT, b"{}"), sign_standard(&secrets, "evt_1", AT, b"{}"));
            let headers = [
                (plextera_webhooks::SIGNATURE, &ours),
                (plextera_webhooks::STANDARD_ID, &"evt_1".to_owned()),
                (plextera_webhooks::STANDARD_TIMESTAMP, &t),
                (plextera_webhooks::STANDARD_SIGNATURE, &standard),
            ];
            let verify = |secret: &str, body: &[u8]| {
                let header = |name: &str| plextera_webhooks::find(&headers, name);
                Verifier::new(secret).verify_at(header, body, AT.as_seconds())
            };
            assert_eq!(verify(secret, b"{}"), Ok(()));
            assert_eq!(verify("old", b"{}"), Ok(()), "an overlapping secret still holds");
            assert!(verify("other", b"{}").is_err() && verify(secret, b"{ }").is_err());
        }
        assert_eq!(ours.matches(",v1=").count(), 2);
    }
}
