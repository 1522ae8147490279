//! The way of a delivery: POST, an answer of which little is read, thousands of times a second.
//!
//! The same rules as for every other request of [`Client`] (checked addresses, no proxy, no redirect, one sending), on the
//! connection pool itself: what a general HTTP client does around it for each request is a good part of what a delivery
//! costs.

use super::{Answer, Client, Failure, guard::Guard};
use bytes::Bytes;
use domain::limits;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Uri,
    header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER},
    http::uri::InvalidUri,
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client as Pool,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    error::Error,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;
use url::Url;

pub(super) type Poster = Pool<Connector, Full<Bytes>>;

type Https = HttpsConnector<HttpConnector<Resolver>>;
type Cause = Box<dyn Error + Send + Sync>;

const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// A name has no address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(#[source] Cause);

/// A connection was not there in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within the time limit")]
pub(super) struct Late;

/// The guard, as the connector asks it.
#[derive(Clone)]
pub(super) struct Resolver(Arc<Guard>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let allowed = guard.addresses(name.as_str().to_owned()).await;
            Ok(allowed.map_err(Unresolved)?.into_iter())
        })
    }
}

/// Connects, TLS included, within [`limits::DELIVERY_CONNECT_TIMEOUT`].
#[derive(Clone)]
pub(super) struct Connector(Https);

impl Service<Uri> for Connector {
    type Response = <Https as Service<Uri>>::Response;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Self::Response, Cause>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            tokio::time::timeout(limits::DELIVERY_CONNECT_TIMEOUT, connecting).await.map_err(|_| Late)?
        })
    }
}

/// The pool of connections of deliveries.
pub(super) fn poster(guard: Guard, built_in: bool) -> Poster {
    let mut tcp = HttpConnector::new_with_resolver(Resolver(Arc::new(guard)));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls(built_in))
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp);
    Pool::builder(TokioExecutor::new())
        .pool_idle_timeout(super::IDLE_MAX)
        .pool_max_idle_per_host(limits::DELIVERY_CONNECTIONS_IDLE_MAX)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(Connector(https))
}

fn tls(built_in: bool) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    if built_in {
        let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
        roots.add_parsable_certificates(certificates);
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the versions that are the default")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Where deliveries go, made ready once for all of them.
#[derive(Debug, Clone)]
pub struct Endpoint {
    url: Url,
    /// As it is sent, which is without a fragment.
    uri: Uri,
}

impl Endpoint {
    pub fn new(url: Url) -> Result<Self, Failure> {
        let uri = url.as_str().parse().map_err(|error: InvalidUri| Failure::Request(error.to_string()))?;
        Ok(Self { url, uri })
    }
}

impl Client {
    /// Sends one POST and reads its answer, all within `timeout`. A body longer than
    /// [`limits::DELIVERY_ANSWER_READ_BYTES_MAX`] is cut off there and its connection closed; the status stands.
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        self.policy.check_url(&endpoint.url)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.uri.clone();
        *request.headers_mut() = headers;
        request.headers_mut().entry(ACCEPT).or_insert(ANYTHING);
        let answered = tokio::time::timeout(timeout, self.exchange_post(request)).await;
        answered.map_err(|_| Failure::Timeout)?
    }

    async fn exchange_post(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let mut response = self.poster.request(request).await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body_start = Vec::new();
        let mut read_bytes = 0;
        while read_bytes < limits::DELIVERY_ANSWER_READ_BYTES_MAX {
            let Some(frame) = response.body_mut().frame().await else { break };
            let Ok(chunk) = frame.map_err(|error| failure(&error))?.into_data() else { continue };
            let room = limits::DELIVERY_ANSWER_KEPT_BYTES_MAX - body_start.len();
            body_start.extend_from_slice(&chunk[..chunk.len().min(room)]);
            read_bytes += chunk.len();
        }
        Ok(Answer { status, retry_after, body_start: body_start.into() })
    }
}

fn failure(error: &(dyn Error + 'static)) -> Failure {
    let pool = error.downcast_ref::<hyper_util::client::legacy::Error>();
    Failure::of_chain(error, pool.is_some_and(hyper_util::client::legacy::Error::is_connect))
}
