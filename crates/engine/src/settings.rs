//! What the operator chooses about the engine.

use crate::{
    SecondReader,
    client::{Lookup, Policy, SystemLookup},
};
use domain::{delivery::RetryPolicy, limits};
use insights::read::Limits;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Settings with the defaults of the product. Only `program` and `directory` have none.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This program: started again as `program worker` to read documents.
    pub program: PathBuf,
    /// Where documents lie while they are worked on.
    pub directory: PathBuf,
    /// Documents read at a time, each in a process of its own.
    pub workers: usize,
    /// Address space of each of those processes.
    pub worker_memory_bytes: u64,
    /// What a document may cost.
    pub document: Limits,
    /// Whether an invoice attached to a document as data is a source of values.
    pub embedded_data: bool,
    /// Who reads each document a second time; nobody where it is absent.
    pub second_reader: Option<SecondReader>,
    /// Which endpoints and document URLs may be dialled.
    pub policy: Policy,
    /// Where names of endpoints and documents are looked up. What it answers is checked all the same.
    pub lookup: Arc<dyn Lookup>,
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// Deliveries that the replays of one subscription put in line in a second.
    pub replay_per_second: u32,
    /// How long deliveries that have ended and events are kept, and how many deliveries of each subscription.
    pub delivery_kept: Duration,
    pub delivery_kept_count: u64,
    /// How long a key pair signs deliveries until the next takes its place; for ever where it is absent.
    pub signing_key_period: Option<Duration>,
    /// Waiting deliveries that are worth a warning.
    pub backlog_warning: u64,
    /// Of an attempt, to the end of the answer.
    pub delivery_timeout: Duration,
    pub job_lease: Duration,
    /// At least; it is longer where the timeout asks for that.
    pub delivery_lease: Duration,
    /// How long a lost hint can delay anything.
    pub period: Duration,
    /// How long work under way may go on after [`crate::Engine::shutdown`] was called.
    pub shutdown_grace: Duration,
}

impl Settings {
    pub fn new(program: PathBuf, directory: PathBuf) -> Self {
        Self {
            program,
            directory,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            worker_memory_bytes: limits::WORKER_MEMORY_BYTES_MAX,
            document: Limits::default(),
            embedded_data: true,
            second_reader: None,
            policy: Policy::default(),
            lookup: Arc::new(SystemLookup),
            retry: RetryPolicy::default(),
            replay_per_second: limits::REPLAY_PER_SECOND,
            delivery_kept: limits::DELIVERY_KEPT,
            delivery_kept_count: limits::DELIVERY_KEPT_COUNT,
            signing_key_period: Some(limits::SIGNING_KEY_PERIOD),
            backlog_warning: limits::DELIVERY_BACKLOG_WARNING,
            delivery_timeout: limits::DELIVERY_TIMEOUT,
            job_lease: limits::JOB_LEASE,
            delivery_lease: limits::DELIVERY_LEASE,
            period: Duration::from_secs(1),
            shutdown_grace: Duration::from_secs(10),
        }
    }

    /// Of deliveries: long enough that two attempts at one never overlap, whatever the timeout is set to.
    pub(crate) fn effective_delivery_lease(&self) -> Duration {
        self.delivery_lease.max(self.delivery_timeout * 3)
    }
}
