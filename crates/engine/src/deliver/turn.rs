//! One attempt's turn: from its place in a lane to the ledger.

use super::{
    Begun, Dispatcher, Held, Shared,
    attempt::{self, Circumstances},
    lane::End,
    lanes::Ticket,
    place,
};
use crate::client::Failure;
use domain::{
    delivery::{Answer, Attempt},
    id::{DeliveryId, OrgId, SubscriptionId},
    subscription::SubscriptionStatus,
};
use std::{sync::Arc, time::Duration};
use store::deliveries::{DueDelivery, FinishedAttempt};

/// A lane's place, given up when it is dropped, whatever happened.
pub(super) struct Turn {
    dispatcher: Dispatcher,
    ticket: Ticket<OrgId, SubscriptionId>,
    end: End,
    is_over: bool,
}

/// Makes an attempt, and goes on with one of those that its end made room for.
pub(super) async fn work(dispatcher: Dispatcher, begun: Begun) {
    let mut next = Some(begun);
    while let Some((ticket, held)) = next.take() {
        let turn = Turn { dispatcher: dispatcher.clone(), ticket, end: End::Skipped, is_over: false };
        let Some(mut turn) = turn.take(held).await else { return };
        let mut begun = turn.give_up();
        next = begun.pop();
        dispatcher.start(begun);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let begun = self.give_up();
            self.dispatcher.start(begun);
        }
    }
}

impl Turn {
    /// Gives the place up; what may begin now that it is free.
    fn give_up(&mut self) -> Vec<Begun> {
        self.is_over = true;
        let (given_back, look, begun) = {
            let mut lanes = self.dispatcher.lanes();
            let given_back = lanes.done(self.ticket, self.end, self.dispatcher.shared.ctx.now());
            let look = lanes.take_thirst(self.ticket.key);
            (given_back, look, self.dispatcher.next(&mut lanes))
        };
        if !given_back.is_empty() {
            let ledger = self.dispatcher.shared.ledger.clone();
            self.dispatcher.shared.tasks.spawn(async move {
                for held in given_back {
                    ledger.release(held.due.lease).await;
                }
            });
        }
        if look {
            self.dispatcher.shared.room.notify_one();
        }
        begun
    }

    /// Attempts a delivery and hands what became of it to the ledger. `None` where the process is going down.
    async fn take(mut self, held: Held) -> Option<Self> {
        let shared = Arc::clone(&self.dispatcher.shared);
        let lifetime = shared.lifetime.clone();
        // On the heap, because it is large and would be copied with each future around it.
        let deliver = Box::pin(self.deliver(&shared, &held));
        let finished = tokio::select! {
            biased;
            () = lifetime.abandoned() => return None,
            finished = deliver => finished,
        };
        match finished {
            Some((attempt, answer)) => {
                self.end = end(&attempt, &answer);
                shared.meter.note(&attempt, &answer);
                let lease = held.due.lease;
                let finished = FinishedAttempt { lease, attempt, answer, unit: shared.ctx.unit() };
                shared.ledger.record(finished).await;
            }
            None => shared.ledger.release(held.due.lease).await,
        }
        Some(self)
    }

    /// Makes the attempt; `None` where nothing was to be sent now and the delivery is to be given back.
    async fn deliver(&self, shared: &Shared, held: &Held) -> Option<(Attempt, Answer)> {
        let found = shared.targets.get(held.due.subscription_id, shared.ctx.now()).await;
        let now = shared.ctx.now();
        let circumstances =
            Circumstances { id: id(shared, &held.due), started_at: now, timeout: shared.timeout };
        let route = match found {
            Ok(route) => route?,
            Err(error) if error.is_transient() => return None,
            // Its secret cannot be opened: that is to be seen in its log, and is no reason to try for ever.
            Err(error) => {
                tracing::error!(%error, subscription_id = %held.due.subscription_id, "a target cannot be read");
                let failure = Failure::Request("the signing secret cannot be read".to_owned());
                return Some(attempt::finish(&held.due, circumstances, 0, Err(failure)));
            }
        };
        let target = &route.target;
        // Whatever else waits in the lane goes at the pace that was just read.
        let distance = target.per_second.map(|per_second| shared.distance(per_second));
        if self.dispatcher.lanes().learn(place(&held.due), distance, now) {
            self.dispatcher.pump();
        }
        // After a long stop of this process somebody else may hold it by now.
        let lease_ends = held.until.max(held.tag.renewed_until());
        if target.status == SubscriptionStatus::Paused || now.plus(shared.timeout) > lease_ends {
            return None;
        }
        Some(attempt::attempt(&shared.client, &held.due, &route, circumstances).await)
    }
}

/// New on each attempt, and the delivery's own at the first: a row with the first fence has not been in hand before, and
/// every attempt at one takes the fence away from it.
fn id(shared: &Shared, due: &DueDelivery) -> DeliveryId {
    if due.lease.fence == 1 { due.lease.delivery_id } else { shared.ctx.id() }
}

/// Answers later than this are no sign of health.
const SLOW: Duration = Duration::from_secs(2);

fn end(attempt: &Attempt, answer: &Answer) -> End {
    match answer.status_code {
        None => End::Silent,
        Some(429 | 500..) => End::Refused,
        Some(_) if attempt.duration_ms >= SLOW.as_millis() as u64 => End::Slow,
        Some(_) => End::Answered,
    }
}
