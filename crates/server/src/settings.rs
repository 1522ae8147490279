//! What an operator can set, and where each value came from.
//!
//! A setting has one name, `delivery.retry_schedule`, in all places: `--set delivery.retry_schedule=1s,2s`, then
//! `PLEXTERA_DELIVERY__RETRY_SCHEDULE`, then `plextera.toml`; the first that speaks wins. A name nobody knows is an
//! error that names the nearest known one, because a setting that is silently ignored is worse than none; in the
//! environment, which is shared, it is a warning. Secrets are never shown: neither by `Debug` nor by `config print`.

mod catalogue;
mod layers;

pub use catalogue::{SETTINGS, Setting};
pub use layers::{Environment, Origin, Sources, Unusable};

use domain::{key::ApiKey, limits, retry::RetrySchedule};
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};
use url::Url;
use zeroize::Zeroizing;

/// The effective settings.
#[derive(Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// PostgreSQL; SQLite in the data directory where it is absent.
    pub database_url: Option<Url>,
    /// `s3://bucket/prefix`; the data directory where it is absent.
    pub storage_url: Option<Url>,
    pub bootstrap_api_key: Option<ApiKey>,
    /// The newest first; a file in the data directory where there is none.
    pub secrets_key: Vec<Zeroizing<String>>,
    pub metrics_listen: Option<SocketAddr>,
    /// Of one API key; as many as it likes where it is absent.
    pub requests_per_second: Option<NonZeroU32>,
    pub log_format: LogFormat,
    pub log_filter: String,
    /// Documents worked on at once.
    pub workers: NonZeroUsize,
    /// Of what a node works on.
    pub lease: Duration,
    pub document: DocumentSettings,
    pub reader: ReaderSettings,
    pub delivery: DeliverySettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Limits of one document.
#[derive(Debug, Clone)]
pub struct DocumentSettings {
    pub pages_max: u32,
    pub pixels_max: u64,
    /// Address space of the process that reads it.
    pub memory_bytes_max: u64,
    /// Whether an invoice attached as data is a source of values.
    pub embedded_data: bool,
}

/// The second reader; none where it has no URL.
#[derive(Clone, Default)]
pub struct ReaderSettings {
    pub url: Option<Url>,
    pub model: String,
    pub api_key: Option<Zeroizing<String>>,
}

#[derive(Debug, Clone)]
pub struct DeliverySettings {
    pub retry_schedule: RetrySchedule,
    pub timeout: Duration,
    /// In `[0, 1]`: each wait is the scheduled one times `1 ± jitter`.
    pub jitter: f64,
    pub replay_per_second: u32,
    pub kept: Duration,
    pub kept_count: u64,
    /// For ever where it is absent.
    pub signing_key_period: Option<Duration>,
    pub backlog_warning: u64,
    pub allow_http: bool,
    /// Networks that endpoints and document URLs may lie in although they are not public, in CIDR form.
    pub allowed_networks: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            data_dir: PathBuf::from("plextera-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: None,
            storage_url: None,
            bootstrap_api_key: None,
            secrets_key: Vec::new(),
            metrics_listen: None,
            requests_per_second: None,
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            workers: cores,
            lease: limits::JOB_LEASE,
            document: DocumentSettings {
                pages_max: limits::DOCUMENT_PAGES_MAX,
                pixels_max: limits::PAGE_PIXELS_MAX,
                memory_bytes_max: limits::WORKER_MEMORY_BYTES_MAX,
                embedded_data: true,
            },
            reader: ReaderSettings::default(),
            delivery: DeliverySettings {
                retry_schedule: RetrySchedule::default(),
                timeout: limits::DELIVERY_TIMEOUT,
                jitter: 0.2,
                replay_per_second: limits::REPLAY_PER_SECOND,
                kept: limits::DELIVERY_KEPT,
                kept_count: limits::DELIVERY_KEPT_COUNT,
                signing_key_period: Some(limits::SIGNING_KEY_PERIOD),
                backlog_warning: limits::DELIVERY_BACKLOG_WARNING,
                allow_http: false,
                allowed_networks: Vec::new(),
            },
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(SETTINGS.iter().map(|setting| (setting.key, setting.shown(self)))).finish()
    }
}

/// Settings and the place that each of them was read from; what is absent has its default.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    pub origins: BTreeMap<&'static str, Origin>,
    /// Variables that look like settings and are none, each with what it may have meant.
    pub ignored: Vec<Unusable>,
}

