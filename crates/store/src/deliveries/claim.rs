//! Who sends which delivery.
//!
//! Claims go by subscription: first which subscriptions have something due, then a few rows of each. So a dead endpoint
//! with a million rows due costs one index probe, and not the batch of everybody else.

use super::Deliveries;
use crate::{
    NodeId,
    db::{FromRow, Row, Tx},
    error::Result,
    sql::statements,
};
use bytes::Bytes;
use domain::{
    delivery::Class,
    event::EventType,
    id::{DeliveryId, EventId, OrgId, SubscriptionId},
    time::Timestamp,
};
use std::collections::HashMap;

statements! {
    DUE = "select s.id from subscriptions s where s.status = 'active' and exists (select 1 from deliveries d
            where d.subscription_id = s.id and d.status = 'PENDING' and d.next_attempt_at <= $1 and d.lease_until <= $1)
        order by s.id";
    CLAIM = "update deliveries set lease_until = $1, lease_node = $2, fence = fence + 1
        where id in (select id from deliveries where subscription_id = $3 and status = 'PENDING'
            and next_attempt_at <= $4 and lease_until <= $4 order by next_attempt_at limit $5)
        returning id, fence, org_id, subscription_id, event_id, event_type, sequence, attempt_count,
            round_attempts > 0, replay_id is not null",
        postgres "update deliveries set lease_until = $1, lease_node = $2, fence = fence + 1
        where id = any(array(select id from deliveries where subscription_id = $3 and status = 'PENDING'
            and next_attempt_at <= $4 and lease_until <= $4 order by next_attempt_at limit $5 for update skip locked))
        returning id, fence, org_id, subscription_id, event_id, event_type, sequence, attempt_count,
            round_attempts > 0, replay_id is not null";
    BODY = "select occurred_at, body from events where id = $1";
    RENEW = "update deliveries set lease_until = $2 where lease_node = $1 and status = 'PENDING'";
    RELEASE = "update deliveries set lease_until = 0, lease_node = null
        where id = $1 and fence = $2 and status = 'PENDING'";
    RELEASE_ALL = "update deliveries set lease_until = 0, lease_node = null
        where lease_node = $1 and status = 'PENDING'";
}

/// Who holds rows, and until when.
#[derive(Debug, Clone)]
pub struct Hold {
    pub node: NodeId,
    pub until: Timestamp,
}

/// What a sender must name in everything it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryLease {
    pub delivery_id: DeliveryId,
    /// Higher with every claim of the delivery.
    pub fence: u32,
}

/// A delivery to be attempted now, with all of the event that an attempt needs. Where it goes and how it is signed is
/// read from `Subscriptions::targets` right before.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    pub lease: DeliveryLease,
    pub org_id: OrgId,
    pub subscription_id: SubscriptionId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub occurred_at: Timestamp,
    /// Absent for a test event.
    pub sequence: Option<u64>,
    /// Attempts made so far.
    pub attempt_count: u32,
    pub class: Class,
    pub body: Bytes,
}

/// How much to claim.
#[derive(Debug, Clone, Default)]
pub struct ClaimLimits {
    pub total: u32,
    pub per_subscription: u32,
    /// Subscriptions that have room for fewer, or none, now.
    pub room: HashMap<SubscriptionId, u32>,
}

struct Claimed {
    lease: DeliveryLease,
    org_id: OrgId,
    subscription_id: SubscriptionId,
    event_id: EventId,
    event_type: EventType,
    sequence: Option<u64>,
    attempt_count: u32,
    class: Class,
}

impl FromRow for Claimed {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            lease: DeliveryLease { delivery_id: row.take()?, fence: row.take()? },
            org_id: row.take()?,
            subscription_id: row.take()?,
            event_id: row.take()?,
            event_type: row.take()?,
            sequence: row.take()?,
            attempt_count: row.take()?,
            class: match (row.take::<bool>()?, row.take::<bool>()?) {
                (_, true) => Class::Replay,
                (true, false) => Class::Retry,
                (false, false) => Class::Live,
            },
        })
    }
}

