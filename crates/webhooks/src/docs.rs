//! What docs/verifying.md shows is compiled and run.

#[doc = include_str!("../../../docs/verifying.md")]
struct Verifying;
