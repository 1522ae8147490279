//! Who drives which run.
//!
//! A node that runs workflows renews one row of its own, however many runs it has. A run that waits for something keeps
//! its node only for a while; then it is given back and says when it wants to be looked at. A node whose row ran out is
//! gone: its runs are freed, each with a higher fence.

use super::{Runs, accept::WorkflowRef, row};
use crate::{
    NodeId,
    db::{FromRow, Param, Row, Tx},
    error::Result,
    sql::statements,
};
use domain::{
    id::{OrgId, RunId},
    limits,
    time::Timestamp,
};
use flow::{ir::Definition, run::RunState};
use std::time::Duration;

statements! {
    HEARTBEAT = "insert into run_nodes (node, lease_until) values ($1, $2)
        on conflict (node) do update set lease_until = excluded.lease_until";
    // A run that may be given up after the next death is driven alone: those that only happened to be there live on.
    CLAIM = "update runs set lease_node = $1, fence = fence + 1
        where id in (select id from runs where completed_at is null and lease_node is null and wake_at <= $2
            and (crashes < $4 or (not exists (select 1 from runs where lease_node = $1 and crashes >= $4 and completed_at is null)
                and id = (select id from runs where completed_at is null and lease_node is null and wake_at <= $2
                    and crashes >= $4 order by wake_at limit 1)))
            order by wake_at limit $3)
        returning id, fence, org_id, workflow_id, workflow_name, definition_hash, state, crashes, depth, retry_of,
            started_at",
        postgres "update runs set lease_node = $1, fence = fence + 1
        where id = any(array(select id from runs where completed_at is null and lease_node is null and wake_at <= $2
            and (crashes < $4 or (not exists (select 1 from runs where lease_node = $1 and crashes >= $4 and completed_at is null)
                and id = (select id from runs where completed_at is null and lease_node is null and wake_at <= $2
                    and crashes >= $4 order by wake_at limit 1)))
            order by wake_at limit $3 for update skip locked))
        returning id, fence, org_id, workflow_id, workflow_name, definition_hash, state, crashes, depth, retry_of,
            started_at";
    NEXT = "select min(wake_at) from runs where completed_at is null and lease_node is null";
    // Whoever died with something in hand for a run died over it: it was under way, its time had come, or it had mail.
    FREE = "update runs set lease_node = null, fence = fence + 1, crashes = crashes + case when hot or wake_at <= $1
                or exists (select 1 from run_mail where run_id = runs.id) then 1 else 0 end,
            wake_at = case when hot or exists (select 1 from run_mail where run_id = runs.id) then 0 else wake_at end
        where completed_at is null and lease_node is not null
            and lease_node not in (select node from run_nodes where lease_until > $1)";
    FORGET = "delete from run_nodes where lease_until <= $1";
    RELEASE = "update runs set lease_node = null, wake_at = case
            when wake_at = 0 or exists (select 1 from run_mail where run_id = runs.id) then 0 else cast($3 as bigint) end
        where id = $1 and fence = $2 and completed_at is null returning wake_at";
    RELEASE_ALL = "update runs set lease_node = null, wake_at = case
            when hot or exists (select 1 from run_mail where run_id = runs.id) then 0 else wake_at end
        where lease_node = $1 and completed_at is null";
    NODES = "select count(*) from run_nodes where lease_until > $1";
    LEAVE = "delete from run_nodes where node = $1";
    BACKLOG = "select count(*) from runs where completed_at is null";
}

/// What a node must name in everything it writes about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunLease {
    pub run_id: RunId,
    /// Higher whenever the run changes hands.
    pub fence: u32,
}

/// A run to drive.
#[derive(Debug, Clone)]
pub struct ClaimedRun {
    pub lease: RunLease,
    pub org_id: OrgId,
    pub workflow_id: String,
    pub workflow_name: String,
    pub definition_hash: String,
    pub state: RunState,
    /// Nodes that died while they did something for it, since it last got on.
    pub crashes: u32,
    /// Runs that hold it, one within the other.
    pub depth: u32,
    pub retry_of: Option<RunId>,
    /// An earlier node had begun it.
    pub begun: bool,
    /// Something may have happened to it already; not to one that is handed over at its insertion.
    pub has_mail: bool,
}

impl ClaimedRun {
    /// A run as it is inserted, for the node that has it from then on or for none.
    pub(super) fn new((org_id, id): (OrgId, RunId), workflow: &WorkflowRef, is_held: bool) -> Self {
        Self {
            lease: RunLease { run_id: id, fence: u32::from(is_held) },
            org_id,
            workflow_id: workflow.id.clone(),
            workflow_name: workflow.name.clone(),
            definition_hash: workflow.hash.clone(),
            state: RunState::new(),
            crashes: 0,
            depth: 0,
            retry_of: None,
            begun: false,
            has_mail: false,
        }
    }
}

