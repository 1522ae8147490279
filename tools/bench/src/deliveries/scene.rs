//! A server with its tenants and subscriptions, on one engine, and what it costs.

use super::{Engine, peers::Receiver, seed::Seed};
use crate::machine;
use anyhow::{Context, Result, ensure};
use domain::id::OrgId;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, header::AUTHORIZATION};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use testkit::{
    postgres::{Durability, Server},
    program::Program,
};

/// An organization and its key.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub org_id: OrgId,
    pub key: String,
}

/// See the module. Dropping it stops the server and removes its data.
pub struct Scene {
    pub node: Program,
    pub tenants: Vec<Tenant>,
    /// Of tenant and number: the subscription's id.
    pub subscriptions: Vec<String>,
    http: reqwest::Client,
    database_url: Option<String>,
    postgres: Option<Server>,
}

/// CPU so far, of the server with its children and of the database's processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub node: Duration,
    pub database: Duration,
}

impl Cost {
    pub fn since(self, earlier: Self) -> Self {
        Self { node: self.node - earlier.node, database: self.database.saturating_sub(earlier.database) }
    }

    pub fn total(self) -> Duration {
        self.node + self.database
    }
}

impl Scene {
    /// A running server whose tenants have as many subscriptions each. `path` says where each of them points.
    pub async fn start(
        engine: Engine,
        binary: &Path,
        (tenants, subscriptions_each): (usize, usize),
        receiver: &Receiver,
        path: impl Fn(usize) -> String,
    ) -> Result<Self> {
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(tokio::task::spawn_blocking(|| Server::start(Durability::On)).await?),
        };
        // The database that initdb makes, so that nothing else has to.
        let database_url = postgres.as_ref().map(|server| format!("{}/postgres", server.url()));
        let mut variables = vec![("PLEXTERA_LOG__FILTER", "warn,engine::jobs=info")];
        variables.extend(database_url.as_deref().map(|url| ("PLEXTERA_DATABASE_URL", url)));
        let node = Program::new(binary, &variables)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut scene =
            Self { node, tenants: Vec::new(), subscriptions: Vec::new(), http, database_url, postgres };
        scene.tenants = scene.seed().await?.tenants(tenants).await?;
        scene.launch().await?;
        scene.subscribe(subscriptions_each, receiver, path).await?;
        Ok(scene)
    }

    async fn subscribe(
        &mut self,
        each: usize,
        receiver: &Receiver,
        path: impl Fn(usize) -> String,
    ) -> Result<()> {
        let all = (0..self.tenants.len()).flat_map(|tenant| (0..each).map(move |_| tenant)).enumerate();
        let wanted: Vec<(usize, String)> =
            all.map(|(number, tenant)| (tenant, receiver.url(&path(number)))).collect();
        let made = stream::iter(wanted).map(|(tenant, endpoint)| {
            let body = format!(
                r#"{{"endpointUrl":"{endpoint}","signingSecret":"for measuring","eventTypes":
                ["document-insights.job.rejected","document-insights.job.failed"]}}"#
            );
            let request = self.request(Method::POST, "/event-subscriptions", tenant);
            async move {
                let answer = request.header("Content-Type", "application/json").body(body).send().await?;
                let text = answer.error_for_status()?.text().await?;
                let id = text.split_once("\"id\":\"").and_then(|(_, rest)| rest.split('"').next());
                anyhow::Ok(id.context("an id")?.to_owned())
            }
        });
        self.subscriptions = made.buffered(32).try_collect().await?;
        Ok(())
    }

    /// A request below the public API's base with the key of a tenant.
    pub fn request(&self, method: Method, path: &str, tenant: usize) -> reqwest::RequestBuilder {
        let key = format!("api-key {}", self.tenants[tenant].key);
        let url = format!("{}/api/public/v1{path}", self.node.url());
        self.http.request(method, url).header(AUTHORIZATION, key)
    }

    pub async fn launch(&mut self) -> Result<()> {
        self.node.launch()?;
        self.node.ready().await.context("the server does not start")
    }

    /// Its store, while it does not run.
    pub async fn seed(&mut self) -> Result<Seed> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        self.node.kill()?;
        let seed = COUNT.fetch_add(1 << 32, Ordering::Relaxed);
        Seed::open(&self.node.data_dir(), self.database_url.as_deref(), seed).await
    }

    pub fn cost(&self) -> Result<Cost> {
        let database = self.postgres.as_ref().map(|server| machine::tree(server.pid())).transpose()?;
        let database = database.map(|(cpu, _)| cpu).unwrap_or_default();
        Ok(Cost { node: machine::tree(self.node.pid()?)?.0, database })
    }

    /// What the server has counted under this name, over all labels.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let text = self.http.get(format!("{}/metrics", self.node.url())).send().await?.text().await?;
        let series = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        Ok(series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// The `Authorization` lines of the tenants, for the generator.
    pub fn keys(&self) -> Result<tempfile::NamedTempFile> {
        let file = tempfile::NamedTempFile::new()?;
        let lines: String =
            self.tenants.iter().map(|tenant| format!("Authorization: api-key {}\n", tenant.key)).collect();
        std::fs::write(file.path(), lines)?;
        Ok(file)
    }

    /// Where the log ends now, so that only what comes after is read.
    pub fn log(&self) -> (PathBuf, u64) {
        let path = self.node.log_path();
        let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        (path, length)
    }

    pub fn address(&self) -> Result<std::net::SocketAddr> {
        let address = self.node.url();
        let address = address.strip_prefix("http://").context("a URL")?;
        address.parse().context("its address")
    }

    /// Fails where the server wrote of an error.
    pub fn check_log(&self) -> Result<()> {
        let log = std::fs::read_to_string(self.node.log_path())?;
        let bad = log.lines().find(|line| line.contains("ERROR"));
        ensure!(bad.is_none(), "the server is not well: {}", bad.unwrap_or_default());
        Ok(())
    }
}
