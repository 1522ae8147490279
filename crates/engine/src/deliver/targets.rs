//! Where a delivery goes and how it is signed, as it is right before it is sent.
//!
//! A secret that was rotated, an address that was changed, a subscription that was paused count from the moment the change
//! was answered, on every node. Two things make that cheap: one reading serves everybody who asked while the last one
//! ran; and where this process alone writes to the database, what was read is used again until something changes
//! (`store::subscriptions::TargetEdition`).

use super::route::Route;
use domain::{context::Context, id::SubscriptionId, time::Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{Store, subscriptions::TargetEdition};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Subscriptions in one reading.
const BATCH_MAX: usize = 256;
/// Routes that are kept; beyond that all are forgotten and read anew.
const KEPT_MAX: usize = 10_000;

/// What was found: `None` where the subscription was deleted.
pub(super) type Found = Result<Option<Arc<Route>>, Arc<store::Error>>;

type Question = (SubscriptionId, oneshot::Sender<Found>);

/// Asks for targets. Cheap to clone; the task behind it ends with the last clone.
#[derive(Clone)]
pub(super) struct Targets {
    questions: mpsc::Sender<Question>,
    kept: Arc<Kept>,
}

/// What was read, and where it stands.
struct Kept {
    store: Store,
    routes: Mutex<Routes>,
}

/// What was read under one edition.
#[derive(Default)]
struct Routes {
    edition: Option<TargetEdition>,
    by_id: HashMap<SubscriptionId, Arc<Route>>,
}

impl Kept {
    fn get(&self, id: SubscriptionId, now: Timestamp) -> Option<Arc<Route>> {
        let edition = self.store.subscriptions().target_edition()?;
        let routes = self.routes();
        if routes.edition != Some(edition) {
            return None;
        }
        routes.by_id.get(&id).filter(|route| route.valid_until.is_none_or(|until| now < until)).cloned()
    }

    /// Takes what was read after `edition` was asked for.
    fn put(&self, edition: Option<TargetEdition>, found: &HashMap<SubscriptionId, Found>) {
        let Some(edition) = edition else { return };
        let mut routes = self.routes();
        if routes.edition != Some(edition) || routes.by_id.len() > KEPT_MAX {
            *routes = Routes { edition: Some(edition), by_id: HashMap::new() };
        }
        for (id, found) in found {
            if let Ok(Some(route)) = found {
                routes.by_id.insert(*id, Arc::clone(route));
            }
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Targets {
    pub(super) fn start(store: Store, ctx: Context, tasks: &TaskTracker) -> Self {
        let (questions, queue) = mpsc::channel(BATCH_MAX);
        let kept = Arc::new(Kept { store, routes: Mutex::default() });
        tasks.spawn(answer(Arc::clone(&kept), ctx, queue));
        Self { questions, kept }
    }

    /// The target as it is at some moment after this call.
    pub(super) async fn get(&self, id: SubscriptionId, now: Timestamp) -> Found {
        if let Some(route) = self.kept.get(id, now) {
            return Ok(Some(route));
        }
        let gone = || Err(Arc::new(store::Error::Unavailable("the process is stopping".to_owned())));
        let (reply, answer) = oneshot::channel();
        if self.questions.send((id, reply)).await.is_err() {
            return gone();
        }
        answer.await.unwrap_or_else(|_| gone())
    }
}

async fn answer(kept: Arc<Kept>, ctx: Context, mut queue: mpsc::Receiver<Question>) {
    let mut questions = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut questions, BATCH_MAX).await > 0 {
        let mut ids: Vec<SubscriptionId> = questions.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let edition = kept.store.subscriptions().target_edition();
        let found = read(&kept.store, &ctx, &ids).await;
        kept.put(edition, &found);
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
            let found = targets
                .into_iter()
                .map(|target| (target.subscription_id, Ok(Some(Arc::new(Route::new(target))))));
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
        let one = one.map(|targets| targets.into_iter().next().map(|target| Arc::new(Route::new(target))));
        found.insert(*id, one.map_err(Arc::new));
    }
    found
}
