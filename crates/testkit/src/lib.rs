//! Development only: what the tests of several crates share.
//!
//! Time and randomness that a test controls ([`clock`]), and a webhook endpoint that misbehaves on demand
//! ([`receiver`]); a PostgreSQL and an S3 store of the tests' own ([`postgres`], [`s3`]).

pub mod clock;
pub mod hostile;
pub mod pdf;
pub mod postgres;
pub mod receiver;
pub mod s3;
