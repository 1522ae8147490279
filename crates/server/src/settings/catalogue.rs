//! Every setting: its name, how its text is read, how it is shown. The one list that loading, printing, redaction and
//! the documentation go by.

use super::{LogFormat, Settings};
use domain::{
    key::ApiKey,
    retry::{format_duration, parse_duration},
};
use std::{fmt::Display, net::IpAddr, str::FromStr, time::Duration};
use url::Url;
use zeroize::Zeroizing;

/// One setting.
pub struct Setting {
    /// Dotted, as in `plextera.toml`.
    pub key: &'static str,
    /// Shown only as "set".
    pub secret: bool,
    pub help: &'static str,
    /// Reads a text; the error says what would be right, and never repeats a secret.
    pub set: fn(&mut Settings, &str) -> Result<(), String>,
    show: fn(&Settings) -> String,
}

impl Setting {
    /// The value for people: empty where it is absent, `(set)` for a secret.
    pub fn shown(&self, settings: &Settings) -> String {
        let text = (self.show)(settings);
        if self.secret && !text.is_empty() { "(set)".to_owned() } else { text }
    }

    /// `PLEXTERA_DELIVERY__TIMEOUT`.
    pub fn variable(&self) -> String {
        format!("PLEXTERA_{}", self.key.replace('.', "__").to_ascii_uppercase())
    }
}

macro_rules! settings {
    ($($key:literal $($secret:ident)?, $help:literal, $set:expr, $show:expr;)*) => {
        /// All settings, in the order in which they are shown.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: $key,
            secret: false $(|| stringify!($secret).len() > 0)?,
            help: $help,
            set: $set,
            show: $show,
        }),*];
    };
}

settings! {
    "data_dir", "where the database, the files and the key that seals secrets are kept",
        |s, text| { s.data_dir = text.into(); if text.is_empty() { Err("must name a directory".into()) } else { Ok(()) } },
        |s| s.data_dir.display().to_string();
    "listen", "address of the API; 0.0.0.0:8080 opens it to the network",
        |s, text| address(text).map(|address| s.listen = address), |s| s.listen.to_string();
    "database_url", "PostgreSQL instead of SQLite: postgres://user:password@host:5432/database",
        |s, text| scheme(text, &["postgres", "postgresql"]).map(|url| s.database_url = url),
        |s| s.database_url.as_ref().map(without_password).unwrap_or_default();
    "storage_url", "an S3-compatible store instead of the data directory: s3://bucket/prefix",
        |s, text| scheme(text, &["s3"]).map(|url| s.storage_url = url), |s| shown(s.storage_url.as_ref());
    "bootstrap_api_key" secret, "the first API key of an empty database",
        |s, text| absent_or(text, |text| ApiKey::parse(text).map_err(|error| error.to_string()))
            .map(|key| s.bootstrap_api_key = key),
        |s| s.bootstrap_api_key.as_ref().map(|key| key.reveal().to_owned()).unwrap_or_default();
    "secrets_key" secret, "32 bytes in base64 that seal signing secrets, older ones after commas; else a file in data_dir",
        |s, text| { s.secrets_key = list(text).map(Zeroizing::new).collect(); Ok(()) },
        |s| if s.secrets_key.is_empty() { String::new() } else { "set".into() };
    "metrics_listen", "address of /metrics alone; else it is on the address of the API",
        |s, text| absent_or(text, address).map(|address| s.metrics_listen = address), |s| shown(s.metrics_listen);
    "requests_per_second", "requests that one API key may make to a node in a second; unlimited where it is empty",
        |s, text| absent_or(text, number).map(|rate| s.requests_per_second = rate),
        |s| shown(s.requests_per_second);
    "log.format", "text or json",
        |s, text| log_format(text).map(|format| s.log_format = format),
        |s| match s.log_format { LogFormat::Text => "text".into(), LogFormat::Json => "json".into() };
    "log.filter", "what is logged: error, warn, info, debug, trace, or per module as in info,engine=debug",
        |s, text| { s.log_filter = text.to_owned(); Ok(()) }, |s| s.log_filter.clone();
    "workers", "documents worked on at once; by default one per processor",
        |s, text| number(text).map(|count| s.workers = count), |s| s.workers.to_string();
    "lease", "how long the work of a node that died lies idle, before another node takes it up",
        |s, text| lease(text).map(|lease| s.lease = lease), |s| format_duration(s.lease);
    "document.pages_max", "a document with more pages is REJECTED",
        |s, text| number(text).map(|count| s.document.pages_max = count), |s| s.document.pages_max.to_string();
    "document.pixels_max", "pixels of one page or image",
        |s, text| number(text).map(|count| s.document.pixels_max = count), |s| s.document.pixels_max.to_string();
    "document.memory_bytes_max", "address space of a process that reads documents",
        |s, text| number(text).map(|bytes| s.document.memory_bytes_max = bytes),
        |s| s.document.memory_bytes_max.to_string();
    "document.embedded_data", "an invoice attached to a document as data (Factur-X, ZUGFeRD) is a source of values",
        |s, text| boolean(text).map(|taken| s.document.embedded_data = taken),
        |s| s.document.embedded_data.to_string();
    "reader.url", "a second reader that speaks the OpenAI protocol, as in https://host/v1; documents' texts are sent to it",
        |s, text| scheme(text, &["https", "http"]).map(|url| s.reader.url = url),
        |s| s.reader.url.as_ref().map(without_password).unwrap_or_default();
    "reader.model", "the model that the second reader is asked for",
        |s, text| { s.reader.model = text.to_owned(); Ok(()) }, |s| s.reader.model.clone();
    "reader.api_key" secret, "the second reader's key",
        |s, text| absent_or(text, |text| Ok(Zeroizing::new(text.to_owned()))).map(|key| s.reader.api_key = key),
        |s| if s.reader.api_key.is_some() { "set".into() } else { String::new() };
    "delivery.retry_schedule", "waits between the attempts at one delivery, joined by commas",
        |s, text| text.parse().map(|schedule| s.delivery.retry_schedule = schedule)
            .map_err(|error: domain::retry::InvalidSchedule| error.to_string()),
        |s| s.delivery.retry_schedule.to_string();
    "delivery.timeout", "how long one attempt may take, to the end of the answer",
        |s, text| timeout(text).map(|wait| s.delivery.timeout = wait), |s| format_duration(s.delivery.timeout);
    "delivery.jitter", "share, between 0 and 1, by which each wait varies",
        |s, text| jitter(text).map(|share| s.delivery.jitter = share), |s| s.delivery.jitter.to_string();
    "delivery.replay_per_second", "deliveries that the replays of one subscription put in line in a second",
        |s, text| number(text).map(|number| s.delivery.replay_per_second = number),
        |s| s.delivery.replay_per_second.to_string();
    "delivery.kept", "how long deliveries that have ended, their attempts and events are kept",
        |s, text| kept(text).map(|kept| s.delivery.kept = kept), |s| format_duration(s.delivery.kept);
    "delivery.kept_count", "how many deliveries of each subscription are kept, the newest",
        |s, text| number(text).map(|count| s.delivery.kept_count = count), |s| s.delivery.kept_count.to_string();
    "delivery.signing_key_period", "how long a key pair signs deliveries until the next one does; for ever where it is empty",
        |s, text| absent_or(text, kept).map(|period| s.delivery.signing_key_period = period),
        |s| s.delivery.signing_key_period.map(format_duration).unwrap_or_default();
    "delivery.backlog_warning", "waiting deliveries that are worth a warning in the log",
        |s, text| number(text).map(|count| s.delivery.backlog_warning = count),
        |s| s.delivery.backlog_warning.to_string();
    "delivery.allow_http", "endpoints and document URLs may be plain http",
        |s, text| boolean(text).map(|allowed| s.delivery.allow_http = allowed), |s| s.delivery.allow_http.to_string();
    "delivery.allowed_networks", "networks that are not public and may be dialled all the same, as in 10.0.0.0/8,fd00::/8",
        |s, text| networks(text).map(|networks| s.delivery.allowed_networks = networks),
        |s| s.delivery.allowed_networks.join(",");
}

