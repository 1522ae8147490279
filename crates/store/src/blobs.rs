//! The bytes of files: on disk by default, in an S3-compatible store by URL.
//!
//! Promises: a blob is there whole or not at all (an upload that is dropped or aborted leaves nothing to be read);
//! when `finish` returns, it survives a power cut; memory stays bounded whatever the size, because bytes stream in
//! parts and out in chunks; deleting what is not there succeeds. The conformance suite holds all back ends to this.

mod config;
mod upload;

pub use config::{S3Options, Storage};
pub use upload::Upload;

use crate::{
    error::{Error, Result},
    learning::SheetKey,
};
use bytes::Bytes;
use domain::{
    id::{FileId, OrgId},
    time::Timestamp,
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path};
use std::{ops::Range, sync::Arc};

/// The folder of an organization's sheets; no file's id is written so.
const SHEETS: &str = "sheets";

/// Where one blob is: every key names its organization first, so that a wrong one can be seen and erased by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobKey {
    pub org_id: OrgId,
    pub file_id: FileId,
}

/// The object store. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// A blob on its way out.
pub struct Download {
    /// Of the whole blob.
    pub size_bytes: u64,
    /// What of it the stream holds.
    pub range: Range<u64>,
    pub stream: BoxStream<'static, Result<Bytes>>,
}

/// A blob as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobEntry {
    pub key: BlobKey,
    pub modified_at: Timestamp,
}

impl Blobs {
    /// Opens the store that `storage` describes.
    pub fn open(storage: &Storage) -> Result<Self> {
        let (store, prefix) = config::build(storage)?;
        Ok(Self { store, prefix })
    }

    /// Begins an upload. Nothing can be read under `key` until it is finished.
    pub fn upload(&self, key: BlobKey) -> Upload {
        Upload::new(self.store.clone(), self.path(key))
    }

    /// Stores bytes that are in memory already.
    pub async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<()> {
        self.store.put(&self.path(key), bytes.into()).await.map(drop).map_err(error)
    }

    /// Streams a blob, or the part of it that `range` names (its end may lie beyond the blob's); `None` where there is
    /// no such blob.
    pub async fn download(&self, key: BlobKey, range: Option<Range<u64>>) -> Result<Option<Download>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.store.get_opts(&self.path(key), options).await {
            Ok(found) => Ok(Some(Download {
                size_bytes: found.meta.size,
                range: found.range.clone(),
                stream: found.into_stream().map_err(error).boxed(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(error(cause)),
        }
    }

    /// A whole blob in memory; `None` where there is none. For documents, whose size is limited.
    pub async fn read(&self, key: BlobKey) -> Result<Option<Bytes>> {
        match self.store.get(&self.path(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(error)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(error(cause)),
        }
    }

    /// Removes a blob; one that is not there counts as removed.
    pub async fn delete(&self, key: BlobKey) -> Result<()> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(error(cause)),
        }
    }

    /// Stores what learning keeps of a document. Sheets are blobs of their own kind, in a folder of their own.
    pub async fn put_sheet(&self, org_id: OrgId, sheet: SheetKey, bytes: Bytes) -> Result<()> {
        self.store.put(&self.sheet_path(org_id, sheet), bytes.into()).await.map(drop).map_err(error)
    }

    /// A sheet; `None` where there is none.
    pub async fn read_sheet(&self, org_id: OrgId, sheet: SheetKey) -> Result<Option<Bytes>> {
        match self.store.get(&self.sheet_path(org_id, sheet)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(error)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(error(cause)),
        }
    }

    /// Removes a sheet; one that is not there counts as removed.
    pub async fn delete_sheet(&self, org_id: OrgId, sheet: SheetKey) -> Result<()> {
        match self.store.delete(&self.sheet_path(org_id, sheet)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(error(cause)),
        }
    }

    /// Every sheet with the time at which it was stored, in no order.
    pub fn list_sheets(&self) -> BoxStream<'static, Result<(OrgId, SheetKey, Timestamp)>> {
        let depth = self.prefix.parts().count();
        let entries = self.store.list(Some(&self.prefix)).map_err(error);
        entries.try_filter_map(move |meta| async move { Ok(sheet_entry(&meta, depth)) }).boxed()
    }

    fn sheet_path(&self, org_id: OrgId, sheet: SheetKey) -> Path {
        self.prefix.clone().join(org_id.to_string()).join(SHEETS).join(sheet.to_string())
    }

    /// Every blob, in no order. Objects that are not blobs of this product are passed over.
    pub fn list(&self) -> BoxStream<'static, Result<BlobEntry>> {
        let depth = self.prefix.parts().count();
        let entries = self.store.list(Some(&self.prefix)).map_err(error);
        entries.try_filter_map(move |meta| async move { Ok(entry(&meta, depth)) }).boxed()
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<()> {
        match self.store.head(&self.prefix.clone().join("ping")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(error(cause)),
        }
    }

    fn path(&self, key: BlobKey) -> Path {
        self.prefix.clone().join(key.org_id.to_string()).join(key.file_id.to_string())
    }
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blobs({})", self.prefix)
    }
}

fn sheet_entry(meta: &object_store::ObjectMeta, depth: usize) -> Option<(OrgId, SheetKey, Timestamp)> {
    let mut parts = meta.location.parts().skip(depth);
    let org_id = parts.next()?.as_ref().parse().ok()?;
    let folder = parts.next()?;
    let sheet = parts.next()?.as_ref().parse().ok()?;
    let modified_at = Timestamp::from_ms(meta.last_modified.timestamp_millis());
    (folder.as_ref() == SHEETS).then_some((org_id, sheet, modified_at))
}

fn entry(meta: &object_store::ObjectMeta, depth: usize) -> Option<BlobEntry> {
    let mut parts = meta.location.parts().skip(depth);
    let org_id = parts.next()?.as_ref().parse().ok()?;
    let file_id = parts.next()?.as_ref().parse().ok()?;
    let modified_at = Timestamp::from_ms(meta.last_modified.timestamp_millis());
    Some(BlobEntry { key: BlobKey { org_id, file_id }, modified_at })
}

/// What an error of the object store means here. Its text may hold a URL, never a credential.
fn error(cause: object_store::Error) -> Error {
    match cause {
        object_store::Error::PermissionDenied { path, .. }
        | object_store::Error::Unauthenticated { path, .. } => {
            Error::Unavailable(format!("the object store refuses access to {path}"))
        }
        other => Error::Unavailable(other.to_string()),
    }
}
