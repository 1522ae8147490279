//! The two engines behind one small face.
//!
//! A store operation is an `async fn` over [`Tx`], written once. Under PostgreSQL it runs on the caller's task; under
//! SQLite it runs on the writer thread, where every statement is synchronous and the operation is complete after one
//! poll, so a statement costs no thread hop and one commit covers every operation that was waiting.
//!
//! An operation borrows its input instead of owning it, so that PostgreSQL may run it again after a deadlock, a
//! serialization failure or a lost connection, as long as nothing was committed. It must therefore have no effect but its statements.

mod edition;
mod listen;
mod postgres;
mod sqlite;
mod tx;
mod value;

pub(crate) use listen::Listener;
pub use postgres::PostgresUrl;
pub use tx::{Params, Tx};
pub use value::{Cell, FromCell, FromRow, Param, Row};

use crate::{
    error::{Error, Result},
    sql::Sql,
};
use deadpool_postgres::Pool;
use postgres::{OpenTransaction, PostgresTx};
use sqlite::Sqlite;
use std::{
    future::Future,
    path::Path,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How often an operation is run before the database counts as busy.
const TRIES_MAX: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const BEGIN: &str = "begin";
/// For statements whose plan does not depend on their parameters: each goes by its index. PostgreSQL would plan anew each
/// time it thinks that an array is shorter than usual, which costs more than running it; and a plan that is kept must not
/// be one for the empty tables of a new database, which it reads from end to end.
macro_rules! planned_once {
    ($more:literal) => {
        concat!(
            "begin; set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off;",
            " set local enable_hashjoin = off; set local enable_mergejoin = off",
            $more
        )
    };
}
pub(crate) const BEGIN_OFTEN: &str = planned_once!("");
const BEGIN_LAZY: &str = planned_once!("; set local synchronous_commit = off");

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Full,
    /// The same, for what is written so often that its statements are planned once.
    Often,
    Lazy,
}

/// Which engine holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Pool),
}

impl Db {
    /// Opens or creates the database file at `path`.
    pub fn sqlite(path: &Path) -> Result<Self> {
        Ok(Self { backend: Backend::Sqlite(Sqlite::open(path)?) })
    }

    /// A pool of connections to PostgreSQL; nothing is dialled before the first use.
    pub fn postgres(url: &PostgresUrl) -> Result<Self> {
        Ok(Self { backend: Backend::Postgres(postgres::pool(url)?) })
    }

