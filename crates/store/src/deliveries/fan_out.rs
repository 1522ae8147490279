//! Events meet subscriptions: one delivery row per match, in the transaction of the terminal state.
//!
//! A subscription's sequence is gapless because its counter is raised by exactly the number of rows that are inserted,
//! under the lock of its row. Subscriptions are locked in the order of their ids, so two such transactions never wait
//! for each other in a circle.

use super::claim::{DeliveryLease, DueDelivery, Hold, host};
use crate::{
    db::{Param, Tx},
    error::Result,
    events::{self, Event, NewEvent},
    rows::Json,
    sql::statements,
};
use domain::{
    context::Context,
    delivery::{Class, DeliveryStatus},
    event::{EventType, Resource},
    id::{DeliveryId, JobId, OrgId, RunId, SubscriptionId},
    job::Operation,
    subscription::{self, Filters, Subject, SubscriptionStatus},
    time::Timestamp,
};
use std::collections::BTreeMap;

statements! {
    CANDIDATES = "select id, event_types, filters, endpoint_url, org_id from subscriptions where org_id = $1",
        postgres "select id, event_types, filters, endpoint_url, org_id from subscriptions
        where org_id = any($1::uuid[])";
    // Clocks of nodes differ a little, and who asked first need not be served first: such a time is made the last one's, so
    // that deliveries are in the order of their numbers. A clock that was set back further ends that.
    pub(super) NUMBER = "update subscriptions set next_sequence = next_sequence + $2,
            in_order = in_order and numbered_at - $3 <= 60000,
            numbered_at = case when numbered_at - $3 between 0 and 60000 then numbered_at else $3 end
        where id = $1 returning next_sequence - $2, status, numbered_at";
    INSERT = "insert into deliveries (id, org_id, subscription_id, event_id, event_type, sequence, status,
            attempt_count, round_attempts, next_attempt_at, lease_until, lease_node, fence, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9, $10, $11, $12, $12)",
        postgres "insert into deliveries (id, org_id, subscription_id, event_id, event_type, sequence, status,
            attempt_count, round_attempts, next_attempt_at, lease_until, lease_node, fence, created_at, updated_at)
        select id, org_id, subscription_id, event_id, event_type, sequence, status, 0, 0, next_attempt_at, lease_until,
            lease_node, fence, created_at, created_at
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::bigint[],
            $9::bigint[], $10::text[], $11::bigint[], $12::bigint[]) as new (id, org_id, subscription_id, event_id,
            event_type, sequence, status, next_attempt_at, lease_until, lease_node, fence, created_at)";
}

/// An event that is being committed.
pub(crate) struct Outgoing<'a> {
    pub org_id: OrgId,
    pub event: &'a NewEvent,
    pub ended: Ended<'a>,
    pub occurred_at: Timestamp,
}

/// What ended, with what filters ask of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    Job(JobId, Operation),
    /// With its workflow's slug.
    Run(RunId, &'a str),
    /// The platform paused it; it is not told so itself.
    Subscription(SubscriptionId),
}

impl<'a> Ended<'a> {
    /// What has one event at most.
    const fn resource(self) -> Option<Resource> {
        match self {
            Self::Job(id, _) => Some(Resource::Job(id)),
            Self::Run(id, _) => Some(Resource::Run(id)),
            Self::Subscription(_) => None,
        }
    }

    fn is(self, id: SubscriptionId) -> bool {
        matches!(self, Self::Subscription(paused) if paused == id)
    }

    const fn subject(self, event_type: EventType) -> Subject<'a> {
        let (workflow_id, operation) = match self {
            Self::Job(_, operation) => (None, Some(operation)),
            Self::Run(_, workflow_id) => (Some(workflow_id), None),
            Self::Subscription(_) => (None, None),
        };
        Subject { event_type, workflow_id, operation }
    }
}

struct Candidate {
    id: SubscriptionId,
    org_id: OrgId,
    event_types: Vec<EventType>,
    filters: Option<Filters>,
    host: u64,
}

/// The first number of some, whether the subscription is active, and when they were given.
pub(super) type Numbered = (u64, SubscriptionStatus, Timestamp);

/// One row to insert.
pub(super) struct NewDelivery {
    pub id: DeliveryId,
    pub org_id: OrgId,
    pub subscription_id: SubscriptionId,
    pub event_id: domain::id::EventId,
    pub event_type: EventType,
    pub sequence: Option<u64>,
    pub status: DeliveryStatus,
    /// When it was made; never before the delivery with the number before.
    pub at: Timestamp,
    /// Leased from the beginning, where it is to be sent and somebody holds it.
    pub is_held: bool,
}

