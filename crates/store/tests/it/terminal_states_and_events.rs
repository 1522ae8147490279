//! Whatever workers do, in whatever order, with leases stolen from them at any moment: terminal jobs and events belong
//! together one to one, and every subscription's numbers have no gap.

use crate::support::{Fixture, completed, on_both_engines};
use domain::{
    event::{EventType, Resource},
    id::{JobId, SubscriptionId},
    job::{Failure, Job, JobStatus, Outcome},
    limits,
    page::PageRequest,
    subscription::SubscriptionStatus,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use store::{
    events::EventFilter,
    jobs::{Begun, ClaimedJob, JobFilter, Settlement},
    subscriptions::SubscriptionChange,
};

on_both_engines! { terminal_jobs_and_events_are_a_bijection }

#[derive(Debug, Clone)]
enum Step {
    Queue,
    Claim,
    /// Every lease runs out, though its worker goes on.
    StealLeases,
    Begin(usize),
    /// Settles up to three workers' jobs at once.
    Settle(usize, usize, usize),
    Cancel(usize),
    Pause(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Queue),
        4 => Just(Step::Claim),
        2 => Just(Step::StealLeases),
        6 => (0..8usize).prop_map(Step::Begin),
        6 => (0..8usize, 0..8usize, 0..8usize).prop_map(|(a, b, c)| Step::Settle(a, b, c)),
        1 => (0..8usize).prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

async fn terminal_jobs_and_events_are_a_bijection(fixture: Fixture) {
    let subscription = fixture.subscribe(&EventType::ALL).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = prop::collection::vec(step(), 40);
    for _ in 0..6 {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let mut world = World { fixture: &fixture, subscription, workers: Vec::new(), jobs: Vec::new() };
        for step in &steps {
            world.take(step).await;
        }
        check(&fixture, subscription, &steps).await;
    }
}

/// Workers that never notice that they lost their lease.
struct World<'f> {
    fixture: &'f Fixture,
    subscription: SubscriptionId,
    workers: Vec<(ClaimedJob, Job)>,
    jobs: Vec<JobId>,
}

impl World<'_> {
    async fn take(&mut self, step: &Step) {
        let fixture = self.fixture;
        match step {
            Step::Queue => self.jobs.push(fixture.queue(1).await.id),
            Step::Claim => {
                let claimed = fixture.claim(2).await;
                self.workers.extend(claimed.into_iter().map(|claimed| (claimed.clone(), claimed.job)));
            }
            Step::StealLeases => fixture.advance(limits::JOB_LEASE + Duration::from_millis(1)),
            Step::Begin(index) => {
                let Some((claimed, job)) = self.workers.get_mut(*index) else { return };
                let begin = fixture.begin(claimed);
                if let Begun::Processing(now) =
                    fixture.store.jobs().begin_processing(begin, fixture.now()).await.unwrap()
                {
                    *job = *now;
                }
            }
            Step::Settle(a, b, c) => {
                let indexes = BTreeSet::from([a, b, c]);
                let settlements =
                    indexes.into_iter().filter_map(|index| self.workers.get(*index)).map(|it| self.end(it));
                fixture.settle(settlements.collect()).await;
            }
            Step::Cancel(index) => {
                let Some(id) = self.jobs.get(*index) else { return };
                fixture.store.jobs().cancel(fixture.org_id, *id, fixture.now()).await.unwrap();
            }
            Step::Pause(paused) => {
                let status = if *paused { SubscriptionStatus::Paused } else { SubscriptionStatus::Active };
                let change = SubscriptionChange { status: Some(status), ..SubscriptionChange::default() };
                let subscriptions = fixture.store.subscriptions();
                subscriptions.update(fixture.org_id, self.subscription, change, fixture.now()).await.unwrap();
            }
        }
    }

    fn end(&self, (claimed, job): &(ClaimedJob, Job)) -> Settlement {
        let outcome = match job.status {
            JobStatus::Processing => completed(),
            _ => Outcome::Failed(Failure::ProcessingFailed, "gave up".into()),
        };
        self.fixture.settlement(claimed, job.clone(), outcome)
    }
}

async fn check(fixture: &Fixture, subscription: SubscriptionId, steps: &[Step]) {
    let page = |page| PageRequest { page, size: limits::PAGE_SIZE_MAX, ..PageRequest::default() };
    let mut terminal = BTreeMap::new();
    let mut told = BTreeMap::new();
    for number in 0..3 {
        let jobs =
            fixture.store.jobs().list(fixture.org_id, JobFilter::default(), page(number)).await.unwrap();
        terminal.extend(
            jobs.data.into_iter().filter(|job| job.status.is_terminal()).map(|job| (job.id, job.status)),
        );
        let events =
            fixture.store.events().list(fixture.org_id, EventFilter::default(), page(number)).await.unwrap();
        for event in events.data {
            let status = match event.event_type {
                EventType::JobCompleted => JobStatus::Completed,
                EventType::JobFailed => JobStatus::Failed,
                other => panic!("{other}"),
            };
            assert_eq!(
                told.insert(event.resource.and_then(Resource::job_id).unwrap(), status),
                None,
                "two events for one job after {steps:?}"
            );
        }
    }
    assert_eq!(terminal, told, "after {steps:?}");
    let feed = fixture.store.events().feed(fixture.org_id, subscription, 0, 1000).await.unwrap();
    let numbers: Vec<u64> = feed.iter().map(|item| item.sequence).collect();
    let expected: Vec<u64> = (1..=told.len() as u64).collect();
    assert_eq!(numbers, expected, "after {steps:?}");
}
