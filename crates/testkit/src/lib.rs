//! Development only: what the tests of several crates share.
//!
//! Time and randomness that a test controls ([`clock`]), and a webhook endpoint that misbehaves on demand
//! ([`receiver`]), or speaks no HTTP ([`babbler`]), or has a bad certificate ([`tls`]); a PostgreSQL and an S3 store of the tests' own ([`postgres`], [`s3`]); the real binary ([`program`]);
//! and, with the feature `platform`, a whole node (`platform`).

pub mod babbler;
pub mod clock;
pub mod hostile;
pub mod pdf;
#[cfg(feature = "platform")]
pub mod platform;
pub mod postgres;
pub mod process;
pub mod program;
pub mod receiver;
pub mod s3;
pub mod tls;
mod verify;
