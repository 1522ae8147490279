//! What the product means: pure types and the decisions over them.
//!
//! Nothing here reads a file, a socket, a clock or a random source; time and randomness come in through
//! [`context::Context`]. So every rule of the product (how a job settles, when a delivery is retried, what a signature
//! covers) can be tested as plain functions, and the same rule serves the API, the engine and the command line.

pub mod context;
pub mod delivery;
pub mod event;
pub mod extraction;
pub mod fault;
pub mod feedback;
pub mod file;
pub mod hub;
pub mod id;
pub mod job;
pub mod key;
pub mod kind;
pub mod learning;
pub mod limits;
pub mod metadata;
pub mod org;
pub mod page;
pub mod print;
pub mod replay;
pub mod request;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod signature;
pub mod signing_key;
pub mod subscription;
pub mod time;
pub mod window;
pub mod workflow;
