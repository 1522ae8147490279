//! Values on their way into a statement and out of a row, the same for both engines.
//!
//! The engines agree on four kinds: nothing, an integer of 64 bits, text, bytes. Everything
//! else is one of these: an id is 16 bytes (`blob` in SQLite, `uuid` in PostgreSQL), a timestamp is milliseconds, a
//! boolean is 0 or 1 (`boolean` in PostgreSQL), JSON is text (`jsonb` where it is searched).

use crate::error::{Error, Result};
use bytes::{BufMut, Bytes, BytesMut};
use domain::{
    event::Resource,
    id::{HubId, RunId, UlidId},
    time::Timestamp,
    workflow::WorkflowId,
};
use postgres_types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

/// A value for a statement's parameter.
#[derive(Debug, Clone, Copy)]
pub enum Param<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Id([u8; 16]),
}

macro_rules! params_from {
    ($($from:ty => |$value:ident| $into:expr;)*) => {$(
        impl<'a> From<$from> for Param<'a> {
            fn from($value: $from) -> Self { $into }
        }
    )*};
}

params_from! {
    i64 => |value| Param::Integer(value);
    i32 => |value| Param::Integer(value.into());
    u32 => |value| Param::Integer(value.into());
    // Counts and sizes of this product are far below 2^63.
    u64 => |value| Param::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    bool => |value| Param::Integer(value.into());
    Timestamp => |value| Param::Integer(value.as_ms());
    &'a str => |value| Param::Text(value);
    &'a String => |value| Param::Text(value);
    &'a WorkflowId => |value| Param::Text(value.as_str());
    &'a [u8] => |value| Param::Bytes(value);
    &'a Vec<u8> => |value| Param::Bytes(value);
    &'a Bytes => |value| Param::Bytes(value);
    &'a [u8; 32] => |value| Param::Bytes(value);
}

macro_rules! ulid_values {
    ($($id:ident),*) => {$(
        impl From<domain::id::$id> for Param<'_> {
            fn from(value: domain::id::$id) -> Self { Param::Id(value.to_bytes()) }
        }
        impl FromCell for domain::id::$id {
            fn from_cell(cell: Cell<'_>) -> Result<Self> { <[u8; 16]>::from_cell(cell).map(Self::from_bytes) }
        }
    )*};
}
ulid_values!(
    FileId,
    JobId,
    EventId,
    SubscriptionId,
    DeliveryId,
    ReplayId,
    FeedbackId,
    KeyId,
    OrgId,
    ApprovalId,
    TaskId,
    ExampleId
);

/// A run's 12 bytes take the place of an id's 16, the rest zero: a column may hold either.
impl From<RunId> for Param<'_> {
    fn from(value: RunId) -> Self {
        let bytes = value.to_bytes();
        Param::Id(std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0)))
    }
}

impl FromCell for RunId {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        let bytes = <[u8; 16]>::from_cell(cell)?;
        Ok(Self::from_bytes(std::array::from_fn(|i| bytes[i])))
    }
}

