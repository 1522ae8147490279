//! Sending again: one event, a test event. A stretch of time is a replay (`crate::replays`).
//!
//! A redelivery is the same delivery in a new round of attempts: same event, same bytes, same sequence number. What is
//! being attempted at the moment is left alone.

use super::{
    Deliveries,
    fan_out::{NUMBER, NewDelivery, Numbered, insert_many},
};
use crate::{
    db::Tx,
    error::Result,
    events::{self, Event},
    sql::statements,
};
use bytes::Bytes;
use domain::{
    context::Context,
    delivery::{Delivery, DeliveryStatus},
    event::EventType,
    id::{DeliveryId, EventId, OrgId, SubscriptionId},
    time::Timestamp,
};

statements! {
    AGAIN = "update deliveries set status = 'PENDING', round_attempts = 0, next_attempt_at = $4, lease_until = 0,
            lease_node = null, fence = fence + 1, replay_id = null, updated_at = $4
        where org_id = $1 and event_id = $2 and (subscription_id = $3 or $3 is null)
            and (status <> 'PENDING' or lease_until <= $4)";
    EXISTS = "select id from subscriptions where org_id = $1 and id = $2",
        postgres "select id from subscriptions where org_id = $1 and id = $2 for key share";
    OF_BOTH = "select id from deliveries where subscription_id = $1 and event_id = $2";
}

/// What became of a redelivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redelivered {
    /// The event's deliveries as they are now, those that were being attempted included; hint `Topic::Deliveries`.
    Done(Vec<Delivery>),
    NotFound,
    /// The subscription that was named does not exist.
    NoSubscription,
    /// The job was deleted, and the event's body with it.
    Erased,
}

/// A sample event for one subscription.
#[derive(Debug, Clone)]
pub struct TestEvent {
    pub org_id: OrgId,
    pub subscription_id: SubscriptionId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub body: Bytes,
}

impl Deliveries<'_> {
    /// Sends an event again: to every subscription that has a delivery of it, or to the one that is named, which gets a
    /// delivery if it has none yet.
    pub async fn redeliver(
        &self,
        org_id: OrgId,
        event_id: EventId,
        subscription_id: Option<SubscriptionId>,
        now: Timestamp,
    ) -> Result<Redelivered> {
        let input = (org_id, event_id, subscription_id, self.0.ctx.clone(), now);
        let redeliver = self.0.db.write(input, |tx, (org_id, event_id, subscription_id, ctx, now)| {
            Box::pin(redeliver(tx, *org_id, *event_id, *subscription_id, ctx, *now))
        });
        redeliver.await
    }

    /// Queues a test event, which has no sequence number and is not among the events that lists show. The delivery's
    /// id; `None` where there is no such subscription. Hint `Topic::Deliveries` after.
    pub async fn insert_test(&self, test: TestEvent, now: Timestamp) -> Result<Option<DeliveryId>> {
        let input = (test, self.0.ctx.id::<DeliveryId>(), now);
        let insert = self.0.db.write(input, |tx, (test, id, now)| Box::pin(insert_test(tx, test, *id, *now)));
        insert.await
    }
}

async fn redeliver(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    event_id: EventId,
    subscription_id: Option<SubscriptionId>,
    ctx: &Context,
    now: Timestamp,
) -> Result<Redelivered> {
    let Some(event) = events::get(tx, org_id, event_id).await? else { return Ok(Redelivered::NotFound) };
    if event.body.is_none() {
        return Ok(Redelivered::Erased);
    }
    if let Some(subscription_id) = subscription_id
        && !ensure_delivery(tx, org_id, &event, subscription_id, ctx, now).await?
    {
        return Ok(Redelivered::NoSubscription);
    }
    let params = [org_id.into(), event_id.into(), subscription_id.into(), now.into()];
    tx.execute(&AGAIN, &params).await?;
    let mut deliveries: Vec<Delivery> = tx.rows(&super::OF_EVENT, &[org_id.into(), event_id.into()]).await?;
    deliveries.retain(|delivery| subscription_id.is_none_or(|wanted| delivery.subscription_id == wanted));
    Ok(Redelivered::Done(deliveries))
}

/// Makes the delivery of an event to a subscription that was not told of it; false where there is no such subscription.
async fn ensure_delivery(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    event: &Event,
    subscription_id: SubscriptionId,
    ctx: &Context,
    now: Timestamp,
) -> Result<bool> {
    if tx.optional::<(SubscriptionId,)>(&EXISTS, &[org_id.into(), subscription_id.into()]).await?.is_none() {
        return Ok(false);
    }
    let known = tx.optional::<(DeliveryId,)>(&OF_BOTH, &[subscription_id.into(), event.id.into()]).await?;
    if known.is_some() {
        return Ok(true);
    }
    let (sequence, _, at): Numbered =
        tx.one(&NUMBER, &[subscription_id.into(), 1_u64.into(), now.into()]).await?;
    let delivery = NewDelivery {
        id: ctx.id(),
        org_id,
        subscription_id,
        event_id: event.id,
        event_type: event.event_type,
        sequence: Some(sequence),
        status: DeliveryStatus::Pending,
        at,
        is_held: false,
    };
    insert_many(tx, &[delivery], None, now).await?;
    Ok(true)
}

async fn insert_test(
    tx: &mut Tx<'_>,
    test: &TestEvent,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<DeliveryId>> {
    let key = [test.org_id.into(), test.subscription_id.into()];
    if tx.optional::<(SubscriptionId,)>(&EXISTS, &key).await?.is_none() {
        return Ok(None);
    }
    let event = Event {
        id: test.event_id,
        event_type: test.event_type,
        resource: None,
        occurred_at: now,
        test: true,
        body: Some(test.body.clone()),
    };
    events::insert_many(tx, &[(test.org_id, event)]).await?;
    let delivery = NewDelivery {
        id,
        org_id: test.org_id,
        subscription_id: test.subscription_id,
        event_id: test.event_id,
        event_type: test.event_type,
        sequence: None,
        status: DeliveryStatus::Pending,
        at: now,
        is_held: false,
    };
    insert_many(tx, &[delivery], None, now).await?;
    Ok(Some(id))
}
