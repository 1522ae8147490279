//! Untrusted documents are read in child processes.
//!
//! A stack overflow or a failed allocation ends a process, and no `catch_unwind` can help: only a process boundary can.
//! So the program starts itself again under limits of memory, files and processor time, hands it documents over pipes
//! and kills it when it takes too long. What it promises: whatever the bytes do, [`Lease::ask`] ends within its
//! budget, either with the child's answer or with a [`Breach`], and this process is unharmed.
//!
//! Children are kept for the next document, because starting one costs more than reading a page; they are replaced
//! after a number of documents and after every breach. At most [`SandboxSettings::processes`] exist; whoever comes when
//! all are taken waits in line.

mod confine;
mod process;

use domain::limits;
use process::Process;
use std::{
    ffi::OsString,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};

/// How children are made and what they may use.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// What is started; outside tests this program itself.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The whole environment of a child.
    pub environment: Vec<(OsString, OsString)>,
    pub processes: usize,
    /// Address space of a child.
    pub memory_bytes: u64,
    pub open_files: u64,
    /// Processor time of a child over its life. A backstop: budgets end a child long before.
    pub cpu_time: Duration,
    /// A child is replaced after this many documents.
    pub documents_per_process: u32,
    pub answer_bytes_max: usize,
}

impl SandboxSettings {
    /// `program worker`, with the limits of the product and, of this process's environment, only what the OCR library
    /// needs to find its models.
    pub fn new(program: PathBuf, processes: usize) -> Self {
        let inherited = ["TESSDATA_PREFIX"].into_iter();
        let inherited = inherited.filter_map(|key| Some((OsString::from(key), std::env::var_os(key)?)));
        // One thread each: the OCR library would start one per core and wait for them most of the time.
        let fixed = [("OMP_THREAD_LIMIT", "1"), ("LANG", "C.UTF-8")];
        let fixed = fixed.into_iter().map(|(key, value)| (key.into(), value.into()));
        Self {
            program,
            arguments: vec!["worker".into()],
            environment: inherited.chain(fixed).collect(),
            processes: processes.max(1),
            memory_bytes: limits::WORKER_MEMORY_BYTES_MAX,
            open_files: limits::WORKER_OPEN_FILES_MAX,
            cpu_time: limits::WORKER_CPU_TIME_MAX,
            documents_per_process: limits::WORKER_DOCUMENTS_MAX,
            answer_bytes_max: limits::WORKER_ANSWER_BYTES_MAX,
        }
    }
}

/// How a child failed its document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    #[error("the time limit was reached")]
    Timeout,
    #[error("the memory limit was reached")]
    Memory,
    #[error("the reader crashed")]
    Crashed,
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// Not the document's fault: no child could be started.
    #[error("no worker process could be started: {0}")]
    Unavailable(String),
}

impl Breach {
    /// A word for logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Crashed => "crashed",
            Self::TooLarge => "tooLarge",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// What a message of a child means.
#[derive(Debug)]
pub enum Said<T> {
    /// It goes on, and may take this much longer.
    Step(Duration),
    /// It is done.
    Answer(T),
    /// The message is not understood; the child is not to be trusted any more.
    Nonsense,
}

/// The pool of children. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    pool: Arc<Pool>,
    slots: Arc<Semaphore>,
}

struct Pool {
    settings: SandboxSettings,
    idle: Mutex<Vec<Process>>,
    spawner: mpsc::Sender<oneshot::Sender<io::Result<Process>>>,
}

