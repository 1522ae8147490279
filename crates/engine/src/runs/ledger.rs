//! Decisions on their way into the database: whatever came while the last commit ran is one transaction.

use super::Desk;
use crate::identity::Tag;
use domain::{limits, time::Timestamp};
use std::sync::{Arc, Weak};
use store::{
    deliveries::Hold,
    runs::{Begin, ClaimedRun, Committed, Decision},
    wake::Topic,
};
use tokio::sync::{mpsc, oneshot};

/// What became of one decision.
pub(super) enum Outcome {
    /// With the nested runs that this node has now, and the name under which.
    Committed { children: Vec<ClaimedRun>, tag: Arc<Tag> },
    /// Another node has the run, or it has ended.
    Lost,
    /// Whether it was committed is not known: the run is to be given back, and the database says where it stands.
    Unknown,
    /// The database refuses it, and will again.
    Refused,
}

struct Pending {
    decision: Decision,
    reply: oneshot::Sender<Outcome>,
}

pub(super) struct Ledger {
    queue: mpsc::Sender<Pending>,
}

pub(super) struct Queue(mpsc::Receiver<Pending>);

impl Ledger {
    pub(super) fn new() -> (Self, Queue) {
        let (queue, receiver) = mpsc::channel(limits::RUN_COMMIT_BATCH_MAX * 4);
        (Self { queue }, Queue(receiver))
    }

    pub(super) async fn commit(&self, decision: Decision) -> Outcome {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Pending { decision, reply }).await.is_err() {
            return Outcome::Unknown;
        }
        answer.await.unwrap_or(Outcome::Unknown)
    }
}

/// Commits until nobody is left who could decide anything.
pub(super) async fn commit(desk: Weak<Desk>, mut queue: Queue) {
    let mut pending = Vec::with_capacity(limits::RUN_COMMIT_BATCH_MAX);
    while queue.0.recv_many(&mut pending, limits::RUN_COMMIT_BATCH_MAX).await > 0 {
        let Some(desk) = desk.upgrade() else { return };
        let (decisions, replies): (Vec<_>, Vec<_>) =
            pending.drain(..).map(|Pending { decision, reply }| (decision, reply)).unzip();
        for (outcome, reply) in desk.commit(decisions).await.into_iter().zip(replies) {
            // Nobody waits any more where the node is going down.
            let _ = reply.send(outcome);
        }
    }
}

impl Desk {
    /// All at once, or where one of them is refused, each by itself.
    async fn commit(&self, decisions: Vec<Decision>) -> Vec<Outcome> {
        let parts = &self.parts;
        let now = parts.ctx.now();
        let tag = parts.identity.tag();
        let until = now.plus(parts.delivery_lease);
        let hold = Hold { full: parts.dispatcher.full(), ..Hold::new(tag.node.clone(), until) };
        match parts.store.runs().commit(decisions.clone(), hold, now).await {
            Ok(committed) => {
                let mut outcomes = Vec::with_capacity(committed.len());
                for (decision, committed) in decisions.iter().zip(committed) {
                    outcomes.push(self.committed(decision, committed, &tag, until).await);
                }
                outcomes
            }
            Err(error) if error.is_transient() => {
                parts.identity.doubt();
                tracing::warn!(%error, "decisions about runs could not be committed; the runs are read again");
                decisions.iter().map(|_| Outcome::Unknown).collect()
            }
            Err(error) if decisions.len() > 1 => {
                tracing::error!(%error, "a batch of decisions is committed one by one");
                let mut outcomes = Vec::with_capacity(decisions.len());
                for decision in decisions {
                    outcomes.extend(Box::pin(self.commit(vec![decision])).await);
                }
                outcomes
            }
            Err(error) => {
                tracing::error!(%error, run_id = %decisions[0].lease.run_id, "a decision cannot be committed");
                vec![Outcome::Refused]
            }
        }
    }

    async fn committed(
        &self,
        decision: &Decision,
        committed: Committed,
        tag: &Arc<Tag>,
        until: Timestamp,
    ) -> Outcome {
        let Committed::Done { deliveries, children, told } = committed else { return Outcome::Lost };
        let parts = &self.parts;
        let wake = parts.store.wake();
        if decision.begins.iter().any(|begin| matches!(begin, Begin::Job { .. })) {
            wake.hint(Topic::Jobs);
        }
        // Whoever got on because of this one: here they are told themselves, elsewhere by a hint.
        let are_here = told.into_iter().map(|run_id| self.look(run_id));
        if are_here.filter(|is_here| !is_here).count() > 0 {
            wake.hint(Topic::Runs);
        }
        if let Some(ended) = &decision.ended {
            wake.hint(Topic::Events);
            let code = ended.failure.as_ref().map_or("", |failure| failure.code.as_str());
            let status = ended.status.as_str();
            tracing::info!(run_id = %decision.lease.run_id, workflow_id = decision.workflow_id, status, code, "a run ended");
            metrics::counter!("plextera_runs_total", "status" => status).increment(1);
            parts.dispatcher.offer(deliveries, tag, until).await;
        }
        metrics::counter!("plextera_run_steps_total").increment(decision.rows.len() as u64);
        Outcome::Committed { children, tag: Arc::clone(tag) }
    }
}
