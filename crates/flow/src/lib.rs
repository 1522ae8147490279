//! Workflows: what people write, what it means, and what a run does next.
//!
//! Three parts, none of which reads a file, a socket, a clock or a random source:
//!
//! - [`compile()`] turns YAML into an immutable [`ir::Definition`], or into every mistake at once, each with its place
//!   ([`diagnostics`]);
//! - [`expr`] reads and evaluates what stands in `${{ … }}`;
//! - [`run`] is the core of the engine: [`run::advance`] takes a definition, the state of a run and one event, and says
//!   the new state, what to commit and what to do. It interprets and never replays, so authors have no rules of
//!   determinism to keep.
//!
//! What it promises: a definition that compiles has an end or waits for something outside; the same events in any order
//! that their effects allow lead to the same result; an event that arrives twice or too late changes nothing; no text
//! from an author costs more than [`domain::limits`] allow.

pub mod diagnostics;
pub mod duration;
pub mod expr;
mod front;
pub mod import;
pub mod input;
pub mod ir;
pub mod run;

pub use front::{Known, compile, kebab, name_of};
