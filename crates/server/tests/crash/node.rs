//! The real program, started, killed and started again on one data directory and one address.

use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

pub const KEY: &str = "sk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A start takes a fraction of a second; this long means that it does not start at all.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Node {
    pub url: String,
    pub client: reqwest::Client,
    port: u16,
    database_url: Option<String>,
    directory: TempDir,
    child: Option<Child>,
}

impl Node {
    pub fn new(database_url: Option<String>) -> Self {
        let port = free_port(if database_url.is_some() { 23_000 } else { 15_000 });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            client: client(),
            port,
            database_url,
            directory: tempfile::tempdir().expect("a directory"),
            child: None,
        }
    }

    pub fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.directory.path().join("log"));
        let log: File = log.expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_plextera"));
        command.args(["serve", "--data-dir"]).arg(self.directory.path().join("data"));
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(self.directory.path());
        for (name, value) in [
            ("PLEXTERA_BOOTSTRAP_API_KEY", KEY),
            ("PLEXTERA_LOG__FILTER", "warn"),
            ("PLEXTERA_WORKERS", "2"),
            ("PLEXTERA_DELIVERY__ALLOW_HTTP", "true"),
            ("PLEXTERA_DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "100ms,200ms,500ms,1s,1s,1s,2s,2s,2s,2s"),
        ] {
            command.env(name, value);
        }
        if let Some(url) = &self.database_url {
            command.env("PLEXTERA_DATABASE_URL", url);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the program starts"));
    }

    /// Waits until it answers.
    pub async fn ready(&mut self) {
        let asked = async {
            let mut period = tokio::time::interval(Duration::from_millis(20));
            loop {
                period.tick().await;
                let answer = self.client.get(format!("{}/healthz", self.url)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
                assert!(ended.is_none(), "the server ended with {ended:?}");
            }
        };
        if tokio::time::timeout(START_MAX, asked).await.is_err() {
            panic!("the server does not answer\n{}", self.log());
        }
    }

    /// SIGKILL, and nothing of it is left.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("a server that runs");
        child.kill().expect("kill");
        child.wait().expect("wait");
    }

    pub async fn subscribe(&self, endpoint: &str, secret: &str) {
        let body = serde_json::json!({
            "endpointUrl": endpoint,
            "signingSecret": secret,
            "eventTypes": [
                "document-insights.job.completed", "document-insights.job.failed", "document-insights.job.rejected",
            ],
        });
        let request = self.client.post(format!("{}/api/public/v1/event-subscriptions", self.url)).json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        let answer =
            self.client.get(format!("{}/api/public/v1{path}", self.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    /// The end of what the servers logged.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may be gone already, and the test has said what it had to say.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn client() -> reqwest::Client {
    let mut headers = reqwest::header::HeaderMap::new();
    let key = format!("api-key {KEY}").parse().expect("a header");
    headers.insert(reqwest::header::AUTHORIZATION, key);
    let client =
        reqwest::Client::builder().no_proxy().default_headers(headers).timeout(Duration::from_secs(10));
    client.build().expect("a client")
}

/// Below the ports that outgoing connections get, so that none of them takes it while the server is down; from a range of
/// the engine's own, because both trials may run in one process at once.
fn free_port(range: u16) -> u16 {
    let first = range + u16::try_from(std::process::id() % 7_000).expect("below 7 000");
    let free = (first..range + 8_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}
