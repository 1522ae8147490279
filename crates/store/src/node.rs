//! Which server process holds a lease.

use domain::context::Context;
use std::sync::Arc;

/// One life of one server process: a restart is another node, so what it held before runs out by itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    pub fn random(ctx: &Context) -> Self {
        Self(hex::encode(ctx.random::<12>()).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
