//! `plextera verify`: does this saved delivery carry our signature?

use super::Usage;
use crate::{
    signatures::{self, Checks},
    system,
    terminal::{self, Style},
};
use anyhow::Context;
use clap::Args;
use domain::{retry::parse_duration, time::Timestamp};
use hyper::{HeaderMap, header::HeaderName};
use plextera_webhooks::Verifier;
use std::{io::Read, path::PathBuf, process::ExitCode, time::Duration};

/// Check the signatures of a saved delivery
///
/// The body must be the very bytes that arrived: a body that was parsed and printed again no longer matches. The age of
/// the delivery is told, and is a failure only with --max-age.
#[derive(Debug, Args)]
pub struct Verify {
    /// The subscription's signing secret
    #[arg(long, value_name = "SECRET", env = "PLEXTERA_SIGNING_SECRET", hide_env_values = true)]
    secret: String,
    /// File of the request's headers: `Name: value` lines, or a JSON object
    #[arg(long, value_name = "FILE")]
    headers: PathBuf,
    /// File of the raw body; `-` reads standard input
    body: PathBuf,
    /// Fail where the delivery was signed longer ago than this, as in 5m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_age: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a number and s, m, h or d, such as 5m".to_owned())
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = std::fs::read_to_string(&self.headers)
            .with_context(|| format!("cannot read the headers in {}", self.headers.display()))?;
        let headers =
            parse_headers(&text).map_err(|issue| Usage(format!("{}: {issue}", self.headers.display())))?;
        let body = read_body(&self.body)?;
        let Some(signed_at) = signatures::signed_at(&headers) else {
            return Err(Usage(format!(
                "{} holds neither X-Plextera-Signature nor webhook-signature",
                self.headers.display()
            ))
            .into());
        };
        let verifier = Verifier::new(&self.secret).any_age();
        let checks = signatures::check(&verifier, &headers, &body, signed_at);
        let age = system::context().now().since(signed_at);
        let fresh = self.max_age.is_none_or(|max_age| age <= max_age);
        self.print(&checks, signed_at, age, fresh)?;
        Ok(if checks.verdict.is_ok() && fresh { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn print(&self, checks: &Checks, signed_at: Timestamp, age: Duration, fresh: bool) -> anyhow::Result<()> {
        let mut stdout = terminal::stdout();
        for check in &checks.each {
            let result = match check.result {
                Some(Ok(())) => stdout.styled(Style::Good, "verified"),
                Some(Err(rejected)) => format!("{}: {rejected}", stdout.styled(Style::Bad, "rejected")),
                None => stdout.styled(Style::Dim, "not in the headers"),
            };
            stdout.line(format_args!("{:<21} {result}", check.header))?;
        }
        let verdict = if fresh { String::new() } else { stdout.styled(Style::Bad, ": too old") };
        stdout.line(format_args!("{:<21} {signed_at}, {} ago{verdict}", "signed", rough(age)))?;
        Ok(())
    }
}

/// A length of time in its largest unit.
fn rough(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn read_body(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::stdin().read_to_end(&mut body).context("cannot read the body from standard input")?;
        return Ok(body);
    }
    std::fs::read(path).with_context(|| format!("cannot read the body in {}", path.display()))
}

/// `Name: value` lines, a request line and what follows an empty line passed over; or a JSON object of texts.
fn parse_headers(text: &str) -> Result<HeaderMap, String> {
    let pairs: Vec<(String, String)> = if text.trim_start().starts_with('{') {
        let object: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| format!("not a JSON object of headers: {error}"))?;
        object.into_iter().filter_map(|(name, value)| Some((name, first_text(&value)?))).collect()
    } else {
        let head = text.lines().map(str::trim_end).take_while(|line| !line.is_empty());
        let pairs = head.filter_map(|line| line.split_once(':'));
        // `POST http://host/ HTTP/1.1` has a colon too; a header's name has no space.
        let named = pairs.filter(|(name, _)| !name.contains(' '));
        named.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is not a header's name"))?;
        headers.insert(name, value.parse().map_err(|_| "a header's value is not text".to_owned())?);
    }
    Ok(headers)
}

/// Frameworks save a header as a text or as a list of texts.
fn first_text(value: &serde_json::Value) -> Option<String> {
    let value = value.as_array().map_or(Some(value), |items| items.first())?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_as_lines_or_as_json() {
        let lines = "POST /hook HTTP/1.1\r\nHost: a\r\nX-Plextera-Signature: t=1,v1=00\r\n\r\n{\"a\": 1}";
        let json = r#"{"X-Plextera-Signature":["t=1,v1=00"],"host":"a"}"#;
        for text in [lines, json] {
            let headers = parse_headers(text).unwrap();
            assert_eq!(signatures::header(&headers, "x-plextera-signature"), "t=1,v1=00", "{text}");
            assert_eq!(headers.len(), 2, "{text}");
        }
        assert!(parse_headers("{oops").is_err());
    }

    #[test]
    fn ages_are_told_roughly() {
        for (seconds, text) in [(5, "5 s"), (600, "10 min"), (10_000, "2 h"), (900_000, "10 days")] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
    }
}
