//! The one integration suite of the crate.

mod expressions;
mod runs;
mod world;
