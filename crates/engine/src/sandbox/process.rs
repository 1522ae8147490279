//! One child process and the frames exchanged with it.
//!
//! A frame is its length in four bytes, little endian, and then as many bytes. The child is not trusted: its answers
//! are read under a limit and a deadline, and what it writes to standard error only serves to tell why it died.

use super::{Breach, SandboxSettings, confine};
use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

/// Of standard error this much is kept.
const STDERR_BYTES_MAX: u64 = 8 * 1024;
/// How long a child that closed its pipes is given to be gone.
const DEATH_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Process {
    child: Child,
    id: u32,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: JoinHandle<Vec<u8>>,
    /// Documents it has been given.
    pub documents: u32,
    /// How long it has worked: an upper bound of its processor time, as a child has one thread.
    pub busy: Duration,
}

impl Process {
    /// Starts a child. Must run where a tokio runtime is entered.
    pub(super) fn spawn(settings: &SandboxSettings) -> io::Result<Self> {
        let mut command = Command::new(&settings.program);
        command
            .args(&settings.arguments)
            .env_clear()
            .envs(settings.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let limits = confine::Limits {
            memory_bytes: settings.memory_bytes,
            open_files: settings.open_files,
            cpu_seconds: settings.cpu_time.as_secs(),
        };
        confine::confine(&mut command, limits);
        let mut child = command.spawn()?;
        let id = child.id().ok_or(io::ErrorKind::NotFound)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let stderr = tokio::spawn(read_start(stderr));
        Ok(Self { child, id, stdin, stdout, stderr, documents: 0, busy: Duration::ZERO })
    }

    /// Sends bytes that are framed already. After an error the child is of no use.
    pub(super) async fn send(&mut self, framed: &[u8], deadline: Instant) -> Result<(), Breach> {
        let send = async {
            self.stdin.write_all(framed).await?;
            self.stdin.flush().await
        };
        match timeout_at(deadline, send).await {
            Err(_) => Err(Breach::Timeout),
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.cause_of_death().await),
        }
    }

    /// Reads one frame. After an error the child is of no use.
    pub(super) async fn receive(&mut self, bytes_max: usize, deadline: Instant) -> Result<Vec<u8>, Breach> {
        let receive = async {
            let length = usize::try_from(self.stdout.read_u32_le().await?).unwrap_or(usize::MAX);
            if length > bytes_max {
                return Ok(Err(Breach::TooLarge));
            }
            // Grows with what really arrives: the length is only a claim.
            let mut body = Vec::new();
            let read = (&mut self.stdout).take(length as u64).read_to_end(&mut body).await?;
            if read < length { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) } else { Ok(Ok(body)) }
        };
        let started = Instant::now();
        let received = timeout_at(deadline, receive).await;
        self.busy += started.elapsed();
        match received {
            Err(_) => Err(Breach::Timeout),
            Ok(Ok(body)) => body,
            Ok(Err(_)) => Err(self.cause_of_death().await),
        }
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    async fn cause_of_death(&mut self) -> Breach {
        let Ok(Ok(status)) = timeout(DEATH_WAIT, self.child.wait()).await else { return Breach::Crashed };
        let stderr = timeout(DEATH_WAIT, &mut self.stderr).await;
        let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
        judge(status, &String::from_utf8_lossy(&stderr))
    }
}

impl Drop for Process {
    /// Ends the child and whatever it started.
    fn drop(&mut self) {
        if self.is_alive() {
            confine::kill_group(self.id);
        }
    }
}

/// Why a child died, from its status and from what Rust's allocation handler writes before it aborts.
fn judge(status: ExitStatus, stderr: &str) -> Breach {
    match status.signal() {
        Some(libc::SIGXCPU) => Breach::Timeout,
        // Nobody here sends it without having said Timeout or TooLarge before: it was the kernel, out of memory.
        Some(libc::SIGKILL) => Breach::Memory,
        Some(_) if stderr.contains("memory allocation of") => Breach::Memory,
        _ => Breach::Crashed,
    }
}

async fn read_start(mut stderr: ChildStderr) -> Vec<u8> {
    let mut start = Vec::new();
    // A pipe that cannot be read tells nothing, which is what an empty start says too. The rest is read away, so that
    // a chatty child does not block on a full pipe.
    let _ = (&mut stderr).take(STDERR_BYTES_MAX).read_to_end(&mut start).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    start
}
