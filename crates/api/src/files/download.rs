//! `GET /files/{fileId}/download`
//!
//! The bytes as they were uploaded, always as an attachment: a stored HTML page never runs in the name of this server.

use crate::{
    Api,
    auth::Downloader,
    path::{Id, missing},
    problem::{Problem, Result},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{fault::Fault, file::File, id::FileId};
use std::{fmt::Write, ops::Range};
use store::blobs::BlobKey;

/// A file's bytes.
#[utoipa::path(get, path = "/files/{fileId}/download", operation_id = "downloadFile", tag = "Files",
    params(
        ("fileId" = FileId, Path),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is of"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*"),
        (status = 206, description = "The range that was asked for", content_type = "*/*"),
        (status = 304, description = "Not changed"),
        (status = 416, description = "The range lies outside of the file", body = crate::problem::ErrorAnswer),
    ))]
pub async fn download(
    State(api): State<Api>,
    caller: Downloader,
    Id(id): Id<FileId>,
    headers: HeaderMap,
) -> Result<Response> {
    let stored = api.store.files().get(caller.org_id, id).await?.ok_or_else(missing::<FileId>)?;
    let size_bytes = stored.file.size_bytes;
    let etag = format!("\"{}\"", hex::encode(stored.sha256));
    if is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, caching(&etag)?).into_response());
    }
    let range = match wanted_range(&headers, &etag, size_bytes) {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(range),
        Wanted::Nothing => return Ok(unsatisfiable(size_bytes)),
    };
    let blob = BlobKey { org_id: caller.org_id, file_id: id };
    let found = api.store.blobs().download(blob, range.clone()).await?.ok_or_else(missing::<FileId>)?;
    let mut answer = caching(&etag)?;
    answer.insert(header::CONTENT_TYPE, value(&stored.file.mime_type)?);
    answer.insert(header::CONTENT_DISPOSITION, value(&disposition(&stored.file))?);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let length = range.as_ref().map_or(size_bytes, |range| range.end - range.start);
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let mut status = StatusCode::OK;
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
        answer.insert(header::CONTENT_RANGE, value(&text)?);
        status = StatusCode::PARTIAL_CONTENT;
    }
    Ok((status, answer, Body::from_stream(found.stream)).into_response())
}

/// What a cache may do: keep the bytes for this client, and ask before it uses them.
fn caching(etag: &str) -> Result<HeaderMap> {
    let cache = HeaderValue::from_static("private, no-cache");
    Ok(HeaderMap::from_iter([(header::ETAG, value(etag)?), (header::CACHE_CONTROL, cache)]))
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| {
        tracing::error!(%error, "a header of a download cannot be written");
        Problem::internal()
    })
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let fault = Fault::invalid(format!("the range lies outside of the file's {size_bytes} bytes"));
    let mut response = Problem(fault).into_response();
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size_bytes}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// RFC 9110, 13.1.2: compared weakly.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// Not empty, and inside the file.
    Part(Range<u64>),
    Nothing,
}

/// RFC 9110, 14.2: what is not understood, several ranges included, is answered with the whole.
fn wanted_range(headers: &HeaderMap, etag: &str, size_bytes: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Wanted::Whole };
    if text(header::IF_RANGE).is_some_and(|known| known.trim() != etag) {
        return Wanted::Whole;
    }
    let range = range.trim().split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = range.and_then(|(_, range)| range.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first.trim(), last.trim()) {
        ("", last) => number(last).map(|length| size_bytes.saturating_sub(length)..size_bytes),
        (first, "") => number(first).map(|first| first..size_bytes),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size_bytes)),
            _ => None,
        },
    };
    match range {
        None => Wanted::Whole,
        Some(range) if range.start < range.end => Wanted::Part(range),
        Some(_) => Wanted::Nothing,
    }
}

/// RFC 6266: a name in ASCII for old clients, and the real one in UTF-8.
fn disposition(file: &File) -> String {
    let plain =
        |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let ascii: String = file.name.chars().map(plain).collect();
    let mut text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in file.name.bytes() {
        // RFC 5987, 3.2.1: attr-char.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(range: &str) -> Wanted {
        wanted_range(&HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]), "\"x\"", 10)
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(wanted("bytes=0-0"), Wanted::Part(0..1));
        assert_eq!(wanted("bytes=2-"), Wanted::Part(2..10));
        assert_eq!(wanted("bytes=-3"), Wanted::Part(7..10));
        assert_eq!(wanted("bytes=-30"), Wanted::Part(0..10));
        assert_eq!(wanted("bytes=5-99"), Wanted::Part(5..10));
        assert_eq!(wanted("bytes=10-"), Wanted::Nothing);
        assert_eq!(wanted("bytes=99999999999999999999-"), Wanted::Nothing);
        assert_eq!(wanted("bytes=-0"), Wanted::Nothing);
        for whole in ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes", "bytes=-"] {
            assert_eq!(wanted(whole), Wanted::Whole, "{whole}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_not_served() {
        let headers = |known: &str| {
            let range = (header::RANGE, "bytes=0-1".parse().unwrap());
            HeaderMap::from_iter([range, (header::IF_RANGE, known.parse().unwrap())])
        };
        assert_eq!(wanted_range(&headers("\"y\""), "\"x\"", 10), Wanted::Whole);
        assert_eq!(wanted_range(&headers("\"x\""), "\"x\"", 10), Wanted::Part(0..2));
    }
}
