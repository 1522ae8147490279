//! Where a delivery goes and how it is signed, read right before it is sent.
//!
//! Nothing is kept: a secret that was rotated, an address that was changed, a subscription that was paused count from
//! the moment the change was answered, on every node. What makes that cheap is that one reading serves everybody who
//! asked while the last one ran.

use domain::{context::Context, id::SubscriptionId};
use std::{collections::HashMap, sync::Arc};
use store::{Store, subscriptions::Target};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Subscriptions in one reading.
const BATCH_MAX: usize = 256;

/// What was found: `None` where the subscription was deleted.
pub(super) type Found = Result<Option<Arc<Target>>, Arc<store::Error>>;

type Question = (SubscriptionId, oneshot::Sender<Found>);

/// Asks for targets. Cheap to clone; the task behind it ends with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    questions: mpsc::Sender<Question>,
}

impl Targets {
    pub(super) fn start(store: Store, ctx: Context, tasks: &TaskTracker) -> Self {
        let (questions, queue) = mpsc::channel(BATCH_MAX);
        tasks.spawn(answer(store, ctx, queue));
        Self { questions }
    }

    /// The target as it is at some moment after this call.
    pub(super) async fn get(&self, id: SubscriptionId) -> Found {
        let gone = || Err(Arc::new(store::Error::Unavailable("the process is stopping".to_owned())));
        let (reply, answer) = oneshot::channel();
        if self.questions.send((id, reply)).await.is_err() {
            return gone();
        }
        answer.await.unwrap_or_else(|_| gone())
    }
}

async fn answer(store: Store, ctx: Context, mut queue: mpsc::Receiver<Question>) {
    let mut questions = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut questions, BATCH_MAX).await > 0 {
        let mut ids: Vec<SubscriptionId> = questions.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = read(&store, &ctx, &ids).await;
        for (id, reply) in questions.drain(..) {
            // Whoever asked may have been dropped.
            let _ = reply.send(found.get(&id).cloned().unwrap_or(Ok(None)));
        }
    }
}

/// Reads all at once; where that fails for a reason that may lie in one of them, one by one.
async fn read(store: &Store, ctx: &Context, ids: &[SubscriptionId]) -> HashMap<SubscriptionId, Found> {
    let error = match store.subscriptions().targets(ids, ctx.now()).await {
        Ok(targets) => {
            let found =
                targets.into_iter().map(|target| (target.subscription_id, Ok(Some(Arc::new(target)))));
            return found.collect();
        }
        Err(error) => error,
    };
    if error.is_transient() || ids.len() == 1 {
        let error = Arc::new(error);
        return ids.iter().map(|id| (*id, Err(Arc::clone(&error)))).collect();
    }
    let mut found = HashMap::new();
    for id in ids {
        let one = store.subscriptions().targets(&[*id], ctx.now()).await;
        let one = one.map(|targets| targets.into_iter().next().map(Arc::new)).map_err(Arc::new);
        found.insert(*id, one);
    }
    found
}
