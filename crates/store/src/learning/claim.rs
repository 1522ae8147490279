//! Who is teaching which hub.
//!
//! A hub is claimed while it has documents to be read or more is wanted than its model knows. The lease saves work, the
//! fence gives correctness: a model, like a read document, is taken only from who holds the fence.

use super::{Learning, models};
use crate::{
    NodeId,
    db::{FromRow, Row, Tx},
    error::Result,
    rows::to_json,
    sql::statements,
};
use domain::{
    id::{HubId, OrgId},
    learning::{Decision, Evaluation},
    limits,
    time::Timestamp,
};
use std::time::Duration;

statements! {
    CLAIM = "update learning set lease_until = $1, lease_node = $2, fence = fence + 1
        where (org_id, hub_id) in (select org_id, hub_id from learning
            where (trained < wanted or pending > 0) and lease_until <= $3 order by lease_until limit $4)
        returning org_id, hub_id, fence, pending, wanted, trained, active_version, forget_before, failures",
        postgres "with due as materialized (select org_id, hub_id from learning
            where (trained < wanted or pending > 0) and lease_until <= $3 order by lease_until limit $4
            for update skip locked)
        update learning set lease_until = $1, lease_node = $2, fence = fence + 1
        from due where learning.org_id = due.org_id and learning.hub_id = due.hub_id
        returning learning.org_id, learning.hub_id, fence, pending, wanted, trained, active_version, forget_before,
            failures";
    RENEW = "update learning set lease_until = $2 where lease_node = $1";
    RELEASE = "update learning set lease_until = 0, lease_node = null
        where org_id = $1 and hub_id = $2 and fence = $3 and lease_node is not null";
    RELEASE_ALL = "update learning set lease_until = 0, lease_node = null where lease_node = $1";
    HOLD = "select fence from learning where org_id = $1 and hub_id = $2 and fence = $3 and lease_node is not null",
        postgres "select fence from learning where org_id = $1 and hub_id = $2 and fence = $3 and lease_node is not null
            for update";
    // The time until which nobody claims it stands in place of a lease.
    POSTPONE = "update learning set lease_until = $4, lease_node = null, failures = failures + 1, error = $5
        where org_id = $1 and hub_id = $2 and fence = $3 and lease_node is not null";
    GIVE_UP = "update learning set lease_until = 0, lease_node = null, failures = failures + 1, error = $4,
            trained = $5
        where org_id = $1 and hub_id = $2 and fence = $3 and lease_node is not null";
    TAKE = "update learning set lease_until = 0, lease_node = null, failures = 0, error = null, trained = $4,
            active_version = $5, next_version = next_version + 1
        where org_id = $1 and hub_id = $2 and fence = $3 returning next_version";
    UNLEARN = "update learning set lease_until = 0, lease_node = null, failures = 0, error = null, trained = $4,
            active_version = 0
        where org_id = $1 and hub_id = $2 and fence = $3";
    VERSION = "select next_version, forget_before from learning where org_id = $1 and hub_id = $2";
    STATE = "select pending, wanted, trained, active_version, error from learning where org_id = $1 and hub_id = $2";
    INSERT = "insert into models (org_id, hub_id, version, hub_version, last_sequence, rolled_back, evaluation,
            decisions, content, created_at, profile)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    ERASE = "delete from models where org_id = $1 and hub_id = $2 and version < $3";
    FORGET = "update models set content = null, decisions = '[]', profile = null
        where org_id = $1 and hub_id = $2 and version <= $3 and version <> $4 and content is not null";
}

/// What a teacher must name in everything it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LearnLease {
    pub org_id: OrgId,
    pub hub_id: HubId,
    /// Higher with every claim of the hub.
    pub fence: u32,
}

