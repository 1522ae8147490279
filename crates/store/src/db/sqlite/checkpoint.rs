//! Brings the write-ahead log into the database file, beside the writer.
//!
//! Theory of operation. A checkpoint copies pages and waits for the disk; where the writer does it between two commits, as
//! SQLite does by itself, everything else waits for as long as it takes to write tens of megabytes. So a thread with a
//! connection of its own copies while the writer goes on. What was written meanwhile is left, less with each round; the
//! last of it, too little to be noticed, the writer copies itself, because the log begins anew only where nothing of it is
//! left when a transaction begins.

use super::error;
use crate::error::{Error, Result};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
};

/// Pages in the log that are copied together: 32 MiB. What is written often is then copied once.
const PAGES_TOGETHER: u32 = 8192;
/// So few are left to the writer.
const PAGES_LEFT: u32 = 512;
/// Rounds after which they are left to it whatever they are: with each the log grows.
const ROUNDS_MAX: u32 = 4;

/// The writer's side. The thread ends with it.
pub(super) struct Checkpoints {
    /// In the log now.
    pages: Arc<AtomicU32>,
    orders: SyncSender<()>,
    copied: Receiver<()>,
    under_way: bool,
    /// With so many pages in the log the next begins.
    due: u32,
}

impl Checkpoints {
    /// Takes the place of the checkpoints that SQLite makes by itself on the writer's connection.
    pub(super) fn start(path: &Path, writer: &mut Connection) -> Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pages);
        let note = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(note)).map_err(error)?;
        let connection = Connection::open(path).map_err(error)?;
        connection.execute_batch("pragma busy_timeout = 5000; pragma synchronous = full;").map_err(error)?;
        let (orders, ordered) = sync_channel(1);
        let (done, copied) = sync_channel(1);
        std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || copy_all(&connection, &ordered, &done))
            .map_err(Error::file("start the checkpoints of", path))?;
        Ok(Self { pages, orders, copied, under_way: false, due: PAGES_TOGETHER })
    }

    /// To be called between two transactions of the writer.
    pub(super) fn turn(&mut self, writer: &Connection) {
        if self.under_way {
            if self.copied.try_recv() != Err(TryRecvError::Empty) {
                self.under_way = false;
                self.finish(writer);
            }
        } else if self.pages.load(Ordering::Relaxed) >= self.due {
            self.under_way = self.orders.send(()).is_ok();
            if !self.under_way {
                self.finish(writer);
            }
        }
    }

    fn finish(&mut self, writer: &Connection) {
        // A reader that still reads what was before keeps the rest in the log: later then.
        let later = self.pages.load(Ordering::Relaxed) + PAGES_TOGETHER / 4;
        self.due = match copy(writer) {
            Some(log) if log.is_copied() => PAGES_TOGETHER,
            _ => later,
        };
    }
}

/// What a round found and did, in pages since the log began.
#[derive(Debug, Clone, Copy)]
struct Log {
    written: u32,
    copied: u32,
}

impl Log {
    const fn is_copied(self) -> bool {
        self.copied >= self.written
    }
}

fn copy_all(connection: &Connection, orders: &Receiver<()>, done: &SyncSender<()>) {
    while orders.recv().is_ok() {
        let mut before = 0;
        for _ in 0..ROUNDS_MAX {
            let Some(log) = copy(connection) else { break };
            // As much as a round copied, about so much was written meanwhile, or less.
            if !log.is_copied() || log.copied.saturating_sub(before) <= PAGES_LEFT {
                break;
            }
            before = log.copied;
        }
        if done.send(()).is_err() {
            return;
        }
    }
}

/// Copies what no reader keeps from being copied. A failure is the disk's: the log stays, and is copied later.
fn copy(connection: &Connection) -> Option<Log> {
    // Neither is known (-1) where there is no log.
    let pages =
        |row: &rusqlite::Row<'_>, column| row.get(column).map(|pages: i32| pages.max(0).unsigned_abs());
    let log = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
        Ok(Log { written: pages(row, 1)?, copied: pages(row, 2)? })
    });
    log.inspect_err(
        |error| tracing::warn!(%error, "the write-ahead log could not be brought into the database"),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    struct Fixture {
        writer: Connection,
        checkpoints: Checkpoints,
        folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = Connection::open(folder.path().join("a.db")).unwrap();
            writer.execute_batch("pragma journal_mode = wal; create table a (x blob not null)").unwrap();
            let checkpoints = Checkpoints::start(&folder.path().join("a.db"), &mut writer).unwrap();
            Self { writer, checkpoints, folder }
        }

        /// Commits at least so many pages.
        fn write(&mut self, pages: u32) {
            self.writer.execute("insert into a values (zeroblob(?1))", [i64::from(pages) * 4096]).unwrap();
            self.checkpoints.turn(&self.writer);
        }

        fn pages(&self) -> u32 {
            self.checkpoints.pages.load(Ordering::Relaxed)
        }

        /// Goes on writing a little until the log has begun anew; false where it did not in a while.
        fn begins_anew(&mut self, patience: Duration) -> bool {
            let (full, started) = (self.pages(), Instant::now());
            while self.pages() >= full && started.elapsed() < patience {
                self.write(1);
                std::thread::sleep(Duration::from_millis(1));
            }
            self.pages() < full
        }

        fn rows(&self, connection: &Connection) -> i64 {
            connection.query_row("select count(*) from a", [], |row| row.get(0)).unwrap()
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_full_log_begins_anew_while_the_writer_goes_on() {
        let mut fixture = Fixture::new();
        for time in 1..=2 {
            fixture.write(PAGES_TOGETHER / 2);
            assert!(!fixture.checkpoints.under_way, "it is half full: {time}");
            fixture.write(PAGES_TOGETHER / 2);
            assert!(fixture.checkpoints.under_way, "it is full: {time}");
            assert!(fixture.begins_anew(LONG));
        }
        let rows = fixture.rows(&fixture.writer);
        let other = Connection::open(fixture.folder.path().join("a.db")).unwrap();
        assert_eq!(fixture.rows(&other), rows);
    }

    #[test]
    fn a_reader_keeps_the_log_until_it_is_done() {
        let mut fixture = Fixture::new();
        fixture.write(1);
        let reader = Connection::open(fixture.folder.path().join("a.db")).unwrap();
        reader.execute_batch("begin").unwrap();
        assert_eq!(fixture.rows(&reader), 1);
        fixture.write(PAGES_TOGETHER);
        assert!(fixture.checkpoints.under_way);
        while fixture.checkpoints.under_way {
            fixture.write(1);
        }
        assert!(fixture.checkpoints.due > PAGES_TOGETHER, "it is not tried with each commit");
        assert_eq!(fixture.rows(&reader), 1);
        reader.execute_batch("commit").unwrap();
        let due = fixture.checkpoints.due;
        fixture.write(due - fixture.pages());
        assert!(fixture.begins_anew(LONG));
    }
}
