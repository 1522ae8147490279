//! What was accepted and what was received, and whether the two add up.

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use testkit::{
    program::Program,
    receiver::{Received, Receiver},
};

/// A failure names no more jobs than this.
const MISSING_NAMED_MAX: usize = 10;

pub const SECRET: &str = "a secret of the crash test";

/// How a document ends; or FAILED, where the server was killed three times while it had the document in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Completed,
    Rejected,
}

/// Jobs that clients were promised, and what the endpoints were told of them.
pub struct Ledger {
    receiver: Arc<Receiver>,
    /// Of the endpoints, each at a path of the receiver.
    paths: Vec<&'static str>,
    jobs: Mutex<BTreeMap<String, Expected>>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// How many of the receiver's requests were looked at.
    requests: usize,
    /// Path and job.
    of: BTreeSet<(String, String)>,
    /// Accepted jobs whose end some endpoint has not heard of. Kept up to date request by request, because every client
    /// asks for their number before every job: counting them anew would take longer the more kills there were.
    open: BTreeSet<String>,
}

impl Ledger {
    pub fn new(receiver: Arc<Receiver>, paths: Vec<&'static str>) -> Self {
        Self { receiver, paths, jobs: Mutex::default(), told: Mutex::default() }
    }

    /// A job that a client was told is accepted.
    pub fn accept(&self, job_id: String, expected: Expected) {
        let earlier = lock(&self.jobs).insert(job_id.clone(), expected);
        assert_eq!(earlier, None, "two submissions were given one job, {job_id}");
        let mut told = lock(&self.told);
        if !self.is_told_everywhere(&told, &job_id) {
            told.open.insert(job_id);
        }
    }

    pub fn accepted(&self) -> usize {
        lock(&self.jobs).len()
    }

    /// Jobs whose end some endpoint has not heard of yet.
    pub fn open(&self) -> usize {
        self.told().open.len()
    }

    /// The first of the jobs whose end some endpoint has not heard of, with its path.
    pub fn missing(&self) -> Vec<(&'static str, String)> {
        let told = self.told();
        let wanted = self.paths.iter().flat_map(|path| told.open.iter().map(move |id| (*path, id.clone())));
        let missing = wanted.filter(|(path, id)| !told.of.contains(&((*path).to_owned(), id.clone())));
        missing.take(MISSING_NAMED_MAX).collect()
    }

    /// Waits until every endpoint has heard of every job's end.
    pub async fn drain(&self) {
        let mut period = tokio::time::interval(Duration::from_millis(250));
        while self.open() > 0 {
            period.tick().await;
        }
    }

