//! Names for the places of a run where something happens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One step on the way to a place. `index` is the iteration of a `for_each` that holds the rest of the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    pub step: String,
    pub index: Option<u32>,
}

/// A place in a run: the steps that hold it, then the step itself and which item of it.
///
/// As text: `route/ledger/0` is step `ledger` inside `route`; `items/5` the sixth item of `items`; `batch.3/upload/0` the
/// step `upload` in the fourth item of `batch`; `items/all` a `for_each` as a whole. The text is unique in a run and the
/// same over retries and takeovers, so `{run}/{key}` is what an effect is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub within: Vec<Hop>,
    pub step: String,
    /// 0 for a step without `for_each`; `None` for a `for_each` as a whole.
    pub index: Option<u32>,
}

impl Key {
    /// The ids of the steps alone: which place of the definition this is, whatever the iteration.
    pub fn path(&self) -> String {
        let ids = self.within.iter().map(|hop| hop.step.as_str()).chain([self.step.as_str()]);
        ids.collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.within {
            match hop.index {
                Some(index) => write!(f, "{}.{index}/", hop.step)?,
                None => write!(f, "{}/", hop.step)?,
            }
        }
        match self.index {
            Some(index) => write!(f, "{}/{index}", self.step),
            None => write!(f, "{}/all", self.step),
        }
    }
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the key of a step")]
pub struct KeyError(String);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fail = || KeyError(text.to_owned());
        let mut parts: Vec<&str> = text.split('/').collect();
        let last = parts.pop().ok_or_else(fail)?;
        let step = parts.pop().filter(|step| !step.is_empty()).ok_or_else(fail)?.to_owned();
        let index = if last == "all" { None } else { Some(last.parse().map_err(|_| fail())?) };
        let hop = |part: &str| match part.split_once('.') {
            None => Ok(Hop { step: part.to_owned(), index: None }),
            Some((step, index)) => {
                Ok(Hop { step: step.to_owned(), index: Some(index.parse().map_err(|_| fail())?) })
            }
        };
        Ok(Self { within: parts.into_iter().map(hop).collect::<Result<_, _>>()?, step, index })
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["extract/0", "items/5", "items/all", "route/ledger/0", "batch.3/route/upload/17"] {
            assert_eq!(text.parse::<Key>().expect("a key").to_string(), text);
        }
        for text in ["", "extract", "/0", "a/x", "a.b/c/0", "a/-1"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
        assert_eq!("batch.3/upload/0".parse::<Key>().expect("a key").path(), "batch/upload");
    }
}
