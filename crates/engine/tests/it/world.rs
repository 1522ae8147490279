//! A node without its API: a store, an engine, a clock, and an endpoint that records.

use domain::{
    context::Context,
    delivery::{Attempt, Delivery, DeliveryStatus, RetryPolicy},
    event::EventType,
    file::File,
    hub::{Hub, builtin},
    id::{HubId, JobId, OrgId, SubscriptionId},
    job::{Document, Job},
    key::{ApiKey, KeyRecord},
    metadata::Metadata,
    org::Org,
    page::PageRequest,
    subscription::{Health, Subscription, SubscriptionStatus},
};
use engine::{Engine, Settings, client::Policy};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Duration};
use store::{
    Database, Options, Store,
    blobs::{BlobKey, Storage},
    db::PostgresUrl,
    deliveries::DeliveryFilter,
    files::StoredFile,
    jobs::{JobDocument, NewJob},
    orgs::Bootstrap,
    subscriptions::{NewSubscription, SubscriptionChange},
    wake::Topic,
};
use testkit::{clock::FakeClock, postgres, receiver::Receiver};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How far the clock goes at a time while a test waits: some ten times as fast as real time, so that what happens in
/// real time (a commit, a child process) is still quick against leases.
pub const STEP: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            use super::*;
            async fn body($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn sqlite() { body(World::new(Backend::Sqlite).await).await }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn postgres() { body(World::new(Backend::Postgres).await).await }
        }
    )*};
}
pub(crate) use on_both;

pub struct World {
    pub clock: FakeClock,
    pub ctx: Context,
    pub store: Store,
    pub org_id: OrgId,
    pub hubs: Vec<Hub>,
    pub settings: Settings,
    pub engines: Vec<Engine>,
    _folder: tempfile::TempDir,
}

