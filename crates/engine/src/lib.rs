//! Everything that happens after the response: documents are read, events are delivered, leftovers are cleared away.
//!
//! The engine meets the API in the database only. Each of its loops claims work under a lease with a fence number and
//! writes under that number, so any number of nodes may run and any of them may die.
//!
//! - [`client`]: the only place that dials out. [`sandbox`]: child processes that read untrusted documents.
//! - [`expressions`]: what stands in a workflow's `${{ }}`, evaluated in child processes too.
//! - `turn`: the one loop. `jobs`: from a queued job to its terminal state. `deliver`: from an event to its receipts.
//! - `runs`: from an accepted workflow run to its end. `schedules`: runs that begin by the clock.
//! - `identity`: under which names leases are held. `keep`: what is done again and again.

pub mod client;
mod deliver;
pub mod expressions;
mod identity;
mod jobs;
mod keep;
mod learn;
mod lifetime;
mod removals;
mod replays;
mod retain;
mod runs;
pub mod sandbox;
mod schedules;
mod second_reader;
mod settings;
mod signing;
mod turn;

pub use second_reader::SecondReader;
pub use settings::Settings;

use client::Client;
use domain::context::Context;
use expressions::Expressions;
use identity::Identity;
use lifetime::Lifetime;
use sandbox::{Sandbox, SandboxSettings};
use std::{io, sync::Arc, time::Duration};
use store::{Store, wake::Topic};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Client(#[from] client::BuildError),
    #[error("the thread that starts workers could not be started: {0}")]
    Sandbox(io::Error),
    #[error("the directory for documents under work cannot be made: {0}")]
    Directory(io::Error),
}

/// A running engine. Dropping it stops it at once, like a crash; [`Engine::shutdown`] stops it well.
pub struct Engine {
    store: Store,
    identity: Identity,
    lifetime: Lifetime,
    tasks: TaskTracker,
    grace: Duration,
}

impl Engine {
    /// Starts all loops. Must be called within a tokio runtime.
    pub fn start(store: Store, settings: Settings, ctx: Context) -> Result<Self, StartError> {
        std::fs::create_dir_all(&settings.directory).map_err(StartError::Directory)?;
        let client = Client::with_lookup(settings.policy.clone(), Arc::clone(&settings.lookup))?;
        let sandbox = SandboxSettings {
            memory_bytes: settings.worker_memory_bytes,
            ..SandboxSettings::new(settings.program.clone(), settings.workers)
        };
        // Learning has a child of its own: a correction must not wait for a long document.
        let trainer = SandboxSettings { processes: 1, ..sandbox.clone() };
        let trainer = Sandbox::new(trainer).map_err(StartError::Sandbox)?;
        let sandbox = Sandbox::new(sandbox).map_err(StartError::Sandbox)?;
        let files = learn::Files::new(settings.directory.join("learned")).map_err(StartError::Directory)?;
        let (identity, lifetime, tasks) =
            (Identity::new(ctx.clone()), Lifetime::default(), TaskTracker::new());
        let engine = Self { store, identity, lifetime, tasks, grace: settings.shutdown_grace };
        let expressions = expressions::Settings::new(settings.program.clone());
        let expressions = Expressions::new(expressions).map_err(StartError::Sandbox)?;
        let dispatcher = engine.start_deliveries(&settings, &ctx, &client);
        engine.start_runs(&settings, &ctx, &client, expressions, &dispatcher);
        engine.start_jobs(&settings, &ctx, client, (sandbox, trainer, files), &dispatcher);
        engine.start_keeping(&settings, &ctx, dispatcher);
        Ok(engine)
    }

