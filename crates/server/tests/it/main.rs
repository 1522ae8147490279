//! What a client of the API sees, on a whole node, on both databases. The modules mirror those of the `api` crate; each
//! test reads like the sentence of the contract that it holds the server to.

mod auth;
mod deliveries;
mod errors;
mod files;
mod health;
mod idempotency;
mod jobs;
mod openapi;
mod studio;
mod subscriptions;
mod support;
mod walkthrough;
