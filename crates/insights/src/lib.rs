//! Bytes in, typed fields out.

pub mod extract;
pub mod learn;
pub mod page;
pub mod read;
pub mod worker;
