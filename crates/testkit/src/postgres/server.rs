//! Starting and stopping the server's process.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::JoinHandle,
};

/// Folders are `plextera-postgres-<process id>-…` below the system's folder for temporary files.
const FOLDER_PREFIX: &str = "plextera-postgres-";
const STARTS_MAX: u32 = 5;

/// Whether the server survives a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing is forced to disk: for tests, which are quicker so.
    Off,
    /// As in production: for benchmarks and crash tests.
    On,
}

/// A running server; dropping it stops it and removes its data.
pub struct Server {
    programs: PathBuf,
    account: Option<(u32, u32)>,
    durability: Durability,
    port: u16,
    url: String,
    running: Option<Running>,
    folder: tempfile::TempDir,
}

/// The server's process and the thread that keeps it.
struct Running {
    pid: u32,
    stop: mpsc::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// Panics, with the server's own words, where that fails.
    pub fn start(durability: Durability) -> Self {
        remove_abandoned_folders();
        let programs = programs();
        let account = account();
        let prefix = format!("{FOLDER_PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().expect("a temporary folder");
        if let Some((uid, gid)) = account {
            chown(folder.path(), Some(uid), Some(gid)).expect("give the folder to the server's account");
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open the folder");
        }
        let data = folder.path().join("data");
        initialize(&programs, account, &data);
        let mut last = String::new();
        for _ in 0..STARTS_MAX {
            let port = free_port();
            let url = format!("postgres://plextera@127.0.0.1:{port}");
            match keep_running(server_command(&programs, account, &data, port, durability)) {
                Ok(running) => {
                    return Self { programs, account, durability, port, url, running: Some(running), folder };
                }
                // Most likely somebody else took the port meanwhile.
                Err(words) => last = words,
            }
        }
        panic!("PostgreSQL does not start:\n{last}");
    }

    /// The immediate shutdown, which is a crash to its clients and to itself, and the start after it, on the same port.
    ///
    /// Panics, with the server's own words, where it does not start again.
    pub fn restart(&mut self) {
        self.stop();
        let data = self.folder.path().join("data");
        let command = server_command(&self.programs, self.account, &data, self.port, self.durability);
        self.running = Some(keep_running(command).unwrap_or_else(|words| {
            panic!("PostgreSQL does not start again:\n{words}");
        }));
    }

    /// The process that all of its processes are children of.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().map_or(0, |running| running.pid)
    }

    fn stop(&mut self) {
        if let Some(Running { stop, keeper, .. }) = self.running.take() {
            drop(stop);
            drop(keeper.join());
        }
    }

    /// Without a database: `postgres://plextera@127.0.0.1:54321`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of initdb and postgres, of the newest version that is installed.
fn programs() -> PathBuf {
    let version = |folder: &PathBuf| -> u32 {
        let name = folder.parent().and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().parse().unwrap_or(0)
    };
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders =
        versions.map(|entry| entry.path().join("bin")).filter(|folder| folder.join("initdb").exists());
    folders.max_by_key(version).expect("PostgreSQL is not installed: apt-get install postgresql")
}

/// The account that the server runs as where this process is root, which PostgreSQL refuses to be.
fn account() -> Option<(u32, u32)> {
    let me = fs::metadata("/proc/self").expect("procfs");
    if std::os::unix::fs::MetadataExt::uid(&me) != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("the list of accounts");
    let line =
        ["postgres:", "nobody:"].iter().find_map(|name| accounts.lines().find(|line| line.starts_with(name)));
    let fields: Vec<&str> = line.expect("an account for PostgreSQL").split(':').collect();
    Some((fields[2].parse().expect("a user id"), fields[3].parse().expect("a group id")))
}

/// `program`, as `account`, told to stop when the thread that starts it ends.
fn command(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some((uid, gid)) = account {
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    }
    // SIGQUIT is PostgreSQL's immediate shutdown.
    command.arg("--pdeathsig=QUIT").arg("--").arg(program).env("LC_ALL", "C").stdin(Stdio::null());
    command
}

fn initialize(programs: &Path, account: Option<(u32, u32)>, data: &Path) {
    let made = command(&programs.join("initdb"), account)
        .args([
            "--username=plextera",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--pgdata",
        ])
        .arg(data)
        .output()
        .expect("setpriv and initdb");
    assert!(made.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&made.stderr));
}

fn server_command(
    programs: &Path,
    account: Option<(u32, u32)>,
    data: &Path,
    port: u16,
    durability: Durability,
) -> Command {
    let mut command = command(&programs.join("postgres"), account);
    command.arg("-D").arg(data).arg("-p").arg(port.to_string());
    let mut settings = vec!["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
    if durability == Durability::Off {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]);
    }
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Starts the server on a thread that lives as long as it does, and waits until it accepts connections.
fn keep_running(mut command: Command) -> Result<Running, String> {
    let (stop, stopped) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let (tell_pid, pid) = mpsc::channel();
    let keeper = std::thread::spawn(move || {
        let mut child = command.spawn().expect("setpriv and postgres");
        // Whoever started it waits for these words, and for this number before them.
        let _ = tell_pid.send(child.id());
        let words = BufReader::new(child.stderr.take().expect("a pipe"));
        // Reads on to the end: a full pipe would stop the server.
        let reader = std::thread::spawn(move || listen(words, &tell));
        // An error, which says that the other end was dropped: the sign to stop.
        let _ = stopped.recv();
        end(&mut child);
        drop(reader.join());
    });
    let ended = || "the server ended without a word".to_owned();
    let pid = pid.recv().map_err(|_| ended())?;
    match told.recv() {
        Ok(Ok(())) => Ok(Running { pid, stop, keeper }),
        Ok(Err(words)) => Err(words),
        Err(_) => Err(ended()),
    }
}

fn listen(words: impl BufRead, tell: &mpsc::Sender<Result<(), String>>) {
    let mut said = String::new();
    let mut ready = false;
    for line in words.lines().map_while(Result::ok) {
        if !ready && line.contains("database system is ready to accept connections") {
            ready = true;
            drop(tell.send(Ok(())));
        }
        if !ready {
            said.push_str(&line);
            said.push('\n');
        }
    }
    if !ready {
        drop(tell.send(Err(said)));
    }
}

fn end(child: &mut Child) {
    // The immediate shutdown, so that no shared memory is left, which a kill would leave.
    let quit = child.id().try_into().map(|pid| kill(Pid::from_raw(pid), Signal::SIGQUIT));
    if !matches!(quit, Ok(Ok(()))) {
        drop(child.kill());
    }
    drop(child.wait());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Those of processes that are gone: a process that is killed cannot clean up.
fn remove_abandoned_folders() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process =
            name.strip_prefix(FOLDER_PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