fn shown<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn list(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// The empty text switches an optional setting off.
fn absent_or<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn address<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address and a port, such as 127.0.0.1:8080 or [::1]:8080"))
}

/// A number that is not zero.
fn number<T: FromStr>(text: &str) -> Result<T, String> {
    let zero = text.bytes().all(|byte| byte == b'0');
    let value = text.parse().ok().filter(|_| !zero);
    value.ok_or_else(|| format!("`{text}` is not a whole number above zero that fits"))
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("`{text}` is neither true nor false"))
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is neither text nor json")),
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    let longest = domain::limits::DELIVERY_TIMEOUT_MAX;
    let timeout = parse_duration(text).filter(|timeout| !timeout.is_zero() && *timeout <= longest);
    timeout
        .ok_or_else(|| format!("`{text}` is not a duration up to {}, such as 15s", format_duration(longest)))
}

fn lease(text: &str) -> Result<Duration, String> {
    let (shortest, longest) = (domain::limits::LEASE_MIN, domain::limits::LEASE_MAX);
    let lease = parse_duration(text).filter(|lease| (shortest..=longest).contains(lease));
    lease.ok_or_else(|| {
        let (shortest, longest) = (format_duration(shortest), format_duration(longest));
        format!("`{text}` is not a duration from {shortest} to {longest}, such as 30s")
    })
}

fn kept(text: &str) -> Result<Duration, String> {
    let kept = parse_duration(text).filter(|kept| !kept.is_zero());
    kept.ok_or_else(|| format!("`{text}` is not a duration up to a year, such as 90d"))
}

fn jitter(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("`{text}` is not a number between 0 and 1"))
}

fn networks(text: &str) -> Result<Vec<String>, String> {
    let network = |part: String| {
        let (address, prefix) = part.split_once('/').map_or((part.as_str(), None), |(a, p)| (a, Some(p)));
        let length = address.parse::<IpAddr>().ok().map(|address| if address.is_ipv4() { 32 } else { 128 });
        let fits =
            |length: u8| prefix.is_none_or(|prefix| prefix.parse().is_ok_and(|bits: u8| bits <= length));
        if length.is_some_and(fits) {
            Ok(part)
        } else {
            Err(format!("`{part}` is not a network such as 10.0.0.0/8"))
        }
    };
    list(text).map(network).collect()
}

fn scheme(text: &str, schemes: &[&str]) -> Result<Option<Url>, String> {
    absent_or(text, |text| {
        let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
        url.ok_or_else(|| format!("must be a URL that begins with {}://", schemes[0]))
    })
}

fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Only a URL without a host refuses a password, and `scheme` lets none of these in.
        let _ = shown.set_password(Some("REDACTED"));
    }
    // The driver also takes a password as a parameter.
    let names_password = shown.query_pairs().any(|(name, _)| name == "password");
    if names_password {
        shown.set_query(Some("REDACTED"));
    }
    shown.to_string()
}
