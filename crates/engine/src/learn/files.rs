//! Sheets and models on this node's disk: a child reads files, and what was fetched once need not be fetched again.
//!
//! Both are named after what never changes: a sheet after its document, a model after its hub and version. So a file
//! that is there is right. Whatever was not touched for an hour goes when there is too much.

use domain::{
    hub::Hub,
    id::{HubId, OrgId},
    limits,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use store::{Store, learning::SheetKey};
use tempfile::NamedTempFile;

const UNTOUCHED: Duration = Duration::from_secs(3600);

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    directory: Arc<Path>,
}

/// What a document of a hub is to be read with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Learned {
    pub model: Option<PathBuf>,
    /// Fields less certain than this are recommended for review.
    pub threshold: Option<f64>,
}

impl Files {
    pub(crate) fn new(directory: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        Ok(Self { directory: directory.into() })
    }

    /// The model in use of a hub, and its threshold.
    pub(crate) async fn learned(&self, store: &Store, org_id: OrgId, hub: &Hub) -> store::Result<Learned> {
        let active = store.learning().active(org_id, hub.id).await?;
        let rate = hub.review.as_ref().map(|review| review.max_error_rate);
        let Some(active) = active else {
            return Ok(Learned { model: None, threshold: rate.map(|rate| 1.0 - rate) });
        };
        let threshold = rate.map(|rate| active.evaluation.review_threshold.unwrap_or(1.0 - rate));
        let model = self.model(store, org_id, hub.id, active.version).await?;
        Ok(Learned { model, threshold })
    }

    async fn model(
        &self,
        store: &Store,
        org_id: OrgId,
        hub_id: HubId,
        version: u32,
    ) -> store::Result<Option<PathBuf>> {
        let path = self.directory.join(format!("{hub_id}-{version}.model"));
        if tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Ok(Some(path));
        }
        let Some(content) = store.learning().content(org_id, hub_id, version).await? else { return Ok(None) };
        Ok(self.keep(&path, &content).inspect_err(complain).ok().map(|()| path))
    }

    /// A sheet as a file; none where it is gone.
    pub(crate) async fn sheet(
        &self,
        store: &Store,
        org_id: OrgId,
        key: SheetKey,
    ) -> store::Result<Option<PathBuf>> {
        let path = self.directory.join(format!("{key}.sheet"));
        if tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Ok(Some(path));
        }
        let Some(bytes) = store.blobs().read_sheet(org_id, key).await? else { return Ok(None) };
        Ok(self.keep(&path, &bytes).inspect_err(complain).ok().map(|()| path))
    }

    /// An empty file that a child may write to. It goes when it is dropped.
    pub(crate) fn blank(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.directory)
    }

    /// Writes a file whole or not at all.
    fn keep(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.blank()?;
        io::Write::write_all(&mut file, bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    /// Makes room where there is too much.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        let entries: Vec<_> = std::fs::read_dir(&self.directory)?.flatten().collect();
        let known: Vec<_> =
            entries.iter().filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).collect();
        let total: u64 = known.iter().map(|(_, metadata)| metadata.len()).sum();
        if total <= limits::LEARN_FILES_BYTES_MAX {
            return Ok(());
        }
        let oldest_kept = SystemTime::now() - UNTOUCHED;
        for (path, metadata) in known {
            if metadata.modified().is_ok_and(|at| at < oldest_kept) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// What a child wrote into a file, at most so many bytes.
pub(crate) fn written(file: &NamedTempFile, bytes_max: u64) -> io::Result<Vec<u8>> {
    let length = file.as_file().metadata()?.len();
    if length > bytes_max {
        return Err(io::Error::other(format!("{length} bytes are more than the {bytes_max} allowed")));
    }
    std::fs::read(file.path())
}

fn complain(error: &io::Error) {
    tracing::error!(%error, "what a hub learned cannot be written to this machine");
}