impl Deliveries<'_> {
    /// Leases deliveries that are due and free to `hold`, those of paused subscriptions excepted.
    pub async fn claim_due(
        &self,
        hold: Hold,
        limits: ClaimLimits,
        now: Timestamp,
    ) -> Result<Vec<DueDelivery>> {
        // Most polls find nothing; they need not pass through the writer.
        let due = self.0.db.read(now, |tx, now| {
            Box::pin(async move { tx.rows::<(SubscriptionId,)>(&DUE, &[(*now).into()]).await })
        });
        let mut due: Vec<SubscriptionId> = due.await?.into_iter().map(|(id,)| id).collect();
        due.retain(|id| limits.room.get(id) != Some(&0));
        if due.is_empty() || limits.total == 0 {
            return Ok(Vec::new());
        }
        // Not always the same subscriptions first when there is more than one batch holds.
        let turn = usize::try_from(now.as_ms().unsigned_abs()).unwrap_or(0) % due.len();
        due.rotate_left(turn);
        let input = (hold, limits, due, now);
        let claim = self
            .0
            .db
            .write(input, |tx, (hold, limits, due, now)| Box::pin(claim(tx, hold, limits, due, *now)));
        claim.await
    }

    /// Extends all leases of the hold's node; how many there are.
    pub async fn renew(&self, hold: Hold) -> Result<u64> {
        let renew = self.0.db.write(hold, |tx, hold| {
            Box::pin(async move { tx.execute(&RENEW, &[hold.node.as_str().into(), hold.until.into()]).await })
        });
        renew.await
    }

    /// Gives deliveries back unattempted; they stay due.
    pub async fn release(&self, leases: Vec<DeliveryLease>) -> Result<()> {
        let release = self.0.db.write(leases, |tx, leases| {
            Box::pin(async move {
                let rows: Vec<_> =
                    leases.iter().map(|lease| vec![lease.delivery_id.into(), lease.fence.into()]).collect();
                tx.execute_many(&RELEASE, &rows).await.map(drop)
            })
        });
        release.await
    }

    /// Gives everything back that `node` holds: on shutdown. How many deliveries it were.
    pub async fn release_all(&self, node: &NodeId) -> Result<u64> {
        let release = self.0.db.write(node.clone(), |tx, node| {
            Box::pin(async move { tx.execute(&RELEASE_ALL, &[node.as_str().into()]).await })
        });
        release.await
    }
}

async fn claim(
    tx: &mut Tx<'_>,
    hold: &Hold,
    limits: &ClaimLimits,
    due: &[SubscriptionId],
    now: Timestamp,
) -> Result<Vec<DueDelivery>> {
    let mut claimed: Vec<Claimed> = Vec::new();
    for subscription_id in due {
        let taken = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
        let left = limits.total.saturating_sub(taken);
        if left == 0 {
            break;
        }
        let room = limits.room.get(subscription_id).copied().unwrap_or(u32::MAX);
        let room = room.min(limits.per_subscription).min(left);
        let params = [
            hold.until.into(),
            hold.node.as_str().into(),
            (*subscription_id).into(),
            now.into(),
            room.into(),
        ];
        claimed.extend(tx.rows::<Claimed>(&CLAIM, &params).await?);
    }
    let keys: Vec<_> = claimed.iter().map(|claimed| vec![claimed.event_id.into()]).collect();
    let bodies: Vec<Vec<(Timestamp, Option<Bytes>)>> = tx.rows_many(&BODY, &keys).await?;
    let due = claimed.into_iter().zip(bodies).filter_map(|(claimed, body)| {
        // An event whose body was erased ended its deliveries in the same transaction.
        let (occurred_at, body) = body.into_iter().next()?;
        Some(DueDelivery {
            lease: claimed.lease,
            org_id: claimed.org_id,
            subscription_id: claimed.subscription_id,
            event_id: claimed.event_id,
            event_type: claimed.event_type,
            occurred_at,
            sequence: claimed.sequence,
            attempt_count: claimed.attempt_count,
            class: claimed.class,
            body: body?,
        })
    });
    Ok(due.collect())
}
