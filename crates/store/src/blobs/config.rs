//! Which object store, and with what credentials.

use crate::error::{Error, Result};
use object_store::{
    ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, memory::InMemory, path::Path,
};
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Where blobs are kept.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory: for tests.
    Memory,
    /// Below this folder, which is created if need be.
    Disk(PathBuf),
    S3(S3Options),
}

/// An S3-compatible store. Without an access key the platform's own ways are tried (instance or container role).
#[derive(Clone, Default)]
pub struct S3Options {
    pub bucket: String,
    /// What every key begins with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Of a store other than Amazon's. An `http://` endpoint is taken as it is.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Zeroizing<String>>,
    pub session_token: Option<Zeroizing<String>>,
}

impl S3Options {
    /// Reads `s3://bucket/prefix`.
    pub fn from_url(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains(['@', ':', '?', '#']) {
            return Err(Error::Config(
                "the storage URL must look like s3://bucket or s3://bucket/prefix".to_owned(),
            ));
        }
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self { bucket: bucket.to_owned(), prefix, ..Self::default() })
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = |secret: &Option<Zeroizing<String>>| secret.as_ref().map(|_| "…");
        f.debug_struct("S3Options")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id.as_ref().map(|_| "…"))
            .field("secret_access_key", &redacted(&self.secret_access_key))
            .field("session_token", &redacted(&self.session_token))
            .finish()
    }
}

/// How long a request to the object store is tried again before it counts as failed.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES_MAX: usize = 4;

pub(super) fn build(storage: &Storage) -> Result<(Arc<dyn ObjectStore>, Path)> {
    match storage {
        Storage::Memory => Ok((Arc::new(InMemory::new()), Path::from("files"))),
        Storage::Disk(folder) => {
            std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
            let disk =
                LocalFileSystem::new_with_prefix(folder).map_err(|cause| Error::Config(cause.to_string()))?;
            Ok((Arc::new(disk.with_fsync(true).with_automatic_cleanup(true)), Path::from("files")))
        }
        Storage::S3(options) => Ok((Arc::new(s3(options)?), prefix(&options.prefix)?)),
    }
}

fn prefix(text: &str) -> Result<Path> {
    let prefix = Path::parse(text).map_err(|cause| Error::Config(format!("the storage prefix: {cause}")))?;
    Ok(prefix.join("files"))
}

fn s3(options: &S3Options) -> Result<object_store::aws::AmazonS3> {
    let retry =
        RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_bucket_name(&options.bucket).with_retry(retry);
    builder = builder.with_region(options.region.as_deref().unwrap_or("us-east-1"));
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let (Some(id), Some(secret)) = (&options.access_key_id, &options.secret_access_key) {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret.as_str());
    }
    if let Some(token) = &options.session_token {
        builder = builder.with_token(token.as_str());
    }
    builder.build().map_err(|cause| Error::Config(format!("the object store: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_bucket_and_perhaps_a_prefix() {
        let options = S3Options::from_url("s3://bucket/a/b/").unwrap();
        assert_eq!((options.bucket.as_str(), options.prefix.as_str()), ("bucket", "a/b"));
        assert_eq!(S3Options::from_url("s3://bucket").unwrap().prefix, "");
        for url in ["", "s3://", "https://bucket", "s3://key:secret@bucket"] {
            assert!(S3Options::from_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let options = S3Options {
            access_key_id: Some("AKIDEXAMPLE".into()),
            secret_access_key: Some(Zeroizing::new("wJalrXUtnFEMI".into())),
            ..S3Options::from_url("s3://bucket").unwrap()
        };
        let shown = format!("{options:?} {:?}", Storage::S3(options.clone()));
        assert!(!shown.contains("AKIDEXAMPLE") && !shown.contains("wJalr"), "{shown}");
    }
}
