//! What attempts make of deliveries, many in one transaction.
//!
//! The decision is `domain::delivery::record`, taken here under the lock of the subscription's row, so that two attempts
//! that end at once cannot both judge by the same old state.

use super::{
    Deliveries,
    claim::DeliveryLease,
    fan_out::{Ended, Outgoing, fan_out},
};
use crate::{
    Store,
    db::{FromRow, Params, Row, Tx},
    error::{Error, Result},
    events::NewEvent,
    sql::statements,
    subscriptions,
};
use domain::{
    delivery::{self, Answer, Attempt, DeliveryStatus, RetryPolicy, Transition},
    event::{self, EventType, SubscriptionEventData},
    id::SubscriptionId,
    subscription::DisabledReason,
    time::Timestamp,
};
use std::collections::BTreeMap;

statements! {
    CURRENT = "select subscription_id, round_attempts from deliveries
        where id = $1 and fence = $2 and status = 'PENDING'",
        postgres "select a.number, d.subscription_id, d.round_attempts
        from unnest($1::uuid[], $2::bigint[]) with ordinality as a (id, fence, number)
        join deliveries d on d.id = a.id and d.fence = a.fence and (d.status = 'PENDING') is true for update of d";
    HEALTH = "select consecutive_failures, last_success_at, last_failure_at, failing_since from subscriptions
        where id = $1",
        postgres "select a.number, consecutive_failures, last_success_at, last_failure_at, failing_since
        from unnest($1::uuid[]) with ordinality as a (id, number) join subscriptions s on s.id = a.id
        order by s.id for update of s";
    ATTEMPT = "insert into attempts (id, delivery_id, number, started_at, duration_ms, status_code, error, blame,
            response_body)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        postgres "insert into attempts (id, delivery_id, number, started_at, duration_ms, status_code, error, blame,
            response_body)
        select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
            $8::text[], $9::text[])";
    DELIVERY = "update deliveries set status = $2, attempt_count = attempt_count + 1,
            round_attempts = round_attempts + 1, next_attempt_at = $3, lease_until = 0, lease_node = null,
            updated_at = $4, delivered_at = coalesce(delivered_at, $5)
        where id = $1",
        postgres "update deliveries d set status = a.status, attempt_count = attempt_count + 1,
            round_attempts = round_attempts + 1, next_attempt_at = a.next_attempt_at, lease_until = 0, lease_node = null,
            updated_at = a.at, delivered_at = coalesce(d.delivered_at, a.delivered_at)
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
            as a (id, status, next_attempt_at, at, delivered_at) where d.id = a.id";
    SUBSCRIPTION = "update subscriptions set consecutive_failures = $2, last_success_at = $3, last_failure_at = $4,
            failing_since = $5 where id = $1",
        postgres "update subscriptions s set consecutive_failures = a.consecutive_failures,
            last_success_at = a.last_success_at, last_failure_at = a.last_failure_at, failing_since = a.failing_since
        from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
            as a (id, consecutive_failures, last_success_at, last_failure_at, failing_since) where s.id = a.id";
    PAUSE = "update subscriptions set status = 'paused', disabled_reason = $2, updated_at = $3
        where id = $1 and status = 'active'";
}

/// An attempt that ended.
#[derive(Debug, Clone)]
pub struct FinishedAttempt {
    pub lease: DeliveryLease,
    pub attempt: Attempt,
    pub answer: Answer,
    /// A random number in `[0, 1)` that places the jitter of the next wait.
    pub unit: f64,
}

/// What became of a finished attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Done(Transition),
    /// The lease was lost, or delivery or subscription are gone; nothing was written.
    Stale,
}

#[derive(Clone)]
struct Health {
    consecutive_failures: u32,
    last_success_at: Option<Timestamp>,
    last_failure_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    pause: Option<DisabledReason>,
}

impl FromRow for Health {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            consecutive_failures: row.take()?,
            last_success_at: row.take()?,
            last_failure_at: row.take()?,
            failing_since: row.take()?,
            pause: None,
        })
    }
}

impl Health {
    fn note(&mut self, transition: &Transition, now: Timestamp) {
        if transition.status == DeliveryStatus::Delivered {
            self.consecutive_failures = 0;
            self.last_success_at = Some(now);
            // A success after the failure that would have paused it.
            self.pause = self.pause.filter(|reason| *reason == DisabledReason::Gone);
        } else {
            self.consecutive_failures = self.consecutive_failures.saturating_add(1);
            self.last_failure_at = Some(now);
        }
        self.failing_since = transition.failing_since;
        self.pause = transition.pause.or(self.pause);
    }
}

