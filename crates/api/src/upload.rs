//! Files on their way in: multipart bodies, streamed.
//!
//! The file's bytes go through a hash, a counter and the first look at their kind straight into the object store; no
//! part of the way holds more than a few megabytes. What is too large, or a program, is refused while it streams. The
//! blob becomes visible only when the whole request was read and found right, so a refused or broken upload leaves
//! nothing behind.

use crate::{
    Api,
    body::content_length,
    problem::{Problem, Result},
};
use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    fault::{Code, Detail, Fault},
    file::clean_name,
    id::{FileId, OrgId},
    kind::{self, Kind},
    limits,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use store::blobs::{BlobKey, Upload};

/// Room for the other parts and for boundaries, beyond the file itself.
pub const OVERHEAD_BYTES_MAX: u64 = 1_000_000;

/// How many parts that nobody asked for are read before the whole is refused.
const PARTS_MAX: usize = 20;

/// A multipart body that was read whole.
pub struct Received {
    pub file: ReceivedFile,
    /// The other parts, by name.
    pub texts: BTreeMap<String, String>,
    /// The file's bytes, to be finished once everything else is found right; dropping it forgets them.
    pub blob: Upload,
}

#[derive(Debug, Clone)]
pub struct ReceivedFile {
    pub id: FileId,
    pub name: String,
    pub kind: Kind,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

impl Received {
    /// What tells this upload from another.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let file = [self.file.name.as_bytes(), &self.file.sha256[..]];
        let texts = self.texts.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]);
        for part in file.into_iter().chain(texts) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

/// Reads a multipart body with one part `file` and perhaps the text parts named in `known`.
pub async fn receive(api: &Api, org_id: OrgId, request: Request, known: &[&str]) -> Result<Received> {
    check_head(request.headers())?;
    let unreadable = |_| Problem::from(Fault::invalid("the multipart body has no valid boundary"));
    let mut parts = Multipart::from_request(request, &()).await.map_err(unreadable)?;
    let mut file: Option<(ReceivedFile, Upload)> = None;
    let mut texts = BTreeMap::new();
    let mut details = Vec::new();
    while let Some(field) = parts.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" && file.is_none() {
            file = Some(receive_file(api, org_id, field).await?);
        } else if known.contains(&name.as_str()) && !texts.contains_key(&name) {
            let text = receive_text(&name, field).await?;
            texts.insert(name, text);
        } else if details.len() < PARTS_MAX {
            let is_known = name == "file" || known.contains(&name.as_str());
            details
                .push(Detail::new(name, if is_known { "the part is given twice" } else { "unknown part" }));
        } else {
            return Err(Fault::invalid("the multipart body has too many parts").into());
        }
    }
    if file.is_none() {
        details.push(Detail::new("file", "the part is required"));
    }
    match file {
        Some((file, blob)) if details.is_empty() => Ok(Received { file, texts, blob }),
        _ => Err(Fault::validation(details).into()),
    }
}

/// One part of a multipart body of any parts.
pub enum Part {
    File(ReceivedFile, Upload),
    Text {
        text: String,
        /// It says of itself that it is JSON.
        json: bool,
    },
}

/// Reads a multipart body of any parts, in their order; those with a file name are files. At most `files_max` of them.
pub async fn receive_any(
    api: &Api,
    org_id: OrgId,
    request: Request,
    files_max: usize,
) -> Result<Vec<(String, Part)>> {
    check_head(request.headers())?;
    let unreadable = |_| Problem::from(Fault::invalid("the multipart body has no valid boundary"));
    let mut parts = Multipart::from_request(request, &()).await.map_err(unreadable)?;
    let mut received = Vec::new();
    let (mut files, mut texts_bytes) = (0, 0);
    while let Some(field) = parts.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name.is_empty() || name.contains('\0') {
            return Err(Fault::invalid("every part of the multipart body needs a name").into());
        }
        if file_name(field.headers()).is_some() {
            files += 1;
            if files > files_max {
                return Err(Fault::field(name, format!("more than {files_max} files")).into());
            }
            let (file, upload) = receive_file(api, org_id, field).await?;
            received.push((name, Part::File(file, upload)));
        } else {
            let json = field.content_type().is_some_and(|kind| kind.starts_with("application/json"));
            let text = receive_text(&name, field).await?;
            texts_bytes += text.len() + name.len();
            if texts_bytes > limits::JSON_BODY_BYTES_MAX {
                let message = format!("the text parts have more than {} bytes", limits::JSON_BODY_BYTES_MAX);
                return Err(Fault::new(Code::PayloadTooLarge, message).into());
            }
            received.push((name, Part::Text { text, json }));
        }
    }
    Ok(received)
}

/// What can be refused before the first byte of the body.
fn check_head(headers: &HeaderMap) -> Result<()> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_multipart =
        content_type.is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
    if !is_multipart {
        return Err(Fault::new(Code::UnsupportedMediaType, "the body must be multipart/form-data").into());
    }
    if content_length(headers).is_some_and(|length| length > limits::UPLOAD_BYTES_MAX + OVERHEAD_BYTES_MAX) {
        return Err(too_large());
    }
    Ok(())
}

