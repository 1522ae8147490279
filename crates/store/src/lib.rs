//! Everything that is kept: rows, blobs, sealed secrets. The only crate that knows SQL or object keys.
//!
//! One face ([`db`]) covers SQLite and PostgreSQL, so each operation is written once; one conformance suite holds both
//! engines to it. Two rules make the rest of the product simple:
//!
//! - What belongs together is one transaction: a job, its file and its idempotency record; a terminal state, its
//!   output, its event and that event's deliveries.
//! - Every write of a worker names the lease it was given (id and fence). A worker that lost its lease changes nothing.
//!
//! There is one module per noun; `store.jobs()`, `store.files()` and so on lead to their operations. Operations take the
//! present time as an argument and never look at a clock.

pub mod blobs;
pub mod db;
pub mod deliveries;
mod error;
pub mod events;
pub mod feedback;
pub mod files;
pub mod hubs;
pub mod idempotency;
pub mod jobs;
pub mod keys;
pub mod learning;
pub mod listeners;
mod lock;
mod migrate;
mod node;
mod open;
pub mod orgs;
#[cfg(test)]
mod plans;
pub mod removals;
pub mod replays;
mod rows;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod signing_keys;
mod sorted;
mod sql;
pub mod subscriptions;
mod together;
pub mod triggers;
pub mod wake;
pub mod workflow_secrets;
pub mod workflows;

pub use error::{Error, Result};
pub use lock::DirectoryLock;
pub use migrate::{migrate, schema_checksum};
pub use node::NodeId;
pub use open::{Database, Options, Store};
