//! A subscription's target, made ready once for all attempts that are sent there: the address parsed, the headers that
//! never change built.

use crate::client::Endpoint;
use domain::time::Timestamp;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use store::subscriptions::Target;
use url::Url;

pub(super) struct Route {
    pub target: Target,
    /// What is wrong with it where it cannot be used; it was checked when it was set.
    pub endpoint: Result<Endpoint, String>,
    pub headers: Result<HeaderMap, String>,
    /// When one of its secrets or keys ends by itself.
    pub valid_until: Option<Timestamp>,
}

impl Route {
    pub(super) fn new(target: Target) -> Self {
        let endpoint = endpoint(&target.endpoint_url);
        Self { endpoint, headers: headers(&target), valid_until: target.valid_until, target }
    }
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    Endpoint::new(url).map_err(|failure| failure.to_string())
}

/// The subscription's own.
fn headers(target: &Target) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(target.headers.len() + 16);
    for (name, value) in &target.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
    }
    Ok(headers)
}
