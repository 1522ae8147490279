//! Passing a delivery on, headers and bytes unchanged.

use super::show::Delivery;
use crate::terminal::{Style, Terminal};
use anyhow::Context;
use bytes::Bytes;
use hyper::{StatusCode, header};
use std::{io::Stdout, time::Duration};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Where deliveries are passed on to.
pub struct Forward {
    client: reqwest::Client,
    target: Url,
}

impl Forward {
    pub fn new(target: Url) -> anyhow::Result<Self> {
        // The redirect of a forwarded request is the platform's to see.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT);
        Ok(Self { client: client.build().context("the HTTP client could not be built")?, target })
    }

    /// Passes a delivery on and says how it went; the answer, `None` where there was none.
    pub async fn pass_on(
        &self,
        stdout: &mut Terminal<Stdout>,
        delivery: &Delivery<'_>,
    ) -> anyhow::Result<Option<(StatusCode, Bytes)>> {
        let mut headers = delivery.headers.clone();
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let request = self.client.request(delivery.method.clone(), self.target.clone()).headers(headers);
        let answer = async {
            let response = request.body(delivery.body.to_vec()).send().await?;
            anyhow::Ok((response.status(), response.bytes().await?))
        };
        match answer.await {
            Ok((status, body)) => {
                stdout.line(format_args!("forwarded to {}: {status}", self.target))?;
                Ok(Some((status, body)))
            }
            Err(error) => {
                let failed = stdout.styled(Style::Bad, "not forwarded");
                stdout.line(format_args!("{failed}: {error:#}"))?;
                Ok(None)
            }
        }
    }
}
