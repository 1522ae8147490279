//! `plextera keys`: API keys, made and revoked beside the server, on its database.

use super::SettingsArguments;
use crate::{
    bootstrap,
    client::ApiClient,
    system,
    terminal::{self, advise},
    wire,
};
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use domain::{
    id::KeyId,
    key::{ApiKey, KeyRecord, Scope},
    limits,
    org::Org,
};
use serde_json::Value;
use std::process::ExitCode;
use store::Store;
use url::Url;

const KEYS: &str = "/api/studio/v1/keys";

/// Create, list and revoke API keys
///
/// Works on the database that the settings name. An embedded database belongs to the server while it runs: then go
/// through that server with --api-url and a key of scope `studio`.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and show it, this one time
    Create(Create),
    /// List keys; the keys themselves are not kept and cannot be shown
    List(List),
    /// Make a key invalid, for ever
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What it may do
    #[arg(long = "scope", value_name = "SCOPE", value_enum, default_values_t = [GivenScope::Public])]
    scopes: Vec<GivenScope>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The key's id, as `plextera keys list` shows it
    #[arg(value_name = "KEY_ID")]
    id: KeyId,
    #[command(flatten)]
    place: Place,
}

/// Whose keys, and by which way.
#[derive(Debug, Args)]
struct Place {
    /// Go through the server at this address instead of its database
    #[arg(long, value_name = "URL", env = "PLEXTERA_API_URL", hide_env_values = true, requires = "api_key")]
    api_url: Option<Url>,
    /// A key of scope `studio`, for --api-url
    #[arg(long, value_name = "KEY", env = "PLEXTERA_API_KEY", hide_env_values = true, value_parser = api_key)]
    api_key: Option<ApiKey>,
    /// The organization's name, where the database is used
    #[arg(long, value_name = "NAME", default_value = bootstrap::ORGANIZATION)]
    org: String,
    #[command(flatten)]
    settings: SettingsArguments,
}

fn api_key(text: &str) -> Result<ApiKey, String> {
    ApiKey::parse(text).map_err(|error| error.to_string())
}

/// Where keys are made.
enum Keyring {
    Database(Store, Org),
    Server(ApiClient),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum GivenScope {
    /// The public API
    Public,
    /// The Studio API
    Studio,
}

impl Keys {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Create(create) => create.run().await,
            Action::List(list) => list.run().await,
            Action::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Place {
    async fn open(self) -> anyhow::Result<Keyring> {
        if let (Some(url), Some(key)) = (self.api_url, self.api_key) {
            return Ok(Keyring::Server(ApiClient::new(url, key)?));
        }
        let settings = self.settings.load(None)?.settings;
        let ctx = system::context();
        let store = wire::open_store(&settings, &ctx).await.map_err(|error| {
            match error.downcast_ref::<store::Error>() {
                Some(store::Error::Locked(_)) => advise(
                    error,
                    format!(
                        "an embedded database has one owner at a time: go through its server with --api-url \
                         http://{} --api-key <a key of scope studio>",
                        settings.listen
                    ),
                ),
                _ => error,
            }
        })?;
        let org = store.orgs().list().await?.into_iter().find(|org| org.name == self.org);
        let org = org.with_context(|| format!("there is no organization named `{}`", self.org));
        let org =
            org.map_err(|error| advise(error, "the first `plextera serve` on a database makes `default`"))?;
        Ok(Keyring::Database(store, org))
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let mut scopes: Vec<Scope> = self.scopes.iter().map(|scope| (*scope).into()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let (id, key) = match self.place.open().await? {
            Keyring::Server(server) => {
                let body = serde_json::json!({"name": self.name, "scopes": scopes});
                let made = server.post(KEYS, &body).await?;
                (cell(&made, "id"), cell(&made, "key"))
            }
            Keyring::Database(store, org) => {
                let ctx = system::context();
                let key = ApiKey::from_random(ctx.random());
                let (id, created_at) = (ctx.id(), ctx.now());
                let record =
                    KeyRecord { id, org_id: org.id, name: self.name, scopes, created_at, revoked_at: None };
                store.keys().insert(record, key.hash()).await?;
                (id.to_string(), key.reveal().to_owned())
            }
        };
        // The key alone on stdout, so that a script can take it.
        terminal::stdout().line(key)?;
        terminal::stderr().line(format_args!("{id}: shown this one time; only its hash is kept"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl From<GivenScope> for Scope {
    fn from(scope: GivenScope) -> Scope {
        match scope {
            GivenScope::Public => Scope::Public,
            GivenScope::Studio => Scope::Studio,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let keys = match self.place.open().await? {
            Keyring::Server(server) => listed(&server).await?,
            Keyring::Database(store, org) => {
                let keys = store.keys().list(org.id).await?;
                keys.iter().map(serde_json::to_value).collect::<Result<_, _>>()?
            }
        };
        let mut stdout = terminal::stdout();
        if self.json {
            stdout.line(serde_json::to_string_pretty(&keys)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = terminal::table(["id", "name", "scopes", "created", "revoked"]);
        for key in keys {
            table.add_row(["id", "name", "scopes", "createdAt", "revokedAt"].map(|name| cell(&key, name)));
        }
        stdout.table(&table)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// All pages of the server's list.
async fn listed(server: &ApiClient) -> anyhow::Result<Vec<Value>> {
    let mut keys = Vec::new();
    loop {
        let page = keys.len() / limits::PAGE_SIZE_MAX as usize;
        let answer = server.get(&format!("{KEYS}?page={page}&size={}", limits::PAGE_SIZE_MAX)).await?;
        let data = answer["data"].as_array().cloned().unwrap_or_default();
        let last = data.len() < limits::PAGE_SIZE_MAX as usize;
        keys.extend(data);
        if last {
            return Ok(keys);
        }
    }
}

/// A member of a key as text.
fn cell(key: &Value, name: &str) -> String {
    match &key[name] {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        _ => "-".to_owned(),
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<ExitCode> {
        match self.place.open().await? {
            Keyring::Server(server) => drop(server.delete(&format!("{KEYS}/{}", self.id)).await?),
            Keyring::Database(store, org) => {
                if !store.keys().revoke(org.id, self.id, system::context().now()).await? {
                    let error = anyhow::anyhow!("no key {} in the organization `{}`", self.id, org.name);
                    return Err(advise(error, "`plextera keys list` shows the ids"));
                }
            }
        }
        terminal::stderr().line(format_args!("{} is revoked", self.id))?;
        Ok(ExitCode::SUCCESS)
    }
}