/// A hub to be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedHub {
    pub lease: LearnLease,
    /// Examples whose document is still to be read.
    pub pending: u64,
    /// What a model made now will know of.
    pub wanted: u64,
    /// What the last one knew of.
    pub trained: u64,
    pub active_version: u32,
    /// Models older than this know of something that was deleted.
    pub forget_before: u32,
    /// Trainings that failed in a row.
    pub failures: u32,
}

impl FromRow for ClaimedHub {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let lease = LearnLease { org_id: row.take()?, hub_id: row.take()?, fence: row.take()? };
        Ok(Self {
            lease,
            pending: row.take()?,
            wanted: row.take()?,
            trained: row.take()?,
            active_version: row.take()?,
            forget_before: row.take()?,
            failures: row.take()?,
        })
    }
}

/// How far a hub's learning is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearnState {
    pub pending: u64,
    pub wanted: u64,
    pub trained: u64,
    pub active_version: u32,
    /// Why the last training failed.
    pub error: Option<String>,
}

impl FromRow for LearnState {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            pending: row.take()?,
            wanted: row.take()?,
            trained: row.take()?,
            active_version: row.take()?,
            error: row.take()?,
        })
    }
}

/// A model that was made.
#[derive(Debug, Clone)]
pub struct NewModel {
    pub hub_version: u32,
    /// Of the last example that it knows.
    pub last_sequence: u64,
    /// Why it is not to be used.
    pub rolled_back: Option<String>,
    pub evaluation: Evaluation,
    pub decisions: Vec<Decision>,
    pub content: Vec<u8>,
    /// What the hub's documents say, as JSON.
    pub profile: String,
}

/// Whether a teacher still holds its hub, which it then does until this transaction ends.
pub(crate) async fn hold(tx: &mut Tx<'_>, lease: &LearnLease) -> Result<bool> {
    let hub_id = lease.hub_id.to_string();
    let params = [lease.org_id.into(), (&hub_id).into(), lease.fence.into()];
    Ok(tx.optional::<(u32,)>(&HOLD, &params).await?.is_some())
}

impl Learning<'_> {
    /// Hands at most `limit` hubs to `node` until `now + lease`.
    pub async fn claim(
        &self,
        node: &NodeId,
        limit: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<ClaimedHub>> {
        let input = (node.clone(), limit, now, now.plus(lease));
        let claim = self.0.db.write(input, |tx, (node, limit, now, until)| {
            Box::pin(async move {
                let params = [(*until).into(), node.as_str().into(), (*now).into(), (*limit).into()];
                tx.rows(&CLAIM, &params).await
            })
        });
        claim.await
    }

    /// Extends all leases of `node` to `now + lease`.
    pub async fn renew(&self, node: &NodeId, now: Timestamp, lease: Duration) -> Result<u64> {
        let renew = self.0.db.write((node.clone(), now.plus(lease)), |tx, (node, until)| {
            Box::pin(async move { tx.execute(&RENEW, &[node.as_str().into(), (*until).into()]).await })
        });
        renew.await
    }

    /// Gives a hub back as it is.
    pub async fn release(&self, lease: LearnLease) -> Result<bool> {
        let release = self.0.db.write(lease, |tx, lease| {
            Box::pin(async move {
                let hub_id = lease.hub_id.to_string();
                tx.execute(&RELEASE, &[lease.org_id.into(), (&hub_id).into(), lease.fence.into()]).await
            })
        });
        Ok(release.await? == 1)
    }

    /// Gives everything back that `node` holds: on shutdown.
    pub async fn release_all(&self, node: &NodeId) -> Result<u64> {
        let release = self.0.db.write(node.clone(), |tx, node| {
            Box::pin(async move { tx.execute(&RELEASE_ALL, &[node.as_str().into()]).await })
        });
        release.await
    }

    /// Notes that a training failed: it is tried again from `until` on, or, where that is `None`, when there is
    /// something new to learn.
    pub async fn fail(&self, claimed: ClaimedHub, why: String, until: Option<Timestamp>) -> Result<bool> {
        let fail = self.0.db.write((claimed, why, until), |tx, (claimed, why, until)| {
            Box::pin(async move {
                let lease = claimed.lease;
                let hub_id = lease.hub_id.to_string();
                let key = [lease.org_id.into(), (&hub_id).into(), lease.fence.into()];
                match until {
                    Some(until) => {
                        let params = [&key[..], &[(*until).into(), why.as_str().into()]].concat();
                        tx.execute(&POSTPONE, &params).await
                    }
                    None => {
                        let params = [&key[..], &[why.as_str().into(), claimed.wanted.into()]].concat();
                        tx.execute(&GIVE_UP, &params).await
                    }
                }
            })
        });
        Ok(fail.await? == 1)
    }

    /// Keeps a model that was made of a claimed hub's lessons and, unless it is rolled back, uses it from now on; its
    /// version, or `None` where the lease was lost. A hub without lessons forgets what it knew: `model` is `None`.
    pub async fn take(
        &self,
        claimed: ClaimedHub,
        model: Option<NewModel>,
        now: Timestamp,
    ) -> Result<Option<u32>> {
        let take = self.0.db.write((claimed, model, now), |tx, (claimed, model, now)| {
            Box::pin(async move {
                if !hold(tx, &claimed.lease).await? {
                    return Ok(None);
                }
                match model {
                    Some(model) => take(tx, claimed, model, *now).await.map(Some),
                    None => unlearn(tx, claimed).await.map(|()| Some(0)),
                }
            })
        });
        take.await
    }

    /// How far a hub's learning is; as it begins where nothing was ever taught.
    pub async fn state(&self, org_id: OrgId, hub_id: HubId) -> Result<LearnState> {
        let get = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.optional(&STATE, &[(*org_id).into(), hub_id.into()]).await })
        });
        Ok(get.await?.unwrap_or_default())
    }
}

