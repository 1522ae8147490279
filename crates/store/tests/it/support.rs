//! A store on either engine, and short ways to fill it.

use bytes::Bytes;
use domain::{
    context::Context,
    event::{self, EventType},
    extraction::ExtractionOutput,
    file::File,
    id::{EventId, HubId, OrgId, SubscriptionId},
    job::{self, Document, Job, JobStatus, Operation, Outcome},
    key::{KeyRecord, Scope},
    limits,
    org::Org,
    subscription::{Health, Subscription, SubscriptionStatus},
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};
use store::{
    Database, NodeId, Options, Store,
    blobs::Storage,
    db::PostgresUrl,
    deliveries::Hold,
    files::StoredFile,
    idempotency::Once,
    jobs::{Begin, Begun, ClaimedJob, JobDocument, JobInserted, NewEvent, NewJob, Settled, Settlement},
    orgs::Bootstrap,
    subscriptions::{NewSubscription, SubscriptionChange},
};
use testkit::{clock::FakeClock, postgres};

/// Declares tests that run on both engines; each is an `async fn` that takes a [`Fixture`].
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Fixture::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Fixture::postgres().await).await; })*
        }
    };
}
pub(crate) use on_both_engines;

pub const HUB: HubId = HubId::from_bytes([7; 12]);

/// A store with one organization, in a folder of its own.
pub struct Fixture {
    pub store: Store,
    pub org_id: OrgId,
    pub ctx: Context,
    pub clock: FakeClock,
    pub node: NodeId,
    pub options: Options,
    /// Of PostgreSQL, else empty.
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub async fn sqlite() -> Self {
        Self::on(Database::Sqlite, String::new()).await
    }

    pub async fn postgres() -> Self {
        let url = postgres::database().await;
        Self::on(Database::Postgres(PostgresUrl::new(&*url)), url.clone()).await
    }

