//! Everything that happens after the response: documents are read, events are delivered, leftovers are cleared away.
//!
//! The engine meets the API in the database only. Each of its loops claims work under a lease with an attempt number
//! and writes under that number, so any number of nodes may run and any of them may die.

pub mod client;
pub mod sandbox;
