//! One conformance suite: every operation of the store, on SQLite and on PostgreSQL.

mod blobs;
mod deliveries;
mod engine;
mod files;
mod jobs;
mod orgs;
mod settling;
mod subscriptions;
mod support;
mod terminal_states_and_events;
