//! `plextera demo`: the whole path in one process, from a document to a verified webhook.

mod learn;

use crate::{
    client::ApiClient,
    node::Node,
    progress::Progress,
    receiver::{Received, Receiver},
    report,
    settings::Settings,
    signatures::{self, Checks},
    system, telemetry,
    terminal::{self, Style, Terminal},
};
use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use domain::{context::Context as DomainContext, event::EventType, key::ApiKey};
use hyper::{HeaderMap, StatusCode};
use plextera_webhooks::Verifier;
use serde_json::{Value, json};
use std::{
    io::Stdout,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// See a document turned into fields and a verified webhook
///
/// Starts a server on a temporary directory and an endpoint beside it, both on this machine only, submits the document
/// and shows what comes back. Nothing is kept.
#[derive(Debug, Args)]
pub struct Demo {
    /// PDF, JPEG, PNG, TIFF or WebP [default: an invented invoice]
    file: Option<PathBuf>,
    /// Teach a hub instead: read an order, correct one value, read the seller's next order
    #[arg(long, conflicts_with = "file")]
    learn: bool,
}

const SAMPLE: &[u8] = include_bytes!("../../assets/sample-invoice.pdf");
const SAMPLE_NAME: &str = "sample-invoice.pdf";
const JOBS: &str = "/api/public/v1/document-insights/jobs";
/// A scan of many pages takes minutes.
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);
const BODY_CHARACTERS_SHOWN: usize = 160;

impl Demo {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (name, bytes) = match &self.file {
            None => (SAMPLE_NAME.to_owned(), SAMPLE.to_vec()),
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                (path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), bytes)
            }
        };
        let directory = tempfile::tempdir().context("no temporary directory can be made")?;
        let ctx = system::context();
        let progress = Progress::start();
        progress.doing("starting a server");
        let mut stage = Stage::set(directory.path().to_owned(), &ctx).await?;
        progress.done(&format!("server on {}, its data in a temporary directory", stage.url))?;
        if self.learn {
            let lesson = learn::play(&stage, &progress).await;
            drop(progress);
            stage.clear().await?;
            return lesson?.print();
        }
        let shown = stage.play(&progress, name, bytes).await;
        drop(progress);
        stage.clear().await?;
        shown?.print()
    }
}

/// The server, its endpoint, and a client.
struct Stage {
    url: String,
    client: ApiClient,
    endpoint: Receiver,
    secret: String,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn set(data_dir: PathBuf, ctx: &DomainContext) -> anyhow::Result<Self> {
        let key = ApiKey::from_random(ctx.random());
        let mut settings = Settings { data_dir, bootstrap_api_key: Some(key.clone()), ..Settings::default() };
        settings.delivery.allow_http = true;
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".to_owned()];
        settings.log_filter = "error".to_owned();
        telemetry::start(&settings)?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(any).await.context("no port of this machine is free")?;
        let url = format!("http://{}", listener.local_addr()?);
        let endpoint = Receiver::bind(any).await.context("no port of this machine is free")?;
        let node = Node::start(&settings, ctx, None).await?;
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(node.serve(listener, shutdown.clone()));
        let client = ApiClient::new(url.parse()?, key)?;
        // Two keys' worth of random text; any text can be a secret.
        let secret = ApiKey::from_random(ctx.random()).reveal().replace("sk_live_", "");
        Ok(Self { url, client, endpoint, secret, shutdown, served })
    }

    /// Subscribes, submits, waits for the job's webhook, fetches the job.
    async fn play(&mut self, progress: &Progress, name: String, bytes: Vec<u8>) -> anyhow::Result<Shown> {
        let types = [EventType::JobCompleted, EventType::JobFailed, EventType::JobRejected];
        let address = format!("http://{}/", self.endpoint.address);
        let subscription = json!({"endpointUrl": address, "eventTypes": types, "signingSecret": self.secret});
        self.client.post("/api/public/v1/event-subscriptions", &subscription).await?;
        progress.done(&format!("endpoint on {address}, subscribed to the end of every job"))?;

        let sent = format!("{name} ({:.1} kB)", bytes.len() as f64 / 1000.0);
        progress.doing(&format!("submitting {sent}"));
        let begun = Instant::now();
        let job = self.client.upload(&format!("{JOBS}/extract/upload"), name, bytes).await?;
        let id = job["id"].as_str().context("the server's answer names no job")?.to_owned();
        progress.done(&format!("submitted {sent}: {id}"))?;

        let webhook = self.wait(progress, &id).await?;
        let took = begun.elapsed();
        let job = self.client.get(&format!("{JOBS}/{id}")).await?;
        let status = job["status"].as_str().unwrap_or("?");
        progress.done(&format!("{status}, webhook received {} ms after the submission", took.as_millis()))?;
        Ok(Shown { job, webhook })
    }

