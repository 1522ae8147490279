//! What has to be done again and again: leases renewed, leftovers cleared away, the backlog measured.

use crate::{deliver::Dispatcher, identity::Identity, lifetime::Lifetime};
use domain::{context::Context, limits, subscription::DisabledReason, time::Timestamp};
use futures::StreamExt;
use std::{future::Future, time::Duration};
use store::{Store, blobs::BlobEntry, wake::Topic};

/// How often leftovers are looked for.
const REAP_PERIOD: Duration = Duration::from_secs(3600);
/// How often the backlog is measured.
const MEASURE_PERIOD: Duration = Duration::from_secs(15);
/// How often listeners that have ended are cleared away.
const LISTENER_REAP_PERIOD: Duration = Duration::from_secs(60);
/// Younger blobs may belong to a request that is still to be committed.
const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);
const REAP_BATCH_MAX: u32 = 100;

/// The housekeeper.
#[derive(Clone)]
pub(crate) struct Keep {
    pub store: Store,
    pub ctx: Context,
    pub identity: Identity,
    pub lifetime: Lifetime,
    pub job_lease: Duration,
    pub delivery_lease: Duration,
    pub dispatcher: Dispatcher,
    pub backlog_warning: u64,
}

impl Keep {
    /// Renews every lease of this node, three times in the time of the shorter one. Goes on while work is finished.
    pub(crate) async fn renew_leases(self) {
        let period = self.job_lease.min(self.delivery_lease) / 3;
        let ended = self.lifetime.clone();
        let renew = self.every(period, || async {
            let renewed = self.identity.renew(&self.store, self.job_lease, self.delivery_lease).await;
            log("leases could not be renewed", renewed);
            match self.store.runs().nodes(self.ctx.now()).await {
                Ok(nodes) => self.dispatcher.share_limits_among(nodes),
                Err(error) => tracing::error!(%error, "the nodes could not be counted"),
            }
        });
        tokio::select! {
            () = renew => {}
            () = ended.abandoned() => {}
        }
    }

    /// Clears leftovers away until the engine stops.
    pub(crate) async fn reap(self) {
        let ended = self.lifetime.clone();
        let reap = self.every(REAP_PERIOD, || async {
            log("idempotency records could not be cleared away", self.reap_idempotency().await);
            log("blobs could not be cleared away", self.reap_blobs().await);
            log("sheets could not be cleared away", self.reap_sheets().await);
        });
        tokio::select! {
            () = reap => {}
            () = ended.stopping() => {}
        }
    }

    /// Clears away listeners that have ended until the engine stops. An ended one takes in events until then.
    pub(crate) async fn reap_listeners(self) {
        let ended = self.lifetime.clone();
        let reap = self.every(LISTENER_REAP_PERIOD, || async {
            log("listeners could not be cleared away", self.reap_ended_listeners().await);
        });
        tokio::select! {
            () = reap => {}
            () = ended.stopping() => {}
        }
    }

    /// Frees the runs of nodes that are gone until the engine stops; at once those that this server's earlier life had.
    pub(crate) async fn reap_runs(self) {
        let ended = self.lifetime.clone();
        let reap = async {
            self.free_runs().await;
            self.every(self.job_lease / 3, || self.free_runs()).await;
        };
        tokio::select! {
            () = reap => {}
            () = ended.stopping() => {}
        }
    }

    async fn free_runs(&self) {
        match self.store.runs().reap(self.ctx.now()).await {
            Ok(0) => {}
            Ok(freed) => {
                tracing::warn!(freed, "runs of a server that is gone are taken over");
                self.store.wake().hint(Topic::Runs);
            }
            Err(error) => tracing::error!(%error, "runs could not be freed"),
        }
    }

    /// Measures the backlog until the engine stops, for the first time at once: a gauge that is not there yet looks like
    /// one that was forgotten.
    pub(crate) async fn measure(self) {
        let ended = self.lifetime.clone();
        let measure = async {
            announce();
            self.measure_once().await;
            self.every(MEASURE_PERIOD, || self.measure_once()).await;
        };
        tokio::select! {
            () = measure => {}
            () = ended.stopping() => {}
        }
    }

    async fn measure_once(&self) {
        log("the backlog could not be measured", self.measure_backlog().await);
    }

