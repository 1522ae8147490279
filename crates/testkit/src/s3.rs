//! An S3-compatible store in this process, on loopback, that checks the signature of every request.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use store::blobs::S3Options;
use tokio::{net::TcpListener, task::JoinHandle};

const BUCKET: &str = "bucket";
const ACCESS_KEY_ID: &str = "AKIATEST";
const SECRET_ACCESS_KEY: &str = "a secret that only tests know";

/// A running store with one empty bucket; dropping it stops it and removes its data.
pub struct S3 {
    endpoint: String,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl S3 {
    /// Starts a store on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a file system"));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let connection = Builder::new(TokioExecutor::new());
                    // A client that goes away is no concern of the store's.
                    drop(connection.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { endpoint, task, _folder: folder }
    }

    /// How to reach it with the right credentials, below `prefix`.
    pub fn options(&self, prefix: &str) -> S3Options {
        S3Options {
            bucket: BUCKET.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".to_owned()),
            access_key_id: Some(ACCESS_KEY_ID.to_owned()),
            secret_access_key: Some(SECRET_ACCESS_KEY.to_owned().into()),
            session_token: None,
        }
    }

    /// The same with a secret that it does not know.
    pub fn options_with_wrong_secret(&self) -> S3Options {
        S3Options { secret_access_key: Some("another secret".to_owned().into()), ..self.options("") }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}