impl FromRow for ClaimedRun {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            lease: RunLease { run_id: row.take()?, fence: row.take()? },
            org_id: row.take()?,
            workflow_id: row.take()?,
            workflow_name: row.take()?,
            definition_hash: row.take()?,
            state: row::state(&row.take::<String>()?)?,
            crashes: row.take()?,
            depth: row.take()?,
            retry_of: row.take()?,
            begun: row.take::<Option<Timestamp>>()?.is_some(),
            has_mail: true,
        })
    }
}

impl Runs<'_> {
    /// Says that a node is alive until `now + lease`. Without it, what the node has is freed.
    pub async fn heartbeat(&self, node: &NodeId, now: Timestamp, lease: Duration) -> Result<()> {
        let beat = self.0.db.write((node.clone(), now.plus(lease)), |tx, (node, until)| {
            Box::pin(async move { beat(tx, node.as_str(), *until).await })
        });
        beat.await
    }

    /// How many nodes have said that they are alive, under all of their names.
    pub async fn nodes(&self, now: Timestamp) -> Result<u32> {
        let nodes = self
            .0
            .db
            .read(now, |tx, now| Box::pin(async move { tx.one::<(u32,)>(&NODES, &[(*now).into()]).await }));
        Ok(nodes.await?.0)
    }

    /// Hands at most `limit` runs that wait for a node to `node`, those that have waited longest first, and says when
    /// the next one wants to be looked at.
    pub async fn claim(
        &self,
        node: &NodeId,
        limit: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<(Vec<ClaimedRun>, Option<Timestamp>)> {
        // Most looks find nothing, and a look that only reads costs no commit.
        let next = self.next().await?;
        if next.is_none_or(|next| next > now) {
            return Ok((Vec::new(), next));
        }
        let claim =
            self.0.db.write((node.clone(), limit, now, now.plus(lease)), |tx, (node, limit, now, until)| {
                Box::pin(async move {
                    let last_try = limits::RUN_CRASHES_MAX - 1;
                    let params: [Param<'_>; 4] =
                        [node.as_str().into(), (*now).into(), (*limit).into(), last_try.into()];
                    let claimed: Vec<ClaimedRun> = tx.rows(&CLAIM, &params).await?;
                    beat(tx, node.as_str(), *until).await?;
                    Ok(claimed)
                })
            });
        Ok((claim.await?, self.next().await?))
    }

    async fn next(&self) -> Result<Option<Timestamp>> {
        let next = self.0.db.read((), |tx, ()| Box::pin(tx.one::<(Option<Timestamp>,)>(&NEXT, &[])));
        Ok(next.await?.0)
    }

    /// Frees the runs of nodes that are gone; how many.
    pub async fn reap(&self, now: Timestamp) -> Result<u64> {
        let reap = self.0.db.write(now, |tx, now| {
            Box::pin(async move {
                let freed = tx.execute(&FREE, &[(*now).into()]).await?;
                tx.execute(&FORGET, &[(*now).into()]).await?;
                Ok(freed)
            })
        });
        reap.await
    }

    /// Gives a run back that waits for something, until `wake_at` at the latest; when it wants to be looked at, which is
    /// at once where mail has come. `None` where it was lost. Hint `Topic::Runs`: whoever waits for the next time knew
    /// nothing of this one.
    pub async fn release(&self, lease: RunLease, wake_at: Timestamp) -> Result<Option<Timestamp>> {
        let release = self.0.db.write((lease, wake_at), |tx, (lease, wake_at)| {
            Box::pin(async move {
                let params = [lease.run_id.into(), lease.fence.into(), (*wake_at).into()];
                Ok(tx.optional::<(Timestamp,)>(&RELEASE, &params).await?.map(|(wake_at,)| wake_at))
            })
        });
        release.await
    }

    /// Gives everything back that `node` has: on shutdown.
    pub async fn release_all(&self, node: &NodeId) -> Result<u64> {
        let release = self.0.db.write(node.clone(), |tx, node| {
            Box::pin(async move {
                let released = tx.execute(&RELEASE_ALL, &[node.as_str().into()]).await?;
                tx.execute(&LEAVE, &[node.as_str().into()]).await?;
                Ok(released)
            })
        });
        release.await
    }

    /// The definition that a run is pinned to.
    pub async fn definition(&self, hash: &str) -> Result<Definition> {
        self.0.db.read(hash.to_owned(), |tx, hash| Box::pin(row::definition(tx, hash))).await
    }

    /// How many runs are open, of all organizations.
    pub async fn backlog(&self) -> Result<u64> {
        Ok(self.0.db.read((), |tx, ()| Box::pin(tx.one::<(u64,)>(&BACKLOG, &[]))).await?.0)
    }
}

pub(super) async fn beat(tx: &mut Tx<'_>, node: &str, until: Timestamp) -> Result<()> {
    tx.execute(&HEARTBEAT, &[node.into(), until.into()]).await.map(drop)
}