    /// With what has come by now.
    fn told(&self) -> MutexGuard<'_, Told> {
        let mut told = lock(&self.told);
        let new = self.receiver.received_after(told.requests);
        told.requests += new.len();
        for request in &new {
            let job_id = job_id(request);
            told.of.insert((request.path.clone(), job_id.clone()));
            if self.is_told_everywhere(&told, &job_id) {
                told.open.remove(&job_id);
            }
        }
        told
    }

    fn is_told_everywhere(&self, told: &Told, job_id: &str) -> bool {
        self.paths.iter().all(|path| told.of.contains(&((*path).to_owned(), job_id.to_owned())))
    }

    /// Compares what was accepted, what the server says, what the endpoints received and what the feeds hold.
    pub async fn audit(&self, node: &Program, subscriptions: &[String]) {
        let jobs = lock(&self.jobs).clone();
        let mut types = BTreeMap::new();
        for (id, expected) in &jobs {
            let job = node.get(&format!("/document-insights/jobs/{id}")).await.expect("the job is there");
            let status = job["status"].as_str().expect("a status");
            let lost = status == "FAILED"
                && job["error"]["message"].as_str().is_some_and(|text| text.contains("lost"));
            match expected {
                Expected::Completed => assert!(status == "COMPLETED" || lost, "{job}"),
                Expected::Rejected => assert!(job["error"]["code"] == "EMPTY_FILE" || lost, "{job}"),
            }
            types.insert(id.clone(), format!("document-insights.job.{}", status.to_lowercase()));
        }
        let accepted = jobs.len() as u64;
        // Events are counted to a bound; that there is none beyond it without a job is what the feeds show.
        let counted = accepted.min(domain::limits::LIST_COUNTED_MAX);
        for (list, total, of) in [
            ("/document-insights/jobs", accepted, "no job but theirs"),
            ("/events", counted, "one event per job"),
        ] {
            let page = node.get(&format!("{list}?size=1")).await.expect("the list is there");
            assert_eq!(page["pageInfo"]["totalItems"].as_u64(), Some(total), "{of}");
        }
        let mut event_of = BTreeMap::new();
        for (subscription, path) in subscriptions.iter().zip(&self.paths) {
            let received = self.receiver.received();
            let requests = received.into_iter().filter(|request| request.path == *path).collect();
            let told = check_requests(requests, &types);
            let feed = read_feed(node, subscription).await;
            let sent: BTreeMap<u64, String> =
                told.iter().map(|(number, request)| (*number, text(&request.body))).collect();
            assert!(feed == sent, "the feed of {subscription} holds something else than was sent");
            // Whoever is told of a job's end is told of the same event.
            for request in told.values() {
                let event_id = request.header("x-plextera-event-id").to_owned();
                assert_eq!(*event_of.entry(job_id(request)).or_insert(event_id.clone()), event_id);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn job_id(received: &Received) -> String {
    received.json()["data"]["jobId"].as_str().unwrap_or_default().to_owned()
}

/// One event per job, the same bytes each time it is told, valid signatures, a sequence without gaps: by which it is
/// given back, the first request of each.
fn check_requests(requests: Vec<Received>, types: &BTreeMap<String, String>) -> BTreeMap<u64, Received> {
    let mut told: BTreeMap<u64, Received> = BTreeMap::new();
    let mut event_of: BTreeMap<String, String> = BTreeMap::new();
    let mut attempts = BTreeSet::new();
    for request in requests {
        let (event_id, job_id) = (request.header("x-plextera-event-id").to_owned(), job_id(&request));
        assert_eq!(request.json()["eventId"], *event_id);
        assert_eq!(
            types.get(&job_id).map(String::as_str),
            Some(request.header("x-plextera-event-type")),
            "{job_id}"
        );
        assert_eq!(
            *event_of.entry(job_id.clone()).or_insert(event_id.clone()),
            event_id,
            "two events of {job_id}"
        );
        let delivery_id = request.header("x-plextera-delivery-id").to_owned();
        assert!(attempts.insert(delivery_id), "an attempt's id was used twice");
        assert_eq!(request.verdict(SECRET), Ok(()), "{event_id}");
        let sequence: u64 = request.header("x-plextera-sequence").parse().expect("a number");
        let first = told.entry(sequence).or_insert_with(|| request.clone());
        assert_eq!(first.header("x-plextera-event-id"), event_id, "two events have the number {sequence}");
        assert_eq!(first.body, request.body, "{event_id} was told differently");
    }
    assert_eq!(event_of.len(), types.len());
    assert!(told.keys().copied().eq(1..=types.len() as u64), "the sequence has gaps or repeats");
    told
}

#[derive(Deserialize)]
struct Feed {
    data: Vec<Entry>,
    next: u64,
}

#[derive(Deserialize)]
struct Entry {
    sequence: u64,
    event: Box<RawValue>,
}

/// All that a subscription's feed holds, byte for byte.
async fn read_feed(node: &Program, subscription: &str) -> BTreeMap<u64, String> {
    let mut events = BTreeMap::new();
    let mut after = 0;
    loop {
        let path = format!("/event-subscriptions/{subscription}/feed?after={after}&waitSeconds=0");
        let answer = node.request(Method::GET, &path).send().await.expect("an answer");
        let feed: Feed = answer.json().await.expect("a feed");
        if feed.data.is_empty() {
            return events;
        }
        assert_eq!(feed.next, feed.data.last().map_or(after, |entry| entry.sequence));
        after = feed.next;
        events.extend(feed.data.into_iter().map(|entry| (entry.sequence, entry.event.get().to_owned())));
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
