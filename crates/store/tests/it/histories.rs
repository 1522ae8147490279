//! Random histories of two nodes on the real store: claims, settlements, attempts, renewals, redeliveries, deaths, and
//! time that goes by in between. The rules are those of the model in `domain/tests/leases`, which tries every history of
//! a world that is smaller and made up; here the world is the real one, and the histories are some.

use crate::support::{Fixture, completed, on_both_engines};
use domain::{
    delivery::{Answer, Attempt, DeliveryStatus, RetryPolicy},
    event::{EventType, Resource},
    id::{DeliveryId, JobId, SubscriptionId},
    limits,
    page::PageRequest,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use store::{
    NodeId,
    deliveries::{
        ClaimLimits, DeliveryFilter, DeliveryLease, DueDelivery, FinishedAttempt, Hold, Recorded, Redelivered,
    },
    jobs::{ClaimedJob, Settled},
};

on_both_engines! { no_history_loses_or_repeats_anything }

const HISTORIES: usize = 6;
const STEPS: usize = 70;
/// More than a page of a list would make the last check miss some.
const JOBS_MAX: usize = 8;

/// A process: what it has in memory goes with it.
struct Node {
    id: NodeId,
    jobs: Vec<ClaimedJob>,
    deliveries: Vec<DueDelivery>,
}

struct World<'f> {
    fixture: &'f Fixture,
    subscription: SubscriptionId,
    nodes: [Node; 2],
    submitted: Vec<JobId>,
    settled: BTreeSet<JobId>,
    /// Leases under which an attempt was recorded.
    recorded: BTreeSet<(DeliveryId, u32)>,
    /// Attempts that count, per delivery.
    attempts: BTreeMap<DeliveryId, u32>,
}

async fn no_history_loses_or_repeats_anything(fixture: Fixture) {
    for _ in 0..HISTORIES {
        let subscription = fixture.subscribe(&[EventType::JobCompleted]).await;
        let mut world = World::new(&fixture, subscription);
        for _ in 0..STEPS {
            world.step().await;
        }
        world.finish().await;
        world.check().await;
        fixture.store.subscriptions().delete(fixture.org_id, subscription, fixture.now()).await.unwrap();
    }
}

impl<'f> World<'f> {
    fn new(fixture: &'f Fixture, subscription: SubscriptionId) -> Self {
        let nodes = [(); 2].map(|()| new_node(fixture));
        let (submitted, settled, recorded, attempts) = Default::default();
        Self { fixture, subscription, nodes, submitted, settled, recorded, attempts }
    }

    fn below(&self, limit: usize) -> usize {
        (self.fixture.ctx.unit() * limit as f64) as usize
    }

    async fn step(&mut self) {
        let node = self.below(2);
        match self.below(16) {
            0 | 1 if self.submitted.len() < JOBS_MAX => {
                let content = u8::try_from(self.submitted.len()).unwrap();
                self.submitted.push(self.fixture.queue(content).await.id);
            }
            0..=3 => self.claim_job(node).await,
            4..=6 => self.settle(node).await,
            7 | 8 => self.claim_deliveries(node).await,
            9..=11 => {
                let success = self.below(3) > 0;
                self.record(node, success).await;
            }
            12 => self.fixture.advance(Duration::from_secs(self.below(20) as u64)),
            // Longer than any lease: whoever is not dead is late.
            13 => self.fixture.advance(Duration::from_secs(31)),
            14 => self.nodes[node] = new_node(self.fixture),
            _ => self.renew_or_redeliver(node).await,
        }
    }

    fn hold(&self, node: usize) -> Hold {
        Hold::new(self.nodes[node].id.clone(), self.fixture.now().plus(limits::DELIVERY_LEASE))
    }

    async fn claim_job(&mut self, node: usize) {
        let (jobs, now) = (self.fixture.store.jobs(), self.fixture.now());
        let claimed = jobs.claim(&self.nodes[node].id, 2, now, limits::JOB_LEASE).await.unwrap();
        self.nodes[node].jobs.extend(claimed);
    }

    async fn settle(&mut self, node: usize) {
        let Some(claimed) = self.nodes[node].jobs.pop() else { return };
        let (jobs, now) = (self.fixture.store.jobs(), self.fixture.now());
        let begun = jobs.begin_processing(self.fixture.begin(&claimed), now);
        let store::jobs::Begun::Processing(job) = begun.await.unwrap() else { return };
        let settlement = self.fixture.settlement(&claimed, *job, completed());
        let settle = jobs.settle(vec![settlement], self.hold(node), now);
        if let Settled::Done(due) = settle.await.unwrap().remove(0) {
            let id = claimed.lease.job_id;
            assert!(self.settled.insert(id), "{id} ended twice");
            // Memory is full at times, and the row waits for the poller.
            if self.below(4) > 0 {
                self.nodes[node].deliveries.extend(due);
            }
        }
    }

