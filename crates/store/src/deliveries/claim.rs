//! Who sends which delivery.
//!
//! Claims go by subscription: first which subscriptions have something due, then a few rows of each. So a dead endpoint
//! with a million rows due costs one index probe, and not the batch of everybody else. Within a subscription they go by
//! class, in the shares in which lanes serve them: what has just happened and did not fit into memory does not wait
//! behind retries that have been due for a day.

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
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// A row's [`Class`] as a number. It and [`free_at`] stand in an index and must be written as there.
macro_rules! class {
    () => {
        "(case when replay_id is not null then 2 when round_attempts > 0 then 1 else 0 end)"
    };
}

/// From when on anybody may take a row.
macro_rules! free_at {
    (sqlite) => {
        "max(next_attempt_at, lease_until)"
    };
    (postgres) => {
        "greatest(next_attempt_at, lease_until)"
    };
}

/// Whether a subscription has something of a class that anybody may take at `$1`. Of a value, unlike of `exists`, PostgreSQL
/// never thinks that it is cheaper to look at the due rows of all subscriptions at once.
macro_rules! has_due {
    ($engine:ident, $class:literal) => {
        concat!(
            "(select true from deliveries where subscription_id = s.id and status = 'PENDING' and ",
            class!(),
            " = ",
            $class,
            " and ",
            free_at!($engine),
            " <= $1 limit 1)"
        )
    };
}

macro_rules! due {
    ($engine:ident) => {
        concat!(
            "select s.id, s.endpoint_url from subscriptions s where s.status = 'active' and (",
            has_due!($engine, "0"),
            " or ",
            has_due!($engine, "1"),
            " or ",
            has_due!($engine, "2"),
            ") order by s.id"
        )
    };
}

/// The rows of a class that anybody may take at `$4`, those that could be taken first before the others.
macro_rules! in_line {
    ($engine:ident) => {
        concat!(
            "select id from deliveries where subscription_id = $3 and status = 'PENDING' and ",
            class!(),
            " = $6 and ",
            free_at!($engine),
            " <= $4 order by ",
            free_at!($engine),
            " limit $5"
        )
    };
}

pub(crate) use {class, free_at};

macro_rules! taken {
    () => {
        " returning id, fence, org_id, subscription_id, event_id, event_type, sequence, attempt_count"
    };
}

statements! {
    DUE = due!(sqlite), postgres due!(postgres);
    CLAIM = concat!("update deliveries set lease_until = $1, lease_node = $2, fence = fence + 1 where id in (",
            in_line!(sqlite), ")", taken!()),
        postgres concat!("update deliveries set lease_until = $1, lease_node = $2, fence = fence + 1
            where id = any(array(", in_line!(postgres), " for update skip locked))", taken!());
    BODY = "select occurred_at, body from events where id = $1",
        postgres "select a.number, occurred_at, body from unnest($1::uuid[]) with ordinality as a (id, number)
        join events on events.id = a.id";
    RENEW = "update deliveries set lease_until = $2 where lease_node = $1 and status = 'PENDING'";
    RELEASE = "update deliveries set lease_until = 0, lease_node = null
        where id = $1 and fence = $2 and status = 'PENDING'",
        postgres "update deliveries set lease_until = 0, lease_node = null
        from unnest($1::uuid[], $2::bigint[]) as a (id, fence)
        where deliveries.id = a.id and deliveries.fence = a.fence and (status = 'PENDING') is true";
    RELEASE_ALL = "update deliveries set lease_until = 0, lease_node = null
        where lease_node = $1 and status = 'PENDING'";
}

/// Who holds rows, and until when.
#[derive(Debug, Clone)]
pub struct Hold {
    pub node: NodeId,
    pub until: Timestamp,
    /// Subscriptions of which the node can hold no more now: their rows are free from the beginning.
    pub full: HashSet<SubscriptionId>,
}

impl Hold {
    pub fn new(node: NodeId, until: Timestamp) -> Self {
        Self { node, until, full: HashSet::new() }
    }
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
    /// Stands for the host and port of the endpoint when the row was taken, so that those of one host can take turns.
    pub host: u64,
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
            Box::pin(async move { tx.rows::<(SubscriptionId, String)>(&DUE, &[(*now).into()]).await })
        });
        let due = due.await?.into_iter().map(|(id, url)| (id, host(&url)));
        let mut due: Vec<(SubscriptionId, u64)> = due.collect();
        due.retain(|(id, _)| limits.room.get(id) != Some(&0));
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
                tx.execute_bulk(&RELEASE, &rows).await.map(drop)
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
    due: &[(SubscriptionId, u64)],
    now: Timestamp,
) -> Result<Vec<DueDelivery>> {
    let mut claimed: Vec<(Class, u64, Claimed)> = Vec::new();
    for (subscription_id, host) in due {
        let taken = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
        let left = limits.total.saturating_sub(taken);
        if left == 0 {
            break;
        }
        let room = limits.room.get(subscription_id).copied().unwrap_or(u32::MAX);
        let room = room.min(limits.per_subscription).min(left);
        let taken = claim_of(tx, hold, *subscription_id, room, now).await?;
        claimed.extend(taken.into_iter().map(|(class, claimed)| (class, *host, claimed)));
    }
    let keys: Vec<_> = claimed.iter().map(|(_, _, claimed)| vec![claimed.event_id.into()]).collect();
    let bodies: Vec<Option<(Timestamp, Option<Bytes>)>> = tx.optional_bulk(&BODY, &keys).await?;
    let due = claimed.into_iter().zip(bodies).filter_map(|((class, host, claimed), body)| {
        // An event whose body was erased ended its deliveries in the same transaction.
        let (occurred_at, body) = body?;
        Some(DueDelivery {
            lease: claimed.lease,
            org_id: claimed.org_id,
            subscription_id: claimed.subscription_id,
            event_id: claimed.event_id,
            event_type: claimed.event_type,
            occurred_at,
            sequence: claimed.sequence,
            attempt_count: claimed.attempt_count,
            class,
            host,
            body: body?,
        })
    });
    Ok(due.collect())
}