/// Inserts the events and their deliveries; per event the deliveries that are to be sent now. With a `hold` those are
/// leased to it, else, and where it is full, they are free and the caller gets none.
pub(crate) async fn fan_out(
    tx: &mut Tx<'_>,
    outgoing: &[Outgoing<'_>],
    hold: Option<&Hold>,
    ctx: &Context,
    now: Timestamp,
) -> Result<Vec<Vec<DueDelivery>>> {
    let rows: Vec<_> = outgoing.iter().map(event_row).collect();
    events::insert_many(tx, &rows).await?;
    let matched = matches(tx, outgoing).await?;
    // One after the other in this order, which is that of the ids.
    let counts: Vec<_> = matched
        .iter()
        .map(|(id, it)| vec![(*id).into(), (it.events.len() as u64).into(), now.into()])
        .collect();
    let numbered: Vec<Vec<Numbered>> = tx.rows_many(&NUMBER, &counts).await?;
    let mut due: Vec<Vec<DueDelivery>> = outgoing.iter().map(|_| Vec::new()).collect();
    let mut new = Vec::with_capacity(matched.values().map(|it| it.events.len()).sum());
    for ((subscription_id, Matched { host, events }), numbered) in matched.into_iter().zip(numbered) {
        // Deleted since it was matched.
        let Some((first, status, at)) = numbered.into_iter().next() else { continue };
        let status = match status {
            SubscriptionStatus::Active => DeliveryStatus::Pending,
            SubscriptionStatus::Paused => DeliveryStatus::Suppressed,
        };
        let is_held = status == DeliveryStatus::Pending
            && hold.is_some_and(|hold| !hold.full.contains(&subscription_id));
        for (sequence, index) in (first..).zip(events) {
            let outgoing = &outgoing[index];
            let delivery = NewDelivery {
                id: ctx.id(),
                org_id: outgoing.org_id,
                subscription_id,
                event_id: outgoing.event.id,
                event_type: outgoing.event.event_type,
                sequence: Some(sequence),
                status,
                at,
                is_held,
            };
            if is_held {
                due[index].push(due_delivery(&delivery, outgoing, host));
            }
            new.push(delivery);
        }
    }
    insert_many(tx, &new, hold, now).await?;
    Ok(due)
}

fn event_row(outgoing: &Outgoing<'_>) -> (OrgId, Event) {
    let event = Event {
        id: outgoing.event.id,
        event_type: outgoing.event.event_type,
        resource: outgoing.ended.resource(),
        occurred_at: outgoing.occurred_at,
        test: false,
        body: Some(outgoing.event.body.clone()),
    };
    (outgoing.org_id, event)
}

/// The events that a subscription receives, by index.
struct Matched {
    host: u64,
    events: Vec<usize>,
}

/// Which events each subscription receives, by index; subscriptions in the order of their ids.
async fn matches(tx: &mut Tx<'_>, outgoing: &[Outgoing<'_>]) -> Result<BTreeMap<SubscriptionId, Matched>> {
    let mut events: BTreeMap<OrgId, Vec<usize>> = BTreeMap::new();
    for (index, outgoing) in outgoing.iter().enumerate() {
        events.entry(outgoing.org_id).or_default().push(index);
    }
    let mut matched = BTreeMap::new();
    for candidate in candidates(tx, events.keys().copied()).await? {
        let receives = |index: &usize| {
            let outgoing = &outgoing[*index];
            let subject = outgoing.ended.subject(outgoing.event.event_type);
            !outgoing.ended.is(candidate.id)
                && subscription::matches(&candidate.event_types, candidate.filters.as_ref(), &subject)
        };
        let of_org = events.get(&candidate.org_id).into_iter().flatten();
        let events: Vec<usize> = of_org.copied().filter(receives).collect();
        if !events.is_empty() {
            matched.insert(candidate.id, Matched { host: candidate.host, events });
        }
    }
    Ok(matched)
}

async fn candidates(tx: &mut Tx<'_>, orgs: impl Iterator<Item = OrgId>) -> Result<Vec<Candidate>> {
    type Found = (SubscriptionId, Json<Vec<EventType>>, Option<Json<Filters>>, String, OrgId);
    let orgs: Vec<_> = orgs.map(|org_id| vec![org_id.into()]).collect();
    let found: Vec<Found> = tx.rows_bulk(&CANDIDATES, &orgs).await?;
    let candidate = |(id, Json(event_types), filters, endpoint_url, org_id): Found| Candidate {
        id,
        org_id,
        event_types,
        filters: filters.map(|Json(filters)| filters),
        host: host(&endpoint_url),
    };
    Ok(found.into_iter().map(candidate).collect())
}

fn due_delivery(delivery: &NewDelivery, outgoing: &Outgoing<'_>, host: u64) -> DueDelivery {
    DueDelivery {
        lease: DeliveryLease { delivery_id: delivery.id, fence: 1 },
        org_id: delivery.org_id,
        subscription_id: delivery.subscription_id,
        event_id: delivery.event_id,
        event_type: delivery.event_type,
        occurred_at: outgoing.occurred_at,
        sequence: delivery.sequence,
        attempt_count: 0,
        class: Class::Live,
        host,
        body: outgoing.event.body.clone(),
    }
}

/// Inserts rows; those that are held are leased to `hold`, with fence 1.
pub(super) async fn insert_many(
    tx: &mut Tx<'_>,
    deliveries: &[NewDelivery],
    hold: Option<&Hold>,
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<Vec<Param<'_>>> = deliveries
        .iter()
        .map(|delivery| {
            let pending = delivery.status == DeliveryStatus::Pending;
            let hold = hold.filter(|_| delivery.is_held);
            vec![
                delivery.id.into(),
                delivery.org_id.into(),
                delivery.subscription_id.into(),
                delivery.event_id.into(),
                delivery.event_type.into(),
                delivery.sequence.into(),
                delivery.status.into(),
                pending.then_some(now).into(),
                hold.map_or(0, |hold| hold.until.as_ms()).into(),
                hold.map(|hold| hold.node.as_str()).into(),
                u32::from(hold.is_some()).into(),
                delivery.at.into(),
            ]
        })
        .collect();
    tx.execute_bulk(&INSERT, &rows).await.map(drop)
}
