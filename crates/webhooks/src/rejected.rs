//! Why a request is not to be believed.

use std::fmt;

/// Answer 401 and change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// Neither signature is there: it was not sent by Plextera, or a proxy took the headers away.
    Unsigned,
    /// A header that a signature needs is missing or cannot be read.
    Malformed { header: &'static str },
    /// Signed too long ago, or in the future: a replay, or a clock that is wrong. Seconds since 1970.
    OutsideTolerance { signed_at: i64, now: i64 },
    /// Another secret signed it, or the body is not the one that was sent.
    Mismatch { header: &'static str },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => {
                write!(f, "there is neither {} nor {}", crate::SIGNATURE, crate::STANDARD_SIGNATURE)
            }
            Self::Malformed { header } => write!(f, "the header {header} is missing or malformed"),
            Self::OutsideTolerance { signed_at, now } if signed_at > now => {
                write!(f, "it was signed {} s in the future: compare the clocks", signed_at.abs_diff(*now))
            }
            Self::OutsideTolerance { signed_at, now } => {
                write!(f, "it was signed {} s ago, which is too long", signed_at.abs_diff(*now))
            }
            Self::Mismatch { header } => {
                write!(f, "no signature matches in {header}: another secret, or the body was changed")
            }
        }
    }
}

impl std::error::Error for Rejected {}
