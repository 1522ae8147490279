//! Documents given by URL: a guarded GET whose redirects are followed by hand, so that every target is checked.

use super::{Client, Failure};
use bytes::Bytes;
use domain::{file::clean_name, limits};
use reqwest::{
    StatusCode,
    header::{CONTENT_DISPOSITION, LOCATION},
};
use tokio::time::Instant;
use url::Url;

/// Why a document could not be fetched. Its text is shown to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    #[error(transparent)]
    Request(#[from] Failure),
    #[error("the server answered {0}")]
    Status(u16),
    #[error("more than {} redirects", limits::DOCUMENT_FETCH_REDIRECTS_MAX)]
    Redirects,
    #[error("a redirect without a usable target")]
    BadRedirect,
    #[error("larger than {} bytes", limits::UPLOAD_BYTES_MAX)]
    TooLarge,
}

/// A document whose bytes are on their way.
#[derive(Debug)]
pub struct Download {
    /// From `Content-Disposition`, else the last path segment of the URL that was asked for.
    pub name: String,
    response: reqwest::Response,
    read_bytes: u64,
}

impl Download {
    /// The next bytes; `None` at the end. Errors where the document grows past [`limits::UPLOAD_BYTES_MAX`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchFailure> {
        let Some(chunk) = self.response.chunk().await.map_err(Failure::from)? else { return Ok(None) };
        self.read_bytes += chunk.len() as u64;
        if self.read_bytes > limits::UPLOAD_BYTES_MAX {
            return Err(FetchFailure::TooLarge);
        }
        Ok(Some(chunk))
    }
}

pub(super) async fn open(client: &Client, asked: &Url, deadline: Instant) -> Result<Download, FetchFailure> {
    let mut url = asked.clone();
    for _ in 0..=limits::DOCUMENT_FETCH_REDIRECTS_MAX {
        client.policy.check_url(&url).map_err(Failure::from)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let response = client.http.get(url.clone()).timeout(left).send().await.map_err(Failure::from)?;
        let status = response.status();
        if is_redirect(status) {
            url = target(&url, &response).ok_or(FetchFailure::BadRedirect)?;
            continue;
        }
        if !status.is_success() {
            return Err(FetchFailure::Status(status.as_u16()));
        }
        if response.content_length().is_some_and(|length| length > limits::UPLOAD_BYTES_MAX) {
            return Err(FetchFailure::TooLarge);
        }
        return Ok(Download { name: name(asked, &response), response, read_bytes: 0 });
    }
    Err(FetchFailure::Redirects)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn target(from: &Url, response: &reqwest::Response) -> Option<Url> {
    from.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()
}

fn name(asked: &Url, response: &reqwest::Response) -> String {
    let disposition = response.headers().get(CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    let given = disposition.and_then(disposition_name);
    let segment = || asked.path_segments().and_then(|mut segments| segments.next_back()).map(percent_decoded);
    clean_name(&given.or_else(segment).unwrap_or_default())
}

/// The `filename*` (RFC 8187, UTF-8) or else the `filename` parameter of a `Content-Disposition` header.
fn disposition_name(header: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        header.split(';').skip(1).find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*");
    let extended = extended.as_deref().and_then(|value| value.rsplit('\'').next()).map(percent_decoded);
    extended.or_else(|| parameter("filename")).filter(|name| !name.is_empty())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_header_in_both_forms() {
        assert_eq!(disposition_name("attachment; filename=\"a b.pdf\"").as_deref(), Some("a b.pdf"));
        assert_eq!(disposition_name("inline; FileName=plain.pdf").as_deref(), Some("plain.pdf"));
        let both = "attachment; filename=\"x.pdf\"; filename*=UTF-8''Rechnung%20%C3%A4.pdf";
        assert_eq!(disposition_name(both).as_deref(), Some("Rechnung ä.pdf"));
        assert_eq!(disposition_name("attachment"), None);
        assert_eq!(percent_decoded("100%25%"), "100%%");
    }
}
