//! Bringing a job's document to where a child can open it: a file of this machine.
//!
//! A stored document is copied out of the object store. One given by URL is fetched, and on the same way hashed, judged
//! by its first bytes and put into the object store, so that nothing is read twice and memory stays small.

use super::{Stop, rejected};
use crate::client::{Client, Download};
use domain::{
    file::File,
    job::{Failure, Outcome, Rejection},
    kind::{self, Kind},
    time::Timestamp,
};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::path::Path;
use store::{Store, blobs::BlobKey, files::StoredFile, jobs::ClaimedJob};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

/// A document on this machine. The file goes with it.
#[derive(Debug)]
pub(crate) struct Local {
    file: NamedTempFile,
    pub sha256: [u8; 32],
    /// Of a document that was fetched just now: the file that is still to get its row.
    pub fetched: Option<StoredFile>,
}

impl Local {
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Where documents come from and go to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shelf<'a> {
    pub store: &'a Store,
    pub client: &'a Client,
    pub directory: &'a Path,
}

impl Shelf<'_> {
    pub(super) async fn bring(&self, claimed: &ClaimedJob, now: Timestamp) -> Result<Local, Stop> {
        match (claimed.sha256, &claimed.source_url) {
            (Some(sha256), _) => self.copy(key(claimed), sha256).await,
            (None, Some(url)) => self.fetch(claimed, url, now).await,
            (None, None) => Err(missing()),
        }
    }

    /// Brings a stored document.
    pub(crate) async fn copy(&self, key: BlobKey, sha256: [u8; 32]) -> Result<Local, Stop> {
        let found = self.store.blobs().download(key, None).await?;
        let mut stream = found.ok_or_else(missing)?.stream;
        let (file, mut writer) = self.create().await?;
        while let Some(chunk) = stream.try_next().await? {
            writer.write_all(&chunk).await.map_err(no_room)?;
        }
        writer.flush().await.map_err(no_room)?;
        Ok(Local { file, sha256, fetched: None })
    }

    async fn fetch(&self, claimed: &ClaimedJob, url: &str, now: Timestamp) -> Result<Local, Stop> {
        let url = Url::parse(url).map_err(unreachable)?;
        let mut download = self.client.open_document(&url).await.map_err(unreachable)?;
        let (file, mut writer) = self.create().await?;
        let (sha256, size_bytes, kind) = self.receive(claimed, &mut download, &mut writer).await?;
        let stored = StoredFile {
            file: File {
                id: claimed.job.document.file_id,
                name: download.name,
                mime_type: kind.mime_type().to_owned(),
                size_bytes,
                created_at: now,
            },
            sha256,
        };
        Ok(Local { file, sha256, fetched: Some(stored) })
    }

    /// Takes the bytes to both places; their hash, number and kind.
    async fn receive(
        &self,
        claimed: &ClaimedJob,
        download: &mut Download,
        writer: &mut tokio::fs::File,
    ) -> Result<([u8; 32], u64, Kind), Stop> {
        let mut upload = self.store.blobs().upload(key(claimed));
        let mut hash = Sha256::new();
        let mut head = Vec::new();
        loop {
            let chunk = match download.next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(failure) => {
                    upload.abort().await?;
                    return Err(unreachable(failure));
                }
            };
            hash.update(&chunk);
            head.extend_from_slice(&chunk[..chunk.len().min(kind::HEAD_BYTES - head.len())]);
            upload.write(&chunk).await?;
            writer.write_all(&chunk).await.map_err(no_room)?;
        }
        writer.flush().await.map_err(no_room)?;
        let size_bytes = upload.finish().await?;
        Ok((hash.finalize().into(), size_bytes, kind::detect(&head, &download.name)))
    }

    async fn create(&self) -> Result<(NamedTempFile, tokio::fs::File), Stop> {
        let file = NamedTempFile::new_in(self.directory).map_err(no_room)?;
        let writer = tokio::fs::File::from_std(file.reopen().map_err(no_room)?);
        Ok((file, writer))
    }
}

fn key(claimed: &ClaimedJob) -> BlobKey {
    BlobKey { org_id: claimed.org_id, file_id: claimed.job.document.file_id }
}

fn missing() -> Stop {
    Stop::Ended(Outcome::Failed(Failure::ProcessingFailed, "the document's content is gone".to_owned()))
}

fn unreachable(reason: impl std::fmt::Display) -> Stop {
    rejected(Rejection::DocumentUnreachable, format!("the document could not be fetched: {reason}"))
}

fn no_room(error: std::io::Error) -> Stop {
    Stop::Back(format!("no temporary file could be written: {error}"))
}
