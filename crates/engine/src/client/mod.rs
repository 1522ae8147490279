//! The only place that dials out to addresses that came from clients.
//!
//! One pooled HTTP/1.1 and HTTP/2 client serves deliveries ([`post`]), another everything else. What they promise: every address is
//! checked on the way to the socket ([`Policy`]); no proxy of the environment is used and no redirect is followed; an
//! attempt ends within its timeout, counted to the end of the answer's body; and of a body no more is read than the
//! limit, however long it is.
//!
//! A request is sent once. The exception is a pooled connection that turns out dead before the first byte of the
//! request went out: the connection pool then takes another one, which is the same attempt, because nothing was sent.
//! An answer lost after that point is a failed attempt for the retry schedule; it is never repeated here.

mod address;
mod call;
mod exchange;
mod failure;
mod fetch;
mod guard;
mod network;
mod post;

pub use call::{Call, CallFailure, Called};
pub use exchange::Exchange;
pub use failure::Failure;
pub use fetch::{Download, FetchFailure};
pub use guard::{Lookup, Policy, Refused, SystemLookup};
pub use network::{InvalidNetwork, Network};
pub use post::Endpoint;

use bytes::Bytes;
use domain::limits;
use post::{Poster, poster};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use url::Url;

/// The client could not be built: no TLS provider or no usable configuration.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be built")]
pub struct BuildError(#[from] reqwest::Error);

/// What came back for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The `Retry-After` header, as it stood there.
    pub retry_after: Option<String>,
    /// The first [`limits::DELIVERY_ANSWER_KEPT_BYTES_MAX`] bytes of the body.
    pub body_start: Bytes,
}

/// See the module. Cheap to clone; clones share the connection pool.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    poster: Poster,
    policy: Arc<Policy>,
}

/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

impl Client {
    /// A client that looks names up as the operating system does.
    pub fn new(policy: Policy) -> Result<Self, BuildError> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// A client with another source of names; its answers are checked all the same.
    pub fn with_lookup(policy: Policy, lookup: Arc<dyn Lookup>) -> Result<Self, BuildError> {
        let policy = Arc::new(policy);
        let build = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(limits::DELIVERY_CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_MAX)
                .pool_max_idle_per_host(limits::DELIVERY_LANE_CONCURRENCY_MAX)
                .tcp_nodelay(true)
                .dns_resolver(Arc::new(guard::Guard {
                    policy: Arc::clone(&policy),
                    lookup: Arc::clone(&lookup),
                }))
        };
        // A machine without certificates of its own (a bare container) gets those the product ships.
        let (http, built_in) = match build().build() {
            Ok(http) => (http, false),
            Err(error) => {
                tracing::warn!(%error, "no certificates of this machine are usable, taking the built-in ones");
                (build().tls_certs_only(built_in_certificates()?).build()?, true)
            }
        };
        let poster = poster(guard::Guard { policy: Arc::clone(&policy), lookup }, built_in);
        Ok(Self { http, poster, policy })
    }

    /// What may be dialled.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Opens the document at `url`: redirects are followed here, each target checked like the first. The bytes come
    /// from [`Download::next`], within the same [`limits::DOCUMENT_FETCH_TIMEOUT`].
    pub async fn open_document(&self, url: &Url) -> Result<Download, FetchFailure> {
        fetch::open(self, url, Instant::now() + limits::DOCUMENT_FETCH_TIMEOUT).await
    }
}

/// Mozilla's root certificates as compiled in.
fn built_in_certificates() -> Result<Vec<reqwest::Certificate>, reqwest::Error> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| reqwest::Certificate::from_der(der)).collect()
}
