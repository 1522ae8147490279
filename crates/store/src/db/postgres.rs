//! PostgreSQL: a pool of connections, TLS where the URL asks for it, and what its errors mean here.

use super::value::{Column, Param};
use crate::{
    error::{Error, Result},
    sql::Sql,
};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use std::{
    future::Future,
    pin::pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};
use tokio_postgres::{Client, Config, NoTls, Row, config::SslMode, error::SqlState, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECTIONS_MAX: usize = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(10);
/// No statement of this product takes this long unless something is wrong.
const STATEMENT_TIMEOUT_OPTION: &str =
    "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000";

/// Where the database is. It may hold a password, so `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// `verify-ca` and `verify-full` are other programs' names for what `require` always means here: the certificate
    /// is checked against the system's roots, the name included.
    pub(crate) fn config(&self) -> Result<Config> {
        let url = self
            .0
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        // The parser's message never quotes the URL; its source might.
        let mut config =
            Config::from_str(&url).map_err(|_| Error::Config("the database URL is not valid".to_owned()))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_options().is_none() {
            config.options(STATEMENT_TIMEOUT_OPTION);
        }
        if config.get_application_name().is_none() {
            config.application_name("plextera");
        }
        Ok(config)
    }
}

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

pub(crate) fn tls() -> Result<MakeRustlsConnect> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS to the database: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A pool for `url`. Nothing is dialled before the first use.
pub fn pool(url: &PostgresUrl) -> Result<Pool> {
    let config = url.config()?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match config.get_ssl_mode() {
        SslMode::Require => Manager::from_config(config, tls()?, recycling),
        _ => Manager::from_config(config, NoTls, recycling),
    };
    Pool::builder(manager)
        .max_size(CONNECTIONS_MAX)
        .wait_timeout(Some(POOL_WAIT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| Error::Config(error.to_string()))
}

/// A connection of the pool.
pub async fn connection(pool: &Pool) -> Result<Object> {
    pool.get().await.map_err(|cause| match cause {
        deadpool_postgres::PoolError::Backend(cause) => match error(cause) {
            Error::Statement(reason) => Error::Unavailable(reason),
            other => other,
        },
        other => Error::Unavailable(other.to_string()),
    })
}

/// A connection with an open transaction, which is rolled back where it is dropped before its commit.
pub struct OpenTransaction {
    connection: Object,
    is_over: bool,
}

impl OpenTransaction {
    /// `begin` opens it, and may say more about it in the same round trip.
    pub async fn begin(connection: Object, begin: &str) -> Result<Self> {
        // Open as soon as it is asked for: whoever waits may go away before the answer.
        let open = Self { connection, is_over: false };
        open.connection.batch_execute(begin).await.map_err(error)?;
        Ok(open)
    }

    pub fn tx(&self) -> PostgresTx<'_> {
        PostgresTx::new(&self.connection)
    }

    pub async fn commit(mut self) -> Result<()> {
        self.is_over = true;
        self.connection.batch_execute("commit").await.map_err(error)
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if !self.is_over {
            // The first poll sends it, and whoever has the connection next is answered after it.
            let rollback = pin!(self.connection.batch_execute("rollback"));
            drop(rollback.poll(&mut Context::from_waker(Waker::noop())));
        }
    }
}

/// A connection on which statements run: in a transaction, or each by itself.
pub struct PostgresTx<'c>(&'c Object);

impl<'c> PostgresTx<'c> {
    pub fn new(connection: &'c Object) -> Self {
        Self(connection)
    }
}

impl PostgresTx<'_> {
    pub(super) async fn execute(&self, sql: &Sql, params: &[Param<'_>]) -> Result<u64> {
        let statement = self.prepare(sql).await?;
        self.client().execute(&statement, &refs(params)).await.map_err(|cause| named(sql, cause))
    }

    pub(super) async fn query(&self, sql: &Sql, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        self.client().query(&statement, &refs(params)).await.map_err(|cause| named(sql, cause))
    }

    pub(super) async fn execute_columns(&self, sql: &Sql, columns: &[Column<'_>]) -> Result<u64> {
        let statement = self.prepare(sql).await?;
        self.client().execute(&statement, &refs(columns)).await.map_err(|cause| named(sql, cause))
    }

    pub(super) async fn query_columns(&self, sql: &Sql, columns: &[Column<'_>]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        self.client().query(&statement, &refs(columns)).await.map_err(|cause| named(sql, cause))
    }

    async fn prepare(&self, sql: &Sql) -> Result<tokio_postgres::Statement> {
        self.0.prepare_cached(sql.postgres).await.map_err(|cause| named(sql, cause))
    }

    pub(super) fn client(&self) -> &Client {
        self.0
    }
}

fn refs<T: ToSql + Sync>(params: &[T]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// What an error of PostgreSQL means here. Its `detail` may quote a row, so it is never passed on.
pub fn error(error: tokio_postgres::Error) -> Error {
    let Some(refused) = error.as_db_error() else {
        let source = std::error::Error::source(&error);
        let reason = source.map_or_else(|| error.to_string(), ToString::to_string);
        // A value that does not fit its parameter is reported in the same way as a lost connection.
        let connection = error.is_closed() || source.is_none_or(|source| source.is::<std::io::Error>());
        let reason = format!("PostgreSQL: {reason}");
        return if connection { Error::Unavailable(reason) } else { Error::Statement(reason) };
    };
    let message = || format!("{} ({})", refused.message(), refused.code().code());
    match refused.code() {
        &SqlState::UNIQUE_VIOLATION => {
            Error::Conflict { constraint: refused.constraint().unwrap_or("unnamed").to_owned() }
        }
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::LOCK_NOT_AVAILABLE => Error::Busy(message()),
        // Connection problems, insufficient resources, operator intervention, system errors.
        code if ["08", "53", "57", "58"].contains(&code.code().get(..2).unwrap_or_default()) => {
            Error::Unavailable(message())
        }
        _ => Error::Statement(message()),
    }
}

fn named(sql: &Sql, cause: tokio_postgres::Error) -> Error {
    match error(cause) {
        Error::Statement(message) => Error::Statement(format!("{}: {message}", sql.name)),
        other => other,
    }
}
