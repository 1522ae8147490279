//! `plextera listen`: an endpoint on your own machine that prints and verifies what arrives.

use crate::{
    receiver::{Received, Receiver},
    signatures, system,
    terminal::{self, Style, advise},
};
use anyhow::Context;
use clap::Args;
use hyper::{StatusCode, header};
use plextera_webhooks::Verifier;
use std::{io::Stdout, net::SocketAddr, process::ExitCode, time::Duration};
use url::Url;

/// Receive deliveries on this machine, print and verify them
///
/// Answers 204 to what verifies, 401 to what does not; with --forward-to it passes each request on and answers what
/// that endpoint answers.
#[derive(Debug, Args)]
pub struct Listen {
    /// The subscription's signing secret; without it nothing is verified
    #[arg(long, value_name = "SECRET", env = "PLEXTERA_SIGNING_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Pass each request on to this URL, headers and bytes unchanged
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
    /// Print all headers
    #[arg(long)]
    headers: bool,
    /// End after this many deliveries
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

const FORWARD_TIMEOUT: Duration = Duration::from_secs(15);

impl Listen {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut receiver = Receiver::bind(address).await.map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("cannot listen on {address}"));
            advise(error, "choose another port with --port, or --port 0 for a free one")
        })?;
        // The redirect of a forwarded request is the platform's to see.
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(FORWARD_TIMEOUT);
        let client = client.build().context("the HTTP client could not be built")?;
        self.greet(receiver.address)?;
        let mut left = self.count;
        while left != Some(0) {
            let received = tokio::select! {
                received = receiver.next() => received,
                _ = tokio::signal::ctrl_c() => None,
            };
            let Some(received) = received else { break };
            self.handle(received, &client).await?;
            left = left.map(|left| left - 1);
        }
        receiver.finish().await;
        Ok(ExitCode::SUCCESS)
    }

    fn greet(&self, address: SocketAddr) -> anyhow::Result<()> {
        let mut stderr = terminal::stderr();
        stderr.line(format_args!("listening on http://{address}/, ends with Ctrl-C"))?;
        if self.secret.is_none() {
            stderr.line("signatures are not checked: give the subscription's secret with --secret")?;
        }
        stderr.line(
            "a server on this machine delivers here when started with PLEXTERA_DELIVERY__ALLOW_HTTP=true and \
             PLEXTERA_DELIVERY__ALLOWED_NETWORKS=127.0.0.0/8",
        )?;
        Ok(())
    }

    async fn handle(&self, received: Received, client: &reqwest::Client) -> anyhow::Result<()> {
        let mut stdout = terminal::stdout();
        let verified = self.print(&mut stdout, &received)?;
        let Some(target) = &self.forward_to else {
            received.answer(if verified { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }, "");
            return Ok(());
        };
        let mut headers = received.headers.clone();
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let request = client.request(received.method.clone(), target.clone()).headers(headers);
        let answer = async {
            let response = request.body(received.body.clone()).send().await?;
            anyhow::Ok((response.status(), response.bytes().await?))
        };
        match answer.await {
            Ok((status, body)) => {
                stdout.line(format_args!("forwarded to {target}: {status}"))?;
                received.answer(status, body);
            }
            Err(error) => {
                let failed = stdout.styled(Style::Bad, "not forwarded");
                stdout.line(format_args!("{failed}: {error:#}"))?;
                received.answer(StatusCode::BAD_GATEWAY, "");
            }
        }
        Ok(())
    }

    /// Prints a delivery; `false` where its signature does not hold.
    fn print(&self, stdout: &mut terminal::Terminal<Stdout>, received: &Received) -> anyhow::Result<bool> {
        let header = |name| signatures::header(&received.headers, name);
        let event_type = header(signatures::EVENT_TYPE);
        let what = if event_type.is_empty() { "not a delivery" } else { event_type };
        let what = stdout.styled(Style::Bold, what);
        stdout.line(format_args!("\n{} {} {what}", received.method, received.path))?;
        for (label, name) in [
            ("event", signatures::EVENT_ID),
            ("delivery", signatures::DELIVERY_ID),
            ("sequence", signatures::SEQUENCE),
        ] {
            if !header(name).is_empty() {
                stdout.line(format_args!("{label:<10} {}", header(name)))?;
            }
        }
        let checks = self.secret.as_ref().map(|secret| {
            let verifier = Verifier::new(secret);
            signatures::check(&verifier, &received.headers, &received.body, system::context().now())
        });
        match &checks {
            None => stdout.line(format_args!("{:<10} not checked", "signature"))?,
            Some(checks) if checks.verdict.is_ok() => {
                let verified = stdout.styled(Style::Good, "signature verified");
                stdout.line(verified)?;
            }
            Some(checks) => {
                let issues =
                    checks.each.iter().filter_map(|check| Some((check.header, check.result?.err()?)));
                let issues: Vec<String> =
                    issues.map(|(header, issue)| format!("{header}: {issue}")).collect();
                let rejected = stdout.styled(Style::Bad, "signature rejected");
                let issues = if issues.is_empty() { "there is none".to_owned() } else { issues.join("; ") };
                stdout.line(format_args!("{rejected}: {issues}"))?;
            }
        }
        if self.headers {
            for (name, value) in &received.headers {
                let name = stdout.styled(Style::Dim, name);
                stdout.line(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))?;
            }
        }
        stdout.line(pretty(&received.body))?;
        Ok(checks.is_none_or(|checks| checks.verdict.is_ok()))
    }
}

/// The body as it is best read; bytes that are not text are only counted.
fn pretty(body: &[u8]) -> String {
    if let Ok(json) = serde_json::from_slice::<&serde_json::value::RawValue>(body) {
        return indented(json.get());
    }
    std::str::from_utf8(body).map_or_else(|_| format!("{} bytes, not text", body.len()), str::to_owned)
}

/// Valid JSON with a line per entry, in the order in which it came (a parsed object would be sorted).
fn indented(json: &str) -> String {
    let (mut text, mut depth, mut inside, mut escaped) = (String::new(), 0usize, false, false);
    let mut characters = json.chars().filter(|c| *c != '\r').peekable();
    while let Some(c) = characters.next() {
        if inside {
            text.push(c);
            inside = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                text.push(c);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if !matches!(characters.peek(), Some('}' | ']')) {
                    break_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !text.ends_with(['{', '[']) {
                    break_line(&mut text, depth);
                }
                text.push(c);
            }
            ',' => {
                text.push(c);
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                inside = c == '"';
                text.push(c);
            }
        }
    }
    text
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_indented_in_the_order_in_which_they_came() {
        let body = br#"{"b":[],"a" : {"x":"{\",", "y":[1,{}]},"e":"\\"}"#;
        let shown = pretty(body);
        let expected = "{\n  \"b\": [],\n  \"a\": {\n    \"x\": \"{\\\",\",\n    \"y\": [\n      1,\n      {}\n    ]\n  },\n  \"e\": \"\\\\\"\n}";
        assert_eq!(shown, expected);
        assert_eq!(pretty(b"plain"), "plain");
        assert_eq!(pretty(&[0xff]), "1 bytes, not text");
    }
}
