//! The real binary as a server on loopback, with a directory and a key of its own. It can be killed and launched again on
//! the same data and the same address.

use crate::process;
use nix::{sys::signal::Signal, unistd::Pid};
use reqwest::{Client, Method, RequestBuilder, header, multipart};
use serde_json::Value;
use std::{
    collections::hash_map::RandomState,
    fs::{self, OpenOptions},
    hash::BuildHasher,
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The key that each such server begins with. It opens nothing else.
pub const KEY: &str = "sk_live_0000000000000000000000000000000000000000000";

const START_TIME_MAX: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(25);
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// Lines of the log that are shown where something went wrong.
const LOG_LINES: usize = 40;

/// See the module. Dropping it kills the process: its data goes with it, so there is nothing to close in order.
pub struct Program {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    directory: Arc<TempDir>,
    port: u16,
    client: Client,
    child: Option<Child>,
}

impl Program {
    /// Starts `binary`, with endpoints on loopback allowed and these variables besides, and waits until it answers.
    pub async fn start(binary: &Path, variables: &[(&str, &str)]) -> io::Result<Self> {
        let mut program = Self::new(binary, variables)?;
        program.launch()?;
        program.ready().await?;
        Ok(program)
    }

    /// Another node on the same directory, for two that share a PostgreSQL: files and keys are the same. Nothing of it
    /// runs yet.
    pub fn beside(other: &Self, variables: &[(&str, &str)]) -> io::Result<Self> {
        let mut program = Self::new(&other.binary, variables)?;
        program.directory = Arc::clone(&other.directory);
        Ok(program)
    }

    /// Its directory and its address; nothing runs yet.
    pub fn new(binary: &Path, variables: &[(&str, &str)]) -> io::Result<Self> {
        let client = Client::builder().no_proxy().timeout(REQUEST_TIME_MAX);
        let authorization =
            header::HeaderValue::from_str(&format!("api-key {KEY}")).map_err(io::Error::other)?;
        let headers = header::HeaderMap::from_iter([(header::AUTHORIZATION, authorization)]);
        Ok(Self {
            // It runs in a directory of its own, where a relative path would mean another file.
            binary: binary.canonicalize()?,
            variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            directory: Arc::new(tempfile::tempdir()?),
            port: free_port()?,
            client: client.default_headers(headers).build().map_err(io::Error::other)?,
            child: None,
        })
    }

    /// Launches the process, again on the same data where it ran before, and does not wait until it answers. Nothing of
    /// this process's environment but PATH reaches it; its log is appended to [`Self::log_path`].
    pub fn launch(&mut self) -> io::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log_path())?;
        // A file that reaches its limit (see `limit_files`) is an error then, as a full disk is, and not the end.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(&self.binary);
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data-dir"]);
        command.arg(self.data_dir()).current_dir(self.directory.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("PLEXTERA_BOOTSTRAP_API_KEY", KEY).env("PLEXTERA_LOG__FILTER", "warn");
        command.env("PLEXTERA_DELIVERY__ALLOW_HTTP", "true");
        command.env("PLEXTERA_DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?);
        Ok(())
    }

    /// Waits until it answers. Fails where it has ended instead, or takes longer than a minute.
    pub async fn ready(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_TIME_MAX;
        while !self.is_alive().await {
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                return Err(io::Error::other(format!("the server ended with {status}\n{}", self.log())));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("no answer within a minute\n{}", self.log())));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// SIGKILL, and waits until nothing of it is left.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(|_| ())
    }

    /// SIGSTOP: it stands still, whatever it was doing.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// SIGCONT, after [`Self::freeze`].
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid()?).map_err(io::Error::other)?;
        nix::sys::signal::kill(Pid::from_raw(pid), signal).map_err(io::Error::from)
    }

    /// No file of the running process may grow past so many bytes; `None` lifts that. To a program this is much the
    /// same as a full disk, and needs no disk of its own.
    pub fn limit_files(&self, bytes: Option<u64>) -> io::Result<()> {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = Command::new("prlimit");
        prlimit.arg(format!("--pid={}", self.pid()?)).arg(format!("--fsize={limit}:unlimited"));
        if prlimit.status()?.success() { Ok(()) } else { Err(io::Error::other("prlimit failed")) }
    }

    /// The process that runs.
    pub fn pid(&self) -> io::Result<u32> {
        self.child.as_ref().map(Child::id).ok_or_else(|| io::Error::other("the server does not run"))
    }

    pub async fn is_alive(&self) -> bool {
        let answer = self.client.get(format!("{}/healthz", self.url())).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What all that it wrote to its standard error is appended to.
    pub fn log_path(&self) -> PathBuf {
        self.directory.path().join(format!("log-{}", self.port))
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The last lines of the log.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// A request to a path below the public API's base, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/public/v1{path}", self.url()))
    }

    /// The client that requests are made with; it sends the key.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The JSON at a path below the public API's base.
    pub async fn get(&self, path: &str) -> reqwest::Result<Value> {
        self.request(Method::GET, path).send().await?.error_for_status()?.json().await
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
            let job = self.get(&format!("/document-insights/jobs/{job_id}")).await?;
            if matches!(job["status"].as_str(), Some("COMPLETED" | "FAILED" | "REJECTED")) {
                return Ok(Some(job));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(None)
    }

    /// The largest resident memory that the server's own process, without its workers, has had so far, in bytes.
    pub fn peak_memory(&self) -> io::Result<u64> {
        process::peak_memory(self.pid()?)
    }
}

impl Drop for Program {
    #[expect(clippy::print_stderr, reason = "the reader of a failed test is at the terminal")]
    fn drop(&mut self) {
        // It may be gone already; a test that fails has the log to tell why.
        drop(self.kill());
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Below the ports that outgoing connections get, so that none of them takes it while the server is down; begun at a place
/// of its own, because several programs may be started at once.
fn free_port() -> io::Result<u16> {
    const PORTS: std::ops::Range<u16> = 12_000..32_000;
    let place = RandomState::new().hash_one(std::process::id()) % u64::from(PORTS.end - PORTS.start);
    let from = PORTS.start + u16::try_from(place).unwrap_or(0);
    let mut ports = (from..PORTS.end).chain(PORTS.start..from);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| io::Error::other("no free port"))
}

async fn id_of(request: RequestBuilder) -> reqwest::Result<String> {
    let body: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(body["id"].as_str().unwrap_or_default().to_owned())
}
