//! Everything that is kept: rows, blobs, sealed secrets. The only crate that knows SQL or object keys.
//!
//! One face ([`db`]) covers SQLite and PostgreSQL, so each operation is written once; one conformance suite holds both
//! engines to it. Two rules make the rest of the product simple:
//!
//! - What belongs together is one transaction: a job, its file and its idempotency record; a terminal state, its
//!   output, its event and that event's deliveries.
//! - Every write of a worker names the lease it was given (id and attempt). A worker that lost its lease changes
//!   nothing.

pub mod blobs;
pub mod db;
mod error;
mod lock;
mod migrate;
pub mod secrets;
mod sql;
pub mod wake;

pub use error::{Error, Result};
pub use lock::DirectoryLock;
