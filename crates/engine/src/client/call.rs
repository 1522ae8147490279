//! Calls that workflows make: any method, an answer that is read whole up to a limit, no redirect.

use super::{Client, Failure};
use bytes::Bytes;
use domain::limits;
use reqwest::{
    Method,
    header::{HeaderMap, RETRY_AFTER},
};
use std::time::Duration;
use url::Url;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// To the end of the answer.
    pub timeout: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Called {
    pub status: u16,
    pub headers: HeaderMap,
    /// The `Retry-After` header, as it stood there.
    pub retry_after: Option<String>,
    pub body: Bytes,
}

/// Why a call has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    #[error(transparent)]
    Request(#[from] Failure),
    #[error("the answer is larger than {} bytes", limits::WEB_FUNCTION_ANSWER_BYTES_MAX)]
    TooLarge,
}

impl Client {
    /// Sends a request once and reads its answer.
    pub async fn call(&self, call: Call) -> Result<Called, CallFailure> {
        self.policy.check_url(&call.url).map_err(Failure::from)?;
        let mut request =
            self.http.request(call.method, call.url).headers(call.headers).timeout(call.timeout);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(Failure::from)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::from)? {
            if body.len() + chunk.len() > limits::WEB_FUNCTION_ANSWER_BYTES_MAX {
                return Err(CallFailure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Called {
            status: response.status().as_u16(),
            retry_after: retry_after.map(str::to_owned),
            headers: response.headers().clone(),
            body: body.into(),
        })
    }
}
