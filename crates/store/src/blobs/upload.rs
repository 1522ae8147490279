//! An upload: bytes go out in parts while they come in.
//!
//! A small blob is one atomic write. A larger one is a multipart upload, which the store shows only when it is
//! completed; dropping it unfinished (a client that goes away, a limit that is passed) aborts it.

use super::error;
use crate::error::Result;
use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, path::Path};
use std::sync::Arc;

/// The smallest part that S3 takes, and so the memory of one upload.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// A blob on its way in. Only [`Upload::finish`] makes it visible.
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    buffer: BytesMut,
    size_bytes: u64,
    multipart: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self { store, path, buffer: BytesMut::new(), size_bytes: 0, multipart: None }
    }

    /// Adds bytes; waits for the store whenever a part is full.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PART_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            self.size_bytes += now.len() as u64;
            rest = later;
            if self.buffer.len() == PART_BYTES {
                let part = self.buffer.split().freeze();
                self.send(part).await?;
            }
        }
        Ok(())
    }

    /// Makes the blob durable and visible; its size.
    pub async fn finish(mut self) -> Result<u64> {
        let last = self.buffer.split().freeze();
        if self.multipart.is_none() {
            self.store.put(&self.path, last.into()).await.map_err(error)?;
            return Ok(self.size_bytes);
        }
        if !last.is_empty() {
            self.send(last).await?;
        }
        if let Some(multipart) = &mut self.multipart {
            multipart.complete().await.map_err(error)?;
        }
        self.multipart = None;
        Ok(self.size_bytes)
    }

    /// Gives the upload up and waits until the store has forgotten it.
    pub async fn abort(mut self) -> Result<()> {
        match self.multipart.take() {
            Some(mut multipart) => multipart.abort().await.map_err(error),
            None => Ok(()),
        }
    }

    async fn send(&mut self, part: Bytes) -> Result<()> {
        if self.multipart.is_none() {
            self.multipart = Some(self.store.put_multipart(&self.path).await.map_err(error)?);
        }
        match &mut self.multipart {
            Some(multipart) => multipart.put_part(part.into()).await.map_err(error),
            None => Ok(()),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut multipart) = self.multipart.take() else { return };
        // Outside a runtime nothing can be sent; the store's own expiry of unfinished uploads is left.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(cause) = multipart.abort().await {
                    tracing::warn!(error = %cause, "an unfinished upload could not be aborted");
                }
            });
        }
    }
}
