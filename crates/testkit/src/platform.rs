//! A whole node in the test's own process: store, API on a loopback port, and the engine where a test wants it.
//!
//! Two of them run side by side without knowing of each other. Time is a [`FakeClock`]; what the engine would find out
//! about a document can also be said by the test itself ([`Platform::complete`], [`Platform::reject`]), so that the API
//! is tested without reading a single document.

mod client;
mod engine;

pub use client::{Answer, Client, Part, form, send};

use crate::{clock::FakeClock, postgres};
use api::{Api, Capability, Settings};
use bytes::Bytes;
use domain::{
    context::Context,
    event,
    extraction::ExtractionOutput,
    hub::builtin,
    id::{EventId, HubId, JobId, OrgId},
    job::{self, Outcome, Rejection},
    key::{ApiKey, KeyRecord, Scope},
    limits,
    org::Org,
};
use std::{net::SocketAddr, sync::Arc};
use store::{
    Database, NodeId, Store,
    blobs::Storage,
    db::PostgresUrl,
    deliveries::Hold,
    jobs::{Begin, Begun, ClaimedJob, NewEvent, Settled, Settlement},
    orgs::Bootstrap,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// See the module. Dropping it stops the node.
pub struct Platform {
    pub clock: FakeClock,
    pub context: Context,
    pub store: Store,
    pub org_id: OrgId,
    /// The hubs that a first start makes, the default one first.
    pub hubs: Vec<HubId>,
    key: ApiKey,
    address: SocketAddr,
    node: NodeId,
    shutdown: CancellationToken,
    engine: engine::Running,
    folder: tempfile::TempDir,
}

impl Platform {
    /// A node that answers requests and does nothing else. Endpoints may be anywhere, over plain http too.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, Settings { allow_http: true, ..settings() }).await
    }

    /// The same with settings of the test's own.
    pub async fn start_with(backend: Backend, settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = FakeClock::new();
        let context = clock.context(1);
        let database = match backend {
            Backend::Sqlite => Database::Sqlite,
            Backend::Postgres => Database::Postgres(PostgresUrl::new(postgres::database().await)),
        };
        let options = store::Options {
            data_dir: folder.path().to_owned(),
            database,
            storage: Some(Storage::Memory),
            sealing_keys: Vec::new(),
        };
        let store = Store::open(options, context.clone()).await.expect("the store opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shutdown = CancellationToken::new();
        let api = Api { store: store.clone(), context: context.clone(), settings: Arc::new(settings) };
        tokio::spawn(api::serve(listener, api::router(api), shutdown.clone()));
        let (org_id, key, hubs) = fill(&store, &context).await;
        let node = NodeId::random(&context);
        Self { clock, context, store, org_id, hubs, key, address, node, shutdown, engine: None, folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with the first organization's key, which has all scopes.
    pub fn client(&self) -> Client {
        Client::new(self.address, Some(self.key.reveal().to_owned()))
    }

    /// A client with this `Authorization` key, or with none.
    pub fn client_with(&self, key: Option<&str>) -> Client {
        Client::new(self.address, key.map(str::to_owned))
    }

    /// A new key of the first organization.
    pub async fn key(&self, scopes: &[Scope]) -> ApiKey {
        self.key_of(self.org_id, scopes).await
    }

    /// A new key of an organization, which need not exist otherwise.
    pub async fn key_of(&self, org_id: OrgId, scopes: &[Scope]) -> ApiKey {
        let key = ApiKey::from_random(self.context.random());
        let record = record(&self.context, org_id, scopes);
        self.store.keys().insert(record, key.hash()).await.expect("the key is stored");
        key
    }

    /// A client of another organization.
    pub async fn stranger(&self) -> Client {
        let org_id = self.context.id();
        let now = self.context.now();
        let org = Org { id: org_id, name: "other".into(), smart_classification: false, default_hub_id: None };
        self.store.orgs().insert(org, now).await.expect("the organization is stored");
        let key = self.key_of(org_id, &Scope::ALL).await;
        self.client_with(Some(key.reveal()))
    }

    /// Does the engine's work on the job that waits longest: begins it in the default hub.
    pub async fn begin(&self) -> ClaimedJob {
        let mut claimed = self.claim().await;
        let begin = Begin {
            lease: claimed.lease,
            org_id: claimed.org_id,
            hub_id: self.hubs[0],
            hub_name: "Invoices".into(),
            hub_version: 1,
            page_count: Some(1),
            language: Some("en".into()),
            sha256: claimed.sha256.unwrap_or([0; 32]),
            reject_duplicates: false,
            marks: Default::default(),
        };
        match self.store.jobs().begin_processing(begin, self.context.now()).await.expect("the job begins") {
            Begun::Processing(job) => claimed.job = *job,
            other => panic!("{other:?}"),
        }
        claimed
    }

    /// Ends the job that waits longest as COMPLETED with this output.
    pub async fn complete(&self, output: &ExtractionOutput) -> JobId {
        let claimed = self.begin().await;
        self.settle(claimed, Outcome::completed(output).expect("an output is JSON")).await
    }

    /// Ends the job that waits longest as REJECTED.
    pub async fn reject(&self, rejection: Rejection) -> JobId {
        let claimed = self.claim().await;
        self.settle(claimed, Outcome::Rejected(rejection, "refused by the test".into())).await
    }

    async fn claim(&self) -> ClaimedJob {
        let now = self.context.now();
        let claimed = self.store.jobs().claim(&self.node, 1, now, limits::JOB_LEASE).await.expect("a claim");
        claimed.into_iter().next().expect("a queued job")
    }

    async fn settle(&self, claimed: ClaimedJob, outcome: Outcome) -> JobId {
        let now = self.context.now();
        let (job, event_type) = job::settle(claimed.job, outcome, now).expect("a legal end");
        let (id, job_id) = (self.context.id::<EventId>(), job.id);
        let body = Bytes::from(event::render_job(id, event_type, &job).expect("a job is JSON"));
        let event = NewEvent { id, event_type, body };
        let settlement = Settlement { lease: claimed.lease, org_id: claimed.org_id, job, event, sheet: None };
        let hold = Hold::new(self.node.clone(), now.plus(limits::DELIVERY_LEASE));
        let settled = self.store.jobs().settle(vec![settlement], hold, now).await.expect("a settlement");
        assert!(matches!(settled.as_slice(), [Settled::Done(_)]), "{settled:?}");
        self.store.wake().hint(store::wake::Topic::Events);
        job_id
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Nothing is refused but what the contract refuses; OCR is said to be there.
pub fn settings() -> Settings {
    Settings { ocr: Arc::new(|| Capability::Present), ..Settings::default() }
}

fn record(context: &Context, org_id: OrgId, scopes: &[Scope]) -> KeyRecord {
    KeyRecord {
        id: context.id(),
        org_id,
        name: "test".into(),
        scopes: scopes.to_vec(),
        created_at: context.now(),
        revoked_at: None,
    }
}

/// What a first start makes: an organization with the built-in hubs and a key with all scopes.
async fn fill(store: &Store, context: &Context) -> (OrgId, ApiKey, Vec<HubId>) {
    let hubs: Vec<_> =
        builtin::all().into_iter().map(|definition| definition.into_hub(context.hub_id())).collect();
    let hub_ids: Vec<HubId> = hubs.iter().map(|hub| hub.id).collect();
    let org = Org {
        id: context.id(),
        name: "default".into(),
        smart_classification: true,
        default_hub_id: hub_ids.first().copied(),
    };
    let org_id = org.id;
    let key = ApiKey::from_random(context.random());
    let record = record(context, org_id, &Scope::ALL);
    let bootstrap = Bootstrap { org, key: record, key_hash: key.hash(), hubs };
    assert!(store.orgs().bootstrap(bootstrap, context.now()).await.expect("a first start"));
    (org_id, key, hub_ids)
}
