//! Why a request got no answer, and whose fault that is.
//!
//! The client library reports one error type with a chain of causes; here the chain becomes a closed list, so that the
//! delivery log shows one short sentence per kind and the metrics can count them. The URL never stands in the text: it
//! may hold a token of the receiver.

use super::{
    guard::Refused,
    post::{Late, Unresolved},
};
use domain::delivery::Blame;
use std::{error::Error, io};

/// Why a request got no (whole) answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("not sent: {0}")]
    Refused(#[from] Refused),
    #[error("the host name could not be resolved: {0}")]
    Dns(String),
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no connection within the time limit")]
    ConnectTimeout,
    #[error("TLS: {0}")]
    Tls(String),
    #[error("no whole answer within the time limit")]
    Timeout,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the request could not be made: {0}")]
    Request(String),
}

impl Failure {
    /// Whose fault it is: the platform's where it would not or could not send.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Refused(_) | Self::Request(_) => Blame::Platform,
            Self::Tls(_) | Self::Timeout => Blame::Endpoint,
            Self::Dns(_) | Self::Connect(_) | Self::ConnectTimeout | Self::Broken(_) => Blame::Network,
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if let Some(refused) = find::<Refused>(&error) {
            return Self::Refused(refused.clone());
        }
        if error.is_timeout() {
            return if error.is_connect() { Self::ConnectTimeout } else { Self::Timeout };
        }
        let cause = root_cause(&error);
        if error.is_builder() {
            Self::Request(cause)
        } else if error.is_dns() {
            Self::Dns(cause)
        } else if let Some(tls) = find::<rustls::Error>(&error) {
            Self::Tls(tls.to_string())
        } else if error.is_connect() {
            Self::Connect(cause)
        } else {
            Self::Broken(cause)
        }
    }
}

impl Failure {
    /// Of an error of the pool of deliveries' connections, or of one of its connections.
    pub(super) fn of_chain(error: &(dyn Error + 'static), is_connect: bool) -> Self {
        if let Some(refused) = find::<Refused>(error) {
            return Self::Refused(refused.clone());
        }
        let cause = root_cause(error);
        if find::<Unresolved>(error).is_some() {
            Self::Dns(cause)
        } else if find::<Late>(error).is_some() {
            Self::ConnectTimeout
        } else if let Some(tls) = find::<rustls::Error>(error) {
            Self::Tls(tls.to_string())
        } else if is_connect {
            Self::Connect(cause)
        } else {
            Self::Broken(cause)
        }
    }
}

/// The first error of type `E` in the chain. An I/O error hides what it was made from behind `get_ref`.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    if let Some(found) = wrapped.and_then(|inner| find::<E>(inner)) {
        return Some(found);
    }
    error.source().and_then(find::<E>)
}

/// The text of the last error of the chain: the only one that says what happened.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