impl World {
    /// A world whose engine is still to be started.
    pub async fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::new();
        let ctx = clock.context(7);
        let database = match backend {
            Backend::Sqlite => Database::Sqlite,
            Backend::Postgres => Database::Postgres(PostgresUrl::new(postgres::database().await)),
        };
        let data_dir = folder.path().to_owned();
        let options =
            Options { data_dir, database, storage: Some(Storage::Memory), sealing_keys: Vec::new() };
        let store = Store::open(options, ctx.clone()).await.unwrap();
        let hubs: Vec<Hub> =
            builtin::all().into_iter().map(|definition| definition.into_hub(ctx.hub_id())).collect();
        let org_id = bootstrap(&store, &ctx, &hubs).await;
        let program = super::worker::program(folder.path());
        let settings = Settings {
            workers: 2,
            policy: Policy { allow_http: true, allowed_networks: vec!["127.0.0.0/8".parse().unwrap()] },
            retry: RetryPolicy { schedule: "1s,1s,2s".parse().unwrap(), jitter: 0.0 },
            ..Settings::new(program, folder.path().join("work"))
        };
        Self { clock, ctx, store, org_id, hubs, settings, engines: Vec::new(), _folder: folder }
    }

    /// Starts an engine with the settings as they are now.
    pub fn start(&mut self) {
        let engine = Engine::start(self.store.clone(), self.settings.clone(), self.ctx.clone()).unwrap();
        self.engines.push(engine);
    }

    pub async fn subscribe(&self, receiver: &Receiver) -> SubscriptionId {
        self.subscribe_to(receiver.url("/hook")).await
    }

    pub async fn subscribe_to(&self, endpoint_url: String) -> SubscriptionId {
        let now = self.ctx.now();
        let subscription = Subscription {
            id: self.ctx.id(),
            status: SubscriptionStatus::Active,
            endpoint_url,
            event_types: EventType::ALL.to_vec(),
            filters: None,
            description: None,
            headers: BTreeMap::from([("X-Tenant".to_owned(), "seven".to_owned())]),
            ordering: None,
            rate_limit: None,
            asymmetric_signature: false,
            disabled_reason: None,
            health: Health::default(),
            created_at: now,
            updated_at: now,
        };
        let id = subscription.id;
        let secret = SECRET.to_owned().into();
        let new = NewSubscription { org_id: self.org_id, subscription, secret, request: None };
        self.store.subscriptions().insert(new, now).await.unwrap();
        id
    }

    pub async fn change(&self, id: SubscriptionId, change: SubscriptionChange) {
        self.store.subscriptions().update(self.org_id, id, change, self.ctx.now()).await.unwrap().unwrap();
        self.store.wake().hint(Topic::Deliveries);
    }

    pub async fn subscription(&self, id: SubscriptionId) -> Subscription {
        self.store.subscriptions().get(self.org_id, id).await.unwrap().unwrap()
    }

    /// Queues a job on these bytes.
    pub async fn submit(&self, bytes: &[u8], hub_id: Option<HubId>) -> JobId {
        self.submit_as("document.pdf", bytes, hub_id, Metadata::new()).await
    }

    pub async fn submit_as(
        &self,
        name: &str,
        bytes: &[u8],
        hub_id: Option<HubId>,
        metadata: Metadata,
    ) -> JobId {
        let stored = StoredFile {
            file: File {
                id: self.ctx.id(),
                name: name.to_owned(),
                mime_type: domain::kind::detect(bytes, name).mime_type().to_owned(),
                size_bytes: bytes.len() as u64,
                created_at: self.ctx.now(),
            },
            sha256: Sha256::digest(bytes).into(),
        };
        let key = BlobKey { org_id: self.org_id, file_id: stored.file.id };
        self.store.blobs().put(key, bytes.to_vec().into()).await.unwrap();
        let document = Document {
            file_id: stored.file.id,
            file_name: name.to_owned(),
            mime_type: Some(stored.file.mime_type.clone()),
            size_bytes: Some(stored.file.size_bytes),
            page_count: None,
        };
        self.queue(document, JobDocument::New(stored), hub_id, metadata).await
    }

    /// Queues a job on a document that is still to be fetched.
    pub async fn submit_url(&self, url: &str) -> JobId {
        let document = Document {
            file_id: self.ctx.id(),
            file_name: "document".to_owned(),
            mime_type: None,
            size_bytes: None,
            page_count: None,
        };
        self.queue(document, JobDocument::Url(url.to_owned()), None, Metadata::new()).await
    }

    /// Queues a job that fails at once, for its event: its document's content is not there.
    pub async fn event(&self) -> JobId {
        let stored = StoredFile {
            file: File {
                id: self.ctx.id(),
                name: "gone.pdf".to_owned(),
                mime_type: "application/pdf".to_owned(),
                size_bytes: 1,
                created_at: self.ctx.now(),
            },
            sha256: self.ctx.random(),
        };
        let document = Document {
            file_id: stored.file.id,
            file_name: "gone.pdf".to_owned(),
            mime_type: None,
            size_bytes: None,
            page_count: None,
        };
        self.queue(document, JobDocument::New(stored), None, Metadata::new()).await
    }

    async fn queue(
        &self,
        document: Document,
        source: JobDocument,
        hub_id: Option<HubId>,
        metadata: Metadata,
    ) -> JobId {
        let now = self.ctx.now();
        let hub = hub_id.map(|id| (id, "the hub asked for".to_owned()));
        let job = Job::queued(self.ctx.id(), document, hub, Some(metadata), now);
        let id = job.id;
        let new = NewJob { org_id: self.org_id, job, document: source, request: None };
        self.store.jobs().insert(new, now).await.unwrap();
        self.store.wake().hint(Topic::Jobs);
        id
    }

    /// Waits for the end of a job while time goes by.
    pub async fn ended(&self, id: JobId) -> Job {
        let ended = async {
            loop {
                let job = self.store.jobs().get(self.org_id, id).await.unwrap().unwrap();
                if job.status.is_terminal() {
                    return job;
                }
                tokio::task::yield_now().await;
            }
        };
        self.clock.drive(STEP, ended).await
    }

    pub async fn deliveries(&self, id: SubscriptionId) -> Vec<Delivery> {
        let page = PageRequest::default();
        self.store.deliveries().list(self.org_id, id, DeliveryFilter::default(), page).await.unwrap().data
    }

    /// Waits until the only delivery of a subscription has this status, while time goes by; its attempts.
    pub async fn delivery(&self, id: SubscriptionId, status: DeliveryStatus) -> (Delivery, Vec<Attempt>) {
        let reached = async {
            loop {
                let deliveries = self.deliveries(id).await;
                if let [delivery] = deliveries.as_slice()
                    && delivery.status == status
                {
                    return delivery.id;
                }
                tokio::task::yield_now().await;
            }
        };
        let delivery_id = self.clock.drive(STEP, reached).await;
        let mut delivery = self.store.deliveries().get(self.org_id, delivery_id).await.unwrap().unwrap();
        let attempts = delivery.attempts.take().unwrap();
        (delivery, attempts)
    }
}

async fn bootstrap(store: &Store, ctx: &Context, hubs: &[Hub]) -> OrgId {
    let default_hub_id = hubs.first().map(|hub| hub.id);
    let org = Org { id: ctx.id(), name: "default".to_owned(), smart_classification: true, default_hub_id };
    let org_id = org.id;
    let key = KeyRecord {
        id: ctx.id(),
        org_id,
        name: "test".to_owned(),
        scopes: Vec::new(),
        created_at: ctx.now(),
        revoked_at: None,
    };
    let key_hash = ApiKey::from_random(ctx.random()).hash();
    let bootstrap = Bootstrap { org, key, key_hash, hubs: hubs.to_vec() };
    assert!(store.orgs().bootstrap(bootstrap, ctx.now()).await.unwrap());
    org_id
}