    fn rhythm(
        &self,
        settings: &Settings,
        ctx: &Context,
        (name, topic): (&'static str, Topic),
        room: &Arc<Notify>,
    ) -> turn::Rhythm {
        turn::Rhythm {
            name,
            ctx: ctx.clone(),
            period: settings.period,
            waiter: self.store.wake().waiter(topic),
            room: Arc::clone(room),
            lifetime: self.lifetime.clone(),
        }
    }

    fn start_deliveries(&self, settings: &Settings, ctx: &Context, client: &Client) -> deliver::Dispatcher {
        let room = Arc::new(Notify::new());
        let poll_rhythm = self.rhythm(settings, ctx, ("deliveries", Topic::Deliveries), &room);
        let (dispatcher, poll) = deliver::start(deliver::Parts {
            store: self.store.clone(),
            ctx: ctx.clone(),
            client: client.clone(),
            identity: self.identity.clone(),
            lifetime: self.lifetime.clone(),
            tasks: self.tasks.clone(),
            room,
            retry: settings.retry.clone(),
            timeout: settings.delivery_timeout,
            lease: settings.effective_delivery_lease(),
        });
        self.tasks.spawn(poll_rhythm.run(poll));
        let replays = replays::Replays {
            store: self.store.clone(),
            ctx: ctx.clone(),
            per_second: settings.replay_per_second,
        };
        let nothing = Arc::new(Notify::new());
        let replay_rhythm = self.rhythm(settings, ctx, ("replays", Topic::Deliveries), &nothing);
        self.tasks.spawn(replay_rhythm.run(replays));

        let removals = removals::Removals { store: self.store.clone() };
        let removal_rhythm = self.rhythm(settings, ctx, ("removals", Topic::Deliveries), &nothing);
        self.tasks.spawn(removal_rhythm.run(removals));
        dispatcher
    }

    fn start_runs(
        &self,
        settings: &Settings,
        ctx: &Context,
        client: &Client,
        expressions: Expressions,
        dispatcher: &deliver::Dispatcher,
    ) {
        let room = Arc::new(Notify::new());
        let run_rhythm = self.rhythm(settings, ctx, ("runs", Topic::Runs), &room);
        let runs = runs::Claims::new(runs::Parts {
            store: self.store.clone(),
            ctx: ctx.clone(),
            identity: self.identity.clone(),
            lifetime: self.lifetime.clone(),
            tasks: self.tasks.clone(),
            client: client.clone(),
            expressions,
            dispatcher: dispatcher.clone(),
            room,
            node_lease: settings.job_lease,
            delivery_lease: settings.effective_delivery_lease(),
            allow_http: settings.policy.allow_http,
        });
        self.tasks.spawn(run_rhythm.run(runs));
        let schedules = schedules::Schedules {
            store: self.store.clone(),
            ctx: ctx.clone(),
            lifetime: self.lifetime.clone(),
        };
        self.tasks.spawn(schedules.run());
    }

    fn start_jobs(
        &self,
        settings: &Settings,
        ctx: &Context,
        client: Client,
        (sandbox, trainer, files): (Sandbox, Sandbox, learn::Files),
        dispatcher: &deliver::Dispatcher,
    ) {
        let room = Arc::new(Notify::new());
        let claim_rhythm = self.rhythm(settings, ctx, ("jobs", Topic::Jobs), &room);
        let bench = Arc::new(jobs::Bench {
            store: self.store.clone(),
            ctx: ctx.clone(),
            identity: self.identity.clone(),
            client,
            sandbox,
            directory: settings.directory.clone(),
            files,
            document: settings.document,
            embedded_data: settings.embedded_data,
            second_reader: settings.second_reader.clone(),
            job_lease: settings.job_lease,
            delivery_lease: settings.effective_delivery_lease(),
            lifetime: self.lifetime.clone(),
        });
        let claims = jobs::Claims::new(Arc::clone(&bench), dispatcher.clone(), room, self.tasks.clone());
        self.tasks.spawn(claim_rhythm.run(claims));

        let room = Arc::new(Notify::new());
        let learn_rhythm = self.rhythm(settings, ctx, ("learning", Topic::Learning), &room);
        let teachers = learn::Teachers::new(bench, trainer, room, self.tasks.clone());
        self.tasks.spawn(learn_rhythm.run(teachers));
    }

    fn start_keeping(&self, settings: &Settings, ctx: &Context, dispatcher: deliver::Dispatcher) {
        let keep = keep::Keep {
            store: self.store.clone(),
            ctx: ctx.clone(),
            identity: self.identity.clone(),
            lifetime: self.lifetime.clone(),
            job_lease: settings.job_lease,
            delivery_lease: settings.effective_delivery_lease(),
            dispatcher,
            backlog_warning: settings.backlog_warning,
        };
        let retain = retain::Retain {
            store: self.store.clone(),
            ctx: ctx.clone(),
            lifetime: self.lifetime.clone(),
            kept: settings.delivery_kept,
            kept_count: settings.delivery_kept_count,
        };
        self.tasks.spawn(retain.run());
        let signing_keys = signing::SigningKeys {
            store: self.store.clone(),
            ctx: ctx.clone(),
            lifetime: self.lifetime.clone(),
            period: settings.signing_key_period,
        };
        self.tasks.spawn(signing_keys.run());
        self.tasks.spawn(keep.clone().reap());
        self.tasks.spawn(keep.clone().reap_listeners());
        self.tasks.spawn(keep.clone().reap_runs());
        self.tasks.spawn(keep.clone().measure());
        // Not tracked: it goes on until everything else has ended.
        tokio::spawn(keep.renew_leases());
    }

    /// Takes no new work, gives what is under way the time of [`Settings::shutdown_grace`], and gives the rest back, so
    /// that another node or the next start need not wait for leases to run out.
    pub async fn shutdown(self) {
        self.lifetime.stop();
        self.tasks.close();
        if tokio::time::timeout(self.grace, self.tasks.wait()).await.is_err() {
            tracing::info!("work under way is given back");
            self.lifetime.abandon();
            self.tasks.wait().await;
        }
        self.lifetime.abandon();
        if let Err(error) = self.identity.release(&self.store).await {
            tracing::error!(%error, "leases could not be given back, they run out");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.lifetime.abandon();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}
