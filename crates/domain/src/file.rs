//! Files as clients see them. The bytes are in the object store; the kind is detected from them, never believed.

use crate::{id::FileId, limits, time::Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct File {
    pub id: FileId,
    pub name: String,
    pub mime_type: String,
    pub size_bytes: u64,
    pub created_at: Timestamp,
}

/// A file's name as it is kept: the last path segment, without control characters, at most
/// [`limits::FILE_NAME_CHARACTERS_MAX`] characters; `document` where nothing is left.
pub fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String =
        last.chars().filter(|c| !c.is_control()).take(limits::FILE_NAME_CHARACTERS_MAX).collect();
    let name = name.trim();
    if name.is_empty() || name == "." || name == ".." { "document".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_paths_and_control_characters() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\scans\\Rechnung 7.pdf"), "Rechnung 7.pdf");
        assert_eq!(clean_name("a\r\nb\0.pdf"), "ab.pdf");
        assert_eq!(clean_name(""), "document");
        assert_eq!(clean_name(".."), "document");
        assert_eq!(clean_name(&"é".repeat(400)).chars().count(), 255);
    }
}
