//! Under which names this process holds leases.
//!
//! All leases of a node are renewed in one statement, by the node's name. That is cheap, and wrong for one kind of row:
//! a claim whose answer was lost on the way (the connection broke after the commit) is leased to a name, and nobody
//! works on it. So after every doubtful claim the process takes a new name. The old one is renewed as long as work
//! claimed under it is in hand, and not for ever; then what was claimed in vain runs out and is claimed anew.

use domain::{context::Context, time::Timestamp};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{NodeId, Store, deliveries::Hold};

/// How long an old name is renewed at most.
const OLD_NAME_MAX: Duration = Duration::from_secs(600);

/// A name, kept by everything that was claimed under it.
#[derive(Debug)]
pub(crate) struct Tag {
    pub node: NodeId,
    renewed_until_ms: AtomicI64,
    alive_until_ms: AtomicI64,
}

impl Tag {
    /// Until when its renewed leases hold at least. What was claimed since has its own time.
    pub(crate) fn renewed_until(&self) -> Timestamp {
        Timestamp::from_ms(self.renewed_until_ms.load(Ordering::Relaxed))
    }

    /// Until when the table of nodes says that this one lives.
    pub(crate) fn alive_until(&self) -> Timestamp {
        Timestamp::from_ms(self.alive_until_ms.load(Ordering::Relaxed))
    }

    /// The table of nodes says so.
    pub(crate) fn lives(&self, until: Timestamp) {
        self.alive_until_ms.fetch_max(until.as_ms(), Ordering::Relaxed);
    }
}

/// See the module. Cheap to clone; clones are the same identity.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    names: Arc<Mutex<Names>>,
    ctx: Context,
}

#[derive(Debug)]
struct Names {
    current: Arc<Tag>,
    /// With the time at which each was given up.
    old: Vec<(Timestamp, Weak<Tag>)>,
}

impl Identity {
    pub(crate) fn new(ctx: Context) -> Self {
        let names = Names { current: new_tag(&ctx), old: Vec::new() };
        Self { names: Arc::new(Mutex::new(names)), ctx }
    }

    /// The name for new claims.
    pub(crate) fn tag(&self) -> Arc<Tag> {
        Arc::clone(&self.names().current)
    }

    /// To be called after a claim that failed and may have been committed.
    pub(crate) fn doubt(&self) {
        let tag = new_tag(&self.ctx);
        let mut names = self.names();
        let old = std::mem::replace(&mut names.current, tag);
        names.old.push((self.ctx.now(), Arc::downgrade(&old)));
    }

    /// Renews everything that is in hand.
    pub(crate) async fn renew(
        &self,
        store: &Store,
        job_lease: Duration,
        delivery_lease: Duration,
    ) -> store::Result<()> {
        for tag in self.held() {
            let now = self.ctx.now();
            store.jobs().renew(&tag.node, now, job_lease).await?;
            store.learning().renew(&tag.node, now, job_lease).await?;
            let until = now.plus(delivery_lease);
            let renewed = store.deliveries().renew(Hold::new(tag.node.clone(), until)).await?;
            metrics::counter!("plextera_delivery_leases_renewed_total").increment(renewed);
            store.runs().heartbeat(&tag.node, now, job_lease).await?;
            tag.lives(now.plus(job_lease));
            tag.renewed_until_ms.fetch_max(until.as_ms(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Gives everything back at once: on shutdown.
    pub(crate) async fn release(&self, store: &Store) -> store::Result<()> {
        for tag in self.held() {
            store.jobs().release_all(&tag.node).await?;
            store.learning().release_all(&tag.node).await?;
            store.deliveries().release_all(&tag.node).await?;
            store.runs().release_all(&tag.node).await?;
        }
        Ok(())
    }

    /// Every name under which something may be held.
    pub(crate) fn held(&self) -> Vec<Arc<Tag>> {
        let now = self.ctx.now();
        let mut names = self.names();
        names.old.retain(|(since, tag)| tag.strong_count() > 0 && now.since(*since) < OLD_NAME_MAX);
        let old = names.old.iter().filter_map(|(_, tag)| tag.upgrade());
        old.chain([Arc::clone(&names.current)]).collect()
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_tag(ctx: &Context) -> Arc<Tag> {
    Arc::new(Tag {
        node: NodeId::random(ctx),
        renewed_until_ms: AtomicI64::new(0),
        alive_until_ms: AtomicI64::new(0),
    })
}
