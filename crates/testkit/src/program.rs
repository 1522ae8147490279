//! The real binary as a server on loopback, with a data directory and a key of its own.

use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::Value;
use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The key that each such server begins with. It opens nothing else.
pub const KEY: &str = "sk_live_0000000000000000000000000000000000000000000";

const START_TIME_MAX: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// See the module. Dropping it kills the process: its data goes with it, so there is nothing to close in order.
pub struct Program {
    child: Child,
    url: String,
    client: Client,
    _data: TempDir,
}

impl Program {
    /// Starts `binary`, with endpoints on loopback allowed and these variables besides, and waits until it answers. Its
    /// log goes where this process's own errors go.
    pub async fn start(binary: &Path, variables: &[(&str, &str)]) -> io::Result<Self> {
        Self::start_logging(binary, variables, Stdio::inherit()).await
    }

    /// The same with its log sent somewhere.
    pub async fn start_logging(binary: &Path, variables: &[(&str, &str)], log: Stdio) -> io::Result<Self> {
        let data = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", &address.to_string(), "--data-dir"]).arg(data.path());
        command.env("PLEXTERA_BOOTSTRAP_API_KEY", KEY).env("PLEXTERA_LOG__FILTER", "warn");
        command.env("PLEXTERA_DELIVERY__ALLOW_HTTP", "true");
        command.env("PLEXTERA_DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8");
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut program = Self {
            child: command.spawn()?,
            url: format!("http://{address}"),
            client: Client::new(),
            _data: data,
        };
        let deadline = Instant::now() + START_TIME_MAX;
        while !program.is_alive().await {
            if let Some(status) = program.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended with {status} as it started")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other("the server did not answer within a minute"));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(program)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub async fn is_alive(&self) -> bool {
        let answer = self.client.get(format!("{}/healthz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// A request to a path below the public API's base, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/public/v1{path}", self.url);
        self.client.request(method, url).header("authorization", format!("api-key {KEY}"))
    }

    /// Subscribes an endpoint to all that happens; the subscription's id.
    pub async fn subscribe(&self, endpoint_url: &str, signing_secret: &str) -> reqwest::Result<String> {
        let types = domain::event::EventType::ALL.map(|event_type| event_type.as_str());
        let body = serde_json::json!({
            "endpointUrl": endpoint_url, "eventTypes": types, "signingSecret": signing_secret
        });
        let request = self.request(Method::POST, "/event-subscriptions").json(&body);
        id_of(request).await
    }

    /// Submits a document; the job's id.
    pub async fn submit(&self, file_name: &str, bytes: Vec<u8>) -> reqwest::Result<String> {
        let part = multipart::Part::bytes(bytes).file_name(file_name.to_owned());
        let form = multipart::Form::new().part("file", part);
        id_of(self.request(Method::POST, "/document-insights/jobs/extract/upload").multipart(form)).await
    }

    /// Waits until a job is terminal; `None` where it is not within `time_max`.
    pub async fn ended(&self, job_id: &str, time_max: Duration) -> reqwest::Result<Option<Value>> {
        let deadline = Instant::now() + time_max;
        while Instant::now() < deadline {
            let request = self.request(Method::GET, &format!("/document-insights/jobs/{job_id}"));
            let job: Value = request.send().await?.error_for_status()?.json().await?;
            if matches!(job["status"].as_str(), Some("COMPLETED" | "FAILED" | "REJECTED")) {
                return Ok(Some(job));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(None)
    }

    /// The largest resident memory that the server's own process, without its workers, has had so far, in bytes.
    pub fn peak_memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(PathBuf::from(format!("/proc/{}/status", self.pid())))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kb: u64 = line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(kb * 1024)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn id_of(request: RequestBuilder) -> reqwest::Result<String> {
    let body: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(body["id"].as_str().unwrap_or_default().to_owned())
}