    async fn claim_deliveries(&mut self, node: usize) {
        let claim_limits = ClaimLimits { total: 3, per_subscription: 3, room: Default::default() };
        let (hold, now) = (self.hold(node), self.fixture.now());
        let due = self.fixture.store.deliveries().claim_due(hold, claim_limits, now).await.unwrap();
        self.nodes[node].deliveries.extend(due);
    }

    /// An attempt ends, however long after its claim.
    async fn record(&mut self, node: usize, success: bool) {
        let Some(due) = self.nodes[node].deliveries.pop() else { return };
        let DeliveryLease { delivery_id, fence } = due.lease;
        let now = self.fixture.now();
        let answer = Answer { status_code: Some(if success { 200 } else { 500 }), retry_after: None };
        let attempt = Attempt {
            id: self.fixture.ctx.id(),
            number: due.attempt_count + 1,
            started_at: now,
            duration_ms: 1,
            status_code: answer.status_code,
            error: None,
            blame: None,
            response_body: None,
        };
        let finished = FinishedAttempt { lease: due.lease, attempt, answer, unit: 0.5 };
        let policy = RetryPolicy { schedule: ["1s"; 50].join(",").parse().unwrap(), jitter: 0.0 };
        let deliveries = self.fixture.store.deliveries();
        let recorded = deliveries.record(vec![finished], policy, now).await.unwrap();
        if let [Recorded::Done(_)] = recorded.as_slice() {
            assert!(self.recorded.insert((delivery_id, fence)), "two attempts under one lease");
            *self.attempts.entry(delivery_id).or_default() += 1;
        }
    }

    async fn renew_or_redeliver(&mut self, node: usize) {
        if self.below(2) == 0 {
            self.fixture.store.deliveries().renew(self.hold(node)).await.unwrap();
            return;
        }
        let listed = self.deliveries().await;
        if listed.is_empty() {
            return;
        }
        let chosen = listed[self.below(listed.len())].event_id;
        let (deliveries, org_id, now) =
            (self.fixture.store.deliveries(), self.fixture.org_id, self.fixture.now());
        let again = deliveries.redeliver(org_id, chosen, Some(self.subscription), now);
        assert!(matches!(again.await.unwrap(), Redelivered::Done(_)));
    }

    /// One node goes on alone, and nothing goes wrong any more.
    async fn finish(&mut self) {
        self.nodes = [(); 2].map(|()| new_node(self.fixture));
        loop {
            self.fixture.advance(Duration::from_secs(31));
            self.claim_job(0).await;
            while !self.nodes[0].jobs.is_empty() {
                self.settle(0).await;
            }
            self.claim_deliveries(0).await;
            while !self.nodes[0].deliveries.is_empty() {
                self.record(0, true).await;
            }
            let all = self.deliveries().await;
            let delivered = all.iter().all(|one| one.status == DeliveryStatus::Delivered);
            if delivered && self.settled.len() == self.submitted.len() {
                return;
            }
        }
    }

    async fn check(&self) {
        let store = &self.fixture.store;
        let all = self.deliveries().await;
        let mut numbers: Vec<u64> = all.iter().filter_map(|delivery| delivery.sequence).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=self.submitted.len() as u64), "{all:?}");
        let mut told = BTreeSet::new();
        for delivery in &all {
            let event = store.events().get(self.fixture.org_id, delivery.event_id).await.unwrap().unwrap();
            let job_id = event.resource.and_then(Resource::job_id).unwrap();
            assert!(told.insert(job_id), "a job has two events");
            let kept = store.deliveries().get(self.fixture.org_id, delivery.id).await.unwrap().unwrap();
            let kept: Vec<u32> = kept.attempts.unwrap().iter().map(|attempt| attempt.number).collect();
            assert!(kept.iter().copied().eq(1..=self.attempts[&delivery.id]), "{kept:?}");
        }
        assert!(told.iter().copied().eq(self.submitted.iter().copied().collect::<BTreeSet<_>>()));
    }

    async fn deliveries(&self) -> Vec<domain::delivery::Delivery> {
        let (filter, page) = (DeliveryFilter::default(), PageRequest::default());
        let deliveries = self.fixture.store.deliveries();
        deliveries.list(self.fixture.org_id, self.subscription, filter, page).await.unwrap().data
    }
}

fn new_node(fixture: &Fixture) -> Node {
    Node { id: NodeId::random(&fixture.ctx), jobs: Vec::new(), deliveries: Vec::new() }
}