/// Takes at most `room` of one subscription: each class its share of what is left first, then whatever there is.
async fn claim_of(
    tx: &mut Tx<'_>,
    hold: &Hold,
    subscription_id: SubscriptionId,
    room: u32,
    now: Timestamp,
) -> Result<Vec<(Class, Claimed)>> {
    let mut claimed = Vec::new();
    let mut left = room;
    let mut exhausted = [false; Class::ALL.len()];
    for shared in [true, false] {
        for class in Class::ALL {
            let share = if shared { share(class, left) } else { left };
            if share == 0 || exhausted[class as usize] {
                continue;
            }
            let params = [
                hold.until.into(),
                hold.node.as_str().into(),
                subscription_id.into(),
                now.into(),
                share.into(),
                (class as u32).into(),
            ];
            let taken: Vec<Claimed> = tx.rows(&CLAIM, &params).await?;
            let count = u32::try_from(taken.len()).unwrap_or(u32::MAX);
            exhausted[class as usize] = count < share;
            left = left.saturating_sub(count);
            claimed.extend(taken.into_iter().map(|claimed| (class, claimed)));
        }
    }
    Ok(claimed)
}

/// See [`DueDelivery::host`]. A URL that was accepted has no user info.
pub(super) fn host(endpoint_url: &str) -> u64 {
    let rest = endpoint_url.split_once("://").map_or(endpoint_url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let mut hasher = DefaultHasher::new();
    host.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// Of `left` places, those of a class beside the classes after it.
fn share(class: Class, left: u32) -> u32 {
    let rest: u32 = Class::ALL.into_iter().filter(|other| *other >= class).map(Class::weight).sum();
    (left * class.weight()).div_ceil(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_name() {
        assert_eq!(host("https://example.com/a?b"), host("https://EXAMPLE.com#c"));
        assert_ne!(host("https://example.com/"), host("https://example.com:8443/"));
    }

    #[test]
    fn classes_share_a_claim_as_they_share_a_lane() {
        let live = share(Class::Live, 55);
        let retry = share(Class::Retry, 55 - live);
        assert_eq!((live, retry, share(Class::Replay, 55 - live - retry)), (40, 10, 5));
        assert_eq!(share(Class::Live, 1), 1, "the last place is for what has just happened");
        assert_eq!(share(Class::Retry, 0), 0);
    }
}
