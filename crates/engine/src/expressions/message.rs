//! What the server and a child that evaluates expressions say to each other: one question, one answer, framed as all
//! messages to children are.

use domain::limits;
use flow::{expr::Env, ir::Template, run::Failure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    borrow::Cow,
    io::{self, Write},
};

/// What is asked of a child. The server lends what it asks about; the child owns what it reads.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Question<'q> {
    Evaluate { template: Cow<'q, Template>, env: Cow<'q, Env> },
    CheckInput { schema: Cow<'q, Value>, body: Cow<'q, Value> },
}

/// `is_worn`: the child holds so much memory that it is better replaced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    Value { value: Value, is_worn: bool },
    Failed { failure: Failure, is_worn: bool },
}

impl Answer {
    pub(super) const fn is_worn(&self) -> bool {
        match self {
            Self::Value { is_worn, .. } | Self::Failed { is_worn, .. } => *is_worn,
        }
    }
}

impl Question<'_> {
    /// With its length in front; `None` where it is longer than allowed, found out without making all of it.
    pub(super) fn framed(&self) -> Option<Vec<u8>> {
        let mut frame = Bounded(vec![0; 4]);
        serde_json::to_writer(&mut frame, self).ok()?;
        let Bounded(mut frame) = frame;
        let length = u32::try_from(frame.len() - 4).ok()?;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        Some(frame)
    }
}

/// Bytes that refuse to become too many.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > limits::EXPRESSION_REQUEST_BYTES_MAX {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
