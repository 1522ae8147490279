//! The engine from outside: real sockets, real child processes, real databases.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod deliver;
mod expressions;
mod jobs;
mod sandbox;
mod worker;
mod world;