    pub fn engine(&self) -> Engine {
        match self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// To be called by an operation that changes what others keep a copy of.
    pub(crate) fn mark_edition(&self) {
        if let Backend::Sqlite(sqlite) = &self.backend {
            sqlite.editions.mark();
        }
    }

    /// Stays the same until something was committed that was marked; `None` where other processes write too.
    pub(crate) fn edition(&self) -> Option<u64> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Some(sqlite.editions.current()),
            Backend::Postgres(_) => None,
        }
    }

    /// Runs `operation` in a transaction that commits when it returns `Ok`; returns after the commit.
    pub async fn write<I, T, F>(&self, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        self.commit(Durability::Full, input, operation).await
    }

    /// The same for an operation of the hot path: its statements go by the same index whatever their parameters are, and
    /// are planned once. Tests hold these plans.
    pub async fn write_often<I, T, F>(&self, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        self.commit(Durability::Often, input, operation).await
    }

    /// The same where losing the change costs no more than doing something once again: what a machine that loses power
    /// forgets is at most what was committed since the last full [`Db::write`]. No order is given up: what is committed
    /// later never survives without it. A process that is killed forgets nothing.
    pub async fn write_lazily<I, T, F>(&self, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        self.commit(Durability::Lazy, input, operation).await
    }

    async fn commit<I, T, F>(&self, durability: Durability, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                let work = move |connection: &mut rusqlite::Connection| {
                    ready(operation(&mut Tx::Sqlite(connection), &input))
                };
                sqlite.write(durability == Durability::Lazy, work).await
            }
            Backend::Postgres(pool) => {
                let mut pause = FIRST_PAUSE;
                for _ in 1..TRIES_MAX {
                    match try_write(pool, durability, &input, &operation).await {
                        Attempt::Done(result) => return result,
                        Attempt::Repeat(error) => tracing::debug!(%error, "a transaction is run again"),
                    }
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                match try_write(pool, durability, &input, &operation).await {
                    Attempt::Done(result) => result,
                    Attempt::Repeat(error) => Err(error),
                }
            }
        }
    }

    /// Runs `operation`, which only reads. SQLite gives it one consistent state; under PostgreSQL each statement sees
    /// what is committed when it runs.
    pub async fn read<I, T, F>(&self, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                sqlite.read(move |connection| ready(operation(&mut Tx::Sqlite(connection), &input))).await
            }
            Backend::Postgres(pool) => {
                match try_read(pool, &input, &operation).await {
                    // A pooled connection that the server had closed: the next one is fresh.
                    Err(error) if error.is_transient() => try_read(pool, &input, &operation).await,
                    result => result,
                }
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read((), |tx, ()| Box::pin(tx.script("select 1"))).await
    }

    /// Has the engine prepare a statement, which checks its text against the schema.
    pub async fn prepare(&self, sql: &'static Sql) -> Result<()> {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                sqlite
                    .read(move |connection| sqlite::check(sql, connection.prepare(sql.sqlite)).map(drop))
                    .await
            }
            Backend::Postgres(pool) => {
                let connection = postgres::connection(pool).await?;
                let prepared = connection.prepare(sql.postgres).await;
                prepared
                    .map(drop)
                    .map_err(|cause| Error::Statement(format!("{}: {}", sql.name, postgres::error(cause))))
            }
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({:?})", self.engine())
    }
}

enum Attempt<T> {
    Done(Result<T>),
    /// Nothing was committed, and running it again may succeed.
    Repeat(Error),
}

async fn try_read<I, T, F>(pool: &Pool, input: &I, operation: &F) -> Result<T>
where
    F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>>,
{
    let connection = postgres::connection(pool).await?;
    operation(&mut Tx::Postgres(PostgresTx::new(&connection)), input).await
}

async fn try_write<I, T, F>(pool: &Pool, durability: Durability, input: &I, operation: &F) -> Attempt<T>
where
    F: for<'a, 'c> Fn(&'a mut Tx<'c>, &'a I) -> BoxFuture<'a, Result<T>>,
{
    let connection = match postgres::connection(pool).await {
        Ok(connection) => connection,
        Err(error) => return Attempt::Done(Err(error)),
    };
    let begin = match durability {
        Durability::Full => BEGIN,
        Durability::Often => BEGIN_OFTEN,
        Durability::Lazy => BEGIN_LAZY,
    };
    let open = match OpenTransaction::begin(connection, begin).await {
        Ok(open) => open,
        Err(error) if error.is_transient() => return Attempt::Repeat(error),
        Err(error) => return Attempt::Done(Err(error)),
    };
    let result = match operation(&mut Tx::Postgres(open.tx()), input).await {
        Ok(value) => value,
        Err(error) if error.is_transient() => return Attempt::Repeat(error),
        Err(error) => return Attempt::Done(Err(error)),
    };
    let began = Instant::now();
    let committed = open.commit().await;
    note_slow(began.elapsed(), 1);
    match committed {
        Ok(()) => Attempt::Done(Ok(result)),
        Err(error @ Error::Busy(_)) => Attempt::Repeat(error),
        // Whether it was committed is unknown: never repeated here.
        Err(error) => Attempt::Done(Err(error)),
    }
}

/// Everything waits for commits. One that takes this long is the disk's doing, and nothing else here would say so.
const SLOW: Duration = Duration::from_secs(1);

fn note_slow(took: Duration, operations: usize) {
    if took >= SLOW {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(took_ms, operations, "a commit took long: the disk is slow or busy");
    }
}

/// The value of a future that never waits: under SQLite, no statement does.
fn ready<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::Statement("a SQLite operation waited for something else".to_owned())),
    }
}
