//! A request whose whole answer is wanted, up to a size: of a service that the operator configured.

use super::{Client, Failure};
use bytes::Bytes;
use reqwest::header::HeaderMap;
use std::time::Duration;
use url::Url;

/// An answer and its body; none where the body is longer than was allowed.
#[derive(Debug)]
pub struct Exchange {
    pub status: u16,
    pub body: Option<Bytes>,
}

impl Client {
    /// Sends one POST and reads its whole answer within `timeout`, as long as it is no longer than `bytes_max`.
    pub async fn exchange(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
        bytes_max: usize,
    ) -> Result<Exchange, Failure> {
        self.policy.check_url(url)?;
        let mut response =
            self.http.post(url.clone()).headers(headers).body(body).timeout(timeout).send().await?;
        let status = response.status().as_u16();
        let mut read = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if read.len() + chunk.len() > bytes_max {
                return Ok(Exchange { status, body: None });
            }
            read.extend_from_slice(&chunk);
        }
        Ok(Exchange { status, body: Some(read.into()) })
    }
}