async fn receive_file(api: &Api, org_id: OrgId, mut field: Field<'_>) -> Result<(ReceivedFile, Upload)> {
    let name = clean_name(&file_name(field.headers()).unwrap_or_default());
    let id = api.context.id::<FileId>();
    let mut upload = api.store.blobs().upload(BlobKey { org_id, file_id: id });
    let mut hasher = Sha256::new();
    let mut head = Vec::new();
    let mut size_bytes = 0;
    let mut judged = false;
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        size_bytes += chunk.len() as u64;
        if size_bytes > limits::UPLOAD_BYTES_MAX {
            return Err(too_large());
        }
        if !judged {
            let wanted = kind::HEAD_BYTES - head.len();
            head.extend_from_slice(&chunk[..chunk.len().min(wanted)]);
            judged = head.len() == kind::HEAD_BYTES;
            if judged {
                refuse_programs(kind::detect(&head, &name))?;
            }
        }
        hasher.update(&chunk);
        upload.write(&chunk).await?;
    }
    let kind = kind::detect(&head, &name);
    refuse_programs(kind)?;
    Ok((ReceivedFile { id, name, kind, size_bytes, sha256: hasher.finalize().into() }, upload))
}

async fn receive_text(name: &str, mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limits::JSON_BODY_BYTES_MAX {
            return Err(Fault::new(Code::PayloadTooLarge, format!("the part `{name}` is too large")).into());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Fault::field(name, "must be UTF-8").into())
}

fn refuse_programs(kind: Kind) -> Result<()> {
    if kind.is_refused() {
        let message = "executables and scripts are not accepted";
        return Err(Fault::new(Code::UnsupportedMediaType, message).into());
    }
    Ok(())
}

fn too_large() -> Problem {
    let message = format!("a file has at most {} bytes", limits::UPLOAD_BYTES_MAX);
    Fault::new(Code::PayloadTooLarge, message).into()
}

fn broken(error: MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Fault::invalid("the multipart body is malformed or ended early").into()
}

/// The name a client gave: `filename*` (RFC 5987, UTF-8) before `filename`, in which browsers write `%22` for a quote.
fn file_name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?;
    let value = String::from_utf8_lossy(value.as_bytes());
    if let Some(extended) = parameter(&value, "filename*") {
        let mut pieces = extended.splitn(3, '\'');
        let charset = pieces.next().unwrap_or_default();
        if let (true, Some(encoded)) = (charset.eq_ignore_ascii_case("utf-8"), pieces.nth(1)) {
            return Some(percent_decode(encoded));
        }
    }
    let plain = parameter(&value, "filename")?;
    Some(plain.replace("%22", "\"").replace("%0D", "").replace("%0A", ""))
}

/// The value of a parameter of a header, without its quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, parameters)) = rest.split_once(';') {
        let (name, value) = parameters.split_once('=')?;
        let (text, after) = read_value(value.trim_start());
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = after;
    }
    None
}

/// A token or a quoted string, and what follows it.
fn read_value(value: &str) -> (String, &str) {
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(';').unwrap_or(value.len());
        return (value[..end].trim().to_owned(), &value[end..]);
    };
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (text, &quoted[index + 1..]),
            // Only a quote is ever escaped: clients send the backslashes of Windows paths as they are.
            '\\' if quoted[index + 1..].starts_with('"') => {
                text.push('"');
                characters.next();
            }
            other => text.push(other),
        }
    }
    (text, "")
}

pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn name(disposition: &str) -> Option<String> {
        let value = HeaderValue::from_bytes(disposition.as_bytes()).unwrap();
        file_name(&HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]))
    }

    #[test]
    fn names_come_in_every_spelling_that_clients_use() {
        for (disposition, expected) in [
            (r#"form-data; name="file"; filename="a;b=c.pdf""#, "a;b=c.pdf"),
            (r#"form-data; filename=plain.pdf; name=file"#, "plain.pdf"),
            (r#"form-data; name="file"; filename="Rechnung Ümläut.pdf""#, "Rechnung Ümläut.pdf"),
            (
                r#"form-data; name="file"; filename="x.pdf"; filename*=UTF-8''%E2%82%AC%20rates.pdf"#,
                "€ rates.pdf",
            ),
            (r#"form-data; name="file"; filename="say %22hi%22.pdf""#, r#"say "hi".pdf"#),
            (r#"form-data; name="file"; filename="say \"hi\".pdf""#, r#"say "hi".pdf"#),
            (r#"form-data; name="file"; filename="C:\scans\a.pdf""#, r"C:\scans\a.pdf"),
        ] {
            assert_eq!(name(disposition).as_deref(), Some(expected), "{disposition}");
        }
        assert_eq!(name(r#"form-data; name="file""#), None);
    }
}
