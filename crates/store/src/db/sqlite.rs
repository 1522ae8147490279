//! SQLite: one writer thread, a few readers.
//!
//! Theory of operation. An fsync is the price of a durable commit, so one commit covers every operation that was
//! waiting when it began (natural group commit: no timer, no added latency). One that fails or panics is rolled back
//! alone: the whole batch is, and is run once more with each operation in a savepoint of its own. A savepoint has every
//! page copied that an operation is the first to touch, and hardly ever does one fail, so they are not there from the
//! beginning. Answers are given only after the commit; when the commit itself fails (a full disk), every operation it
//! covered gets an error and the writer goes on with the next ones.

mod checkpoint;

use super::{edition::Editions, note_slow};
use crate::{
    error::{Error, Result},
    sql::Sql,
};
use checkpoint::Checkpoints;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Operations that may wait for the writer before callers are held back.
const QUEUE_MAX: usize = 1024;
/// Operations of one commit.
const BATCH_MAX: usize = 256;
const STATEMENTS_CACHED: usize = 256;
/// FULL: an acknowledged commit survives a power cut. The write-ahead log keeps readers and the writer apart; it is brought
/// into the file by [`Checkpoints`]. The cache (20 MiB) holds the ends of all indexes that a thousand subscriptions write to.
const SETUP: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
    pragma busy_timeout = 5000; pragma temp_store = memory; pragma cache_size = -20480;";
const READERS: usize = 4;

/// Something to do inside a transaction of the writer, and someone to tell how it went.
trait Operation: Send {
    /// Whether its commit may wait for the next one that has to be durable.
    fn is_lazy(&self) -> bool;
    /// True when it succeeded and its changes may be kept. May be run again where nothing was.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// `commit` says why nothing was kept; without it the operation's own result is passed on.
    fn answer(self: Box<Self>, commit: Option<&str>);
}

struct Pending<T, F> {
    work: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
    is_lazy: bool,
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send,
    F: FnMut(&mut Connection) -> Result<T> + Send,
{
    fn is_lazy(&self) -> bool {
        self.is_lazy
    }

    fn run(&mut self, connection: &mut Connection) -> bool {
        let result =
            catch_unwind(AssertUnwindSafe(|| (self.work)(connection))).unwrap_or(Err(Error::Panicked));
        let succeeded = result.is_ok();
        self.result = Some(result);
        succeeded
    }

    fn answer(self: Box<Self>, commit: Option<&str>) {
        let result = match (self.result, commit) {
            // Its own error says more than that of the commit.
            (Some(Err(error)), _) => Err(error),
            (_, Some(why)) => Err(Error::Unavailable(why.to_owned())),
            (Some(result), None) => result,
            (None, None) => Err(Error::Unavailable("the operation was not run".to_owned())),
        };
        // Whoever asked may have gone away; the change stands all the same.
        drop(self.reply.send(result));
    }
}

/// The database file: a queue to its writer thread and a pool of read-only connections.
#[derive(Clone)]
pub struct Sqlite {
    writer: mpsc::Sender<Box<dyn Operation>>,
    readers: Arc<Readers>,
    pub editions: Arc<Editions>,
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Self> {
        let mut connection = Connection::open(path).map_err(error)?;
        connection.execute_batch(SETUP).map_err(error)?;
        keep_statements(&connection)?;
        let checkpoints = Checkpoints::start(path, &mut connection)?;
        let (writer, queue) = mpsc::channel(QUEUE_MAX);
        let editions = Arc::new(Editions::default());
        let turned = Arc::clone(&editions);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_all(connection, checkpoints, queue, &turned))
            .map_err(Error::file("start the writer of", path))?;
        Ok(Self { writer, readers: Arc::new(Readers::new(path.to_owned())), editions })
    }

