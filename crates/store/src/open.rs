//! Opening everything, in the order in which it can fail: the directory, its lock, the schema, the keys, the blobs.

use crate::{
    blobs::{Blobs, Storage},
    db::{Db, PostgresUrl},
    deliveries,
    error::{Error, Result},
    events, feedback, files, hubs,
    idempotency::{self, Once},
    jobs::{self, JobInserted, NewJob},
    keys::{self, KeptKeys},
    learning, listeners,
    lock::DirectoryLock,
    migrate::{self, migrate},
    orgs, removals, replays,
    runs::{self, Hosts},
    schedules,
    secrets::Sealer,
    signing_keys,
    sql::Sql,
    subscriptions,
    together::Together,
    triggers,
    wake::Wake,
    workflow_secrets, workflows,
};
use domain::{context::Context, key::KeyRecord, time::Timestamp};
use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use zeroize::Zeroizing;

/// Where rows are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file in the data directory, which then belongs to this process alone.
    Sqlite,
    Postgres(PostgresUrl),
}

/// What the operator chose.
#[derive(Clone)]
pub struct Options {
    pub data_dir: PathBuf,
    pub database: Database,
    /// `None`: the folder `blobs` of the data directory.
    pub storage: Option<Storage>,
    /// In base64, the newest first; empty: the file `sealing.key` of the data directory. Several servers on one
    /// database need the same keys.
    pub sealing_keys: Vec<Zeroizing<String>>,
}

/// Whoever owns the data directory is alone: every lease is of a process that is gone, and waiting for it to run out
/// would only delay the work after a crash. Not 0, which says that the lease was given back and nobody was lost.
const END_LEASES: &str = "
    update jobs set lease_until = 1 where completed_at is null and lease_until > 1;
    update deliveries set lease_until = 1 where status = 'PENDING' and lease_node is not null;
    update run_nodes set lease_until = 1;";

/// All that is kept. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    pub(crate) sealer: Sealer,
    pub(crate) wake: Wake,
    pub(crate) hosts: Hosts,
    pub(crate) kept_keys: Arc<Mutex<KeptKeys>>,
    pub(crate) asked_keys: Together<[u8; 32], Option<KeyRecord>>,
    pub(crate) new_jobs: Together<(NewJob, Timestamp), Once<JobInserted>>,
    /// For the ids that operations make.
    pub(crate) ctx: Context,
    _lock: Option<Arc<DirectoryLock>>,
}

impl Store {
    /// Opens the store, creates what is missing and brings the schema up to date.
    pub async fn open(options: Options, ctx: Context) -> Result<Self> {
        let data_dir = &options.data_dir;
        // Documents and keys are nobody else's business on this machine.
        let created = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
        created.map_err(Error::file("create", data_dir))?;
        let (db, wake, lock) = match &options.database {
            Database::Sqlite => {
                let lock = DirectoryLock::acquire(data_dir)?;
                (Db::sqlite(&data_dir.join("plextera.db"))?, Wake::local(), Some(Arc::new(lock)))
            }
            Database::Postgres(url) => (Db::postgres(url)?, Wake::between_nodes(url.clone()), None),
        };
        let steps = migrate(&db, ctx.now()).await?;
        if steps > 0 {
            tracing::info!(steps, "the schema was brought up to date");
        }
        if lock.is_some() {
            db.write((), |tx, ()| Box::pin(tx.script(END_LEASES))).await?;
        }
        let sealer = if options.sealing_keys.is_empty() {
            Sealer::from_file(&data_dir.join("sealing.key"), ctx.entropy.clone())?
        } else {
            Sealer::from_keys(&options.sealing_keys, ctx.entropy.clone())?
        };
        let storage = options.storage.unwrap_or_else(|| Storage::Disk(data_dir.join("blobs")));
        let blobs = Blobs::open(&storage)?;
        Ok(Self {
            db,
            blobs,
            sealer,
            wake,
            hosts: Hosts::default(),
            kept_keys: Arc::default(),
            asked_keys: Together::default(),
            new_jobs: Together::default(),
            ctx,
            _lock: lock,
        })
    }

    /// The bytes of files.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Hints that there is something to do.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// The database, for health checks.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Has the database prepare every statement of this crate; the first that it refuses is the error.
    pub async fn check_statements(&self) -> Result<usize> {
        let mut checked = 0;
        for sql in statements() {
            self.db.prepare(sql).await?;
            checked += 1;
        }
        Ok(checked)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?}, {:?}, {:?})", self.db, self.blobs, self.wake)
    }
}

fn statements() -> impl Iterator<Item = &'static Sql> {
    let nouns = [
        migrate::STATEMENTS,
        orgs::STATEMENTS,
        keys::STATEMENTS,
        files::STATEMENTS,
        feedback::STATEMENTS,
        events::STATEMENTS,
        idempotency::STATEMENTS,
        listeners::STATEMENTS,
        replays::STATEMENTS,
        workflows::STATEMENTS,
        workflow_secrets::STATEMENTS,
        schedules::STATEMENTS,
        triggers::STATEMENTS,
        signing_keys::STATEMENTS,
        removals::STATEMENTS,
    ];
    let parts = [
        hubs::statements(),
        learning::statements(),
        jobs::statements(),
        subscriptions::statements(),
        deliveries::statements(),
        runs::statements(),
    ];
    nouns.into_iter().chain(parts.into_iter().flatten()).flatten().copied()
}
