//! The one integration suite of the crate.

mod definitions;
mod expressions;
mod guide;
mod imports;
mod runs;
mod world;