    async fn measure_backlog(&self) -> store::Result<()> {
        metrics::gauge!("plextera_jobs_open").set(self.store.jobs().backlog().await? as f64);
        let (waiting, oldest_due) =
            self.store.deliveries().backlog(limits::DELIVERY_BACKLOG_COUNTED_MAX).await?;
        let late = oldest_due.map_or(Duration::ZERO, |due| self.ctx.now().since(due));
        metrics::gauge!("plextera_deliveries_pending").set(waiting as f64);
        metrics::gauge!("plextera_deliveries_oldest_due_seconds").set(late.as_secs_f64());
        let (lanes, open, items) = self.dispatcher.census();
        metrics::gauge!("plextera_lanes").set(lanes as f64);
        metrics::gauge!("plextera_lanes_open").set(open as f64);
        metrics::gauge!("plextera_lane_items").set(items as f64);
        if waiting >= self.backlog_warning {
            tracing::warn!(waiting, late_seconds = late.as_secs(), "many deliveries wait");
        }
        Ok(())
    }

    async fn every<F: Future<Output = ()>>(&self, period: Duration, act: impl Fn() -> F) {
        loop {
            self.ctx.clock.sleep_until(self.ctx.now().plus(period)).await;
            act().await;
        }
    }

    async fn reap_idempotency(&self) -> store::Result<()> {
        while self.store.idempotency().reap(self.ctx.now(), REAP_BATCH_MAX).await?
            >= u64::from(REAP_BATCH_MAX)
        {}
        Ok(())
    }

    async fn reap_ended_listeners(&self) -> store::Result<()> {
        while self.store.listeners().reap(self.ctx.now(), REAP_BATCH_MAX).await? >= REAP_BATCH_MAX as usize {}
        Ok(())
    }

    /// Deletes sheets that are kept no longer, and blobs of sheets that no row speaks of: of a job that was cancelled, of
    /// a hub that was deleted.
    async fn reap_sheets(&self) -> store::Result<()> {
        loop {
            let reaped = self.store.learning().reap_sheets(REAP_BATCH_MAX).await?;
            for (org_id, sheet) in &reaped {
                self.store.blobs().delete_sheet(*org_id, *sheet).await?;
            }
            if reaped.len() < REAP_BATCH_MAX as usize {
                break;
            }
        }
        let oldest_kept: Timestamp = self.ctx.now().minus(ORPHAN_AGE);
        let mut chunks = self.store.blobs().list_sheets().chunks(REAP_BATCH_MAX as usize);
        while let Some(chunk) = chunks.next().await {
            let entries = chunk.into_iter().collect::<store::Result<Vec<_>>>()?;
            let old = entries.into_iter().filter(|(_, _, modified_at)| *modified_at < oldest_kept);
            let old = old.map(|(org_id, sheet, _)| (org_id, sheet)).collect();
            for (org_id, sheet) in self.store.learning().orphans(old).await? {
                self.store.blobs().delete_sheet(org_id, sheet).await?;
            }
        }
        Ok(())
    }

    /// Deletes blobs that no row speaks of: of a request that died before its commit, of a file that was deleted just
    /// before a crash.
    async fn reap_blobs(&self) -> store::Result<()> {
        let oldest_kept: Timestamp = self.ctx.now().minus(ORPHAN_AGE.max(limits::IDEMPOTENCY_KEPT));
        let mut chunks = self.store.blobs().list().chunks(REAP_BATCH_MAX as usize);
        while let Some(chunk) = chunks.next().await {
            let entries = chunk.into_iter().collect::<store::Result<Vec<BlobEntry>>>()?;
            let old = entries.into_iter().filter(|entry| entry.modified_at < oldest_kept).collect();
            for orphan in self.store.files().orphans(old).await? {
                tracing::info!(file_id = %orphan.key.file_id, "a blob without a file is deleted");
                self.store.blobs().delete(orphan.key).await?;
            }
        }
        Ok(())
    }
}

/// Counters of what happens seldom, for the same reason.
fn announce() {
    metrics::counter!("plextera_deliveries_replayed_total").increment(0);
    metrics::counter!("plextera_rows_forgotten_total").increment(0);
    metrics::counter!("plextera_delivery_leases_renewed_total").increment(0);
    for reason in [DisabledReason::Gone, DisabledReason::Failing] {
        metrics::counter!("plextera_subscriptions_paused_total", "reason" => reason.as_str()).increment(0);
    }
}

fn log(what: &'static str, result: store::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "{what}");
    }
}
