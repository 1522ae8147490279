//! The one place where settings become parts, and parts a node.

use crate::{
    metering::Render,
    settings::{ReaderSettings, Settings},
};
use anyhow::Context as _;
use api::{Api, Capability, RequestRate};
use domain::{context::Context, delivery::RetryPolicy, limits};
use engine::client::Policy;
use insights::read::Limits;
use std::{path::PathBuf, sync::Arc};
use store::{
    Database, Options, Store,
    blobs::{S3Options, Storage},
    db::PostgresUrl,
};
use zeroize::Zeroizing;

/// Opens what is kept, as the settings say.
pub async fn open_store(settings: &Settings, ctx: &Context) -> anyhow::Result<Store> {
    let options = Options {
        data_dir: settings.data_dir.clone(),
        database: database(settings),
        storage: storage(settings, variable)?,
        sealing_keys: settings.secrets_key.clone(),
    };
    Ok(Store::open(options, ctx.clone()).await?)
}

pub fn database(settings: &Settings) -> Database {
    match &settings.database_url {
        Some(url) => Database::Postgres(PostgresUrl::new(url.as_str())),
        None => Database::Sqlite,
    }
}

/// The object store; `None` for the data directory. Endpoint, region and credentials come from the variables that all
/// tools for S3 read.
pub fn storage(
    settings: &Settings,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<Storage>> {
    let Some(url) = &settings.storage_url else { return Ok(None) };
    let mut options = S3Options::from_url(url.as_str())?;
    options.endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
    options.region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    options.access_key_id = variable("AWS_ACCESS_KEY_ID");
    options.secret_access_key = variable("AWS_SECRET_ACCESS_KEY").map(Zeroizing::new);
    options.session_token = variable("AWS_SESSION_TOKEN").map(Zeroizing::new);
    if options.access_key_id.is_some() != options.secret_access_key.is_some() {
        anyhow::bail!(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together, and only one of them is set"
        );
    }
    Ok(Some(Storage::S3(options)))
}

/// A variable of this process; an empty one counts as absent.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What may be dialled: one rule for the API, which refuses early, and the engine, which decides.
pub fn policy(settings: &Settings) -> anyhow::Result<Policy> {
    let networks = settings.delivery.allowed_networks.iter().map(|network| network.parse());
    let allowed_networks = networks.collect::<Result<_, engine::client::InvalidNetwork>>()?;
    Ok(Policy { allow_http: settings.delivery.allow_http, allowed_networks })
}

/// `directory` is where documents lie while they are worked on.
pub fn engine_settings(settings: &Settings, directory: PathBuf) -> anyhow::Result<engine::Settings> {
    Ok(engine::Settings {
        workers: settings.workers.get(),
        worker_memory_bytes: settings.document.memory_bytes_max,
        document: Limits {
            pages_max: settings.document.pages_max,
            page_pixels_max: settings.document.pixels_max,
        },
        embedded_data: settings.document.embedded_data,
        second_reader: second_reader(settings)?,
        policy: policy(settings)?,
        retry: RetryPolicy {
            schedule: settings.delivery.retry_schedule.clone(),
            jitter: settings.delivery.jitter,
        },
        replay_per_second: settings.delivery.replay_per_second,
        delivery_kept: settings.delivery.kept,
        delivery_kept_count: settings.delivery.kept_count,
        signing_key_period: settings.delivery.signing_key_period,
        backlog_warning: settings.delivery.backlog_warning,
        delivery_timeout: settings.delivery.timeout,
        job_lease: settings.lease,
        delivery_lease: settings.lease,
        ..engine::Settings::new(program()?, directory)
    })
}

/// Who reads documents a second time.
fn second_reader(settings: &Settings) -> anyhow::Result<Option<engine::SecondReader>> {
    let Some(url) = settings.reader.url.clone() else { return Ok(None) };
    if settings.reader.model.is_empty() {
        anyhow::bail!(
            "reader.url is set and reader.model is not: name the model that the second reader is asked for"
        );
    }
    policy(settings)?.check_url(&url).map_err(|refused| {
        anyhow::anyhow!(
            "reader.url is not dialled: {refused}; delivery.allow_http and delivery.allowed_networks open plain http and \
             networks that are not public"
        )
    })?;
    let ReaderSettings { model, api_key, .. } = settings.reader.clone();
    Ok(Some(engine::SecondReader { url, model, api_key, timeout: limits::SECOND_READER_TIMEOUT }))
}

/// What the API works with; `metrics` where it is to serve them.
pub fn api(settings: &Settings, store: Store, ctx: &Context, metrics: Option<Render>) -> anyhow::Result<Api> {
    let policy = policy(settings)?;
    let api_settings = api::Settings {
        allow_http: policy.allow_http,
        may_dial: Arc::new(move |address| policy.check_address(address).is_ok()),
        ocr: Arc::new(|| match insights::read::ocr::status() {
            Ok(_) => Capability::Present,
            Err(error) => Capability::Missing(error.to_string()),
        }),
        metrics,
        request_rate: settings.requests_per_second.map(|rate| Arc::new(RequestRate::new(rate))),
    };
    Ok(Api { store, context: ctx.clone(), settings: Arc::new(api_settings) })
}

/// The path of this program, which starts itself again to read documents.
pub fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("the path of this program is not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_takes_the_usual_variables_and_both_halves_of_a_key() {
        let settings = Settings { storage_url: "s3://bucket/prefix".parse().ok(), ..Settings::default() };
        let variable = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:9000".to_owned()),
            "AWS_DEFAULT_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
            _ => None,
        };
        let Ok(Some(Storage::S3(options))) = storage(&settings, variable) else { panic!("not S3") };
        assert_eq!(options.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(options.region.as_deref(), Some("eu-central-1"));
        let half = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "x".to_owned());
        assert!(storage(&settings, half).is_err());
        assert!(matches!(storage(&Settings::default(), half), Ok(None)));
    }
}
