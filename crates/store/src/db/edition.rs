//! How what was read is known to be still what stands in the database, where this process alone writes to it.
//!
//! An operation that changes something others keep a copy of marks it; the writer makes a new edition after the commit
//! and before anybody is answered. A copy that was read under an edition holds as long as that is the present one: whoever
//! was told of a change never meets the copy from before it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// See the module.
#[derive(Debug, Default)]
pub struct Editions {
    marked: AtomicBool,
    current: AtomicU64,
}

impl Editions {
    /// The operation that runs changes something.
    pub fn mark(&self) {
        self.marked.store(true, Ordering::Release);
    }

    /// After the operations that were marked were committed, or were not.
    pub fn turn(&self) {
        if self.marked.swap(false, Ordering::AcqRel) {
            self.current.fetch_add(1, Ordering::Release);
        }
    }

    pub fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }
}
