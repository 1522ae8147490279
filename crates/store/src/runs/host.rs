//! The engine of this process, where there is one: a run that begins here is its from the insertion on, so that no claim
//! stands between a request and what it leads to.
//!
//! The name under which it is inserted is the engine's, so an engine that dies loses the run as it loses every other. One
//! that is full, stops, or has not said yet that it lives takes none, and the run waits for a claim.

use super::claim::ClaimedRun;
use crate::NodeId;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Takes runs that begin in this process.
pub trait Host: Send + Sync + 'static {
    /// A place for one more run; `None` where there is none now.
    fn place(&self) -> Option<Box<dyn Place>>;
}

/// A place among the runs of a host. Dropped without a word, it is not known whether its run was inserted.
pub trait Place: Send + 'static {
    /// Whose the run is.
    fn node(&self) -> &NodeId;
    /// The run is inserted.
    fn take(self: Box<Self>, run: ClaimedRun);
    /// There is no such run.
    fn free(self: Box<Self>);
}

/// Where an engine says that it is there.
#[derive(Clone, Default)]
pub(crate) struct Hosts(Arc<Mutex<Option<Weak<dyn Host>>>>);

impl Hosts {
    pub(super) fn set(&self, host: Weak<dyn Host>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }

    pub(super) fn place(&self) -> Option<Box<dyn Place>> {
        let host = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade()?;
        host.place()
    }
}
