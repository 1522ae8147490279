//! Which addresses belong to the public internet.
//!
//! The lists are IANA's special-purpose registries (RFC 6890 and its successors), the multicast blocks and what is
//! reserved for later. IPv4 is public unless listed; IPv6 is public only inside 2000::/3, the one block that global
//! unicast addresses come from, and there unless listed. An IPv6 address that carries an IPv4 address to a translator
//! (mapped, NAT64) is as public as what it carries; the dead tunnels (6to4, Teredo) are refused whole.

use super::network::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, prefix_bits: u8) -> Network {
    Network::new(IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), prefix_bits)
}

const fn v6(a: u16, b: u16, c: u16, prefix_bits: u8) -> Network {
    Network::new(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix_bits)
}

/// IANA IPv4 Special-Purpose Address Registry, multicast (RFC 5771) and class E (RFC 1112).
const NOT_PUBLIC_V4: &[Network] = &[
    v4(0, 0, 0, 8),       // "this network"
    v4(10, 0, 0, 8),      // private use
    v4(100, 64, 0, 10),   // carrier-grade NAT; cloud metadata services live here too
    v4(127, 0, 0, 8),     // loopback
    v4(169, 254, 0, 16),  // link local; cloud metadata services
    v4(172, 16, 0, 12),   // private use
    v4(192, 0, 0, 24),    // IETF protocol assignments
    v4(192, 0, 2, 24),    // documentation
    v4(192, 31, 196, 24), // AS112 name servers
    v4(192, 52, 193, 24), // multicast tunnelling
    v4(192, 88, 99, 24),  // 6to4 relays, withdrawn
    v4(192, 168, 0, 16),  // private use
    v4(192, 175, 48, 24), // AS112 name servers
    v4(198, 18, 0, 15),   // benchmarks
    v4(198, 51, 100, 24), // documentation
    v4(203, 0, 113, 24),  // documentation
    v4(224, 0, 0, 4),     // multicast
    v4(240, 0, 0, 4),     // reserved, limited broadcast
];

/// What of 2000::/3 the IANA IPv6 Special-Purpose Address Registry takes out.
const NOT_PUBLIC_V6: &[Network] = &[
    v6(0x2001, 0, 0, 23),         // IETF protocol assignments: Teredo, benchmarks, ORCHID, …
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x2002, 0, 0, 16),         // 6to4
    v6(0x2620, 0x4f, 0x8000, 48), // AS112 name servers
    v6(0x3fff, 0, 0, 20),         // documentation
];

/// Global unicast (RFC 4291, section 2.4).
const GLOBAL_V6: Network = v6(0x2000, 0, 0, 3);

/// The well-known NAT64 prefix (RFC 6052): its last 32 bits are the IPv4 address the translator dials.
const NAT64: Network = v6(0x64, 0xff9b, 0, 96);

/// The address that a connection to `address` really reaches: IPv4-mapped and NAT64 addresses become the IPv4 address
/// they stand for.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(inner) if NAT64.contains(IpAddr::V6(inner)) => {
            let [.., a, b, c, d] = inner.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

/// Whether `address` is a public unicast address of the internet.
pub fn is_public(address: IpAddr) -> bool {
    let address = canonical(address);
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(address)),
        IpAddr::V6(_) => {
            GLOBAL_V6.contains(address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn the_internet_is_public() {
        for text in
            ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "198.17.0.1"]
        {
            assert!(public(text), "{text}");
        }
        for text in
            ["2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
        {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn special_ipv4_is_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!public(text), "{text}");
            assert!(!public(&format!("::ffff:{text}")), "mapped {text}");
            assert!(!public(&format!("64:ff9b::{text}")), "NAT64 {text}");
            assert!(!public(&format!("::{text}")), "IPv4-compatible {text}");
        }
    }

    #[test]
    fn special_ipv6_is_not() {
        for text in [
            "::",
            "::1",
            "::ffff:0:127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:1::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:30::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "2620:4f:8000::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "::8.8.8.8",
        ] {
            assert!(!public(text), "{text}");
        }
    }
}
