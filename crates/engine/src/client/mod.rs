//! The only place that dials out to addresses that came from clients.
//!
//! One pooled HTTP/1.1 and HTTP/2 client serves deliveries and document URLs. What it promises: every address is
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

pub use call::{Call, CallFailure, Called};
pub use exchange::Exchange;
pub use failure::Failure;
pub use fetch::{Download, FetchFailure};
pub use guard::{Lookup, Policy, Refused, SystemLookup};
pub use network::{InvalidNetwork, Network};

use bytes::Bytes;
use domain::limits;
use reqwest::header::HeaderMap;
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
    policy: Arc<Policy>,
}

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
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(limits::DELIVERY_LANE_CONCURRENCY_MAX)
                .tcp_nodelay(true)
                .dns_resolver(Arc::new(guard::Guard {
                    policy: Arc::clone(&policy),
                    lookup: Arc::clone(&lookup),
                }))
        };
        // A machine without certificates of its own (a bare container) gets those the product ships.
        let http = match build().build() {
            Ok(http) => http,
            Err(error) => {
                tracing::warn!(%error, "no certificates of this machine are usable, taking the built-in ones");
                build().tls_certs_only(built_in_certificates()?).build()?
            }
        };
        Ok(Self { http, policy })
    }

    /// What may be dialled.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Sends one POST and reads its answer, all within `timeout`. A body longer than
    /// [`limits::DELIVERY_ANSWER_READ_BYTES_MAX`] is cut off there and its connection closed; the status stands.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        self.policy.check_url(url)?;
        let mut response =
            self.http.post(url.clone()).headers(headers).body(body).timeout(timeout).send().await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body_start = Vec::new();
        let mut read_bytes = 0;
        while read_bytes < limits::DELIVERY_ANSWER_READ_BYTES_MAX {
            let Some(chunk) = response.chunk().await? else { break };
            let room = limits::DELIVERY_ANSWER_KEPT_BYTES_MAX - body_start.len();
            body_start.extend_from_slice(&chunk[..chunk.len().min(room)]);
            read_bytes += chunk.len();
        }
        Ok(Answer { status, retry_after, body_start: body_start.into() })
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