impl Deliveries<'_> {
    /// Records attempts, all in one transaction; answers stand in the order of `finished`. The commit is a lazy one: an
    /// attempt that a power cut makes forgotten is repeated, as one whose answer was lost would be.
    pub async fn record(
        &self,
        finished: Vec<FinishedAttempt>,
        policy: RetryPolicy,
        now: Timestamp,
    ) -> Result<Vec<Recorded>> {
        if finished.is_empty() {
            return Ok(Vec::new());
        }
        let input = (finished, policy, self.0.clone(), now);
        let record = self.0.db.write_lazily(input, |tx, (finished, policy, store, now)| {
            Box::pin(record(tx, finished, policy, store, *now))
        });
        record.await
    }
}

async fn record(
    tx: &mut Tx<'_>,
    finished: &[FinishedAttempt],
    policy: &RetryPolicy,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<Recorded>> {
    let leases: Vec<_> =
        finished.iter().map(|it| vec![it.lease.delivery_id.into(), it.lease.fence.into()]).collect();
    let current: Vec<Option<(SubscriptionId, u32)>> = tx.optional_bulk(&CURRENT, &leases).await?;
    let mut health = health(tx, &current).await?;

    let mut recorded = Vec::with_capacity(finished.len());
    let mut attempts = Vec::new();
    let mut deliveries = Vec::new();
    for (finished, current) in finished.iter().zip(&current) {
        let known = current.and_then(|(id, round)| health.get_mut(&id).map(|health| (health, round + 1)));
        let Some((health, failures)) = known else {
            recorded.push(Recorded::Stale);
            continue;
        };
        let transition =
            delivery::record(&finished.answer, failures, health.failing_since, now, policy, finished.unit);
        health.note(&transition, now);
        attempts.push(attempt_params(finished));
        deliveries.push(vec![
            finished.lease.delivery_id.into(),
            transition.status.into(),
            transition.next_attempt_at.into(),
            now.into(),
            (transition.status == DeliveryStatus::Delivered).then_some(now).into(),
        ]);
        recorded.push(Recorded::Done(transition));
    }
    let subscriptions = subscription_params(&health);
    tx.execute_bulks(&[(&ATTEMPT, attempts), (&DELIVERY, deliveries), (&SUBSCRIPTION, subscriptions)])
        .await?;
    pause(tx, &health, store, now).await?;
    Ok(recorded)
}

/// The health of each subscription concerned, locked in the order of their ids.
async fn health(
    tx: &mut Tx<'_>,
    current: &[Option<(SubscriptionId, u32)>],
) -> Result<BTreeMap<SubscriptionId, Health>> {
    let mut ids: Vec<SubscriptionId> = current.iter().flatten().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let keys: Vec<_> = ids.iter().map(|id| vec![(*id).into()]).collect();
    let found: Vec<Option<Health>> = tx.optional_bulk(&HEALTH, &keys).await?;
    Ok(ids.into_iter().zip(found).filter_map(|(id, health)| Some((id, health?))).collect())
}

fn subscription_params(health: &BTreeMap<SubscriptionId, Health>) -> Vec<Params<'static>> {
    health
        .iter()
        .map(|(id, health)| {
            vec![
                (*id).into(),
                health.consecutive_failures.into(),
                health.last_success_at.into(),
                health.last_failure_at.into(),
                health.failing_since.into(),
            ]
        })
        .collect()
}

/// Pauses what is to be paused, and tells those operators who asked for it, in the same transaction.
async fn pause(
    tx: &mut Tx<'_>,
    health: &BTreeMap<SubscriptionId, Health>,
    store: &Store,
    now: Timestamp,
) -> Result<()> {
    let ctx = &store.ctx;
    for (id, health) in health {
        let Some(reason) = health.pause else { continue };
        if tx.execute(&PAUSE, &[(*id).into(), reason.into(), now.into()]).await? == 0 {
            continue;
        }
        store.db.mark_edition();
        let Some((org_id, subscription)) = subscriptions::find(tx, *id).await? else { continue };
        let event_id = ctx.id();
        let event_type = EventType::SubscriptionDisabled;
        let data = SubscriptionEventData { subscription_id: *id, subscription: &subscription, test: false };
        let body = event::render(event_id, event_type, now, data).map_err(Error::corrupt)?;
        let event = NewEvent { id: event_id, event_type, body: body.into() };
        let outgoing = Outgoing { org_id, event: &event, ended: Ended::Subscription(*id), occurred_at: now };
        fan_out(tx, &[outgoing], None, ctx, now).await?;
    }
    Ok(())
}

fn attempt_params(finished: &FinishedAttempt) -> Params<'_> {
    let attempt = &finished.attempt;
    vec![
        attempt.id.into(),
        finished.lease.delivery_id.into(),
        attempt.number.into(),
        attempt.started_at.into(),
        attempt.duration_ms.into(),
        attempt.status_code.map(u32::from).into(),
        attempt.error.as_ref().into(),
        attempt.blame.into(),
        attempt.response_body.as_ref().into(),
    ]
}
