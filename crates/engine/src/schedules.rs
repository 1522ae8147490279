//! Schedules acted on: each due time begins one run, however many nodes there are and whenever one of them dies.
//!
//! The run's id is made of the schedule and its due time. So acting on a due time twice (two nodes at once, or one that
//! died before it moved the schedule on) begins one run; and moving on from a due time happens once, because the row
//! says which one is waited for.

use crate::lifetime::Lifetime;
use domain::{context::Context, id::RunId, limits, schedule, time::Timestamp};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use store::{
    Store,
    runs::{NewRun, WorkflowRef},
    schedules::{Advance, Due},
};

/// How late a schedule may be that was made or changed just now.
const PERIOD: Duration = Duration::from_secs(1);

pub(crate) struct Schedules {
    pub store: Store,
    pub ctx: Context,
    pub lifetime: Lifetime,
}

impl Schedules {
    /// Acts on due times until the engine stops.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.turn().await {
                tracing::error!(%error, "schedules could not be acted on");
            }
            let until = self.ctx.now().plus(PERIOD);
            tokio::select! {
                () = self.ctx.clock.sleep_until(until) => {}
                () = self.lifetime.stopping() => return,
            }
        }
    }

    async fn turn(&self) -> store::Result<()> {
        let now = self.ctx.now();
        for due in self.store.schedules().due(now, limits::SCHEDULES_DUE_MAX).await? {
            // One that cannot be acted on must not hold up the others.
            let name = due.schedule.name.clone();
            if let Err(error) = self.act(due, now).await {
                tracing::error!(%error, schedule = name, "a schedule could not be acted on");
            }
        }
        Ok(())
    }

    async fn act(&self, due: Due, now: Timestamp) -> store::Result<()> {
        let Some(waited_for) = due.schedule.next_at else { return Ok(()) };
        let timetable = &due.schedule.timetable;
        let acted_at = schedule::catch_up(timetable, due.schedule.catch_up, waited_for, now);
        let (run_id, error) = match acted_at {
            Some(at) => match self.begin(&due, at, now).await? {
                Ok(id) => (Some(id.to_string()), None),
                Err(why) => (None, Some(why)),
            },
            None => (None, Some("no server ran when it was due".to_owned())),
        };
        let from = match (due.schedule.catch_up, acted_at) {
            (schedule::CatchUp::All, Some(at)) => at,
            _ => now,
        };
        let advance = Advance { next_at: timetable.next_after(from), acted_at, run_id, error };
        if self.store.schedules().advance(due, advance).await? {
            metrics::counter!("plextera_schedules_acted_total").increment(1);
        }
        Ok(())
    }

    /// The run of this due time, begun now or before; or why there is none.
    async fn begin(&self, due: &Due, at: Timestamp, now: Timestamp) -> store::Result<Result<RunId, String>> {
        let workflow = self.store.workflows().published(due.org_id, due.workflow_id.clone(), None).await?;
        let Some(version) = workflow else {
            return Ok(Err("the workflow has no published version".to_owned()));
        };
        let (Ok(definition), Ok(body)) =
            (serde_json::from_slice(&version.definition), serde_json::from_str(&due.schedule.body))
        else {
            return Ok(Err("what is stored of it cannot be read".to_owned()));
        };
        let id = run_id(due, at);
        let new = NewRun {
            org_id: due.org_id,
            id,
            workflow: WorkflowRef {
                id: due.workflow_id.to_string(),
                name: version.name,
                hash: version.hash,
                definition: Arc::new(definition),
            },
            body,
            files: Vec::new(),
            request: None,
        };
        self.store.runs().accept(new, now).await?;
        Ok(Ok(id))
    }
}

/// The same for the same due time of the same schedule, on whichever node.
fn run_id(due: &Due, at: Timestamp) -> RunId {
    let mut hasher = Sha256::new();
    for part in [&due.org_id.to_string(), due.workflow_id.as_str(), &due.schedule.name] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    // A schedule that was deleted and made again may mean the same due time anew.
    hasher.update(due.schedule.created_at.as_ms().to_le_bytes());
    hasher.update(at.as_ms().to_le_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let mut id = [0; 12];
    id.copy_from_slice(&digest[..12]);
    RunId::from_bytes(id)
}
