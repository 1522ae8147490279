//! The engine from outside: real sockets, real child processes, real databases.

mod client;
mod sandbox;
