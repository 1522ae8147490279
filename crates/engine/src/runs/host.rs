//! A place for a run that is accepted in this process, so that it begins with its insertion and not with a claim.

use super::Desk;
use crate::identity::Tag;
use domain::limits;
use std::sync::Arc;
use store::{
    NodeId,
    runs::{ClaimedRun, Host, Place},
};

impl Host for Desk {
    fn place(&self) -> Option<Box<dyn Place>> {
        let desk = self.itself.upgrade()?;
        let tag = self.parts.identity.tag();
        // One whose word that it lives is about to run out may be taken for dead before the run is inserted.
        let sure = self.parts.ctx.now().plus(self.parts.node_lease / 2);
        let room = self.held().len() < limits::RUNS_HELD_MAX;
        let takes = room && tag.alive_until() > sure && !self.parts.lifetime.is_stopping();
        takes.then(|| Box::new(Seat { desk, tag, settled: false }) as Box<dyn Place>)
    }
}

struct Seat {
    desk: Arc<Desk>,
    tag: Arc<Tag>,
    settled: bool,
}

impl Place for Seat {
    fn node(&self) -> &NodeId {
        &self.tag.node
    }

    fn take(mut self: Box<Self>, run: ClaimedRun) {
        self.settled = true;
        self.desk.start(run, Arc::clone(&self.tag));
    }

    fn free(mut self: Box<Self>) {
        self.settled = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // The run may be in the table under this name, and nobody drives it: the name has to run out.
        if !self.settled {
            self.desk.parts.identity.doubt();
        }
    }
}