impl Settings {
    /// Reads all sources.
    ///
    /// Errors name the source, the setting and what would be right.
    pub fn load(sources: &Sources) -> Result<Loaded, Unusable> {
        let mut settings = Settings::default();
        let mut origins = BTreeMap::new();
        let (winners, ignored) = layers::winners(sources)?;
        for (setting, given) in winners {
            (setting.set)(&mut settings, &given.text)
                .map_err(|issue| Unusable::value(&given, setting, issue))?;
            origins.insert(setting.key, given.origin);
        }
        Ok(Loaded { settings, origins, ignored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: Option<&str>,
        variables: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Loaded, Unusable> {
        Settings::load(&Sources {
            flags: flags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            environment: Environment::of(variables),
            file: file.map(|text| (PathBuf::from("plextera.toml"), text.to_owned())),
        })
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\nworkers = 3\n[delivery]\ntimeout = \"1s\"\nretry_schedule = [\"1s\", \"2s\"]";
        let variables = [("PLEXTERA_LISTEN", "127.0.0.1:2"), ("PLEXTERA_DELIVERY__TIMEOUT", "2s")];
        let loaded = load(Some(file), &variables, &[("listen", "127.0.0.1:3")]).unwrap();
        assert_eq!(loaded.settings.listen.port(), 3);
        assert_eq!(loaded.settings.delivery.timeout, Duration::from_secs(2));
        assert_eq!(loaded.settings.delivery.retry_schedule.to_string(), "1s,2s");
        assert_eq!(loaded.settings.workers.get(), 3);
        assert_eq!(loaded.origins["listen"].to_string(), "--listen");
        assert_eq!(loaded.origins["delivery.timeout"].to_string(), "PLEXTERA_DELIVERY__TIMEOUT");
        assert_eq!(loaded.origins["workers"].to_string(), "plextera.toml");
        assert!(!loaded.origins.contains_key("data_dir"));
    }

    #[test]
    fn what_the_contract_names_is_read() {
        let variables = [
            ("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "1s,1s,2s"),
            ("PLEXTERA_DELIVERY__JITTER", "0"),
            ("PLEXTERA_DELIVERY__ALLOW_HTTP", "true"),
            ("PLEXTERA_DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8,::1/128"),
            ("PLEXTERA_DATABASE_URL", "postgres://user:hunter2@db/plextera"),
            ("PLEXTERA_STORAGE_URL", "s3://bucket/prefix"),
            ("PLEXTERA_METRICS_LISTEN", "127.0.0.1:9090"),
            ("HOME", "/root"),
        ];
        let settings = load(None, &variables, &[]).unwrap().settings;
        assert!(settings.delivery.allow_http);
        assert_eq!(settings.delivery.allowed_networks, ["127.0.0.0/8", "::1/128"]);
        assert_eq!(settings.metrics_listen.map(|address| address.port()), Some(9090));
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest_known_one() {
        let error = load(Some("[delivery]\nalow_http = true"), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("delivery.alow_http") && error.contains("`delivery.allow_http`"), "{error}");
        let error = load(None, &[], &[("lisen", "x")]).unwrap_err().to_string();
        assert!(error.contains("`listen`"), "{error}");
    }

    #[test]
    fn unknown_variables_are_told_and_not_refused() {
        let variables = [("PLEXTERA_DELIVERY__RETRY_SHEDULE", "1s"), ("PLEXTERA_ZZZZZZZZZZZZ", "1")];
        let told: Vec<String> =
            load(None, &variables, &[]).unwrap().ignored.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("PLEXTERA_DELIVERY__RETRY_SHEDULE"), "{told:?}");
        assert!(told[0].contains("`PLEXTERA_DELIVERY__RETRY_SCHEDULE`"), "{told:?}");
        assert!(told[1].contains("plextera config print"), "{told:?}");
    }

    #[test]
    fn variables_of_other_commands_are_no_settings() {
        assert!(load(None, &[("PLEXTERA_API_KEY", "x"), ("PLEXTERA_SIGNING_SECRET", "y")], &[]).is_ok());
    }

    #[test]
    fn wrong_values_name_their_place_and_never_show_a_secret() {
        let error = load(None, &[("PLEXTERA_DELIVERY__JITTER", "2")], &[]).unwrap_err().to_string();
        assert!(error.contains("PLEXTERA_DELIVERY__JITTER") && error.contains("between 0 and 1"), "{error}");
        let error = load(Some("workers = 0"), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("plextera.toml") && error.contains("workers"), "{error}");
        let error =
            load(None, &[("PLEXTERA_BOOTSTRAP_API_KEY", "sk_live_hunter2")], &[]).unwrap_err().to_string();
        assert!(error.contains("43 characters") && !error.contains("hunter2"), "{error}");
        let error = load(Some("workers = "), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("plextera.toml") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn defaults_are_what_the_catalogue_shows_and_read_back() {
        let mut settings = Settings::default();
        for setting in SETTINGS.iter().filter(|setting| !setting.secret) {
            let shown = setting.shown(&settings);
            if !shown.is_empty() {
                (setting.set)(&mut settings, &shown)
                    .unwrap_or_else(|issue| panic!("{}: {issue}", setting.key));
                assert_eq!(setting.shown(&settings), shown, "{}", setting.key);
            }
        }
    }

    #[test]
    fn every_setting_is_documented_as_it_is() {
        let text = include_str!("../../../docs/configuration.md");
        for setting in SETTINGS {
            let default = match (setting.key, setting.shown(&Settings::default())) {
                ("workers", _) => "processors".to_owned(),
                (_, empty) if empty.is_empty() => String::new(),
                (_, value) => format!("`{value}`"),
            };
            let row =
                format!("| `{}` | `{}` | {default} | {} |", setting.key, setting.variable(), setting.help);
            assert!(text.contains(&row), "docs/configuration.md lacks this row:\n{row}");
        }
    }
}
