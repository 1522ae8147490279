//! What a client of the API sees, on a whole node, on both databases. The modules mirror those of the `api` crate; each
//! test reads like the sentence of the contract that it holds the server to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may say so by a panic, in its helpers too")]

mod auth;
mod deliveries;
mod errors;
mod examples;
mod files;
mod health;
mod hints;
mod hubs;
mod idempotency;
mod jobs;
mod learning;
mod listeners;
mod openapi;
mod runs;
mod starts;
mod studio;
mod subscriptions;
mod support;
mod walkthrough;
mod workflows;
