//! Rows that are there before the server starts, put there through `store`: organizations and keys, queued jobs, events
//! that nobody has sent yet.
//!
//! The jobs' document is at an address that the guard refuses without dialling. So a job ends as REJECTED as soon as it
//! is claimed: no file, no child process, nothing but the way from a claim to a terminal state, its event and its
//! deliveries. That way is what the benchmark is about.

use super::{receiver, scene::Tenant};
use anyhow::{Result, ensure};
use domain::{
    context::Context,
    hub::builtin,
    id::{JobId, OrgId},
    job::{Document, Job},
    key::{ApiKey, KeyRecord, Scope},
    metadata::Metadata,
    org::Org,
    time::Timestamp,
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{collections::BTreeMap, path::Path, time::Duration};
use store::{
    Database, Options, Store,
    db::PostgresUrl,
    idempotency::Once,
    jobs::{Cancelled, JobDocument, JobInserted, NewJob},
    orgs::Bootstrap,
};
use testkit::{
    clock::{FakeClock, START},
    program::KEY,
};

/// Documentation addresses (RFC 5737) are never public.
pub const DOCUMENT_URL: &str = "https://192.0.2.1/invoice.pdf";
/// Operations at a time: one commit of SQLite covers many, PostgreSQL has a connection for each.
const AT_ONCE_SQLITE: usize = 512;
const AT_ONCE_POSTGRES: usize = 32;
/// Of the first rows.
const AGE: Duration = Duration::from_secs(600);

/// The store of a server that does not run.
pub struct Seed {
    pub(super) store: Store,
    pub(super) ctx: Context,
    clock: FakeClock,
    at_once: usize,
}

/// What makes an event's body about as long as one with a few fields.
pub fn metadata() -> Metadata {
    let value = "0123456789abcdef".repeat(28);
    BTreeMap::from([("customer".to_owned(), value.clone()), ("matter".to_owned(), value)])
}

impl Seed {
    pub async fn open(data_dir: &Path, database_url: Option<&str>, seed: u64) -> Result<Self> {
        // Ids and keys have to differ from run to run and from each other, nothing else.
        // In the past, as what waits in a table is, and not so far that retention would take it.
        let now = Timestamp::from_ms(i64::try_from(receiver::now_us() / 1000)?);
        let clock = FakeClock::new();
        clock.advance(now.since(START).saturating_sub(AGE));
        let ctx = clock.context(seed);
        let database = match database_url {
            Some(url) => Database::Postgres(PostgresUrl::new(url)),
            None => Database::Sqlite,
        };
        let options =
            Options { data_dir: data_dir.to_owned(), database, storage: None, sealing_keys: Vec::new() };
        let at_once = if database_url.is_some() { AT_ONCE_POSTGRES } else { AT_ONCE_SQLITE };
        Ok(Self { store: Store::open(options, ctx.clone()).await?, ctx, clock, at_once })
    }

    /// Organizations, each with a key; the first one has the key of [`KEY`].
    pub async fn tenants(&self, count: usize) -> Result<Vec<Tenant>> {
        let mut tenants = Vec::with_capacity(count);
        for number in 0..count {
            let org = Org {
                id: self.ctx.id(),
                name: format!("tenant {number}"),
                smart_classification: false,
                default_hub_id: None,
            };
            let tenant = Tenant {
                org_id: org.id,
                key: match number {
                    0 => KEY.to_owned(),
                    _ => ApiKey::from_random(self.ctx.random()).reveal().to_owned(),
                },
            };
            let record = self.key_record(org.id);
            let hash = ApiKey::parse(&tenant.key)?.hash();
            if number == 0 {
                let hubs = builtin::all().into_iter().map(|hub| hub.into_hub(self.ctx.hub_id())).collect();
                let first = Bootstrap { org, key: record, key_hash: hash, hubs };
                ensure!(self.store.orgs().bootstrap(first, self.ctx.now()).await?, "it is not empty");
            } else {
                self.store.orgs().insert(org, self.ctx.now()).await?;
                self.store.keys().insert(record, hash).await?;
            }
            tenants.push(tenant);
        }
        Ok(tenants)
    }

    /// Jobs that end as soon as they are claimed, spread over the tenants.
    pub async fn jobs(&self, tenants: &[Tenant], count: usize) -> Result<()> {
        let queued = stream::iter(0..count).map(|number| self.queue(tenants[number % tenants.len()].org_id));
        queued.buffer_unordered(self.at_once).try_for_each(|_| async { Ok(()) }).await
    }

    /// Events whose deliveries are due and held by nobody: of jobs that were cancelled while no server ran.
    pub async fn undelivered(&self, tenants: &[Tenant], count: usize) -> Result<()> {
        let cancelled = stream::iter(0..count).map(|number| async move {
            let org_id = tenants[number % tenants.len()].org_id;
            let id = self.queue(org_id).await?;
            let ended = self.store.jobs().cancel(org_id, id, self.ctx.now()).await?;
            ensure!(matches!(ended, Cancelled::Done(_)), "a job could not be cancelled");
            Ok(())
        });
        cancelled.buffer_unordered(self.at_once).try_for_each(|()| async { Ok(()) }).await
    }

    async fn queue(&self, org_id: OrgId) -> Result<JobId> {
        // Ids are in the order of time, as they are in life, which is what indexes count on.
        self.clock.advance(Duration::from_millis(1));
        let now = self.ctx.now();
        let document = Document {
            file_id: self.ctx.id(),
            file_name: "invoice.pdf".to_owned(),
            mime_type: None,
            size_bytes: None,
            page_count: None,
        };
        let job = Job::queued(self.ctx.id(), document, None, Some(metadata()), now);
        let id = job.id;
        let document = JobDocument::Url(DOCUMENT_URL.to_owned());
        let new = NewJob { org_id, job, document, request: None };
        let inserted = self.store.jobs().insert(new, now).await?;
        ensure!(matches!(inserted, Once::First(JobInserted::Queued)), "a job was not queued");
        Ok(id)
    }

    fn key_record(&self, org_id: OrgId) -> KeyRecord {
        KeyRecord {
            id: self.ctx.id(),
            org_id,
            name: "bench".to_owned(),
            scopes: Scope::ALL.to_vec(),
            created_at: self.ctx.now(),
            revoked_at: None,
        }
    }
}
