//! The engine from outside: real sockets, real child processes, real databases.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod client;
mod clocks;
mod deliver;
mod expressions;
mod jobs;
mod limits;
mod names;
mod sandbox;
mod second_reader;
mod worker;
mod world;
