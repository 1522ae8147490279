//! Ranges of IP addresses in CIDR form, as operators write them: `127.0.0.0/8,::1/128`.
//!
//! IPv4 and IPv6 never contain each other here; callers bring mapped addresses to their canonical form first, so
//! `127.0.0.0/8` also speaks of `::ffff:127.0.0.1`.

use std::{fmt, net::IpAddr, str::FromStr};

/// A range of addresses. A single address is a range of full prefix length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// The text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork(String);

impl Network {
    /// A range known at compile time; `prefix_bits` past the address length contains nothing but the address.
    pub(crate) const fn new(address: IpAddr, prefix_bits: u8) -> Self {
        Self { address, prefix_bits }
    }

    /// Whether `address` lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => same_prefix(
                u128::from(mine.to_bits()) << 96,
                u128::from(other.to_bits()) << 96,
                self.prefix_bits.min(32),
            ),
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                same_prefix(mine.to_bits(), other.to_bits(), self.prefix_bits.min(128))
            }
            _ => false,
        }
    }
}

/// Whether the first `prefix_bits` (at most 128) of both are equal.
fn same_prefix(one: u128, other: u128, prefix_bits: u8) -> bool {
    let free_bits = 128 - u32::from(prefix_bits);
    (one ^ other).checked_shr(free_bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) =
            text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(length), str::parse).map_err(|_| invalid())?;
        if prefix_bits > length {
            return Err(invalid());
        }
        Ok(Self { address, prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn prefixes_are_compared_by_bits() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("172.16.0.0/12", "172.31.255.255"));
        assert!(!contains("172.16.0.0/12", "172.32.0.0"));
        assert!(contains("0.0.0.0/0", "203.0.113.7"));
        assert!(contains("::1/128", "::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("192.0.2.1", "192.0.2.1"));
        assert!(!contains("192.0.2.1", "192.0.2.2"));
        assert!(!contains("0.0.0.0/0", "::1"), "families are apart");
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/", "10.0.0.0/x", "/8"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
