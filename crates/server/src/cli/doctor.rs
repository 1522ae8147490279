//! `plextera doctor`: what is missing on this machine, and the command that cures it.

use super::SettingsArguments;
use crate::{
    open_files,
    settings::Settings,
    terminal::{self, Style},
    wire,
};
use clap::Args;
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};
use store::{Database, DirectoryLock, blobs::Blobs, db::Db};

/// Find what is missing on this machine, with the command that installs it
///
/// Exit code 1 where something is missing that the server cannot run without.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The address that the server would listen on
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// How long a database or object store may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Open files below which a busy server runs out: connections, documents, database.
const OPEN_FILES_MIN: u64 = 4096;
/// What documents of the built-in hubs are read in.
const LANGUAGES: [(&str, &str); 7] =
    [("en", "eng"), ("de", "deu"), ("fr", "fra"), ("es", "spa"), ("it", "ita"), ("nl", "nld"), ("pt", "por")];

/// What came of one check.
enum Finding {
    Good(String),
    /// The server runs, and something does less than it could.
    Lacking(String, String),
    /// The server cannot run.
    Broken(String, String),
}

use Finding::{Broken, Good, Lacking};

impl Doctor {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.settings.load(self.listen)?.settings;
        let locked = DirectoryLock::acquire(&settings.data_dir).err();
        let in_use = matches!(locked, Some(store::Error::Locked(_)));
        let findings = [
            ("data directory", data_dir(&settings.data_dir, in_use)),
            ("address", listen(&settings, in_use)),
            ("database", database(&settings).await),
            ("storage", storage(&settings).await),
            ("sealing key", sealing_key(&settings)),
            ("document reader", reader()),
            ("OCR", ocr()),
            ("OCR languages", ocr_languages()),
            ("open files", open_files()),
        ];
        let mut stdout = terminal::stdout();
        for (name, finding) in &findings {
            let (style, mark, text, cure) = match finding {
                Good(text) => (Style::Good, "ok     ", text, None),
                Lacking(text, cure) => (Style::Warning, "lacking", text, Some(cure)),
                Broken(text, cure) => (Style::Bad, "broken ", text, Some(cure)),
            };
            let mark = stdout.styled(style, mark);
            stdout.line(format_args!("{mark}  {name:<15}  {text}"))?;
            if let Some(cure) = cure {
                stdout.line(format_args!("{:26}{cure}", ""))?;
            }
        }
        let broken = findings.iter().any(|(_, finding)| matches!(finding, Broken(..)));
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn data_dir(path: &Path, in_use: bool) -> Finding {
    let shown = path.display();
    // The nearest folder that is there: the first start makes the rest.
    let Some(folder) = path.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists())
    else {
        return Broken(format!("{shown} cannot be created"), "choose another one with --data-dir".into());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let writable = folder.is_dir() && tempfile::tempfile_in(folder).is_ok();
    match (writable, in_use) {
        (false, _) => Broken(
            format!("{shown} cannot be written by this user"),
            format!(
                "chown it to this user, or choose another one with --data-dir ({} is where it fails)",
                folder.display()
            ),
        ),
        (true, true) => Good(format!("{shown} is in use by a server that runs")),
        (true, false) => Good(format!("{shown} can be written")),
    }
}

fn listen(settings: &Settings, in_use: bool) -> Finding {
    for address in std::iter::once(settings.listen).chain(settings.metrics_listen) {
        match TcpListener::bind(address) {
            Ok(_) => {}
            Err(_) if in_use => return Good(format!("{address} is in use, likely by the server that runs")),
            Err(error) => {
                return Broken(format!("{address}: {error}"), "choose another one with --listen".into());
            }
        }
    }
    Good(format!("{} is free", settings.listen))
}

async fn database(settings: &Settings) -> Finding {
    let Database::Postgres(url) = wire::database(settings) else {
        return Good("SQLite, in the data directory; nothing to install".into());
    };
    let cure =
        "check PLEXTERA_DATABASE_URL, that PostgreSQL 15 or later runs there, and that it lets this user in";
    let answered = async { Db::postgres(&url)?.ping().await };
    match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
        Ok(Ok(())) => Good("PostgreSQL answers".into()),
        Ok(Err(error)) => Broken(error.to_string(), cure.into()),
        Err(_) => Broken("PostgreSQL does not answer".into(), cure.into()),
    }
}

async fn storage(settings: &Settings) -> Finding {
    let cure = "check PLEXTERA_STORAGE_URL, AWS_ENDPOINT_URL, AWS_REGION and the AWS_ credentials";
    let options = match wire::storage(settings, wire::variable) {
        Ok(None) => return Good("files in the data directory".into()),
        Ok(Some(options)) => options,
        Err(error) => return Broken(error.to_string(), cure.into()),
    };
    let answered = async { Blobs::open(&options)?.ping().await };
    match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
        Ok(Ok(())) => Good("the object store answers".into()),
        Ok(Err(error)) => Broken(error.to_string(), cure.into()),
        Err(_) => Broken("the object store does not answer".into(), cure.into()),
    }
}

fn sealing_key(settings: &Settings) -> Finding {
    if settings.secrets_key.is_empty() {
        return match settings.database_url {
            None => Good("a file in the data directory".into()),
            Some(_) => Lacking(
                "a file in the data directory: other servers on this database cannot sign with it".into(),
                "give all of them one key: PLEXTERA_SECRETS_KEY=$(head -c 32 /dev/urandom | base64)".into(),
            ),
        };
    }
    let entropy = crate::system::context().entropy;
    match store::secrets::Sealer::from_keys(&settings.secrets_key, entropy) {
        Ok(_) => Good("from the settings".into()),
        Err(error) => Broken(error.to_string(), "make one with: head -c 32 /dev/urandom | base64".into()),
    }
}

/// Starts a worker as the server does and closes its input, at which it ends by itself.
fn reader() -> Finding {
    let started = wire::program().and_then(|program| {
        let mut command = Command::new(program);
        command.arg("worker").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.status()?)
    });
    let cure = "this program must be allowed to start itself again: check its permissions and the limit on processes";
    match started {
        Ok(status) if status.success() => Good("starts in a process of its own".into()),
        Ok(status) => Broken(format!("ends with {status}"), cure.into()),
        Err(error) => Broken(format!("does not start: {error}"), cure.into()),
    }
}

fn ocr() -> Finding {
    match insights::read::ocr::status() {
        Ok(status) => Good(format!("Tesseract {}, models in {}", status.version, status.data_dir.display())),
        Err(error) => Lacking(error.to_string(), "without it, scans and pictures are not read".into()),
    }
}

fn ocr_languages() -> Finding {
    let installed = insights::read::ocr::status().map(|status| status.languages).unwrap_or_default();
    let missing = LANGUAGES.iter().filter(|(code, _)| !installed.contains(code));
    let packages: Vec<String> = missing.map(|(_, name)| format!("tesseract-ocr-{name}")).collect();
    let read = if installed.is_empty() { "none".to_owned() } else { installed.join(" ") };
    if packages.is_empty() {
        Good(read)
    } else {
        Lacking(
            format!("{read}; scans in others are read less well"),
            format!("apt-get install -y {}", packages.join(" ")),
        )
    }
}

fn open_files() -> Finding {
    match open_files::raise() {
        Ok(limit) if limit < OPEN_FILES_MIN => Lacking(
            format!("{limit} at most; a busy server needs more"),
            "ulimit -Hn 65536, or LimitNOFILE=65536 in the systemd unit".into(),
        ),
        Ok(limit) => Good(format!("{limit} at most")),
        Err(error) => Good(format!("the limit is not known here: {error}")),
    }
}
