//! What was accepted and what was received, and whether the two add up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use testkit::{
    program::Program,
    receiver::{Received, Receiver},
};

pub const SECRET: &str = "a secret of the crash test";

/// How a document ends; or FAILED, where the server was killed three times while it had the document in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Completed,
    Rejected,
}

#[derive(Default)]
pub struct Ledger {
    jobs: Mutex<BTreeMap<String, Expected>>,
}

impl Ledger {
    /// A job that a client was told is accepted.
    pub fn accept(&self, job_id: String, expected: Expected) {
        let earlier = self.jobs().insert(job_id.clone(), expected);
        assert_eq!(earlier, None, "two submissions were given one job, {job_id}");
    }

    pub fn accepted(&self) -> usize {
        self.jobs().len()
    }

    /// Jobs whose end the endpoint has not heard of.
    pub fn missing(&self, receiver: &Receiver) -> Vec<String> {
        let told: BTreeSet<String> = receiver.received().iter().map(job_id).collect();
        self.jobs().keys().filter(|id| !told.contains(*id)).cloned().collect()
    }

    /// Waits until the endpoint has heard of every job's end.
    pub async fn drain(&self, receiver: &Receiver) {
        let mut period = tokio::time::interval(Duration::from_millis(250));
        while !self.missing(receiver).is_empty() {
            period.tick().await;
        }
    }

    /// Compares what was accepted, what the server says and what the endpoint received.
    pub async fn audit(&self, receiver: &Receiver, node: &Program) {
        let jobs = self.jobs().clone();
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
        for (list, of) in [("/document-insights/jobs", "no job but theirs"), ("/events", "one event per job")]
        {
            let page = node.get(&format!("{list}?size=1")).await.expect("the list is there");
            assert_eq!(page["pageInfo"]["totalItems"].as_u64(), Some(jobs.len() as u64), "{of}");
        }
        check_requests(&receiver.received(), &types);
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Expected>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job_id(received: &Received) -> String {
    received.json()["data"]["jobId"].as_str().unwrap_or_default().to_owned()
}

/// One event per job, the same bytes each time it is told, a sequence without gaps, valid signatures.
fn check_requests(requests: &[Received], types: &BTreeMap<String, String>) {
    let mut events: BTreeMap<&str, (&[u8], &str)> = BTreeMap::new();
    let mut event_of: BTreeMap<String, &str> = BTreeMap::new();
    let mut attempts = BTreeSet::new();
    for request in requests {
        let (event_id, job_id) = (request.header("x-plextera-event-id"), job_id(request));
        assert_eq!(request.json()["eventId"], event_id);
        assert_eq!(
            types.get(&job_id).map(String::as_str),
            Some(request.header("x-plextera-event-type")),
            "{job_id}"
        );
        assert_eq!(*event_of.entry(job_id.clone()).or_insert(event_id), event_id, "two events of {job_id}");
        let told = (&request.body[..], request.header("x-plextera-sequence"));
        assert_eq!(*events.entry(event_id).or_insert(told), told, "{event_id} was told differently");
        assert!(attempts.insert(request.header("x-plextera-delivery-id")), "an attempt's id was used twice");
        assert_eq!(request.verdict(SECRET), Ok(()), "{event_id}");
    }
    assert_eq!(event_of.len(), types.len());
    let mut sequence: Vec<usize> =
        events.values().map(|(_, number)| number.parse().expect("a number")).collect();
    sequence.sort_unstable();
    assert!(sequence.iter().copied().eq(1..=types.len()), "the sequence has gaps or repeats");
}