    async fn on(database: Database, url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            data_dir: folder.path().to_owned(),
            database,
            storage: Some(Storage::Memory),
            sealing_keys: Vec::new(),
        };
        let clock = FakeClock::new();
        let ctx = clock.context(1);
        let store = Store::open(options.clone(), ctx.clone()).await.unwrap();
        let org_id = ctx.id();
        let node = NodeId::random(&ctx);
        let fixture = Self { store, org_id, ctx, clock, node, options, url, folder };
        assert!(fixture.store.orgs().bootstrap(fixture.bootstrap(org_id), fixture.now()).await.unwrap());
        fixture
    }

    pub fn bootstrap(&self, org_id: OrgId) -> Bootstrap {
        let org =
            Org { id: org_id, name: "default".into(), smart_classification: true, default_hub_id: Some(HUB) };
        let key = KeyRecord {
            id: self.ctx.id(),
            org_id,
            name: "first".into(),
            scopes: Scope::ALL.to_vec(),
            created_at: self.now(),
            revoked_at: None,
        };
        Bootstrap { org, key, key_hash: self.ctx.random(), hubs: Vec::new() }
    }

    pub fn now(&self) -> Timestamp {
        self.ctx.now()
    }

    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    pub fn file(&self, content: u8) -> StoredFile {
        let file = File {
            id: self.ctx.id(),
            name: "invoice.pdf".into(),
            mime_type: "application/pdf".into(),
            size_bytes: 1000,
            created_at: self.now(),
        };
        StoredFile { file, sha256: [content; 32] }
    }

    /// A queued job on `file`.
    pub fn job(&self, file: &StoredFile) -> Job {
        Job {
            id: self.ctx.id(),
            operation: Operation::Extract,
            status: JobStatus::Queued,
            output_available: false,
            created_at: self.now(),
            updated_at: self.now(),
            started_at: None,
            completed_at: None,
            error: None,
            hub_id: None,
            hub_name: None,
            hub_version: None,
            review_recommended: false,
            metadata: None,
            document: Document {
                file_id: file.file.id,
                file_name: file.file.name.clone(),
                mime_type: Some(file.file.mime_type.clone()),
                size_bytes: Some(file.file.size_bytes),
                page_count: None,
            },
            output: None,
        }
    }

    /// Queues a job on a new file whose bytes are told apart by `content`.
    pub async fn queue(&self, content: u8) -> Job {
        let file = self.file(content);
        let job = self.job(&file);
        self.queue_as(job.clone(), JobDocument::New(file)).await;
        job
    }

    pub async fn queue_as(&self, job: Job, document: JobDocument) {
        let new = NewJob { org_id: self.org_id, job, document, request: None };
        let inserted = self.store.jobs().insert(new, self.now()).await.unwrap();
        assert_eq!(inserted, Once::First(JobInserted::Queued));
    }

    pub async fn claim(&self, limit: u32) -> Vec<ClaimedJob> {
        self.store.jobs().claim(&self.node, limit, self.now(), limits::JOB_LEASE).await.unwrap()
    }

    pub fn begin(&self, claimed: &ClaimedJob) -> Begin {
        Begin {
            lease: claimed.lease,
            org_id: claimed.org_id,
            hub_id: HUB,
            hub_name: "Invoices".into(),
            hub_version: 1,
            page_count: Some(1),
            language: Some("en".into()),
            sha256: claimed.sha256.unwrap_or([9; 32]),
            reject_duplicates: false,
            marks: Default::default(),
        }
    }

    pub async fn processing(&self, claimed: &ClaimedJob) -> Job {
        match self.store.jobs().begin_processing(self.begin(claimed), self.now()).await.unwrap() {
            Begun::Processing(job) => *job,
            other => panic!("{other:?}"),
        }
    }

    /// The settlement of `claimed` as `job` stands, with an outcome.
    pub fn settlement(&self, claimed: &ClaimedJob, job: Job, outcome: Outcome) -> Settlement {
        let (job, event_type) = job::settle(job, outcome, self.now()).unwrap();
        let id: EventId = self.ctx.id();
        let body = Bytes::from(event::render_job(id, event_type, &job).unwrap());
        Settlement {
            lease: claimed.lease,
            org_id: claimed.org_id,
            job,
            event: NewEvent { id, event_type, body },
            sheet: None,
        }
    }

    pub fn hold(&self) -> Hold {
        Hold::new(self.node.clone(), self.now().plus(limits::DELIVERY_LEASE))
    }

    pub async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Settled> {
        self.store.jobs().settle(settlements, self.hold(), self.now()).await.unwrap()
    }

    /// Takes a job on new bytes all the way to COMPLETED; the job and what its settlement gave.
    pub async fn complete(&self, content: u8) -> (Job, Settled) {
        self.queue(content).await;
        let claimed = self.claim(1).await.remove(0);
        let job = self.processing(&claimed).await;
        let settlement = self.settlement(&claimed, job, completed());
        let job = settlement.job.clone();
        (job, self.settle(vec![settlement]).await.remove(0))
    }

    pub async fn subscribe(&self, event_types: &[EventType]) -> SubscriptionId {
        let subscription = Subscription {
            id: self.ctx.id(),
            status: SubscriptionStatus::Active,
            endpoint_url: "https://example.com/hook".into(),
            event_types: event_types.to_vec(),
            filters: None,
            description: None,
            headers: BTreeMap::new(),
            ordering: None,
            rate_limit: None,
            asymmetric_signature: false,
            disabled_reason: None,
            health: Health::default(),
            created_at: self.now(),
            updated_at: self.now(),
        };
        let id = subscription.id;
        let new = NewSubscription {
            org_id: self.org_id,
            subscription,
            secret: "the secret".to_owned().into(),
            request: None,
        };
        assert_eq!(self.store.subscriptions().insert(new, self.now()).await.unwrap(), Once::First(()));
        id
    }

    pub async fn pause(&self, id: SubscriptionId) {
        self.set_status(id, SubscriptionStatus::Paused).await;
    }

    pub async fn resume(&self, id: SubscriptionId) {
        self.set_status(id, SubscriptionStatus::Active).await;
    }

    async fn set_status(&self, id: SubscriptionId, status: SubscriptionStatus) {
        let change = SubscriptionChange { status: Some(status), ..SubscriptionChange::default() };
        let changed = self.store.subscriptions().update(self.org_id, id, change, self.now()).await.unwrap();
        assert!(changed.is_some());
    }
}

pub fn completed() -> Outcome {
    Outcome::completed(&ExtractionOutput::new(Vec::new())).unwrap()
}
