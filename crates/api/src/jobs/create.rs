//! `POST /document-insights/jobs/extract`

use super::submit::{Wishes, submit, unknown_file};
use crate::{
    Api,
    auth::Caller,
    body::{Body, Fields},
    idempotency::{IdempotencyHeader, IdempotencyKey},
    problem::Result,
};
use axum::{extract::State, response::Response};
use domain::{
    id::{FileId, HubId},
    job::Job,
    limits,
    metadata::Metadata,
    subscription::check_url,
};
use store::jobs::JobDocument;
use utoipa::ToSchema;

/// Which document is to be read, and how.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ExtractRequest {
    document: DocumentReference,
    /// An enabled hub; without it, routing chooses.
    hub_id: Option<HubId>,
    /// At most 50 entries; keys of 1 to 64, values of 1 to 512 characters.
    metadata: Option<Metadata>,
}

/// Exactly one of the two.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct DocumentReference {
    /// A stored file.
    file_id: Option<FileId>,
    /// An https URL from which the document is fetched.
    #[schema(format = "uri", max_length = 2048)]
    url: Option<String>,
}

enum Source {
    File(FileId),
    Url(String),
}

/// Read a stored file, or a document at a URL.
#[utoipa::path(post, path = "/document-insights/jobs/extract", operation_id = "createExtractJob", tag = "Document Insights",
    params(IdempotencyHeader),
    request_body = ExtractRequest,
    responses((status = 202, description = "Queued", body = Job)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let (source, wishes) = read(body.fields()?, api.settings.allow_http)?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    let hub = wishes.hub(&api, &caller).await?;
    let source = match source {
        Source::Url(url) => JobDocument::Url(url),
        Source::File(id) => {
            let stored = api.store.files().get(caller.org_id, id).await?;
            JobDocument::Existing(stored.ok_or_else(unknown_file)?)
        }
    };
    submit(&api, &caller, source, wishes, hub, (&key, fingerprint)).await
}

fn read(mut body: Fields, allow_http: bool) -> Result<(Source, Wishes)> {
    body.require("document");
    let source = body.object("document").and_then(|mut document| {
        let (has_file, has_url) = (document.has("fileId"), document.has("url"));
        let file_id = document.parsed::<FileId>("fileId");
        let url = document.text("url", 1..=limits::DOCUMENT_URL_CHARACTERS_MAX);
        if let Some(Err(issue)) = url.as_deref().map(|url| check_url(url, allow_http)) {
            document.wrong("url", issue);
        }
        if has_file == has_url {
            body.wrong("document", "must have exactly one of fileId and url");
        }
        body.absorb(document);
        file_id.map(Source::File).or(url.map(Source::Url))
    });
    let wishes = Wishes { hub_id: body.parsed("hubId"), metadata: body.texts("metadata") };
    body.note(wishes.check());
    body.finish()?;
    // Without a source something was noted above.
    let source = source.ok_or_else(|| domain::fault::Fault::field("document", "is required"))?;
    Ok((source, wishes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(text: &str) -> Vec<String> {
        let body = Body::parse(text.as_bytes()).and_then(Body::fields).unwrap();
        let Err(problem) = read(body, false) else { return Vec::new() };
        problem.0.details.into_iter().map(|detail| detail.field).collect()
    }

    #[test]
    fn a_request_names_exactly_one_document() {
        let file = r#""fileId":"file_01JBM7ZK3QW8Y4T9V2N6R5XCHD""#;
        assert!(issues(&format!(r#"{{"document":{{{file}}}}}"#)).is_empty());
        assert!(issues(r#"{"document":{"url":"https://example.com/a.pdf"}}"#).is_empty());
        assert_eq!(issues("{}"), ["document"]);
        assert_eq!(issues(r#"{"document":{}}"#), ["document"]);
        assert_eq!(
            issues(&format!(r#"{{"document":{{{file},"url":"https://example.com/a"}}}}"#)),
            ["document"]
        );
        assert_eq!(issues(r#"{"document":{"url":"http://example.com/a"}}"#), ["document.url"]);
        assert_eq!(issues(r#"{"document":{"fileId":"nope"}}"#), ["document.fileId"]);
        assert_eq!(
            issues(&format!(r#"{{"document":{{{file},"x":1}},"hubID":"y"}}"#)),
            ["document.x", "hubID"]
        );
    }

    #[test]
    fn metadata_is_short_texts() {
        let with = |metadata: &str| {
            issues(&format!(r#"{{"document":{{"url":"https://example.com/a"}},"metadata":{metadata}}}"#))
        };
        assert!(with(r#"{"a":"b"}"#).is_empty());
        assert_eq!(with(r#"{"a":1}"#), ["metadata.a"]);
        assert_eq!(with(r#"{"a":" "}"#), ["metadata.a"]);
        assert_eq!(with("[]"), ["metadata"]);
    }
}
