//! Mistakes in a definition, each with its place, and how they are shown.

mod codes;
mod render;

pub use codes::{CODES, Code};
pub use render::render;

use serde::{Deserialize, Serialize};

/// One mistake. Lines and columns count from 1, columns in characters; the end is the first place after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
