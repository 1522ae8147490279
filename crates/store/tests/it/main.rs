//! One conformance suite: every operation of the store, on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blobs;
mod deliveries;
mod delivery_lists;
mod engine;
mod files;
mod histories;
mod jobs;
mod learning;
mod orgs;
mod replays;
mod retain;
mod runs;
mod settling;
mod signing_keys;
mod starts;
mod subscriptions;
mod support;
mod terminal_states_and_events;
mod workflows;