impl From<Resource> for Param<'_> {
    fn from(value: Resource) -> Self {
        match value {
            Resource::Job(id) => id.into(),
            Resource::Run(id) => id.into(),
        }
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Param::Null => ToSqlOutput::Owned(Value::Null),
            Param::Integer(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Param::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Param::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Param::Id(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Param::Null, _) => return Ok(IsNull::Yes),
            (Param::Integer(value), &Type::BOOL) => out.put_u8(u8::from(*value != 0)),
            (Param::Integer(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Param::Integer(value), &Type::INT8) => out.put_i64(*value),
            (Param::Text(value), &Type::JSONB) => {
                out.put_u8(1); // the version of jsonb's wire form
                out.put_slice(value.as_bytes());
            }
            (Param::Text(value), &Type::TEXT | &Type::VARCHAR | &Type::JSON) => {
                out.put_slice(value.as_bytes())
            }
            (Param::Bytes(value), &Type::BYTEA) => out.put_slice(value),
            (Param::Id(value), &Type::UUID | &Type::BYTEA) => out.put_slice(value),
            (value, ty) => return Err(format!("a parameter of type {ty} was given {}", value.kind()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The values of one parameter over many entries: an array of PostgreSQL.
#[derive(Debug)]
pub struct Column<'a>(pub Vec<Param<'a>>);

impl ToSql for Column<'_> {
    /// The wire form of an array with one dimension: dimensions, whether it has nulls, the type of its elements, length
    /// and lower bound, then each element with its length (-1: null).
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let Kind::Array(element) = ty.kind() else {
            return Err(format!("a parameter of type {ty} was given an array").into());
        };
        out.put_i32(1);
        out.put_i32(i32::from(self.0.iter().any(|value| matches!(value, Param::Null))));
        out.put_u32(element.oid());
        out.put_i32(i32::try_from(self.0.len())?);
        out.put_i32(1);
        for value in &self.0 {
            let length_at = out.len();
            out.put_i32(-1);
            if let IsNull::No = value.to_sql(element, out)? {
                let length = i32::try_from(out.len() - length_at - 4)?;
                out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Param<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Param::Null => "null",
            Param::Integer(_) => "an integer",
            Param::Text(_) => "text",
            Param::Bytes(_) => "bytes",
            Param::Id(_) => "an id",
        }
    }
}

/// A value of a row, borrowed from it.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

impl<'r> Cell<'r> {
    pub(super) fn from_sqlite(value: ValueRef<'r>) -> Result<Self> {
        Ok(match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(value) => Cell::Integer(value),
            ValueRef::Real(_) => return Err(Error::corrupt("no column holds real numbers")),
            ValueRef::Text(value) => Cell::Text(std::str::from_utf8(value).map_err(Error::corrupt)?),
            ValueRef::Blob(value) => Cell::Bytes(value),
        })
    }
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(
        ty: &Type,
        raw: &'r [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::BOOL => Cell::Integer(bool::from_sql(ty, raw)?.into()),
            Type::INT4 => Cell::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Cell::Integer(i64::from_sql(ty, raw)?),
            Type::JSONB => Cell::Text(std::str::from_utf8(raw.get(1..).ok_or("an empty jsonb")?)?),
            Type::BYTEA | Type::UUID => Cell::Bytes(raw),
            _ => Cell::Text(<&str>::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Cell::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::BOOL | Type::INT4 | Type::INT8)
            || matches!(*ty, Type::TEXT | Type::VARCHAR | Type::JSON | Type::JSONB | Type::BYTEA | Type::UUID)
    }
}

/// What can be read out of a [`Cell`].
pub trait FromCell: Sized {
    fn from_cell(cell: Cell<'_>) -> Result<Self>;
}

macro_rules! cells_into {
    ($($into:ty, $what:literal: $pattern:pat => $value:expr;)*) => {$(
        impl FromCell for $into {
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                match cell { $pattern => $value, _ => Err(Error::corrupt(concat!("expected ", $what))) }
            }
        }
    )*};
}

cells_into! {
    i64, "an integer": Cell::Integer(value) => Ok(value);
    u16, "an integer": Cell::Integer(value) => u16::try_from(value).map_err(Error::corrupt);
    u32, "an integer": Cell::Integer(value) => u32::try_from(value).map_err(Error::corrupt);
    u64, "an integer": Cell::Integer(value) => u64::try_from(value).map_err(Error::corrupt);
    bool, "a boolean": Cell::Integer(value) => Ok(value != 0);
    Timestamp, "a timestamp": Cell::Integer(value) => Ok(Timestamp::from_ms(value));
    String, "text": Cell::Text(value) => Ok(value.to_owned());
    WorkflowId, "a workflow id": Cell::Text(value) => value.parse().map_err(Error::corrupt);
    HubId, "a hub id": Cell::Text(value) => value.parse().map_err(Error::corrupt);
    Vec<u8>, "bytes": Cell::Bytes(value) => Ok(value.to_vec());
    Bytes, "bytes": Cell::Bytes(value) => Ok(Bytes::copy_from_slice(value));
    [u8; 16], "16 bytes": Cell::Bytes(value) => value.try_into().map_err(Error::corrupt);
    [u8; 32], "32 bytes": Cell::Bytes(value) => value.try_into().map_err(Error::corrupt);
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// A row, read from left to right.
pub struct Row<'r> {
    source: Source<'r>,
    index: usize,
}

enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(super) fn sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self { source: Source::Sqlite(row), index: 0 }
    }

    pub(super) fn postgres(row: &'r tokio_postgres::Row) -> Self {
        Self { source: Source::Postgres(row), index: 0 }
    }

    /// The next column.
    pub fn take<T: FromCell>(&mut self) -> Result<T> {
        let index = self.index;
        self.index += 1;
        let cell = match self.source {
            Source::Sqlite(row) => Cell::from_sqlite(row.get_ref(index).map_err(Error::corrupt)?)?,
            Source::Postgres(row) => row.try_get(index).map_err(Error::corrupt)?,
        };
        T::from_cell(cell).map_err(|error| Error::corrupt(format!("column {index}: {error}")))
    }
}

/// What a whole row becomes.
pub trait FromRow: Sized {
    fn from_row(row: &mut Row<'_>) -> Result<Self>;
}

/// A row that only matters by being there.
impl FromRow for () {
    fn from_row(_: &mut Row<'_>) -> Result<Self> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($name:ident),*);)*) => {$(
        impl<$($name: FromCell),*> FromRow for ($($name,)*) {
            fn from_row(row: &mut Row<'_>) -> Result<Self> { Ok(($(row.take::<$name>()?,)*)) }
        }
    )*};
}
tuples! { (A); (A, B); (A, B, C); (A, B, C, D); (A, B, C, D, E); }
