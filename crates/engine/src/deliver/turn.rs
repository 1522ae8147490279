//! One attempt's turn: from its place in a lane to the ledger.

use super::{
    Dispatcher, Held, Shared,
    attempt::{self, Circumstances},
    lane::End,
    lanes::Ticket,
    place,
};
use crate::client::Failure;
use domain::{
    delivery::{Answer, Attempt},
    id::{OrgId, SubscriptionId},
    subscription::SubscriptionStatus,
};
use std::{sync::Arc, time::Duration};
use store::deliveries::FinishedAttempt;

/// A lane's place, given up when it is dropped, whatever happened.
pub(super) struct Turn {
    dispatcher: Dispatcher,
    ticket: Ticket<OrgId, SubscriptionId>,
    end: End,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (given_back, look) = {
            let mut lanes = self.dispatcher.lanes();
            let given_back = lanes.done(self.ticket, self.end, self.dispatcher.shared.ctx.now());
            (given_back, lanes.take_thirst(self.ticket.key))
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
        self.dispatcher.pump();
    }
}

impl Turn {
    pub(super) fn new(dispatcher: Dispatcher, ticket: Ticket<OrgId, SubscriptionId>) -> Self {
        Self { dispatcher, ticket, end: End::Skipped }
    }

    /// Attempts a delivery and hands what became of it to the ledger.
    pub(super) async fn take(mut self, held: Held) {
        let shared = Arc::clone(&self.dispatcher.shared);
        let lifetime = shared.lifetime.clone();
        let finished = tokio::select! {
            biased;
            () = lifetime.abandoned() => return,
            finished = self.deliver(&shared, &held) => finished,
        };
        match finished {
            Some((attempt, answer)) => {
                self.end = end(&attempt, &answer);
                count(&attempt, &answer);
                let lease = held.due.lease;
                let finished = FinishedAttempt { lease, attempt, answer, unit: shared.ctx.unit() };
                shared.ledger.record(finished).await;
            }
            None => shared.ledger.release(held.due.lease).await,
        }
    }

    /// Makes the attempt; `None` where nothing was to be sent now and the delivery is to be given back.
    async fn deliver(&self, shared: &Shared, held: &Held) -> Option<(Attempt, Answer)> {
        let found = shared.targets.get(held.due.subscription_id).await;
        let now = shared.ctx.now();
        let circumstances = Circumstances { id: shared.ctx.id(), started_at: now, timeout: shared.timeout };
        let target = match found {
            Ok(target) => target?,
            Err(error) if error.is_transient() => return None,
            // Its secret cannot be opened: that is to be seen in its log, and is no reason to try for ever.
            Err(error) => {
                tracing::error!(%error, subscription_id = %held.due.subscription_id, "a target cannot be read");
                let failure = Failure::Request("the signing secret cannot be read".to_owned());
                return Some(attempt::finish(&held.due, circumstances, 0, Err(failure)));
            }
        };
        // Whatever else waits in the lane goes at the pace that was just read.
        if self.dispatcher.lanes().learn(place(&held.due), target.per_second, now) {
            self.dispatcher.pump();
        }
        // After a long stop of this process somebody else may hold it by now.
        let lease_ends = held.until.max(held.tag.renewed_until());
        if target.status == SubscriptionStatus::Paused || now.plus(shared.timeout) > lease_ends {
            return None;
        }
        Some(attempt::attempt(&shared.client, &held.due, &target, circumstances).await)
    }
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

fn count(attempt: &Attempt, answer: &Answer) {
    let outcome = if answer.is_success() { "delivered" } else { "failed" };
    let blame = attempt.blame.map_or("none", |blame| blame.as_str());
    metrics::counter!("plextera_delivery_attempts_total", "outcome" => outcome, "blame" => blame)
        .increment(1);
    metrics::histogram!("plextera_delivery_attempt_seconds").record(attempt.duration_ms as f64 / 1000.0);
}
