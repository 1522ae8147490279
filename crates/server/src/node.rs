//! One node: store, engine and API of one process, started and stopped together.

use crate::{bootstrap, metering::Render, settings::Settings, shutdown, wire};
use anyhow::Context as _;
use domain::{context::Context, key::ApiKey};
use engine::Engine;
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A running node.
pub struct Node {
    engine: Engine,
    api: api::Api,
    directory: PathBuf,
    /// The key that the first start made, which nobody else knows.
    pub first_key: Option<ApiKey>,
}

impl Node {
    /// Opens the store, fills it where it is empty, and begins to work on what is in it.
    pub async fn start(settings: &Settings, ctx: &Context, metrics: Option<Render>) -> anyhow::Result<Self> {
        let store = wire::open_store(settings, ctx).await?;
        let first_key = bootstrap::fill_if_empty(&store, settings, ctx).await?;
        // There before the first delivery; the engine looks after them from then on.
        store.signing_keys().tend(None, ctx.now()).await?;
        let directory = working_directory(settings)?;
        let engine_settings = wire::engine_settings(settings, directory.clone())?;
        let engine = Engine::start(store.clone(), engine_settings, ctx.clone())?;
        let api = wire::api(settings, store, ctx, metrics)?;
        Ok(Self { engine, api, directory, first_key })
    }

    /// Serves on `listener` until `shutdown`, then ends well: requests and work under way are finished, what takes
    /// longer is given back.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
        let stopping = shutdown.clone();
        let (engine, router) = (self.engine, api::router(self.api));
        let work = async move {
            stopping.cancelled().await;
            engine.shutdown().await;
        };
        let ended = async { tokio::join!(api::serve(listener, router, shutdown.clone()), work).0 };
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(shutdown::GRACE).await;
        };
        let ended = tokio::select! {
            served = ended => served.context("the address could not be served"),
            () = late => {
                tracing::warn!("what was still under way is left to the next start");
                Ok(())
            }
        };
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            tracing::debug!(%error, "the next start removes the working directory");
        }
        ended
    }
}

/// Where this process keeps documents while they are worked on. What processes that were killed left there is removed;
/// a data directory belongs to one machine, so their numbers tell.
fn working_directory(settings: &Settings) -> anyhow::Result<PathBuf> {
    let all = settings.data_dir.join("work");
    let mine = all.join(std::process::id().to_string());
    for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
        let path = entry.path();
        let alive = std::path::Path::new("/proc").join(entry.file_name()).exists();
        if (path == mine || !alive) && std::fs::remove_dir_all(&path).is_err() {
            tracing::warn!(path = %path.display(), "what an earlier process left cannot be removed");
        }
    }
    std::fs::create_dir_all(&mine).with_context(|| format!("cannot create {}", mine.display()))?;
    Ok(mine)
}
