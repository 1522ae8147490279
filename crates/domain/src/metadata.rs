//! A job's metadata: a few short strings of the client's own, which routing and lists can match.

use crate::{fault::Detail, limits};
use std::collections::BTreeMap;

/// Key to value, in key order.
pub type Metadata = BTreeMap<String, String>;

/// Everything wrong with `metadata`, each with its path below `metadata`.
pub fn check(metadata: &Metadata) -> Vec<Detail> {
    let mut details = Vec::new();
    if metadata.len() > limits::METADATA_ENTRIES_MAX {
        details.push(Detail::new("metadata", format!("at most {} entries", limits::METADATA_ENTRIES_MAX)));
    }
    for (key, value) in metadata {
        let path = format!("metadata.{key}");
        let trimmed = key.trim();
        if trimmed.is_empty() || key.chars().count() > limits::METADATA_KEY_CHARACTERS_MAX {
            details.push(Detail::new(
                &path,
                format!("the key must have 1 to {} characters", limits::METADATA_KEY_CHARACTERS_MAX),
            ));
        }
        if value.trim().is_empty() || value.chars().count() > limits::METADATA_VALUE_CHARACTERS_MAX {
            details.push(Detail::new(
                &path,
                format!("the value must have 1 to {} characters", limits::METADATA_VALUE_CHARACTERS_MAX),
            ));
        }
        if key.contains('\0') || value.contains('\0') {
            details.push(Detail::new(&path, "must not contain NUL"));
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_contracts() {
        let one = |key: &str, value: &str| check(&Metadata::from([(key.to_owned(), value.to_owned())]));
        assert!(one("k", "v").is_empty());
        assert!(one(&"k".repeat(64), &"v".repeat(512)).is_empty());
        assert_eq!(one(&"k".repeat(65), "v").len(), 1);
        assert_eq!(one("k", &"v".repeat(513))[0].field, "metadata.k");
        assert_eq!(one("k", "  ").len(), 1);
        assert_eq!(one("", "v").len(), 1);
        let many = (0..51).map(|i| (format!("k{i}"), "v".to_owned())).collect();
        assert_eq!(check(&many)[0].field, "metadata");
    }
}
