//! The engine from outside: real sockets, real child processes, real databases.

mod client;
mod deliver;
mod jobs;
mod sandbox;
mod worker;
mod world;