async fn take(tx: &mut Tx<'_>, claimed: &ClaimedHub, model: &NewModel, now: Timestamp) -> Result<u32> {
    let lease = claimed.lease;
    let hub_id = lease.hub_id.to_string();
    let (org, hub) = (lease.org_id.into(), (&hub_id).into());
    let (version, forget_before): (u32, u32) = tx.one(&VERSION, &[org, hub]).await?;
    let (evaluation, decisions) = (to_json(&model.evaluation)?, to_json(&model.decisions)?);
    let params = [
        org,
        hub,
        version.into(),
        model.hub_version.into(),
        model.last_sequence.into(),
        model.rolled_back.as_ref().into(),
        (&evaluation).into(),
        (&decisions).into(),
        (&model.content).into(),
        now.into(),
        (&model.profile).into(),
    ];
    tx.execute(&INSERT, &params).await?;
    let active = if model.rolled_back.is_some() { claimed.active_version } else { version };
    let params = [org, hub, lease.fence.into(), claimed.wanted.into(), active.into()];
    tx.one::<(u32,)>(&TAKE, &params).await?;
    // Where something was deleted while this one was made, the next one does the forgetting.
    if claimed.forget_before == forget_before && forget_before > 0 {
        tx.execute(&ERASE, &[org, hub, forget_before.into()]).await?;
    }
    let oldest = version.saturating_sub(limits::MODELS_KEPT);
    tx.execute(&FORGET, &[org, hub, oldest.into(), active.into()]).await?;
    models::trim(tx, lease.org_id, &hub_id, version).await?;
    Ok(version)
}

async fn unlearn(tx: &mut Tx<'_>, claimed: &ClaimedHub) -> Result<()> {
    let lease = claimed.lease;
    let hub_id = lease.hub_id.to_string();
    let (org, hub) = (lease.org_id.into(), (&hub_id).into());
    tx.execute(&UNLEARN, &[org, hub, lease.fence.into(), claimed.wanted.into()]).await?;
    tx.execute(&ERASE, &[org, hub, u32::MAX.into()]).await.map(drop)
}
