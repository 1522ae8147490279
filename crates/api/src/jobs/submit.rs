//! What the two ways to submit a document share: the checks, the job as it begins, and its insertion.

use crate::{
    Api,
    auth::Caller,
    idempotency::{IdempotencyKey, Reply},
    problem::Result,
};
use axum::{http::StatusCode, response::Response};
use domain::{
    fault::{Detail, Fault},
    hub::Hub,
    id::{FileId, HubId},
    job::{Document, Job},
    metadata::{self, Metadata},
};
use store::{
    blobs::BlobKey,
    files::StoredFile,
    idempotency::Once,
    jobs::{JobDocument, JobInserted, NewJob},
    wake::Topic,
};

/// What a client asks for beside the document.
#[derive(Debug, Default)]
pub struct Wishes {
    pub hub_id: Option<HubId>,
    pub metadata: Option<Metadata>,
}

impl Wishes {
    /// What is wrong with the metadata, whatever way it came.
    pub fn check(&self) -> Vec<Detail> {
        self.metadata.as_ref().map(metadata::check).unwrap_or_default()
    }

    /// The hub that was asked for. Fails where the organization has no such hub or does not use it.
    pub async fn hub(&self, api: &Api, caller: &Caller) -> Result<Option<Hub>> {
        let Some(id) = self.hub_id else { return Ok(None) };
        let hub = api.store.hubs().get(caller.org_id, id).await?.filter(|hub| hub.enabled);
        let unknown = || Fault::field("hubId", "no enabled hub of this organization has this id");
        Ok(Some(hub.ok_or_else(unknown)?))
    }
}

/// The document as far as it is known.
pub fn document(source: &JobDocument, new_file_id: FileId) -> Document {
    match source {
        JobDocument::New(stored) | JobDocument::Existing(stored) => {
            let StoredFile { file, .. } = stored;
            Document {
                file_id: file.id,
                file_name: file.name.clone(),
                mime_type: Some(file.mime_type.clone()),
                size_bytes: Some(file.size_bytes),
                page_count: None,
            }
        }
        JobDocument::Url(url) => Document {
            file_id: new_file_id,
            file_name: name_in(url),
            mime_type: None,
            size_bytes: None,
            page_count: None,
        },
    }
}

/// The last segment of a URL's path.
fn name_in(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.next_back()).unwrap_or_default();
    domain::file::clean_name(&crate::upload::percent_decode(last))
}

/// Queues the job and answers 202, or gives the first answer to the same request.
pub async fn submit(
    api: &Api,
    caller: &Caller,
    source: JobDocument,
    wishes: Wishes,
    hub: Option<Hub>,
    (key, fingerprint): (&IdempotencyKey, [u8; 32]),
) -> Result<Response> {
    let now = api.context.now();
    let document = document(&source, api.context.id());
    let blob = BlobKey { org_id: caller.org_id, file_id: document.file_id };
    let is_new = matches!(source, JobDocument::New(_));
    let hub = hub.map(|hub| (hub.id, hub.name));
    let job = Job::queued(api.context.id(), document, hub, wishes.metadata, now);
    let reply = Reply::new(StatusCode::ACCEPTED, &job)?;
    let request = key.record(caller.org_id, &fingerprint, &reply);
    let new = NewJob { org_id: caller.org_id, job, document: source, request };
    let once = api.store.jobs().insert(new, now).await?;
    match &once {
        Once::First(JobInserted::Queued) => api.store.wake().hint(Topic::Jobs),
        Once::First(JobInserted::FileGone) => return Err(unknown_file().into()),
        Once::Replay(_) | Once::Mismatch if is_new => api.store.blobs().delete(blob).await?,
        Once::Replay(_) | Once::Mismatch => {}
    }
    reply.settle(once)
}

/// The answer where a job names a file that the organization does not have.
pub fn unknown_file() -> Fault {
    Fault::field("document.fileId", "no such file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_by_url_is_named_after_its_path() {
        assert_eq!(name_in("https://example.com/a/Rechnung%207.pdf?x=1"), "Rechnung 7.pdf");
        assert_eq!(name_in("https://example.com/"), "document");
        assert_eq!(name_in("https://example.com/a%2Fb.pdf"), "b.pdf");
    }
}
