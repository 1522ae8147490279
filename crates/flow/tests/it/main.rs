//! The one integration suite of the crate.

mod definitions;
mod expressions;
mod runs;
mod world;