impl Sandbox {
    /// A pool without children yet; the first documents start them. Must be called within a tokio runtime.
    ///
    /// Errors where no thread can be started. All children are started from one thread of the pool's own, as the kernel
    /// kills a child when the very thread that started it ends, and the runtime's threads come and go.
    pub fn new(settings: SandboxSettings) -> io::Result<Self> {
        let (spawner, requests) = mpsc::channel::<oneshot::Sender<io::Result<Process>>>();
        let runtime = tokio::runtime::Handle::current();
        let thread_settings = settings.clone();
        std::thread::Builder::new().name("sandbox".into()).spawn(move || {
            let _entered = runtime.enter();
            for reply in requests {
                // Whoever asked may be gone; its child then dies with the reply.
                let _ = reply.send(Process::spawn(&thread_settings));
            }
        })?;
        let slots = Arc::new(Semaphore::new(settings.processes));
        Ok(Self { pool: Arc::new(Pool { settings, idle: Mutex::default(), spawner }), slots })
    }

    /// How many documents can be worked on at once.
    pub fn processes(&self) -> usize {
        self.pool.settings.processes
    }

    /// Waits in line for a place. The place is for one document; its child is started or taken when it is first asked.
    pub async fn lease(&self) -> Lease {
        let slots = Arc::clone(&self.slots);
        let slot = slots.acquire_owned().await.expect("the semaphore is never closed");
        Lease { pool: Arc::clone(&self.pool), process: None, _slot: slot }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("settings", &self.pool.settings).finish_non_exhaustive()
    }
}

/// A place in the sandbox for one document: as many messages as it takes, all to the same child while it lives.
pub struct Lease {
    pool: Arc<Pool>,
    process: Option<Process>,
    _slot: OwnedSemaphorePermit,
}

impl Lease {
    /// Asks one thing and waits for the answer that ends it; `request` is framed already.
    ///
    /// `look` sees every message of the child and says what it means for the waiting. The child has `budget` until its
    /// first message; each further step that it announces adds to that. After a breach the child is killed, and what is
    /// asked next goes to a new one that knows nothing of the document.
    pub async fn ask<T>(
        &mut self,
        request: &[u8],
        budget: Duration,
        mut look: impl FnMut(Vec<u8>) -> Said<T>,
    ) -> Result<T, Breach> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.pool.take().await?,
        };
        let started = Instant::now();
        // Half of the processor time of a whole life, so that no innocent document meets that limit.
        let latest = started + self.pool.settings.cpu_time / 2;
        let mut deadline = latest.min(started + budget);
        process.send(request, deadline).await?;
        loop {
            let message = process.receive(self.pool.settings.answer_bytes_max, deadline).await?;
            match look(message) {
                Said::Step(allowance) => deadline = latest.min(deadline + allowance),
                Said::Answer(answer) => {
                    self.process = Some(process);
                    return Ok(answer);
                }
                Said::Nonsense => return Err(Breach::Crashed),
            }
        }
    }

    /// Ends the child; what is asked next goes to a new one.
    pub fn retire(&mut self) {
        self.process = None;
    }

    /// Whether the child that holds the document lives: `false` before the first message and after a breach.
    pub fn is_alive(&self) -> bool {
        self.process.is_some()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.pool.give_back(process);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("alive", &self.is_alive()).finish_non_exhaustive()
    }
}

impl Pool {
    async fn take(&self) -> Result<Process, Breach> {
        // One that died while idle (the kernel may choose it when memory runs out) is no fault of this document.
        while let Some(mut process) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            if process.is_alive() {
                process.documents += 1;
                return Ok(process);
            }
        }
        let mut process = self.spawn().await?;
        process.documents = 1;
        Ok(process)
    }

    async fn spawn(&self) -> Result<Process, Breach> {
        let (reply, answer) = oneshot::channel();
        let gone = |_| Breach::Unavailable("the thread that starts them is gone".into());
        self.spawner.send(reply).map_err(|_| gone(()))?;
        let spawned = answer.await.map_err(|_| gone(()))?;
        spawned.map_err(|error| Breach::Unavailable(error.to_string()))
    }

    fn give_back(&self, process: Process) {
        let worn = process.documents >= self.settings.documents_per_process
            || process.busy >= self.settings.cpu_time / 2;
        if !worn {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
    }
}
