use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const AT: i64 = 1_614_265_330;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn ours(secrets: &[&str], body: &str) -> String {
    let tag = |secret: &&str| {
        format!(",v1={}", hex::encode(mac(secret.as_bytes(), format!("{AT}.{body}").as_bytes())))
    };
    format!("t={AT}{}", secrets.iter().map(tag).collect::<String>())
}

fn check(verifier: &Verifier, headers: &[(&str, &str)], body: &str, now: i64) -> Result<(), Rejected> {
    verifier.verify_at(|name| find(headers, name), body.as_bytes(), now)
}

/// The vector published with the Standard Webhooks libraries.
#[test]
fn the_standard_webhooks_vector_holds() {
    let verifier = Verifier::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let mut headers = vec![
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    let body = r#"{"test": 2432232314}"#;
    assert_eq!(check(&verifier, &headers, body, AT), Ok(()));
    let mismatch = Err(Rejected::Mismatch { header: STANDARD_SIGNATURE });
    assert_eq!(check(&verifier, &headers, "{}", AT), mismatch);
    headers[0].1 = "msg_other";
    assert_eq!(check(&verifier, &headers, body, AT), mismatch, "the id is signed too");
    headers.remove(0);
    assert_eq!(check(&verifier, &headers, body, AT), Err(Rejected::Malformed { header: STANDARD_ID }));
}

#[test]
fn a_secret_of_any_form_is_a_key() {
    let plain = ["plain", "whsec_not base64!", "schlüssel"].map(|secret| (secret, secret.as_bytes()));
    let encoded =
        [("whsec_a2V5", "key"), ("whsec_a2V5cw==", "keys"), ("whsec_a2V5cw", "keys"), ("whsec_", "")];
    for (secret, key) in plain.into_iter().chain(encoded.map(|(secret, key)| (secret, key.as_bytes()))) {
        let tag = mac(key, format!("evt_1.{AT}.{{}}").as_bytes());
        let standard = format!("v1,{} v9,AAAA", STANDARD.encode(tag));
        let t = AT.to_string();
        let headers = [
            ("webhook-id", "evt_1"),
            ("webhook-timestamp", t.as_str()),
            ("webhook-signature", standard.as_str()),
        ];
        assert_eq!(check(&Verifier::new(secret), &headers, "{}", AT), Ok(()), "{secret}");
    }
}

#[test]
fn while_secrets_are_replaced_either_side_may_hold_both() {
    let both = ours(&["new", "old"], "{}");
    for secret in ["new", "old"] {
        assert_eq!(check(&Verifier::new(secret), &[(SIGNATURE, &both)], "{}", AT), Ok(()), "{secret}");
    }
    let one = ours(&["new"], "{}");
    assert_eq!(check(&Verifier::new("old").or("new"), &[(SIGNATURE, &one)], "{}", AT), Ok(()));
    let mismatch = Err(Rejected::Mismatch { header: SIGNATURE });
    assert_eq!(check(&Verifier::new("other"), &[(SIGNATURE, &both)], "{}", AT), mismatch);
    assert_eq!(check(&Verifier::new("new"), &[(SIGNATURE, &both)], "{ }", AT), mismatch);
}

#[test]
fn one_wrong_signature_of_two_is_enough_and_none_is_no_proof() {
    let good = ours(&["s"], "{}");
    let verifier = Verifier::new("s");
    let t = AT.to_string();
    let headers = [
        ("X-Plextera-Signature", good.as_str()),
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", t.as_str()),
        ("webhook-signature", "v1,AAAA"),
    ];
    assert_eq!(check(&verifier, &headers, "{}", AT), Err(Rejected::Mismatch { header: STANDARD_SIGNATURE }));
    assert_eq!(check(&verifier, &headers[..1], "{}", AT), Ok(()));
    assert_eq!(check(&verifier, &[], "{}", AT), Err(Rejected::Unsigned));
}

#[test]
fn a_delivery_is_fresh_for_five_minutes_on_both_sides() {
    let header = ours(&["s"], "{}");
    let at = |verifier: &Verifier, now| check(verifier, &[(SIGNATURE, header.as_str())], "{}", now);
    let verifier = Verifier::new("s");
    for now in [AT - 300, AT, AT + 300] {
        assert_eq!(at(&verifier, now), Ok(()));
    }
    for now in [AT - 301, AT + 301] {
        assert_eq!(at(&verifier, now), Err(Rejected::OutsideTolerance { signed_at: AT, now }));
    }
    assert_eq!(at(&verifier.clone().tolerance(Duration::from_secs(1000)), AT + 999), Ok(()));
    assert_eq!(at(&verifier.any_age(), AT + 1_000_000), Ok(()));
}

#[test]
fn headers_that_are_not_ours_are_malformed_and_never_verify() {
    let verifier = Verifier::new("s").any_age();
    let malformed = Err(Rejected::Malformed { header: SIGNATURE });
    for header in [
        "",
        "t",
        "v1=00",
        "t=1,t=2,v1=00",
        "t=,v1=00",
        "t=-1,v1=00",
        "t=+1,v1=00",
        "t=1.5,v1=00",
        "t=1 v1=00",
    ] {
        assert_eq!(check(&verifier, &[(SIGNATURE, header)], "{}", AT), malformed, "{header:?}");
    }
    let mismatch = Err(Rejected::Mismatch { header: SIGNATURE });
    for header in ["t=1", "t=1,v1=", "t=1,v1=zz", "t=1,v0=00", "t=1,v1=00"] {
        assert_eq!(check(&verifier, &[(SIGNATURE, header)], "{}", AT), mismatch, "{header:?}");
    }
}

#[test]
fn messages_say_what_to_look_at_and_nothing_prints_the_secret() {
    let future = Rejected::OutsideTolerance { signed_at: AT + 400, now: AT };
    assert_eq!(future.to_string(), "it was signed 400 s in the future: compare the clocks");
    assert!(!format!("{:?}", Verifier::new("hunter2")).contains("hunter2"));
    assert_eq!(signed_at(|name| (name == SIGNATURE).then_some("t=7,v1=00")), Some(7));
    assert_eq!(signed_at(|name| (name == STANDARD_TIMESTAMP).then_some("8")), Some(8));
}

#[cfg(feature = "serde")]
#[test]
fn an_event_is_read_only_when_it_verifies() {
    let body = r#"{"eventId":"evt_1","eventType":"t","occurredAt":"x","apiVersion":"v1","data":7,"more":1}"#;
    let header = ours(&["s"], body);
    let headers = [(SIGNATURE, header.as_str())];
    let verifier = Verifier::new("s").any_age();
    let event: Event<u8> = verifier.event(|name| find(&headers, name), body.as_bytes()).unwrap();
    assert_eq!((event.event_id.as_str(), event.data), ("evt_1", 7));
    let text = verifier.event::<String>(|name| find(&headers, name), body.as_bytes());
    assert!(matches!(text, Err(Unread::NotUnderstood(_))));
    let other = Verifier::new("other").any_age().event::<u8>(|name| find(&headers, name), body.as_bytes());
    assert!(matches!(other, Err(Unread::Rejected(Rejected::Mismatch { .. }))));
}
