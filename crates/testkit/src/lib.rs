//! Development only: what the tests of several crates share.
//!
//! Time and randomness that a test controls ([`clock`]), and a webhook endpoint that misbehaves on demand
//! ([`receiver`]).

pub mod clock;
pub mod hostile;
pub mod pdf;
pub mod receiver;