    /// The webhook, and meanwhile how the job stands.
    async fn wait(&mut self, progress: &Progress, id: &str) -> anyhow::Result<Webhook> {
        let deadline = tokio::time::sleep(PATIENCE);
        tokio::pin!(deadline);
        let mut poll = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                received = self.endpoint.next() => {
                    let received = received.context("the endpoint ended")?;
                    return Ok(Webhook::take(received, &self.secret));
                }
                _ = poll.tick() => {
                    let job = self.client.get(&format!("{JOBS}/{id}")).await?;
                    progress.doing(&format!("{id} is {}", job["status"].as_str().unwrap_or("?")));
                }
                () = &mut deadline => bail!("no webhook within {} minutes", PATIENCE.as_secs() / 60),
            }
        }
    }

    async fn clear(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.endpoint.finish().await;
        self.served.await.context("the server ended badly")?
    }
}

/// A delivery that was received and checked.
struct Webhook {
    headers: HeaderMap,
    body: Bytes,
    checks: Checks,
}

impl Webhook {
    fn take(received: Received, secret: &str) -> Self {
        let (headers, body) = (received.headers.clone(), received.body.clone());
        let checks = signatures::check(&Verifier::new(secret), &headers, &body, system::context().now());
        received.answer(
            if checks.verdict.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED },
            "",
        );
        Self { headers, body, checks }
    }
}

/// What there is to show in the end.
struct Shown {
    job: Value,
    webhook: Webhook,
}

impl Shown {
    fn print(&self) -> anyhow::Result<ExitCode> {
        let mut stdout = terminal::stdout();
        stdout.line("")?;
        if self.job["output"].is_object() {
            let output =
                serde_json::from_value(self.job["output"].clone()).context("the output is not understood")?;
            let hub = stdout.styled(Style::Bold, self.job["hubName"].as_str().unwrap_or_default());
            stdout.line(format_args!("{hub}\n{}\n", report::render(&output)))?;
        } else {
            let error = &self.job["error"];
            let code = stdout.styled(Style::Bad, error["code"].as_str().unwrap_or("?"));
            stdout.line(format_args!("{code}: {}\n", error["message"].as_str().unwrap_or("?")))?;
        }
        self.print_webhook(&mut stdout)?;
        stdout.line(
            "\nWhere to go next\n  \
             plextera extract FILE       the fields of a document, without a server\n  \
             plextera serve              the server; its first start shows an API key\n  \
             plextera listen             an endpoint of your own that prints and verifies\n  \
             http://127.0.0.1:8080/docs  the API to read, once the server runs",
        )?;
        let done = self.job["status"] == "COMPLETED" && self.webhook.checks.verdict.is_ok();
        Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn print_webhook(&self, stdout: &mut Terminal<Stdout>) -> anyhow::Result<()> {
        let Webhook { headers, body, checks } = &self.webhook;
        let title = stdout.styled(Style::Bold, "The webhook, as it arrived");
        stdout.line(title)?;
        for (name, value) in headers {
            let name = stdout.styled(Style::Dim, name);
            stdout.line(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))?;
        }
        let start: String = String::from_utf8_lossy(body).chars().take(BODY_CHARACTERS_SHOWN).collect();
        stdout.line(format_args!("\n{start}… ({} bytes)\n", body.len()))?;
        for check in &checks.each {
            let verdict = match check.result {
                Some(Ok(())) => stdout.styled(Style::Good, "signature verified"),
                Some(Err(rejected)) => {
                    stdout.styled(Style::Bad, format_args!("signature rejected, {rejected}"))
                }
                None => stdout.styled(Style::Bad, "signature missing"),
            };
            stdout.line(format_args!("{verdict}: {}", check.header))?;
        }
        Ok(())
    }
}
