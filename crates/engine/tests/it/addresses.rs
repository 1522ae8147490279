//! Every way to write an address that must not be dialled, made from the ranges and not from a list of examples.

use engine::client::{Policy, Refused};
use std::net::{Ipv4Addr, Ipv6Addr};

/// First and last address of every range that is not public (IANA's registry, multicast, class E), and one within.
const PRIVATE: &[([u8; 4], [u8; 4], [u8; 4])] = &[
    ([0, 0, 0, 0], [0, 255, 255, 255], [0, 1, 2, 3]),
    ([10, 0, 0, 0], [10, 255, 255, 255], [10, 20, 30, 40]),
    ([100, 64, 0, 0], [100, 127, 255, 255], [100, 100, 100, 200]),
    ([127, 0, 0, 0], [127, 255, 255, 255], [127, 0, 0, 1]),
    ([169, 254, 0, 0], [169, 254, 255, 255], [169, 254, 169, 254]),
    ([172, 16, 0, 0], [172, 31, 255, 255], [172, 17, 0, 1]),
    ([192, 0, 0, 0], [192, 0, 0, 255], [192, 0, 0, 192]),
    ([192, 0, 2, 0], [192, 0, 2, 255], [192, 0, 2, 1]),
    ([192, 88, 99, 0], [192, 88, 99, 255], [192, 88, 99, 1]),
    ([192, 168, 0, 0], [192, 168, 255, 255], [192, 168, 1, 1]),
    ([198, 18, 0, 0], [198, 19, 255, 255], [198, 18, 5, 5]),
    ([198, 51, 100, 0], [198, 51, 100, 255], [198, 51, 100, 7]),
    ([203, 0, 113, 0], [203, 0, 113, 255], [203, 0, 113, 7]),
    ([224, 0, 0, 0], [239, 255, 255, 255], [233, 252, 0, 1]),
    ([240, 0, 0, 0], [255, 255, 255, 255], [250, 1, 2, 3]),
];

const PUBLIC: &[[u8; 4]] = &[
    [1, 1, 1, 1],
    [8, 8, 8, 8],
    [9, 255, 255, 255],
    [11, 0, 0, 0],
    [100, 63, 255, 255],
    [128, 0, 0, 1],
    [223, 255, 255, 255],
];

/// What inet_aton reads as this address: decimal, octal and hexadecimal, in one to four parts, alone and mixed.
fn as_numbers(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets().map(u32::from);
    let parts: [&[u32]; 4] =
        [&[a, b, c, d], &[a, b, c << 8 | d], &[a, b << 16 | c << 8 | d], &[address.to_bits()]];
    let styles: [fn(u32) -> String; 5] = [
        |part| part.to_string(),
        |part| format!("0{part:o}"),
        |part| format!("0x{part:x}"),
        |part| format!("0X{part:X}"),
        |part| format!("0x0000{part:x}"),
    ];
    let mut spellings = Vec::new();
    for parts in parts {
        for style in styles {
            spellings.push(parts.iter().map(|part| style(*part)).collect::<Vec<_>>().join("."));
        }
        let mixed = parts.iter().enumerate().map(|(place, part)| styles[place % styles.len()](*part));
        spellings.push(mixed.collect::<Vec<_>>().join("."));
    }
    spellings
}

/// What a browser reads as the same host: percent-encoded, with wide digits, other full stops, one more at the end.
fn as_texts(address: Ipv4Addr) -> Vec<String> {
    let plain = address.to_string();
    let encoded = plain.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let wide = plain.chars().map(|letter| match letter.to_digit(10) {
        Some(digit) => char::from_u32('０' as u32 + digit).unwrap(),
        None => letter,
    });
    vec![
        encoded,
        wide.collect(),
        plain.replace('.', "。"),
        plain.replace('.', "．"),
        plain.replace('.', "｡"),
        plain.replace('.', "%2e"),
        format!("{plain}."),
    ]
}

/// IPv6 addresses that stand for it: mapped, translated, compatible, in dotted and in hexadecimal form.
fn as_ipv6(address: Ipv4Addr) -> Vec<String> {
    let bits = address.to_bits();
    let (high, low) = (bits >> 16, bits & 0xffff);
    let mapped = address.to_ipv6_mapped();
    let long = |address: Ipv6Addr| {
        address.segments().iter().map(|part| format!("{part:04X}")).collect::<Vec<_>>().join(":")
    };
    vec![
        format!("[::ffff:{address}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[::FFFF:{high:04X}:{low:04X}]"),
        format!("[0:0:0:0:0:ffff:{address}]"),
        format!("[{}]", long(mapped)),
        format!("[64:ff9b::{address}]"),
        format!("[64:ff9b::{high:x}:{low:x}]"),
        format!("[64:ff9b:0:0:0:0:{high:x}:{low:x}]"),
    ]
}

/// IPv6 that is refused whatever it carries: dead tunnels, deprecated forms, other translators' prefixes.
fn as_tunnels(address: Ipv4Addr) -> Vec<String> {
    let bits = address.to_bits();
    let (high, low) = (bits >> 16, bits & 0xffff);
    vec![
        format!("[::{address}]"),
        format!("[::ffff:0:{address}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:4136:e378:8000:63bf:{:x}:{:x}]", high ^ 0xffff, low ^ 0xffff),
        format!("[64:ff9b:1::{address}]"),
        format!("[fe80::5efe:{address}]"),
    ]
}

fn check(host: &str) -> Result<(), Refused> {
    let policy = Policy { allow_http: true, ..Policy::default() };
    // What is no URL cannot be stored or dialled either.
    let Ok(url) = format!("http://{host}/hook").parse() else { return Err(Refused::NoHost) };
    policy.check_url(&url)
}

#[test]
fn private_addresses_are_refused_in_every_spelling() {
    let mut refused = 0;
    for (first, last, within) in PRIVATE {
        for octets in [first, last, within] {
            let address = Ipv4Addr::from(*octets);
            let spellings = [as_numbers(address), as_texts(address), as_ipv6(address), as_tunnels(address)];
            for host in spellings.concat() {
                let checked = check(&host);
                let is_address = matches!(checked, Err(Refused::Address(_)));
                assert!(is_address || checked == Err(Refused::NoHost), "{host} for {address}: {checked:?}");
                refused += usize::from(is_address);
            }
        }
    }
    assert!(refused > 1500, "only {refused} were read as addresses: the spellings are no spellings");
}

#[test]
fn public_ones_are_not_and_tunnels_are_whatever_they_carry() {
    for octets in PUBLIC {
        let address = Ipv4Addr::from(*octets);
        for host in [as_numbers(address), as_texts(address), as_ipv6(address)].concat() {
            assert_eq!(check(&host), Ok(()), "{host} for {address}");
        }
        for host in as_tunnels(address) {
            assert!(matches!(check(&host), Err(Refused::Address(_))), "{host} for {address}");
        }
    }
}

#[test]
fn a_host_that_only_begins_like_an_address_is_a_name_or_nothing() {
    for host in ["127.0.0.1.example.com", "0x7f.example.com", "10.0.0.1-internal.example", "127.0.0.0x1g"] {
        assert_eq!(check(host), Ok(()), "{host} is looked up, and what it is then is checked");
    }
    for host in ["256.1.1.1", "1.2.3.4.5", "0x100000000", "[::1%25eth0]", "[::1%eth0]", "[127.0.0.1]"] {
        assert_eq!(check(host), Err(Refused::NoHost), "{host}");
    }
}
