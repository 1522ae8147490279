//! One transaction, whichever engine runs it.
//!
//! A store operation is an `async fn` over [`Tx`], written once. Under PostgreSQL its statements are round trips; under
//! SQLite every arm is synchronous, so the operation's future is complete after one poll and may run on a thread that
//! has no runtime.

use super::{
    postgres::{self, PostgresTx},
    sqlite,
    value::{Column, FromRow, Param, Row},
};
use crate::{
    error::{Error, Result},
    sql::Sql,
};
use futures::future::try_join_all;
use rusqlite::params_from_iter;

/// An open transaction. Under SQLite it is the connection: a transaction object would not be `Send`.
pub enum Tx<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(PostgresTx<'c>),
}

/// The parameters of one execution among many.
pub type Params<'a> = Vec<Param<'a>>;

impl Tx<'_> {
    /// Runs a statement; how many rows it changed.
    pub async fn execute(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<u64> {
        match self {
            Tx::Sqlite(connection) => {
                let mut statement = sqlite::check(sql, connection.prepare_cached(sql.sqlite))?;
                let changed = sqlite::check(sql, statement.execute(params_from_iter(params)))?;
                Ok(changed as u64)
            }
            Tx::Postgres(tx) => tx.execute(sql, params).await,
        }
    }

    /// Runs a statement once per entry; how many rows each changed. PostgreSQL gets them in one pipelined round trip.
    pub async fn execute_many(&mut self, sql: &'static Sql, all: &[Params<'_>]) -> Result<Vec<u64>> {
        match self {
            Tx::Sqlite(connection) => {
                let mut statement = sqlite::check(sql, connection.prepare_cached(sql.sqlite))?;
                let mut changed = Vec::with_capacity(all.len());
                for params in all {
                    changed.push(sqlite::check(sql, statement.execute(params_from_iter(params)))? as u64);
                }
                Ok(changed)
            }
            Tx::Postgres(tx) => {
                let tx = &*tx;
                try_join_all(all.iter().map(|params| tx.execute(sql, params))).await
            }
        }
    }

    /// The same as [`Tx::execute_many`] for statements of the hot path: PostgreSQL runs one statement over all entries,
    /// whose parameters are arrays (`unnest`), one per column; SQLite runs a prepared one for each. How many rows changed.
    pub async fn execute_bulk(&mut self, sql: &'static Sql, all: &[Params<'_>]) -> Result<u64> {
        match self {
            Tx::Sqlite(_) => Ok(self.execute_many(sql, all).await?.into_iter().sum()),
            Tx::Postgres(_) if all.is_empty() => Ok(0),
            Tx::Postgres(tx) => tx.execute_columns(sql, &columns(all)).await,
        }
    }

    /// Several statements as [`Tx::execute_bulk`] runs each, one after the other; PostgreSQL gets them in one pipelined
    /// round trip.
    pub async fn execute_bulks(&mut self, all: &[(&'static Sql, Vec<Params<'_>>)]) -> Result<()> {
        match self {
            Tx::Sqlite(_) => {
                for (sql, entries) in all {
                    self.execute_many(sql, entries).await?;
                }
            }
            Tx::Postgres(tx) => {
                let tx = &*tx;
                let filled = all.iter().filter(|(_, entries)| !entries.is_empty());
                let run = filled.map(async |(sql, entries)| tx.execute_columns(sql, &columns(entries)).await);
                try_join_all(run).await?;
            }
        }
        Ok(())
    }

    /// The rows of all entries. PostgreSQL runs one statement over all of them, as in [`Tx::execute_bulk`].
    pub async fn rows_bulk<T: FromRow>(&mut self, sql: &'static Sql, all: &[Params<'_>]) -> Result<Vec<T>> {
        match self {
            Tx::Sqlite(_) => Ok(self.rows_many(sql, all).await?.into_iter().flatten().collect()),
            Tx::Postgres(_) if all.is_empty() => Ok(Vec::new()),
            Tx::Postgres(tx) => decode(&tx.query_columns(sql, &columns(all)).await?),
        }
    }

    /// The row of each entry that has one, in the order of the entries. PostgreSQL runs one statement over all of them, as
    /// in [`Tx::execute_bulk`], which gives the entry's number, from 1, in front of each row (`with ordinality`).
    pub async fn optional_bulk<T: FromRow>(
        &mut self,
        sql: &'static Sql,
        all: &[Params<'_>],
    ) -> Result<Vec<Option<T>>> {
        match self {
            Tx::Sqlite(_) => {
                let found = self.rows_many(sql, all).await?;
                Ok(found.into_iter().map(|rows| rows.into_iter().next()).collect())
            }
            Tx::Postgres(_) if all.is_empty() => Ok(Vec::new()),
            Tx::Postgres(tx) => {
                let rows = tx.query_columns(sql, &columns(all)).await?;
                let mut found: Vec<Option<T>> = all.iter().map(|_| None).collect();
                for row in &rows {
                    let mut row = Row::postgres(row);
                    let number: u64 = row.take()?;
                    let entry = usize::try_from(number).ok().and_then(|number| found.get_mut(number - 1));
                    let entry =
                        entry.ok_or_else(|| Error::corrupt(format!("{} numbered nothing", sql.name)))?;
                    *entry = Some(T::from_row(&mut row)?);
                }
                Ok(found)
            }
        }
    }

    /// Which entries changed a row. PostgreSQL runs one statement over all of them, as in [`Tx::execute_bulk`], which
    /// returns the numbers of those that did; SQLite, for which each `returning` is a table of its own, counts.
    pub async fn changed_bulk(&mut self, sql: &'static Sql, all: &[Params<'_>]) -> Result<Vec<bool>> {
        match self {
            Tx::Sqlite(_) => {
                Ok(self.execute_many(sql, all).await?.into_iter().map(|changed| changed > 0).collect())
            }
            Tx::Postgres(_) => {
                let changed: Vec<Option<()>> = self.optional_bulk(sql, all).await?;
                Ok(changed.iter().map(Option::is_some).collect())
            }
        }
    }

    /// All rows of a query.
    pub async fn rows<T: FromRow>(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<Vec<T>> {
        match self {
            Tx::Sqlite(connection) => {
                let mut statement = sqlite::check(sql, connection.prepare_cached(sql.sqlite))?;
                sqlite_rows(sql, &mut statement, params)
            }
            Tx::Postgres(tx) => decode(&tx.query(sql, params).await?),
        }
    }

    /// The rows of a query run once per entry, in one pipelined round trip under PostgreSQL.
    pub async fn rows_many<T: FromRow>(
        &mut self,
        sql: &'static Sql,
        all: &[Params<'_>],
    ) -> Result<Vec<Vec<T>>> {
        match self {
            Tx::Sqlite(connection) => {
                let mut statement = sqlite::check(sql, connection.prepare_cached(sql.sqlite))?;
                all.iter().map(|params| sqlite_rows(sql, &mut statement, params)).collect()
            }
            Tx::Postgres(tx) => {
                let tx = &*tx;
                let answers = try_join_all(all.iter().map(|params| tx.query(sql, params))).await?;
                answers.iter().map(|rows| decode(rows)).collect()
            }
        }
    }

    /// The first row of a query, if it has any.
    pub async fn optional<T: FromRow>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// The row of a query that always has one.
    pub async fn one<T: FromRow>(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<T> {
        let row = self.optional(sql, params).await?;
        row.ok_or_else(|| Error::corrupt(format!("{} gave no row", sql.name)))
    }

    /// Several statements as they stand, in this engine's own dialect.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        match self {
            Tx::Sqlite(connection) => connection.execute_batch(text).map_err(sqlite::error),
            Tx::Postgres(tx) => tx.client().batch_execute(text).await.map_err(postgres::error),
        }
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Tx::Postgres(_))
    }
}

/// Entries turned into columns. All entries of a statement have the same number of parameters.
fn columns<'a>(all: &[Params<'a>]) -> Vec<Column<'a>> {
    let width = all.first().map_or(0, Vec::len);
    (0..width).map(|index| Column(all.iter().map(|params| params[index]).collect())).collect()
}

fn sqlite_rows<T: FromRow>(
    sql: &Sql,
    statement: &mut rusqlite::Statement<'_>,
    params: &[Param<'_>],
) -> Result<Vec<T>> {
    let mut rows = sqlite::check(sql, statement.query(params_from_iter(params)))?;
    let mut values = Vec::new();
    while let Some(row) = sqlite::check(sql, rows.next())? {
        values.push(T::from_row(&mut Row::sqlite(row))?);
    }
    Ok(values)
}

fn decode<T: FromRow>(rows: &[tokio_postgres::Row]) -> Result<Vec<T>> {
    rows.iter().map(|row| T::from_row(&mut Row::postgres(row))).collect()
}
