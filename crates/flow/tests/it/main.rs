//! The one integration suite of the crate.

mod agreement;
mod corpora;
mod definitions;
mod expressions;
mod generate;
mod guide;
mod hostile;
mod imports;
mod model;
mod naive;
mod orders;
mod pages;
mod runs;
mod schema;
mod world;
