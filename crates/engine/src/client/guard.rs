//! Which URLs and addresses may be dialled.
//!
//! Endpoints and document URLs come from clients, and this process stands inside somebody's network: without a guard
//! every key could read the cloud's metadata service through us. A URL is refused by its form (scheme, user
//! information), by its literal address in whatever spelling the URL parser understands, and by what its name resolves
//! to. The resolver hands the connector exactly the addresses it has checked, so there is no second lookup that could
//! answer otherwise (DNS rebinding), and literal addresses, which no resolver ever sees, are checked in the parsed URL.

use super::{
    address::{canonical, is_public},
    network::Network,
};
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use url::{Host, Url};

/// What the operator opened beyond https to public addresses.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Plain http is allowed too.
    pub allow_http: bool,
    /// Ranges that may be dialled although they are not public.
    pub allowed_networks: Vec<Network>,
}

/// Why a URL is not dialled. Stays downcastable in the error chain of the client, so the delivery log can say why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("only https URLs are allowed")]
    Scheme,
    #[error("a URL with a user name or a password is refused")]
    UserInfo,
    #[error("the URL names no host")]
    NoHost,
    #[error("address {0} is not a public address and not in an allowed network")]
    Address(IpAddr),
}

impl Policy {
    /// Whether `url` may be dialled as far as its text tells. Names are checked when they are resolved.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Refused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        match url.host() {
            None => Err(Refused::NoHost),
            Some(Host::Ipv4(address)) => self.check_address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.check_address(IpAddr::V6(address)),
            Some(Host::Domain(_)) => Ok(()),
        }
    }

    /// Whether a connection to `address` is allowed.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Refused> {
        let reached = canonical(address);
        let opened = self.allowed_networks.iter().any(|n| n.contains(reached) || n.contains(address));
        if opened || is_public(address) { Ok(()) } else { Err(Refused::Address(address)) }
    }
}

/// Where names are looked up. The system's resolver outside tests.
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// All addresses of `host`; an error where it has none.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// `getaddrinfo` of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The resolver of the clients: looks up, then lets through only what the policy allows.
pub(super) struct Guard {
    pub(super) policy: Arc<Policy>,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(allowed.await?.into_iter()) as Addrs) })
    }
}

impl Guard {
    /// The addresses of a name that may be dialled, with port 0, which stands for the port of the URL.
    pub(super) fn addresses(&self, host: String) -> BoxFuture<'static, Result<Vec<SocketAddr>, Cause>> {
        let policy = Arc::clone(&self.policy);
        let answer = self.lookup.lookup(host);
        Box::pin(async move {
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in answer.await? {
                match policy.check_address(address) {
                    Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                    Err(reason) => refused = Some(reason),
                }
            }
            match refused {
                Some(reason) if allowed.is_empty() => Err(reason.into()),
                _ => Ok(allowed),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &Policy, url: &str) -> Result<(), Refused> {
        policy.check_url(&url.parse().unwrap())
    }

    fn http() -> Policy {
        Policy { allow_http: true, ..Policy::default() }
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://0/",
            "http://0.0.0.0/",
            "http://127.0.0.1./",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http://%31%32%37.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://169.254.169.254/",
            "http://2852039166/",
            "http://[fd00:ec2::254]/",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1\\",
        ] {
            assert!(
                matches!(check(&http(), url), Err(Refused::Address(_))),
                "{url}: {:?}",
                check(&http(), url)
            );
        }
        assert_eq!(check(&http(), "http://8.8.8.8/"), Ok(()));
        assert_eq!(check(&http(), "http://134744072/"), Ok(()));
    }

    #[test]
    fn scheme_and_user_information() {
        assert_eq!(check(&Policy::default(), "https://example.com/hook"), Ok(()));
        assert_eq!(check(&Policy::default(), "http://example.com/hook"), Err(Refused::Scheme));
        assert_eq!(check(&http(), "http://example.com/hook"), Ok(()));
        assert_eq!(check(&http(), "ftp://example.com/"), Err(Refused::Scheme));
        assert_eq!(check(&http(), "file:///etc/passwd"), Err(Refused::Scheme));
        assert_eq!(check(&http(), "https://user@example.com/"), Err(Refused::UserInfo));
        assert_eq!(check(&http(), "https://:secret@example.com/"), Err(Refused::UserInfo));
    }

    #[test]
    fn the_operator_opens_named_networks_in_every_spelling() {
        let allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        let policy = Policy { allow_http: true, allowed_networks };
        for url in ["http://127.0.0.1/", "http://127.1/", "http://[::ffff:127.0.0.1]/"] {
            assert_eq!(check(&policy, url), Ok(()), "{url}");
        }
        assert!(check(&policy, "http://[::1]/").is_err());
        assert!(check(&policy, "http://10.0.0.1/").is_err());
    }
}