    /// Runs `work` on the writer thread; returns after the commit that made it durable, or where `is_lazy`, after one
    /// that survives the process but perhaps not the machine.
    pub async fn write<T: Send + 'static>(
        &self,
        is_lazy: bool,
        work: impl FnMut(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::Unavailable("the database writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let pending = Pending { work, result: None, reply, is_lazy };
        self.writer.send(Box::new(pending)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Runs `work` on a read-only connection that sees one consistent state.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.clone().run(work).await
    }
}

fn write_all(
    mut connection: Connection,
    mut checkpoints: Checkpoints,
    mut queue: mpsc::Receiver<Box<dyn Operation>>,
    editions: &Editions,
) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    let mut durable = true;
    while queue.blocking_recv_many(&mut waiting, BATCH_MAX) > 0 {
        let wanted = !waiting.iter().all(|operation| operation.is_lazy());
        if wanted != durable {
            // In the write-ahead log NORMAL leaves the fsync of a commit to the next FULL one.
            let level = if wanted { "pragma synchronous = full" } else { "pragma synchronous = normal" };
            // Not a prepared one: this pragma acts when it is compiled.
            match connection.execute_batch(level) {
                Ok(()) => durable = wanted,
                Err(error) => tracing::error!(%error, "the durability of commits could not be changed"),
            }
        }
        commit_batch(&mut connection, std::mem::take(&mut waiting), editions);
        checkpoints.turn(&connection);
    }
}

/// One transaction for the whole batch.
fn commit_batch(connection: &mut Connection, mut batch: Vec<Box<dyn Operation>>, editions: &Editions) {
    if run_together(connection, &mut batch) {
        commit(connection, &mut batch, editions);
    } else {
        run_apart(connection, batch, editions);
    }
}

/// Runs all of them; false where one of them failed, and then nothing of any is kept.
fn run_together(connection: &mut Connection, batch: &mut [Box<dyn Operation>]) -> bool {
    let all = control(connection, "begin immediate").is_ok()
        && batch.iter_mut().all(|operation| operation.run(connection) && !connection.is_autocommit());
    if !all {
        abandon(connection);
    }
    all
}

fn commit(connection: &mut Connection, held: &mut Vec<Box<dyn Operation>>, editions: &Editions) {
    let began = Instant::now();
    let committed = control(connection, "commit");
    note_slow(began.elapsed(), held.len());
    editions.turn();
    match committed {
        Ok(()) => answer_all(held, None),
        Err(error) => {
            abandon(connection);
            answer_all(held, Some(&error.to_string()));
        }
    }
}

/// Each in a savepoint, so that one that fails is rolled back alone. SQLite may give up the transaction by itself (disk
/// full, I/O error): what it held so far is then answered with an error, and the rest of the batch begins anew.
fn run_apart(connection: &mut Connection, batch: Vec<Box<dyn Operation>>, editions: &Editions) {
    let mut held: Vec<Box<dyn Operation>> = Vec::with_capacity(batch.len());
    for mut operation in batch {
        if connection.is_autocommit()
            && let Err(error) = control(connection, "begin immediate")
        {
            operation.answer(Some(&error.to_string()));
            continue;
        }
        let kept = control(connection, "savepoint operation").is_ok() && operation.run(connection);
        let closed = if kept {
            control(connection, "release operation")
        } else {
            control(connection, "rollback to operation")
                .and_then(|()| control(connection, "release operation"))
        };
        held.push(operation);
        if connection.is_autocommit() || closed.is_err() {
            abandon(connection);
            answer_all(&mut held, Some("the database gave up the transaction"));
        }
    }
    if connection.is_autocommit() {
        return;
    }
    commit(connection, &mut held, editions);
}

fn answer_all(held: &mut Vec<Box<dyn Operation>>, commit: Option<&str>) {
    for operation in held.drain(..) {
        operation.answer(commit);
    }
}

fn abandon(connection: &mut Connection) {
    if !connection.is_autocommit()
        && let Err(error) = control(connection, "rollback")
    {
        tracing::error!(%error, "a failed transaction cannot be rolled back");
    }
}

fn control(connection: &Connection, text: &str) -> Result<()> {
    connection.prepare_cached(text).and_then(|mut statement| statement.execute([])).map(drop).map_err(error)
}

/// Statements are prepared once. Without the stability guarantee SQLite plans those with a `limit`, and some others, anew
/// for each value that they are given.
fn keep_statements(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).map_err(error)
}

struct Readers {
    path: PathBuf,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn new(path: PathBuf) -> Self {
        Self { path, permits: Semaphore::new(READERS), idle: Mutex::new(Vec::with_capacity(READERS)) }
    }

    async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let closed = |_| Error::Unavailable("the database readers have stopped".to_owned());
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = readers.take()?;
            control(&connection, "begin")?;
            let result =
                catch_unwind(AssertUnwindSafe(|| work(&mut connection))).unwrap_or(Err(Error::Panicked));
            control(&connection, "commit")?;
            readers.idle().push(connection);
            result
        });
        task.await.map_err(|_| Error::Panicked)?
    }

    fn take(&self) -> Result<Connection> {
        if let Some(connection) = self.idle().pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(error)?;
        connection.execute_batch("pragma busy_timeout = 5000; pragma temp_store = memory;").map_err(error)?;
        keep_statements(&connection)?;
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What an error of SQLite means here.
pub fn error(error: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return Error::Statement(error.to_string());
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    match failure.code {
        ErrorCode::ConstraintViolation => match message.strip_prefix("UNIQUE constraint failed: ") {
            Some(constraint) => Error::Conflict { constraint: constraint.to_owned() },
            None => Error::Statement(message),
        },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy(message),
        ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
            Error::Unavailable(message)
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::Corrupt(message),
        _ => Error::Statement(message),
    }
}

/// The same, naming the statement where it is the statement's fault.
pub fn check<T>(sql: &Sql, result: rusqlite::Result<T>) -> Result<T> {
    result.map_err(|cause| match error(cause) {
        Error::Statement(message) => Error::Statement(format!("{}: {message}", sql.name)),
        other => other,
    })
}

#[cfg(test)]
mod tests;
